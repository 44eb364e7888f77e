//! One archive for a room without a network: the program, all exercises, the sources of all crates.
//!
//! Unpacked by hand (`tar -xzf FILE`) it is a workspace with all exercises opened; [`unpack`] makes one of it as
//! `init` does, with the first exercise opened. Nothing in an archive is trusted: what is not a file or a folder
//! at a place that a bundle has, is refused before anything else is read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType};

use super::init::{FOLDER, init};
use super::mark::{self, Mark};
use super::{Workspace, files, prove};
use crate::exercise::build::{cargo, run};
use crate::exercise::stop::Stop;
use crate::exercise::table::Exercise;
use crate::exercise::trouble::Trouble;

/// The program in an archive.
const PROGRAM: &str = "iolab";

/// Sources of crates in an archive.
const VENDOR: &str = "vendor";

/// What makes cargo read them.
const CONFIG: &str = ".cargo/config.toml";

const SOURCES: &str = "# All crates come from the folder vendor/: no network is needed.
[source.crates-io]
replace-with = \"vendored-sources\"

[source.vendored-sources]
directory = \"vendor\"
";

/// A bundle is not bigger than this, unpacked, nor in more pieces: an archive that grows without end stops here.
const BYTES_MAX: u64 = 2 << 30;
const ENTRIES_MAX: usize = 50_000;

/// Makes the archive.
///
/// # Errors
/// Crates are missing on this machine, or a file cannot be read or written.
pub fn pack(
    file: &Path,
    exercises: &[Exercise],
    stop: &Stop,
    told: &mut dyn FnMut(&str),
) -> Result<(), Trouble> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(Trouble::usage(
            format!("{} is there already", file.display()),
            "nothing of yours is overwritten",
            "another name, or taking it away first",
        ));
    }
    // Beside its result: the same file system has room for both or for none.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let work = Work(file.with_file_name(format!(".{name}.iolab-{}", std::process::id())));
    let root = work.0.join(FOLDER);
    let (mut workspace, _) = init(&root, exercises)?;
    for exercise in exercises {
        workspace.open(exercise)?;
    }
    vendor(&workspace, stop)?;
    told("all exercises are built once from what is in the archive\n");
    prove(&workspace, false, stop, told)?;
    let archive = work.0.join("archive");
    write(&workspace, &archive).map_err(|error| files::not_written(file, &error))?;
    fs::rename(&archive, file).map_err(|error| files::not_written(file, &error))
}

/// A folder that is taken away again, however this ends (but for a kill).
struct Work(PathBuf);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Copies the sources of all locked crates in.
fn vendor(workspace: &Workspace, stop: &Stop) -> Result<(), Trouble> {
    let mut command = cargo(workspace.root());
    command.args(["vendor", "--offline", "--locked", "--versioned-dirs", "--quiet", VENDOR]);
    let ended = run(command, stop, |mut out| io::copy(&mut out, &mut io::sink()).map(|_| ()))?;
    if !ended.success {
        return Err(Trouble::machine(
            format!("cargo vendor: {}", ended.stderr.lines().next().unwrap_or("it was ended")),
            "a bundle holds the sources of all crates, and they are taken from this machine",
            "`iolab exercise init` and `cargo fetch --locked` in it, once, with a network",
        ));
    }
    // Where no exercise uses a crate, cargo makes no folder and still looks for it.
    files::make_folder(&workspace.root().join(VENDOR))?;
    files::write_new(&workspace.root().join(CONFIG), SOURCES).map(|_| ())
}

fn write(workspace: &Workspace, archive: &Path) -> io::Result<()> {
    let mut builder = Builder::new(GzEncoder::new(File::create(archive)?, Compression::default()));
    builder.follow_symlinks(false);
    // The program that runs, also after an update replaced its file.
    let mut program = File::open("/proc/self/exe")?;
    let mut header = tar::Header::new_gnu();
    header.set_size(program.metadata()?.len());
    header.set_mode(0o755);
    // The mark comes first: it says whether the rest is worth reading.
    let top = Path::new(FOLDER);
    builder.append_path_with_name(workspace.root().join(mark::NAME), top.join(mark::NAME))?;
    builder.append_data(&mut header, top.join(PROGRAM), &mut program)?;
    let mut entries = fs::read_dir(workspace.root())?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        if name == "target" || name == mark::NAME {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => builder.append_dir_all(top.join(&name), path)?,
            false => builder.append_path_with_name(path, top.join(&name))?,
        }
    }
    builder.into_inner()?.finish()?.sync_all()
}

/// Makes a workspace in `folder` from an archive.
///
/// # Errors
/// The archive is none, is of another iolab, or leads out of the folder; a file cannot be written.
pub fn unpack(file: &Path, folder: &Path, exercises: &[Exercise]) -> Result<(Workspace, bool), Trouble> {
    let unpacked = |error: Trouble| Trouble { what: format!("{}: {}", file.display(), error.what), ..error };
    // Read once before anything is made, so that a bad archive leaves nothing behind.
    read(file, None).map_err(unpacked)?;
    let (workspace, is_new) = init(folder, exercises)?;
    read(file, Some(workspace.root())).map_err(unpacked)?;
    Ok((workspace, is_new))
}

/// Walks through an archive; what belongs into a workspace is written to `into`.
fn read(file: &Path, into: Option<&Path>) -> Result<(), Trouble> {
    let open = File::open(file).map_err(|error| {
        Trouble::usage(files::told(&error), "", "the FILE that `iolab exercise init --bundle FILE` wrote")
    })?;
    let mut archive = Archive::new(GzDecoder::new(open));
    let (mut bytes, mut has_mark) = (0_u64, false);
    let entries = archive.entries().map_err(|error| no_bundle(&error.to_string()))?;
    for (index, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|error| no_bundle(&error.to_string()))?;
        let path = entry.path().map_err(|error| no_bundle(&error.to_string()))?.into_owned();
        let kind = entry.header().entry_type();
        let place =
            place(&path).ok_or_else(|| no_bundle(&format!("it holds {:?}", path.display().to_string())))?;
        bytes = bytes.saturating_add(entry.size());
        if bytes > BYTES_MAX || index > ENTRIES_MAX {
            return Err(no_bundle("it is too big"));
        }
        match kind {
            EntryType::Directory => continue,
            EntryType::Regular => {}
            other => {
                return Err(no_bundle(&format!(
                    "{} is neither a file nor a folder ({other:?})",
                    path.display()
                )));
            }
        }
        if place == Path::new(mark::NAME) {
            is_of_this_version(&mut entry)?;
            has_mark = true;
        }
        let is_wanted =
            place == Path::new(PROGRAM) || place == Path::new(CONFIG) || place.starts_with(VENDOR);
        if let Some(root) = into.filter(|_| is_wanted) {
            write_entry(&mut entry, &root.join(&place), place == Path::new(PROGRAM))?;
        } else {
            // To its end: a damaged archive is found now and not later.
            io::copy(&mut entry, &mut io::sink()).map_err(|error| no_bundle(&error.to_string()))?;
        }
    }
    if has_mark { Ok(()) } else { Err(no_bundle(&format!("it has no {}", mark::NAME))) }
}

/// Where an entry goes, below the workspace; `None` for one that would lead elsewhere.
fn place(path: &Path) -> Option<PathBuf> {
    let mut components = path.components();
    if components.next()? != Component::Normal(FOLDER.as_ref()) {
        return None;
    }
    let rest = components.as_path();
    rest.components().all(|part| matches!(part, Component::Normal(_))).then(|| rest.to_owned())
}

fn is_of_this_version(entry: &mut impl Read) -> Result<(), Trouble> {
    let mut text = String::new();
    let read = entry.take(1 << 20).read_to_string(&mut text);
    read.map_err(|error| no_bundle(&error.to_string()))?;
    let mark = Mark::read(&text).map_err(|error| no_bundle(&error))?;
    let here = env!("CARGO_PKG_VERSION");
    if mark.version == here {
        return Ok(());
    }
    Err(Trouble::usage(
        format!("it was made by iolab {}, and this is {here}", mark.version),
        "its crates are those that its own exercises were written for",
        format!("the program inside: `tar -xzf FILE {FOLDER}/{PROGRAM}`"),
    ))
}

fn write_entry(entry: &mut impl Read, path: &Path, is_program: bool) -> Result<(), Trouble> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: io::Error| files::not_written(path, &error);
    files::make_folder(path.parent().unwrap_or(path))?;
    // What is there stays, and a link that somebody laid there is not followed.
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    let mode = if is_program { 0o755 } else { 0o644 };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.iolab-{}", std::process::id()));
    let mut file = File::options().write(true).create_new(true).mode(mode).open(&beside).map_err(failed)?;
    let written = io::copy(entry, &mut file).and_then(|_| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

fn no_bundle(why: &str) -> Trouble {
    Trouble::usage(
        format!("this is no bundle of iolab: {why}"),
        "a bundle is unpacked only if all of it is what `iolab exercise init --bundle` writes",
        "asking whoever gave it to you for a new one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one entry.
    fn archive(at: &str, kind: EntryType) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = Builder::new(GzEncoder::new(file.reopen().unwrap(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        // The name is written past the check that the library makes.
        header.as_gnu_mut().unwrap().name[..at.len()].copy_from_slice(at.as_bytes());
        header.set_entry_type(kind);
        header.set_size(2);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_cksum();
        builder.append(&header, &b"hi"[..]).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("in");
        for (at, kind) in [
            ("iolab-exercises/../evil", EntryType::Regular),
            ("/etc/evil", EntryType::Regular),
            ("../evil", EntryType::Regular),
            ("iolab-exercises/vendor/../../evil", EntryType::Regular),
            ("elsewhere/evil", EntryType::Regular),
            ("iolab-exercises/vendor/evil", EntryType::Symlink),
            ("iolab-exercises/vendor/evil", EntryType::Link),
            ("iolab-exercises/vendor/evil", EntryType::Fifo),
            ("iolab-exercises/vendor/evil", EntryType::Char),
        ] {
            let file = archive(at, kind);
            let trouble = unpack(file.path(), &folder, &[]).unwrap_err();
            assert!(trouble.what.contains("no bundle"), "{at} {kind:?}: {trouble}");
            assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0, "{at} {kind:?}");
        }
    }

    #[test]
    fn what_is_no_archive_is_said_to_be_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "hello").unwrap();
        let folder = tempfile::tempdir().unwrap();
        assert!(unpack(file.path(), folder.path(), &[]).unwrap_err().what.contains("no bundle"));
        let missing = unpack(Path::new("/no/such"), folder.path(), &[]).unwrap_err();
        assert!(missing.what.contains("ENOENT"), "{missing}");
    }
}
