//! Where a command leaves what it made: a file, written beside its place and renamed, or standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::trouble::trouble;

/// Where to.
#[derive(Debug)]
pub enum Place<'p> {
    /// Standard output.
    Output,
    /// A file.
    File(&'p Path),
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands there.
    Written,
    /// Something stands there that must not be replaced.
    IsThere,
}

impl<'p> Place<'p> {
    /// A file of that name; without one, and for `-`, standard output.
    pub fn of(path: Option<&'p Path>) -> Self {
        path.filter(|path| *path != Path::new("-")).map_or(Self::Output, Self::File)
    }

    /// Its name, as it was given; empty for standard output.
    pub fn name(&self) -> String {
        match self {
            Self::Output => String::new(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Has `fill` write what is to be kept. Either all of it stands there afterwards, or what stood there before.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(
        &self,
        replaces: bool,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<Kept> {
        let Self::File(path) = self else { return to_output(fill) };
        let cannot = |error| trouble(format_args!("cannot write {}", path.display()), &error);
        match fs::metadata(path) {
            // A pipe or a device is written to as it is: there is nothing to replace.
            Ok(there) if !there.is_file() && !there.is_dir() => {
                let out = File::options().write(true).open(path).map_err(cannot)?;
                finish(path, out, fill).map_err(cannot)?;
                return Ok(Kept::Written);
            }
            Ok(there) if there.is_dir() => return Err(cannot(ErrorKind::IsADirectory.into())),
            Ok(_) if !replaces => return Ok(Kept::IsThere),
            _ => {}
        }
        // Of a link what it leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let beside = beside(&path);
        let written = File::create_new(&beside).and_then(|out| finish(&path, out, fill));
        if let Err(error) = written.and_then(|()| fs::rename(&beside, &path)) {
            // What could not be made may not be there either.
            let _ = fs::remove_file(&beside);
            return Err(cannot(error));
        }
        Ok(Kept::Written)
    }
}

/// A name beside a file's, of this process alone.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn finish(path: &Path, out: File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut encoder = GzEncoder::new(out, Compression::default());
        fill(&mut encoder)?;
        encoder.finish()?.flush()
    } else {
        fill(&mut out)?;
        out.flush()
    }
}

fn to_output(fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<Kept> {
    let mut out = BufWriter::new(io::stdout().lock());
    match fill(&mut out).and_then(|()| out.flush()) {
        // Its reader has gone away (`| head`): nobody would hear the rest.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.map(|()| Kept::Written).map_err(|error| trouble("cannot print the result", &error)),
    }
}
