//! tracefs: where the kernel says which number each tracepoint has. Numbers differ from boot to boot and
//! are readable by root alone; proc_filesystems(5), the kernel's `Documentation/trace/ftrace.rst`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{TRACEFS_MAGIC, statfs};

use crate::probe::refuse::{errno, refusal};
use crate::trace::{Layer, Refusal};

/// Where tracefs stands: by itself, or below debugfs as before Linux 4.1.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// A tracefs that is mounted and readable.
#[derive(Clone, Debug)]
pub struct Tracefs {
    folder: PathBuf,
}

impl Tracefs {
    /// Finds tracefs. When it is not mounted and this process may, it is mounted at `/sys/kernel/tracing`
    /// and stays there: the place that the kernel keeps for it, where `perf` and others would mount it too.
    ///
    /// # Errors
    /// It is not mounted and may not be, or it is not readable for this user.
    pub fn open() -> Result<Self, Refusal> {
        if let Some(found) = mounted() {
            return found.readable();
        }
        let none: Option<&str> = None;
        match mount(Some("tracefs"), PLACES[0], Some("tracefs"), MsFlags::empty(), none) {
            // EBUSY: another one was quicker.
            Ok(()) | Err(Errno::EBUSY) => Self { folder: PLACES[0].into() }.readable(),
            Err(Errno::ENODEV | Errno::ENOENT) => Err(refusal(
                Layer::Kernel,
                "tracefs: ENODEV (this kernel was built without tracepoints)",
                "a kernel with CONFIG_FTRACE_SYSCALLS",
            )),
            Err(errno) => Err(refusal(
                Layer::Filesystem,
                format!("mount of tracefs: {errno:?} (it is not mounted; tracepoint ids are read there)"),
                "sudo mount -t tracefs tracefs /sys/kernel/tracing, or once per boot: sudo iolab doctor --share-ids",
            )),
        }
    }

    /// The number of tracepoint `name` (`syscalls/sys_enter_read`) since this boot.
    ///
    /// # Errors
    /// The kernel has no such tracepoint (ENOENT), or it may not be read.
    pub fn id(&self, name: &str) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join("events").join(name).join("id"))?;
        text.trim().parse().map_err(io::Error::other)
    }

    /// What stands where in the records of tracepoint `name`, as [`super::stream::Format`] reads it.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn format(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(self.folder.join("events").join(name).join("format"))
    }

    fn readable(self) -> Result<Self, Refusal> {
        let events = self.folder.join("events");
        match fs::read_dir(&events) {
            Ok(_) => Ok(self),
            Err(error) => Err(refusal(
                Layer::Filesystem,
                format!("{}: {:?} (tracepoint ids are read there)", events.display(), errno(&error)),
                "root, or once per boot: sudo iolab doctor --share-ids",
            )),
        }
    }
}

/// A mounted tracefs, readable or not. (Below debugfs an ordinary user cannot even look.)
fn mounted() -> Option<Tracefs> {
    let mut places = PLACES.iter().map(Path::new);
    let found = places.find(|place| statfs(*place).is_ok_and(|fs| fs.filesystem_type() == TRACEFS_MAGIC))?;
    Some(Tracefs { folder: found.to_owned() })
}
