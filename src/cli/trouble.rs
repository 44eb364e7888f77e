//! Errors of files and streams in the form of all errors here: errno by name, why, what to try.

use std::fmt::Display;
use std::io::{self, ErrorKind};

/// Its number on every system that has it.
const EPERM: i32 = 1;

/// What could not be done because of this error.
pub fn trouble(cannot: impl Display, error: &io::Error) -> anyhow::Error {
    let Some((errno, why, attempt)) = known(error.kind()) else {
        return anyhow::anyhow!("{cannot}: {error}");
    };
    // The library has one kind for two.
    let errno = if error.raw_os_error() == Some(EPERM) { "EPERM" } else { errno };
    anyhow::anyhow!("{cannot} ({errno}: {why}); try {attempt}")
}

/// An errno by its name, what it means and what to try. Of the kinds that the standard library tells apart: this
/// room is in builds for other systems, too.
fn known(kind: ErrorKind) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match kind {
        ErrorKind::NotFound => ("ENOENT", "no such file or folder", "ls on its folder: is it spelled right?"),
        ErrorKind::PermissionDenied => {
            ("EACCES", "it is not for this user", "a folder of your own, or ls -l")
        }
        ErrorKind::NotADirectory => ("ENOTDIR", "a part of the path is no folder", "another path"),
        ErrorKind::IsADirectory => ("EISDIR", "it is a folder", "the name of a file in it"),
        ErrorKind::StorageFull => ("ENOSPC", "no space is left there", "another place, or df -h"),
        ErrorKind::ReadOnlyFilesystem => {
            ("EROFS", "nothing can be written there", "another place, such as /tmp")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_name_its_reason_and_what_to_try() {
        let says = trouble("cannot replay x", &io::Error::from(ErrorKind::NotFound)).to_string();
        assert!(says.starts_with("cannot replay x (ENOENT: no such file or folder); try "), "{says}");
        let other = trouble("cannot replay x", &io::Error::other("torn")).to_string();
        assert_eq!(other, "cannot replay x: torn");
    }
}
