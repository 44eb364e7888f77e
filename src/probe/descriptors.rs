//! What the descriptors of a process are: the links under `/proc/PID/fd`, proc_pid_fd(5).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;

use super::refuse::{errno, looking_into};
use crate::trace::Refusal;

/// The descriptors of process `pid` and what each stands for: `socket:[INODE]`, `anon_inode:[eventpoll]`.
/// Costs 1 to 2 µs a descriptor.
///
/// # Errors
/// The process has ended, or may not be looked into (PTRACE_MODE_READ).
pub(crate) fn links(pid: u32, mut each: impl FnMut(i32, &[u8])) -> Result<(), Refusal> {
    let folder = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&folder).map_err(|error| looking_into(pid, &folder, errno(&error)))?;
    for entry in entries {
        // The process may end or close a descriptor while its list is read: that is no error of ours.
        let Ok(entry) = entry else { break };
        let Some(fd) = number(&entry.file_name()) else { continue };
        if let Ok(link) = fs::read_link(entry.path()) {
            each(fd, link.as_os_str().as_bytes());
        }
    }
    Ok(())
}

/// What descriptor `fd` of process `pid` stands for; `None` when it is closed.
pub(crate) fn link(pid: u32, fd: i32) -> Option<Vec<u8>> {
    let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    Some(link.into_os_string().into_vec())
}

/// How many descriptors process `pid` has open; `None` where the kernel (before 6.2) does not say.
pub(crate) fn count(pid: u32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/fd")).ok().map(|folder| folder.size()).filter(|&count| count > 0)
}

/// The inode behind descriptor `fd`: every io_uring ring and every socket has one of its own, so a number
/// that was closed and given out again does not pass for the old one.
pub(crate) fn inode(pid: u32, fd: i32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok().map(|file| file.ino())
}

/// The inode in a link `socket:[INODE]`.
pub(crate) fn socket_inode(link: &[u8]) -> Option<u64> {
    let inode = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(inode).ok()?.parse().ok()
}

fn number(name: &OsStr) -> Option<i32> {
    name.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_socket_is_found_among_the_descriptors() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = std::process::id();
        let mut found = None;
        links(own, |fd, link| {
            if fd == listener.as_raw_fd() {
                found = socket_inode(link);
            }
        })
        .unwrap();
        assert_eq!(found, inode(own, listener.as_raw_fd()));
        assert!(found.is_some());
    }

    #[test]
    fn other_links_are_no_sockets() {
        assert_eq!(socket_inode(b"socket:[12]"), Some(12));
        assert_eq!(socket_inode(b"socket:[]"), None);
        assert_eq!(socket_inode(b"anon_inode:[eventpoll]"), None);
    }
}
