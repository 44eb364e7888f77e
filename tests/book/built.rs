//! Building a book, with everything that mdBook complains about.

use std::fmt::{Debug, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use mdbook_driver::MDBook;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A built book.
pub struct Built {
    /// Its pages.
    pub pages: PathBuf,
    /// The frame that it was made of.
    pub source: PathBuf,
}

/// The book of this repository, built once for all tests.
pub fn book() -> &'static Built {
    static BOOK: OnceLock<Built> = OnceLock::new();
    BOOK.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
        let _ = fs::remove_dir_all(&folder);
        build(&repository().join("book"), &folder).unwrap_or_else(|why| panic!("{why}"));
        Built { pages: folder, source: repository().join("book/src") }
    })
}

/// Builds the book in `from`, with the program that this test was built with.
///
/// # Errors
/// Why it could not be built, or what mdBook warned of.
pub fn build(from: &Path, to: &Path) -> Result<(), String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let result = tracing::subscriber::with_default(Ear(Arc::clone(&heard)), || {
        let mut book = MDBook::load(from)?;
        book.config.build.build_dir = to.to_path_buf();
        book.config.set("preprocessor.iolab.command", concat!(env!("CARGO_BIN_EXE_iolab"), " book"))?;
        // The preprocessors were made from the configuration as it was on disk.
        let config = book.config.clone();
        MDBook::load_with_config(from, config)?.build()
    });
    let heard = heard.lock().unwrap().join("\n");
    match result {
        Err(error) => Err(format!("{error:#}\n{heard}")),
        Ok(()) if heard.is_empty() => Ok(()),
        Ok(()) => Err(heard),
    }
}

/// Hears warnings and errors.
struct Ear(Arc<Mutex<Vec<String>>>);

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words(format!("{}", event.metadata().level()));
        event.record(&mut words);
        self.0.lock().unwrap().push(words.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {value:?}");
    }
}
