//! pidfd_open(2) and pidfd_getfd(2): a process held by a descriptor, and copies of its descriptors.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// A descriptor that stands for process `pid`, whatever becomes of its number. It becomes readable when the
/// process has ended, whoever collects it.
///
/// # Errors
/// ESRCH, EMFILE, ENOSYS (before Linux 5.3).
pub fn open(pid: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes two integers and touches no memory of ours.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the kernel has just made this descriptor (close-on-exec) and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A copy of descriptor `fd` of the process behind `process`: it keeps the file behind it open.
///
/// # Errors
/// EPERM (PTRACE_MODE_ATTACH, or a seccomp filter), EBADF (`fd` is closed), ESRCH, EMFILE, ENOSYS (before
/// Linux 5.6).
pub fn get(process: &OwnedFd, fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes three integers and touches no memory of ours.
    let copy = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })?;
    // SAFETY: the kernel has just made this descriptor (close-on-exec) and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as RawFd) })
}
