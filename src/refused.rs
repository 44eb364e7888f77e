//! This machine says no: which layer it is, and what would change its answer.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// io_uring_setup(2) was refused to a server. As an error it makes the program end with
/// [`crate::cli::Exit::Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the kernel answered.
    pub errno: Errno,
    /// Who gave that answer, as far as it can be told.
    pub layer: Layer,
}

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The kernel is too old, or was built without it.
    Kernel,
    /// The setting kernel.io_uring_disabled.
    Sysctl,
    /// A filter of system calls, as containers have, or a security module.
    Policy,
    /// The limit on locked memory.
    Memlock,
}

impl Refused {
    /// Reads a refusal out of the error of a server: an errno beneath the context `io_uring_setup`.
    pub fn recognise(error: &anyhow::Error) -> Option<Self> {
        if !error.chain().any(|cause| cause.to_string().starts_with("io_uring_setup")) {
            return None;
        }
        let errno = error.chain().find_map(|cause| match cause.downcast_ref::<io::Error>() {
            Some(error) => error.raw_os_error().map(Errno::from_raw),
            None => cause.downcast_ref::<Errno>().copied(),
        })?;
        Self::of(errno, std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok().as_deref())
    }

    /// The layer behind an errno of io_uring_setup(2), given the setting kernel.io_uring_disabled (0, 1 or
    /// 2; absent before Linux 6.6).
    fn of(errno: Errno, disabled: Option<&str>) -> Option<Self> {
        let layer = match (errno, disabled.map(str::trim)) {
            (Errno::EPERM, Some("1" | "2")) => Layer::Sysctl,
            (Errno::EPERM | Errno::EACCES, _) => Layer::Policy,
            // EINVAL: a flag that this kernel does not know; the numbers were checked on the command line.
            (Errno::ENOSYS | Errno::EINVAL, _) => Layer::Kernel,
            (Errno::ENOMEM, _) => Layer::Memlock,
            _ => return None,
        };
        Some(Self { errno, layer })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, attempt) = match self.layer {
            Layer::Kernel => (
                "this kernel, or the container's filter, does not offer what the server asks for",
                "outside the container, or a newer kernel (what lessons use is in 6.1); iolab doctor tells which it is",
            ),
            Layer::Sysctl => {
                ("the administrator has turned io_uring off", "sudo sysctl kernel.io_uring_disabled=0")
            }
            Layer::Policy => (
                "a filter of system calls (containers have one) or a security module forbids it",
                "outside the container, or docker run --security-opt seccomp=unconfined",
            ),
            Layer::Memlock => {
                ("the limit on locked memory, or memory itself, is used up", "ulimit -l unlimited")
            }
        };
        write!(f, "this machine refuses io_uring ({:?}): {why}; try {attempt}", self.errno)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup_failed(errno: Errno) -> anyhow::Error {
        anyhow::Error::new(io::Error::from(errno)).context("io_uring_setup").context("a ring of 256 slots")
    }

    #[test]
    fn the_layer_follows_from_errno_and_setting() {
        let layer = |errno, disabled| Refused::of(errno, disabled).map(|refused| refused.layer);
        assert_eq!(layer(Errno::EPERM, Some("2\n")), Some(Layer::Sysctl));
        assert_eq!(layer(Errno::EPERM, Some("0\n")), Some(Layer::Policy));
        assert_eq!(layer(Errno::EPERM, None), Some(Layer::Policy));
        assert_eq!(layer(Errno::EACCES, None), Some(Layer::Policy));
        assert_eq!(layer(Errno::ENOSYS, None), Some(Layer::Kernel));
        assert_eq!(layer(Errno::ENOMEM, None), Some(Layer::Memlock));
        assert_eq!(layer(Errno::EMFILE, None), None);
    }

    #[test]
    fn only_io_uring_setup_is_a_refusal() {
        let refused = Refused::recognise(&setup_failed(Errno::ENOSYS));
        assert_eq!(refused, Some(Refused { errno: Errno::ENOSYS, layer: Layer::Kernel }));
        assert_eq!(Refused::recognise(&setup_failed(Errno::EMFILE)), None);
        assert_eq!(Refused::recognise(&anyhow::Error::new(Errno::ENOMEM).context("epoll_ctl")), None);
    }

    #[test]
    fn as_a_context_it_is_found_again() {
        let error = setup_failed(Errno::EPERM);
        let refused = Refused::recognise(&error).unwrap();
        assert!(error.context(refused).is::<Refused>());
    }
}
