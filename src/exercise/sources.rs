//! The learner's sources: what a verdict is about, and when there is something new to judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Most that is read of one file, and most files: an exercise is a page of code.
const BYTES_MAX: u64 = 4 << 20;
const FILES_MAX: usize = 1000;

/// Text of all Rust sources under `src`, as one SHA-256 in hexadecimal digits. Names count too, times do not:
/// an editor that writes the same text again has changed nothing.
///
/// # Errors
/// The folder or a file cannot be read, or there is more than a program of an exercise has.
pub fn digest(folder: &Path) -> io::Result<String> {
    texts(folder).map(|texts| digest_of(&texts))
}

/// The same of texts that were read already.
pub fn digest_of(texts: &BTreeMap<PathBuf, Vec<u8>>) -> String {
    let mut all = Sha256::new();
    for (path, bytes) in texts {
        let name = path.to_string_lossy();
        // With their lengths, so that no text of one file can pass for two.
        for part in [name.as_bytes(), bytes] {
            all.update((part.len() as u64).to_le_bytes());
            all.update(part);
        }
    }
    hex(&all.finalize())
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `src/**/*.rs` of an exercise, by path within its folder. Links are not followed: they may lead anywhere.
///
/// # Errors
/// As [`digest`].
pub fn texts(folder: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.join("src")];
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                open.push(path);
                continue;
            }
            // A FIFO called main.rs would hold whoever opens it.
            if !kind.is_file() || path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            // An editor may take a file away between the list and the look.
            let bytes = match bytes(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                result => result?,
            };
            let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
            found.insert(name, bytes);
            if found.len() > FILES_MAX {
                return Err(io::Error::other(format!("more than {FILES_MAX} files")));
            }
        }
    }
    Ok(found)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("{}: longer than {BYTES_MAX} bytes", path.display())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_names_and_text() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert!(digest(folder.path()).is_err(), "nothing there");
        write("src/main.rs", "fn main() {}");
        let first = digest(folder.path()).unwrap();
        write("src/notes.txt", "not Rust");
        write("src/main.rs", "fn main() {}");
        assert_eq!(digest(folder.path()).unwrap(), first);
        write("src/deep/more.rs", "");
        let more = digest(folder.path()).unwrap();
        assert_ne!(more, first);
        fs::rename(folder.path().join("src/deep/more.rs"), folder.path().join("src/deep/less.rs")).unwrap();
        assert_ne!(digest(folder.path()).unwrap(), more);
    }

    #[test]
    fn sha256_is_the_one_of_fips_180() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
