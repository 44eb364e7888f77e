//! Writing files so that whatever ends this program leaves the old text or the new one, never half of one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::exercise::trouble::Trouble;

/// Backups of one name; who has more does not look at them.
const BACKUPS_MAX: u32 = 10_000;

/// Writes a file that is not there yet, with its folders; whether it was written.
pub fn write_new(path: &Path, text: &str) -> Result<bool, Trouble> {
    make_folder(path.parent().unwrap_or(path))?;
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    replace(path, text)?;
    Ok(true)
}

/// Puts a text in the place of what a file holds: written beside it, then renamed (rename(2) is one step).
pub fn replace(path: &Path, text: &str) -> Result<(), Trouble> {
    let failed = |error: io::Error| not_written(path, &error);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.iolab-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&beside).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(path).map_err(|error| not_written(path, &error))
}

/// The text of a file; `None` where there is none.
pub fn read(path: &Path) -> Result<Option<String>, Trouble> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(not_read(path, &error)),
    }
}

/// Copies a file or a folder to `NAME.bak-N`, with the first N that is free, and says where that is.
pub fn back_up(path: &Path) -> Result<PathBuf, Trouble> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = |number| path.with_file_name(format!("{name}.bak-{number}"));
    let free = (1..BACKUPS_MAX).map(numbered).find(|backup| fs::symlink_metadata(backup).is_err());
    let backup = free.ok_or_else(|| {
        Trouble::deed(
            format!("there are {BACKUPS_MAX} backups of {}", path.display()),
            "nothing is taken away without one",
            "move the old ones elsewhere",
        )
    })?;
    // Under a name of its own until it is whole: a copy that was cut off must not look like a backup.
    let partial = path.with_file_name(format!(".{name}.bak.iolab-{}", std::process::id()));
    let copied = copy(path, &partial).and_then(|()| fs::rename(&partial, &backup));
    if let Err(error) = copied {
        let _ = fs::remove_dir_all(&partial);
        return Err(not_written(&backup, &error));
    }
    Ok(backup)
}

/// Links are copied as links: what they lead to is not in the learner's folder.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            // Built things can be built again.
            if entry.file_name() != "target" {
                copy(&entry.path(), &to.join(entry.file_name()))?;
            }
        }
        Ok(())
    } else if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else if kind.is_file() {
        fs::copy(from, to).map(|_| ())
    } else {
        Ok(())
    }
}

/// A file that could not be written.
pub fn not_written(path: &Path, error: &io::Error) -> Trouble {
    let next = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "a folder that is yours",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "making room, or another folder",
        _ => "another folder",
    };
    Trouble::deed(
        format!("cannot write {}: {}", path.display(), told(error)),
        "the exercises are files that you edit",
        next,
    )
}

/// A file that could not be read.
pub fn not_read(path: &Path, error: &io::Error) -> Trouble {
    Trouble::deed(
        format!("cannot read {}: {}", path.display(), told(error)),
        "",
        "looking at its permissions",
    )
}

/// An error with its errno's name.
pub fn told(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(raw) => {
            let errno = Errno::from_raw(raw);
            format!("{errno:?} ({})", errno.desc())
        }
        None => error.to_string(),
    }
}
