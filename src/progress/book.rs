//! The journal as a file: JSON lines, only ever added to.
//!
//! `$IOLAB_STATE_DIR/progress.jsonl`, else `$XDG_STATE_HOME/iolab/progress.jsonl`, else
//! `~/.local/state/iolab/progress.jsonl`.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Entry, Event, ExerciseEntry, ExerciseEvent, Progress};

/// The file in its folder.
const NAME: &str = "progress.jsonl";

/// A journal longer than this is read up to here only: some hundred thousand lines, years of lessons.
const READ_BYTES_MAX: u64 = 32 << 20;

/// Everything that is known of the learner's progress, and the file it is kept in.
#[derive(Debug)]
pub struct Book {
    progress: Progress,
    pages: Pages,
    /// Whether the file's last line has no end, so that the next must begin with one.
    torn: bool,
    /// Why nothing is kept, until somebody was told.
    trouble: Option<String>,
    /// The same, for good.
    not_kept: Option<String>,
}

/// Where lines go.
#[derive(Debug)]
enum Pages {
    /// To a file in this folder; both are made with the first line.
    In(PathBuf),
    /// To this file.
    Open(File),
    /// Nowhere: they cannot be kept.
    None,
}

impl Book {
    /// The learner's book, as the environment says where it is. Never fails: what cannot be kept is
    /// [`trouble`](Self::trouble).
    pub fn open() -> Self {
        match folder(|name| std::env::var_os(name)) {
            Some(folder) => Self::in_folder(folder),
            None => Self {
                progress: Progress::default(),
                pages: Pages::None,
                torn: false,
                not_kept: None,
                trouble: Some(not_kept("neither XDG_STATE_HOME nor HOME says where")),
            },
        }
    }

    /// A book that is kept nowhere.
    pub fn blank() -> Self {
        Self { progress: Progress::default(), pages: Pages::None, torn: false, trouble: None, not_kept: None }
    }

    /// The book in a folder, which is made with the first line if need be.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let path = folder.join(NAME);
        match read(&path) {
            Ok((progress, torn)) => {
                Self { progress, pages: Pages::In(folder), torn, trouble: None, not_kept: None }
            }
            Err(error) => {
                let is_new = error.kind() == io::ErrorKind::NotFound;
                Self {
                    progress: Progress::default(),
                    pages: if is_new { Pages::In(folder) } else { Pages::None },
                    torn: false,
                    not_kept: None,
                    trouble: (!is_new).then(|| not_kept(&format!("{}: {error}", path.display()))),
                }
            }
        }
    }

    /// What is known.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Why nothing is kept, in a sentence; said once.
    pub fn trouble(&mut self) -> Option<String> {
        if self.trouble.is_some() {
            self.not_kept.clone_from(&self.trouble);
        }
        self.trouble.take()
    }

    /// The same as long as it is so, once it was said.
    pub fn not_kept(&self) -> Option<&str> {
        self.not_kept.as_deref()
    }

    /// Takes notice of an event and writes it down at once, so that whatever ends this process loses nothing.
    pub fn note(&mut self, lesson: &str, event: Event) {
        let entry = Entry { unix_ms: now_unix_ms(), lesson: lesson.to_owned(), event: event.clone() };
        self.keep(entry.line());
        self.progress.take(lesson, event);
    }

    /// The same for an event of an exercise.
    pub fn note_exercise(&mut self, exercise: &str, event: ExerciseEvent) {
        let entry =
            ExerciseEntry { unix_ms: now_unix_ms(), exercise: exercise.to_owned(), event: event.clone() };
        self.keep(entry.line());
        self.progress.take_exercise(exercise, event);
    }

    fn keep(&mut self, line: serde_json::Result<String>) {
        let written = line.map_err(|error| error.to_string()).and_then(|line| self.write(&line));
        if let Err(why) = written {
            // A full disk stays full: it is said once, and the session goes on without.
            (self.pages, self.trouble) = (Pages::None, Some(not_kept(&why)));
        }
    }

    /// One write(2) with O_APPEND a line: the kernel finds the end and writes under one lock (of local file
    /// systems), so that two sessions at once do not tear each other's lines.
    fn write(&mut self, text: &str) -> Result<(), String> {
        if let Pages::In(folder) = &self.pages {
            let made = make(folder).map_err(|error| format!("{}: {error}", folder.join(NAME).display()))?;
            self.pages = Pages::Open(made);
        }
        let Pages::Open(file) = &mut self.pages else { return Ok(()) };
        let mut line = if self.torn { "\n".to_owned() } else { String::new() };
        line += text;
        let written = loop {
            match file.write(line.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result.map_err(|error| error.to_string())?,
            }
        };
        if written < line.len() {
            return Err("a line was written in part only".into());
        }
        self.torn = false;
        Ok(())
    }
}

/// The folder, from variables; the specification of base directories has empty and relative ones ignored.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name: &str| set(name).filter(|path| path.is_absolute());
    set("IOLAB_STATE_DIR")
        .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("iolab")))
        .or_else(|| Some(absolute("HOME")?.join(".local/state/iolab")))
}

fn make(folder: &Path) -> io::Result<File> {
    // 0700: what the specification asks for, and nobody else's business.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(NAME))
}

/// What a journal says, and whether its last line has no end.
fn read(path: &Path) -> io::Result<(Progress, bool)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
    let torn = bytes.last().is_some_and(|last| *last != b'\n');
    // A byte that is no UTF-8 damages its own line only.
    Ok((Progress::of(&String::from_utf8_lossy(&bytes)), torn))
}

fn not_kept(why: &str) -> String {
    format!("progress is not kept; IOLAB_STATE_DIR=DIR names a folder for it: {why}")
}

#[expect(clippy::disallowed_methods, reason = "an edge: a journal says when; nothing is computed from it")]
fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_first_that_is_named() {
        let with = |set: &[(&str, &str)]| {
            folder(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.local/state/iolab".into()));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Some("/s/iolab".into()));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")]), Some("/h/.local/state/iolab".into()));
        assert_eq!(with(&[("HOME", "/h"), ("IOLAB_STATE_DIR", "here")]), Some("here".into()));
        assert_eq!(with(&[("HOME", "")]), None);
    }
}
