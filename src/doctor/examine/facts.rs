//! What the machine says about itself: the settings that explain a refusal.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::utsname::uname;
use nix::unistd::{getegid, geteuid, getgroups};

use super::container;
use crate::doctor::version::Version;

/// Settings and properties that decide what a process may do. Read once; tests write down others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Kernel release, uname(2).
    pub kernel: String,
    /// Effective user id.
    pub uid: u32,
    /// Effective and supplementary group ids.
    pub groups: Vec<u32>,
    /// The effective capabilities as a bit set, `CapEff` in proc_pid_status(5).
    pub capabilities: u64,
    /// Whether a seccomp filter is on this process, `Seccomp: 2` in proc_pid_status(5).
    pub seccomp_filter: bool,
    /// The process that traces this one, `TracerPid` in proc_pid_status(5).
    pub tracer: Option<i32>,
    /// Whether others of the same user may look into this process, prctl(2) PR_GET_DUMPABLE.
    pub dumpable: bool,
    /// `kernel.io_uring_disabled`, since Linux 6.6.
    pub io_uring_disabled: Option<u32>,
    /// `kernel.io_uring_group`; −1 is no group.
    pub io_uring_group: Option<i64>,
    /// `kernel.perf_event_paranoid`.
    pub perf_event_paranoid: Option<i32>,
    /// Yama's `kernel.yama.ptrace_scope`.
    pub yama_scope: Option<u32>,
    /// RLIMIT_MEMLOCK, soft, in bytes; `None` is unlimited.
    pub memlock_bytes: Option<u64>,
    /// RLIMIT_NOFILE, soft and hard.
    pub nofile: (u64, u64),
    /// The container around this process, if one is.
    pub container: Option<String>,
}

/// Capabilities that decide something here, by number (linux/capability.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// Trace any process.
    SysPtrace = 19,
    /// The former catch-all: mounting, io_uring whatever `io_uring_disabled` 1 says, perf before 5.8.
    SysAdmin = 21,
    /// Raise priorities; SQPOLL in Linux 5.11 and 5.12.
    SysNice = 23,
    /// Observe performance, since 5.8.
    Perfmon = 38,
}

impl Facts {
    /// Reads them. What cannot be read is left unknown.
    pub fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memlock = getrlimit(Resource::RLIMIT_MEMLOCK).map(|(soft, _)| soft);
        Self {
            kernel: uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default(),
            uid: geteuid().as_raw(),
            groups: getgroups().into_iter().flatten().chain([getegid()]).map(|gid| gid.as_raw()).collect(),
            capabilities: field(&status, "CapEff")
                .and_then(|set| u64::from_str_radix(set, 16).ok())
                .unwrap_or(0),
            seccomp_filter: field(&status, "Seccomp") == Some("2"),
            tracer: field(&status, "TracerPid").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0),
            dumpable: nix::sys::prctl::get_dumpable().unwrap_or(true),
            io_uring_disabled: sysctl("kernel/io_uring_disabled"),
            io_uring_group: sysctl("kernel/io_uring_group"),
            perf_event_paranoid: sysctl("kernel/perf_event_paranoid"),
            yama_scope: sysctl("kernel/yama/ptrace_scope"),
            memlock_bytes: memlock.ok().filter(|bytes| *bytes != nix::libc::RLIM_INFINITY),
            nofile: getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0)),
            container: container::examine(),
        }
    }

    /// The kernel's version.
    pub fn version(&self) -> Version {
        Version::of(&self.kernel)
    }

    /// Whether the process has this capability.
    pub fn may(&self, capability: Capability) -> bool {
        self.capabilities & (1 << capability as u8) != 0
    }

    /// Whether the process may observe performance whatever `perf_event_paranoid` says.
    pub fn may_perfmon(&self) -> bool {
        self.may(Capability::Perfmon) || self.may(Capability::SysAdmin)
    }
}

/// The value of a field of `/proc/self/status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim())
}

/// A number under `/proc/sys`.
fn sysctl<T: std::str::FromStr>(path: &str) -> Option<T> {
    fs::read_to_string(format!("/proc/sys/{path}")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status = "Name:\tiolab\nTracerPid:\t0\nSeccomp_filters:\t3\nSeccomp:\t2\n";
        assert_eq!(field(status, "Seccomp"), Some("2"));
        assert_eq!(field(status, "Tracer"), None);
    }
}
