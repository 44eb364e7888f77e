//! Numbers of tracepoints that root has written down for everybody: with them system calls are counted at
//! full speed without privileges.
//!
//! The numbers are no secret (they only pick a counter) but stand in files that root alone may read. The
//! cache is believed only when root owns it and nobody else could have written it, and only for the boot
//! that it was made in.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::names::{MORE, NAMES};
use super::stream::Format;
use super::tracefs::Tracefs;

/// Where the cache lives: a folder that only root can make, on a file system that a boot empties.
pub const FOLDER: &str = "/run/iolab";

/// More than any cache holds; a longer file is not one.
const BYTES_MAX: u64 = 64 * 1024;

/// Numbers of `syscalls:sys_enter_NAME` by the name of the system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracepointIds {
    /// The boot they hold for: `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The numbers.
    pub ids: BTreeMap<String, u64>,
    /// What a stream of records needs beside them; `None` where an earlier iolab has shared the numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Layout>,
}

/// What the records of `syscalls:sys_enter_NAME` and `sys_exit_NAME` look like: all of them alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Where the number of the call stands, in bytes.
    pub number: u16,
    /// Where the arguments of the call begin.
    pub arguments: u16,
    /// Where the result of the call stands.
    pub result: u16,
    /// Numbers of the tracepoints `syscalls:sys_exit_NAME`.
    pub exits: BTreeMap<String, u64>,
    /// How many arguments each call has.
    pub counts: BTreeMap<String, u8>,
}

impl Layout {
    /// Reads formats of this boot; `None` where they are not as they have always been: number, then arguments of
    /// eight bytes, or the result.
    fn from_tracefs(tracefs: &Tracefs) -> Option<Self> {
        let mut layout = Self::default();
        for call in NAMES {
            let (name, tracepoint) = (call.name().to_owned(), call.tracepoint());
            let format = |edge: &str| {
                Format::parse(&tracefs.format(&format!("syscalls/sys_{edge}_{tracepoint}")).ok()?)
            };
            let Some((enter, exit)) = format("enter").zip(format("exit")) else { continue };
            let (number, result) = (enter.field("__syscall_nr")?, exit.field("ret")?);
            let arguments = (number.offset + number.size).next_multiple_of(size_of::<u64>());
            if (number.size, result.size) != (4, 8) || exit.field("__syscall_nr") != Some(number) {
                return None;
            }
            layout.number = u16::try_from(number.offset).ok()?;
            layout.result = u16::try_from(result.offset).ok()?;
            layout.arguments = u16::try_from(arguments).ok()?;
            layout.exits.insert(name.clone(), exit.id);
            layout.counts.insert(name, enter.words_from(arguments).min(6) as u8);
        }
        (!layout.exits.is_empty()).then_some(layout)
    }
}

impl TracepointIds {
    /// Reads the numbers of this boot from tracefs; calls that this kernel does not have are left out.
    ///
    /// # Errors
    /// tracefs has none of them: the kernel was built without CONFIG_FTRACE_SYSCALLS.
    pub fn from_tracefs(tracefs: &Tracefs) -> anyhow::Result<Self> {
        let ids: BTreeMap<String, u64> = NAMES
            .iter()
            .chain(&MORE)
            .filter_map(|call| {
                let id = tracefs.id(&format!("syscalls/sys_enter_{}", call.tracepoint())).ok()?;
                Some((call.name().to_owned(), id))
            })
            .collect();
        ensure!(
            !ids.is_empty(),
            "tracefs has no syscalls:sys_enter_* (a kernel without CONFIG_FTRACE_SYSCALLS)"
        );
        Ok(Self { boot_id: boot_id()?, ids, records: Layout::from_tracefs(tracefs) })
    }
}

/// Writes the numbers down for every user until the next boot (`sudo iolab doctor --share-ids`); the path
/// of the file.
///
/// # Errors
/// Not root, no tracefs, or `/run/iolab` is not root's alone.
pub fn share() -> anyhow::Result<PathBuf> {
    let tracefs = Tracefs::open()?;
    share_in(Path::new(FOLDER), &TracepointIds::from_tracefs(&tracefs)?)
}

/// As [`share`], into another folder.
///
/// # Errors
/// As [`share`].
pub fn share_in(folder: &Path, ids: &TracepointIds) -> anyhow::Result<PathBuf> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make {}", folder.display()));
        }
        _ => {}
    }
    trusted_folder(folder)?;
    let path = folder.join(file_name(&ids.boot_id)?);
    let fresh = folder.join(format!(".{}.new", std::process::id()));
    let written = write_new(&fresh, &serde_json::to_vec(ids)?).and_then(|()| fs::rename(&fresh, &path));
    if let Err(error) = written {
        let _ = fs::remove_file(&fresh);
        return Err(error).with_context(|| format!("cannot write {}", path.display()));
    }
    Ok(path)
}

/// The numbers of this boot as root has shared them; `None` where it has not.
///
/// # Errors
/// There is such a file and it is not to be trusted, or cannot be read.
pub fn load() -> anyhow::Result<Option<TracepointIds>> {
    load_from(Path::new(FOLDER))
}

/// As [`load`], from another folder.
///
/// # Errors
/// As [`load`].
pub fn load_from(folder: &Path) -> anyhow::Result<Option<TracepointIds>> {
    let boot_id = boot_id()?;
    let path = folder.join(file_name(&boot_id)?);
    // Neither follows a symbolic link nor waits for somebody to open the other end of a FIFO.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    trusted_folder(folder)?;
    let ids = read_trusted(file).with_context(|| format!("{} is not used", path.display()))?;
    ensure!(ids.boot_id == boot_id, "{} is not used: it holds the numbers of another boot", path.display());
    Ok(Some(ids))
}

fn read_trusted(file: File) -> anyhow::Result<TracepointIds> {
    let about = file.metadata()?;
    ensure!(about.is_file(), "it is no regular file");
    ensure!(about.uid() == 0, "it belongs to user {}, not to root", about.uid());
    ensure!(about.mode() & 0o022 == 0, "others than root may write it (mode {:o})", about.mode() & 0o777);
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Only root may be able to put a file into the folder.
fn trusted_folder(folder: &Path) -> anyhow::Result<()> {
    let about = fs::symlink_metadata(folder)?;
    let trusted = about.is_dir() && about.uid() == 0 && about.mode() & 0o022 == 0;
    ensure!(trusted, "{} is not a folder that only root may write to", folder.display());
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    // Whatever the umask says: the file is for everybody to read.
    file.set_permissions(Permissions::from_mode(0o644))
}

fn file_name(boot_id: &str) -> anyhow::Result<String> {
    if boot_id.is_empty() || !boot_id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        bail!("{boot_id:?} is no boot id");
    }
    Ok(format!("tracepoint-ids-{boot_id}.json"))
}

fn boot_id() -> anyhow::Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?.trim().to_owned())
}
