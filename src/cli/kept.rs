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
        if !replaces && fs::metadata(path).is_ok_and(|there| there.is_file()) {
            return Ok(Kept::IsThere);
        }
        Beside::create(path)?.put(fill)?;
        Ok(Kept::Written)
    }
}

/// A file beside its place: what will stand there is not known yet, and that it can stand there is. It vanishes unless
/// it is put in its place.
#[derive(Debug)]
pub struct Beside {
    /// Its name, as it was given.
    name: PathBuf,
    /// Where it is to stand.
    path: PathBuf,
    /// Where it is made; `None` of what is no file.
    beside: Option<PathBuf>,
    out: Option<File>,
}

impl Beside {
    /// Creates it.
    ///
    /// # Errors
    /// There can be no such file.
    pub fn create(name: &Path) -> anyhow::Result<Self> {
        Self::made(name).map_err(|error| cannot(name, &error))
    }

    fn made(name: &Path) -> io::Result<Self> {
        // Of a link what it leads to is replaced, not the link.
        let path = fs::canonicalize(name).unwrap_or_else(|_| name.to_path_buf());
        let beside = match fs::metadata(&path) {
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            // A pipe or a device is written to as it is: there is nothing to replace.
            Ok(there) if !there.is_file() => None,
            _ => Some(beside(&path)),
        };
        let out = match &beside {
            Some(beside) => File::create_new(beside)?,
            None => File::options().write(true).open(&path)?,
        };
        Ok(Self { name: name.to_path_buf(), path, beside, out: Some(out) })
    }

    /// Has `fill` write what is to stand there, and puts it there.
    ///
    /// # Errors
    /// It cannot be written: what stood there before still does.
    pub fn put(mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let written = finish(&self.path, out, fill);
        let put = written.and_then(|()| match &self.beside {
            Some(beside) => fs::rename(beside, &self.path),
            None => Ok(()),
        });
        put.map_err(|error| cannot(&self.name, &error))?;
        self.beside = None;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Its folder may be gone.
            let _ = fs::remove_file(beside);
        }
    }
}

fn cannot(name: &Path, error: &io::Error) -> anyhow::Error {
    trouble(format_args!("cannot write {}", name.display()), error)
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
