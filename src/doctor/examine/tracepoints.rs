//! Ids of tracepoints, which perf needs and root alone may read.
//!
//! Where tracefs is not mounted, root reads it through a mount that is attached nowhere: nobody else sees
//! it, and it is gone at the end of the examination.

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::facts::Facts;
use super::refused::{self, Tried};
use super::{shared_ids, sys};
use crate::trace::{Allowed, Layer, Refusal};

/// Where tracefs belongs, Documentation/trace/ftrace.rst.
const PLACE: &str = "/sys/kernel/tracing";

/// Where the ids were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// From a mounted tracefs.
    Mounted,
    /// From a mount of our own that is attached nowhere.
    Detached,
}

/// The ids of two tracepoints, for all the others stand or fall with them.
#[derive(Debug)]
pub struct Tracepoints {
    source: Source,
    /// `raw_syscalls:sys_enter`: every system call.
    pub every_syscall: Result<u64, Tried>,
    /// `syscalls:sys_enter_read`: one system call by name; root may have shared it.
    pub read_calls: Result<u64, Tried>,
}

impl Tracepoints {
    /// Looks for tracefs and reads them.
    pub fn find() -> Self {
        let mounted = mounted(&fs::read_to_string("/proc/self/mounts").unwrap_or_default());
        let (source, directory) = match mounted {
            Some(path) => (Source::Mounted, open_directory(&path)),
            None => (Source::Detached, sys::detached_mount(c"tracefs").map_err(not_mounted)),
        };
        let id = |tracepoint: &str| match &directory {
            Ok(directory) => read_id(directory, tracepoint),
            Err(tried) => Err(*tried),
        };
        let by_name = id("syscalls/sys_enter_read");
        let by_name = by_name.or_else(|tried| shared_ids::syscall("read").ok_or(tried));
        Self { source, every_syscall: id("raw_syscalls/sys_enter"), read_calls: by_name }
    }

    /// Whether tracefs is mounted and readable.
    pub fn allowed(&self, facts: &Facts) -> Allowed {
        match (self.every_syscall, self.source) {
            (Ok(_), Source::Mounted) => Allowed::Yes,
            (Ok(_), Source::Detached) => Allowed::Partly(Refusal {
                layer: Layer::Filesystem,
                says: "not mounted; as root, iolab reads it all the same".to_owned(),
                try_this: format!("`mount -t tracefs none {PLACE}`, for other tools to see it too"),
            }),
            (Err(tried), _) => Allowed::No(refused::tracepoints(tried, facts)),
        }
    }
}

/// An attempt to mount says in its errno why there is nothing to read: the kernel has no tracefs (ENODEV),
/// or, for all who may not mount, it just is not mounted.
fn not_mounted(errno: Errno) -> Tried {
    let errno = if errno == Errno::ENODEV { errno } else { Errno::ENOENT };
    Tried { call: "open /sys/kernel/tracing", errno }
}

/// The mount point of tracefs in the text of proc_pid_mounts(5): the usual place, or another.
fn mounted(mounts: &str) -> Option<String> {
    let mut points = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let point = fields.next()?;
        (fields.next() == Some("tracefs")).then(|| point.to_owned())
    });
    let first = points.next()?;
    if first == PLACE { Some(first) } else { Some(points.find(|point| point == PLACE).unwrap_or(first)) }
}

/// Opens the directory to look things up in it.
fn open_directory(path: &str) -> Result<OwnedFd, Tried> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    nix::fcntl::open(Path::new(path), flags, Mode::empty())
        .map_err(|errno| Tried { call: "open tracefs", errno })
}

/// The id of a tracepoint, from its file below `events`.
fn read_id(directory: &OwnedFd, tracepoint: &str) -> Result<u64, Tried> {
    let tried = |errno| Tried { call: "open an id in tracefs", errno };
    let path = format!("events/{tracepoint}/id");
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let file =
        openat(directory.as_fd(), path.as_str(), flags, Mode::empty()).map_err(|errno| match errno {
            // tracefs is there and the tracepoint is not.
            Errno::ENOENT => tried(Errno::ENODEV),
            errno => tried(errno),
        })?;
    let mut id = String::new();
    let read = fs::File::from(file).read_to_string(&mut id);
    read.map_err(|error| tried(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)))?;
    id.trim().parse().map_err(|_| tried(Errno::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::mounted;

    #[test]
    fn the_usual_place_is_preferred() {
        let debugfs = "tracefs /sys/kernel/debug/tracing tracefs rw 0 0\n";
        let usual = "none /sys/kernel/tracing tracefs rw,relatime 0 0\n";
        assert_eq!(mounted(usual).as_deref(), Some("/sys/kernel/tracing"));
        assert_eq!(mounted(debugfs).as_deref(), Some("/sys/kernel/debug/tracing"));
        assert_eq!(mounted(&format!("{debugfs}{usual}")).as_deref(), Some("/sys/kernel/tracing"));
        assert_eq!(mounted("proc /proc proc rw 0 0\ntracefs /tracefs ext4 rw 0 0\n"), None);
    }
}
