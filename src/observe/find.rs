//! Which file a command means: execvp(3) without its surprises, so that exactly one execve(2) is made and what is
//! wrong is said before anything starts.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// Why a command cannot be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfound {
    /// There is no such file.
    Missing(String),
    /// There is one, and it cannot be executed: the file and the reason.
    NotExecutable(PathBuf, &'static str),
}

impl Unfound {
    /// The exit status that shells have for this.
    pub fn status(&self) -> u8 {
        match self {
            Self::Missing(_) => 127,
            Self::NotExecutable(..) => 126,
        }
    }
}

impl fmt::Display for Unfound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) if name.contains('/') => {
                write!(out, "there is no file {name} (ENOENT), so nothing was started; is it spelled right?")
            }
            Self::Missing(name) => write!(
                out,
                "there is no program {name} in the folders of PATH (ENOENT), so nothing was started; try its whole \
                 path, as in ./{name}"
            ),
            Self::NotExecutable(path, why) => {
                let path = path.display();
                write!(out, "{path} cannot be executed ({why}), so nothing was started; ")?;
                match *why {
                    "it is a folder" => out.write_str("name a program in it"),
                    _ => write!(out, "try chmod +x {path}, or name the interpreter before it"),
                }
            }
        }
    }
}

impl std::error::Error for Unfound {}

/// The file that `name` stands for, looked for in `path` (the value of PATH) where it names no folder.
///
/// # Errors
/// There is none, or none that may be executed.
pub fn find(name: &OsStr, path: &OsStr) -> Result<PathBuf, Unfound> {
    if name.as_bytes().contains(&b'/') {
        return executable(Path::new(name)).map(|()| PathBuf::from(name));
    }
    let missing = || Unfound::Missing(name.to_string_lossy().into_owned());
    if name.is_empty() {
        return Err(missing());
    }
    let mut why = missing();
    for folder in std::env::split_paths(path) {
        // An empty folder means the current one.
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let file = folder.join(name);
        match executable(&file) {
            Ok(()) => return Ok(file),
            // A file that may not be executed hides none that stands further on.
            Err(found @ Unfound::NotExecutable(..)) if matches!(why, Unfound::Missing(_)) => why = found,
            Err(_) => {}
        }
    }
    Err(why)
}

fn executable(file: &Path) -> Result<(), Unfound> {
    let no = |why| Err(Unfound::NotExecutable(file.to_owned(), why));
    let about = match std::fs::metadata(file) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return no("EACCES: a folder on the way is not for this user");
        }
        Err(_) => return Err(Unfound::Missing(file.display().to_string())),
    };
    if about.is_dir() {
        return no("it is a folder");
    }
    // Root may execute what anybody may.
    if about.mode() & 0o111 == 0 || access(file, AccessFlags::X_OK).is_err() {
        return no("EACCES: it may not be executed by this user");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let path = OsStr::new("/nowhere:/usr/bin:/bin");
        assert!(find(OsStr::new("sh"), path).unwrap().ends_with("sh"));
        assert_eq!(find(OsStr::new("/bin/sh"), OsStr::new("")).unwrap(), Path::new("/bin/sh"));
        assert_eq!(find(OsStr::new("no-such-program"), path).unwrap_err().status(), 127);
        assert_eq!(find(OsStr::new(""), path).unwrap_err().status(), 127);
        assert_eq!(find(OsStr::new("/etc/passwd"), path).unwrap_err().status(), 126);
        let folder = find(OsStr::new("/etc"), path).unwrap_err();
        assert_eq!(folder.status(), 126);
        assert!(folder.to_string().contains("it is a folder"), "{folder}");
    }
}
