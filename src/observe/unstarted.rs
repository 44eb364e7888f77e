//! The kernel did not take a file that was there and could be executed: said as shells say it.

use std::ffi::OsStr;
use std::fmt;
use std::io;

/// Why a command was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstarted {
    says: String,
    status: Option<u8>,
}

impl Unstarted {
    /// Of the command `name`, after this error.
    pub fn new(name: &OsStr, error: &anyhow::Error) -> Self {
        let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
        match io.and_then(io::Error::raw_os_error).and_then(by_errno) {
            Some((status, why)) => {
                let says = format!("{} cannot be started: execve: {why}", name.to_string_lossy());
                Self { says, status: Some(status) }
            }
            None => Self { says: format!("{error:#}"), status: None },
        }
    }

    /// The exit status that shells have for this; `None` where it was not the command's fault.
    pub fn status(&self) -> Option<u8> {
        self.status
    }
}

impl fmt::Display for Unstarted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.says)
    }
}

impl std::error::Error for Unstarted {}

fn by_errno(errno: i32) -> Option<(u8, &'static str)> {
    Some(match errno {
        libc::ENOENT => (
            127,
            "ENOENT (its interpreter, named in its first line or in its ELF header, is not there); try head -1 on it, \
             or file",
        ),
        libc::EACCES | libc::EPERM => {
            (126, "EACCES (this user may not); try ls -l on it and on its interpreter")
        }
        libc::ENOEXEC => (126, "ENOEXEC (no format that this kernel knows); try file on it"),
        libc::ETXTBSY => (126, "ETXTBSY (somebody writes to it just now); try again"),
        libc::E2BIG => (126, "E2BIG (arguments and environment are too long together)"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_refuses_has_the_status_of_shells() {
        let of = |errno| {
            let error = anyhow::Error::from(io::Error::from_raw_os_error(errno)).context("no process");
            Unstarted::new(OsStr::new("program"), &error)
        };
        assert_eq!((of(libc::ENOENT).status(), of(libc::ENOEXEC).status()), (Some(127), Some(126)));
        assert!(of(libc::ENOENT).to_string().starts_with("program cannot be started: execve: ENOENT"));
        assert_eq!(of(libc::EAGAIN).status(), None);
        assert!(of(libc::EAGAIN).to_string().starts_with("no process: "));
    }
}
