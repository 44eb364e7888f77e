//! The file that a command reads a trace from: one with a name, or standard input, kept so that it can be read twice.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::face;
use super::trouble::trouble;
use crate::trace::file::{Entries, Unreadable};

/// A trace before it is read.
pub struct Source {
    /// What is to be done with it, in a word.
    verb: &'static str,
    from: From,
}

enum From {
    File(PathBuf),
    /// What came on standard input, compressed.
    Input(Vec<u8>),
}

impl Source {
    /// Of that name; `-` is standard input, which is read to its end.
    ///
    /// # Errors
    /// Standard input could not be read.
    pub fn open(path: &Path, verb: &'static str) -> anyhow::Result<Self> {
        if path != Path::new("-") {
            return Ok(Self { verb, from: From::File(path.to_owned()) });
        }
        let kept = keep(io::stdin().lock());
        let kept = kept.map_err(|error| trouble(format_args!("cannot {verb} standard input"), &error))?;
        Ok(Self { verb, from: From::Input(kept) })
    }

    /// Its bytes, from the beginning.
    ///
    /// # Errors
    /// The file could not be opened.
    pub fn input(&self) -> anyhow::Result<Box<dyn BufRead + '_>> {
        Ok(match &self.from {
            From::Input(bytes) => Box::new(bytes.as_slice()),
            From::File(path) => {
                let file = File::open(path).map_err(|error| trouble(self.cannot(), &error))?;
                Box::new(BufReader::new(file))
            }
        })
    }

    /// Its entries, from the beginning.
    ///
    /// # Errors
    /// It is no trace.
    pub fn entries(&self) -> anyhow::Result<Entries<'_>> {
        Entries::begin(self.input()?).map_err(|unreadable| self.trouble(unreadable))
    }

    /// Why it is no trace.
    pub fn trouble(&self, unreadable: Unreadable) -> anyhow::Error {
        match unreadable {
            Unreadable::File(error) => trouble(self.cannot(), &error),
            other => anyhow::Error::new(other).context(self.cannot()),
        }
    }

    /// Says what of it is missing.
    pub fn warn_of(&self, damage: Option<&str>, has_run_without_end: bool) {
        let name = self.name();
        if let Some(damage) = damage {
            face::warn(&format!("{name} is damaged at {damage}; what comes before it is taken"));
        } else if has_run_without_end {
            face::warn(&format!(
                "{name} has a run without an end: it was cut off, or is still being recorded"
            ));
        }
    }

    fn cannot(&self) -> String {
        format!("cannot {} {}", self.verb, self.name())
    }

    fn name(&self) -> String {
        match &self.from {
            From::File(path) => path.display().to_string(),
            From::Input(_) => "standard input".to_owned(),
        }
    }
}

/// A stream in memory. A trace takes a tenth of its room when it is compressed.
fn keep(mut input: impl BufRead) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if input.fill_buf()?.starts_with(&crate::trace::file::GZIP) {
        input.read_to_end(&mut kept)?;
        return Ok(kept);
    }
    let mut encoder = GzEncoder::new(kept, Compression::fast());
    io::copy(&mut input, &mut encoder)?;
    encoder.flush()?;
    encoder.finish()
}
