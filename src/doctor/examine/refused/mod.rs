//! Who refused: from the errno that an attempt ended with and what the machine says about itself to the
//! layer, a sentence, and what to try.
//!
//! Pure functions, so that tests write down machines that nobody has at hand. EPERM alone names nobody: a
//! sysctl, a seccomp filter, a missing capability and a security module all answer with it. The order of the
//! questions is the order in which the kernel asks them.

mod io_uring;
mod perf;
mod process;

pub use io_uring::{io_uring, sqpoll};
pub use perf::{perf, perf_user, tracepoints, user_tracepoints};
pub use process::{ptrace, ring, sock};

use nix::errno::Errno;

use super::facts::Facts;
use crate::trace::{Layer, Refusal};

/// An attempt that failed: the system call and its errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The system call, with what was special about it.
    pub call: &'static str,
    /// Its errno.
    pub errno: Errno,
}

impl Tried {
    /// The refusal, in the one form: what happened with the errno's name, who did it, what to try.
    fn refused(self, layer: Layer, by: &str, try_this: impl Into<String>) -> Refusal {
        Refusal { layer, says: format!("{}: {:?} ({by})", self.call, self.errno), try_this: try_this.into() }
    }

    /// Refused by the kernel itself: too old, or built without it.
    fn refused_by_kernel(self, facts: &Facts, by: &str) -> Refusal {
        let newer = match &facts.container {
            Some(_) => "another host: a container has the kernel of its host",
            None => "another kernel",
        };
        self.refused(Layer::Kernel, by, newer)
    }

    /// Refused by a seccomp filter. `allow` is what Docker's default profile wants for it, if less than
    /// no profile at all is enough.
    fn refused_by_seccomp(self, facts: &Facts, capability: Option<&str>) -> Refusal {
        let try_this = match (facts.container.as_deref(), capability) {
            (Some("kubernetes"), None) => {
                "in the pod: `securityContext: {seccompProfile: {type: Unconfined}}`".to_owned()
            }
            (Some("kubernetes"), Some(capability)) => {
                format!("in the pod: `securityContext: {{capabilities: {{add: [{capability}]}}}}`")
            }
            (Some(manager @ ("docker" | "podman")), None) => {
                format!("`{manager} run --security-opt seccomp=unconfined …`")
            }
            (Some(manager @ ("docker" | "podman")), Some(capability)) => format!(
                "`{manager} run --cap-add {capability} …`, or `{manager} run --security-opt \
                 seccomp=unconfined …`"
            ),
            _ => "start iolab outside of what filters it: a systemd unit with SystemCallFilter=, a snap, a \
                  flatpak, a container or another sandbox"
                .to_owned(),
        };
        self.refused(Layer::Seccomp, "seccomp filter", try_this)
    }

    /// Whether a limit of the process or of the machine was met, whoever was asked.
    fn is_limit(self) -> bool {
        matches!(self.errno, Errno::EMFILE | Errno::ENFILE | Errno::EAGAIN)
    }

    /// Refused by a limit on descriptors or processes.
    fn refused_by_limit(self) -> Refusal {
        match self.errno {
            Errno::EAGAIN => {
                self.refused(Layer::Limit, "no process may be started", "`ulimit -u` shows the limit")
            }
            _ => self.refused(
                Layer::Limit,
                "no descriptor is left",
                "`ulimit -n 4096`, as far as `ulimit -Hn` allows",
            ),
        }
    }

    /// Refused by a security module: what remains when nobody else did it.
    fn refused_by_lsm(self) -> Refusal {
        self.refused(
            Layer::Lsm,
            "a security module such as SELinux or AppArmor",
            "`sudo dmesg | grep -i -e avc -e apparmor` shows its denial",
        )
    }
}

/// A command for the machine that owns the kernel: the host, where there is a container.
fn on_host(facts: &Facts, command: &str) -> String {
    match facts.container {
        Some(_) => format!("on the host: `{command}`"),
        None => format!("`{command}`"),
    }
}

/// A machine in which nothing is forbidden, for tests to take things away from.
#[cfg(test)]
pub(super) fn free() -> Facts {
    Facts {
        kernel: "6.18.44".to_owned(),
        uid: 1000,
        groups: vec![1000],
        capabilities: 0,
        seccomp_filter: false,
        tracer: None,
        dumpable: true,
        io_uring_disabled: Some(0),
        io_uring_group: Some(-1),
        perf_event_paranoid: Some(2),
        yama_scope: Some(1),
        memlock_bytes: Some(8 << 20),
        nofile: (1024, 1 << 20),
        container: None,
    }
}
