//! What kind of machine a run was made on, and what it allowed. Made once by the doctor; everything that
//! depends on the machine reads this value, so tests construct other machines by writing one down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rung::{Refusal, Rung};

/// A machine as a result names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Kernel release, as uname(2) gives it.
    pub kernel: String,
    /// Processors this process may use: affinity and cgroup quota, not what is plugged in.
    pub cpus: u32,
    /// The processor's own name for itself.
    pub cpu: String,
    /// Whether a hypervisor runs below; `None` where the machine does not say.
    #[serde(rename = "virtual")]
    pub is_virtual: Option<bool>,
    /// Whether io_uring is allowed.
    pub io_uring: bool,
    /// The rungs that are allowed.
    pub rungs: Vec<Rung>,
}

/// Something the machine allows, or the reason why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Allowed {
    /// It works.
    Yes,
    /// It works in part: what is missing.
    Partly(Refusal),
    /// It does not.
    No(Refusal),
}

impl Allowed {
    /// Whether it works at least in part.
    pub fn is_usable(&self) -> bool {
        !matches!(self, Self::No(_))
    }

    /// The reason why it does not work, or not wholly.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Yes => None,
            Self::Partly(refusal) | Self::No(refusal) => Some(refusal),
        }
    }
}

/// All that this machine allows, as one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The machine itself.
    pub machine: Machine,
    /// io_uring_setup(2).
    pub io_uring: Allowed,
    /// Operations of io_uring by their names in io_uring_enter(2) (`RECV`, `SEND_ZC`, …): what
    /// IORING_REGISTER_PROBE says. Empty when io_uring is refused.
    pub io_uring_operations: BTreeMap<String, bool>,
    /// Features and set-up flags by name (`NODROP`, `DEFER_TASKRUN`, `SQPOLL`, `PBUF_RING`, …): each tried.
    pub io_uring_features: BTreeMap<String, bool>,
    /// Why a feature above is refused, where the reason is another than that the kernel lacks it
    /// (`SQPOLL` without a capability, `PBUF_RING` without locked memory).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub io_uring_refusals: BTreeMap<String, Refusal>,
    /// Reading a child's ring: pidfd_getfd(2) or its memory.
    pub ring: Allowed,
    /// perf_event_open(2) with kernel tracepoints.
    pub perf: Allowed,
    /// perf_event_open(2) with `exclude_kernel` and known tracepoint ids.
    pub perf_user: Allowed,
    /// tracefs mounted and readable.
    pub tracefs: Allowed,
    /// ptrace(2) of an own child, and Yama's scope.
    pub ptrace: Allowed,
    /// sock_diag(7).
    pub sock: Allowed,
    /// Yama's `ptrace_scope`, where Yama is there.
    pub yama_scope: Option<u32>,
    /// `kernel.perf_event_paranoid`.
    pub perf_event_paranoid: Option<i32>,
    /// RLIMIT_MEMLOCK in bytes; `None` is unlimited.
    pub memlock_bytes: Option<u64>,
    /// RLIMIT_NOFILE, soft and hard.
    pub nofile: (u64, u64),
    /// Effective user id.
    pub uid: u32,
    /// What stands around the process: container, processors, terminal.
    #[serde(default)]
    pub around: Surroundings,
}

/// What stands around the process and changes what a lesson looks like, without refusing anything itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Surroundings {
    /// The container's kind (`docker`, `podman`, `kubernetes`, `lxc`, …), as far as its traces tell.
    pub container: Option<String>,
    /// Whether a seccomp filter is on this process (`Seccomp: 2` in proc_pid_status(5)).
    pub seccomp_filter: bool,
    /// The processors in detail; `None` where the machine does not say.
    pub processors: Option<Processors>,
    /// Standard output, if it is a terminal.
    pub terminal: Option<Terminal>,
}

/// The processors this process may use, and what takes some away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processors {
    /// Processors that are online, sysconf(3) `_SC_NPROCESSORS_ONLN`.
    pub online: u32,
    /// Processors in the affinity mask, sched_getaffinity(2).
    pub affinity: u32,
    /// The tightest CPU quota of the cgroups above, in thousandths of a processor; `None` without one.
    pub quota_millicpus: Option<u64>,
}

/// A terminal, as its user will see iolab in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Width and height in cells; `None` where the terminal does not say.
    pub cells: Option<(u16, u16)>,
    /// `TERM`, empty when unset.
    pub term: String,
    /// How many colours it shows.
    pub colours: Colours,
    /// Whether the locale is UTF-8.
    pub utf8: bool,
}

/// The colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colours {
    /// None: `TERM` is dumb or unset.
    None,
    /// None, because `NO_COLOR` asks for that (no-color.org).
    Declined,
    /// The sixteen of ECMA-48 terminals.
    Sixteen,
    /// The 256 of xterm.
    TwoHundredFiftySix,
    /// 24 bits.
    True,
}

/// Terminals that show 24 bits and say so by their name alone; `COLORTERM` does not pass through ssh.
const FULL_COLOUR_TERMS: [&str; 6] =
    ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour"];

impl Colours {
    /// What `TERM` and `COLORTERM` say, by the conventions that terminals keep; `declined` is `NO_COLOR`.
    pub fn of(term: &str, colorterm: &str, declined: bool) -> Self {
        match term {
            _ if declined => Self::Declined,
            "" | "dumb" => Self::None,
            _ if matches!(colorterm, "truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") || FULL_COLOUR_TERMS.contains(&term) => Self::True,
            _ if term.contains("256color") => Self::TwoHundredFiftySix,
            _ => Self::Sixteen,
        }
    }
}

impl Capabilities {
    /// The best rung that counts system calls at full speed, if any.
    pub fn best_syscall_rung(&self) -> Option<Rung> {
        if self.perf.is_usable() {
            Some(Rung::Perf)
        } else if self.perf_user.is_usable() {
            Some(Rung::PerfUser)
        } else if self.ptrace.is_usable() {
            Some(Rung::Ptrace)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Colours;

    #[test]
    fn colours_follow_the_conventions() {
        assert_eq!(Colours::of("xterm", "", false), Colours::Sixteen);
        assert_eq!(Colours::of("xterm-256color", "", false), Colours::TwoHundredFiftySix);
        assert_eq!(Colours::of("xterm-256color", "truecolor", false), Colours::True);
        assert_eq!(Colours::of("xterm-kitty", "", false), Colours::True);
        assert_eq!(Colours::of("dumb", "truecolor", false), Colours::None);
        assert_eq!(Colours::of("", "", false), Colours::None);
        assert_eq!(Colours::of("xterm-256color", "truecolor", true), Colours::Declined);
    }
}
