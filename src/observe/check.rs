//! Whether a process can be observed at all, said before anything is attached.

use std::fmt;

use super::tree;
use crate::probe::text::{is_gone, text};

/// Why a process cannot be observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is none with that number.
    Gone(u32),
    /// Whether there is one cannot be known: why.
    Unreadable(u32, String),
    /// It has ended, and waits for its parent to hear of it.
    Zombie(u32),
    /// It is iolab itself.
    Oneself(u32),
    /// The number is that of a thread, of this process.
    Thread(u32, u32),
    /// It is a thread of the kernel's, which makes no system calls.
    Kernel(u32, String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(pid) => {
                write!(
                    out,
                    "there is no process {pid} (ESRCH): it has ended, or the number is wrong; try pgrep -a NAME"
                )
            }
            Self::Unreadable(pid, why) => write!(
                out,
                "what /proc says of process {pid} cannot be read: {why}; try as the user that it belongs to, or as root"
            ),
            Self::Zombie(pid) => write!(
                out,
                "process {pid} has ended and only waits for its parent to hear of it (a zombie): nothing is left to \
                 observe"
            ),
            Self::Oneself(pid) => write!(
                out,
                "process {pid} is this iolab itself: watching would be all that there is to watch; try another one"
            ),
            Self::Thread(tid, pid) => write!(
                out,
                "{tid} is a thread of process {pid}, and a process is observed whole; try iolab observe -p {pid}"
            ),
            Self::Kernel(pid, name) => write!(
                out,
                "process {pid} ({name}) is a thread of the kernel's: it makes no system calls, has no descriptors and \
                 no rings; try the process that it works for"
            ),
        }
    }
}

impl std::error::Error for Unusable {}

/// PF_KTHREAD of the kernel's include/linux/sched.h, as field 9 of proc_pid_stat(5) shows it.
const PF_KTHREAD: u64 = 0x0020_0000;

/// Whether process `pid` can be observed.
///
/// # Errors
/// It cannot: why.
pub fn usable(pid: u32) -> Result<(), Unusable> {
    if pid == std::process::id() {
        return Err(Unusable::Oneself(pid));
    }
    let stat = text(format!("/proc/{pid}/stat")).map_err(|error| match is_gone(&error) {
        true => Unusable::Gone(pid),
        false => Unusable::Unreadable(pid, error.to_string()),
    })?;
    let group = crate::probe::refuse::status_field(&format!("/proc/{pid}/status"), "Tgid:");
    if let Some(group) = group.filter(|&group| group != u64::from(pid)) {
        let group = u32::try_from(group).unwrap_or(0);
        return Err(if group == std::process::id() {
            Unusable::Oneself(pid)
        } else {
            Unusable::Thread(pid, group)
        });
    }
    let (name, fields) = split(&stat).ok_or(Unusable::Gone(pid))?;
    if tree::is_zombie(pid) {
        return Err(Unusable::Zombie(pid));
    }
    let flags: u64 = fields.split_ascii_whitespace().nth(6).and_then(|flags| flags.parse().ok()).unwrap_or(0);
    if flags & PF_KTHREAD != 0 {
        return Err(Unusable::Kernel(pid, name.to_owned()));
    }
    Ok(())
}

/// The name, which may hold anything, and the fields from the third on.
fn split(stat: &str) -> Option<(&str, &str)> {
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    Some((stat.get(open + 1..close)?, stat.get(close + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_observed_is_told_apart() {
        let own = std::process::id();
        assert_eq!(usable(own), Err(Unusable::Oneself(own)));
        assert_eq!(usable(u32::MAX / 2), Err(Unusable::Gone(u32::MAX / 2)));
        // Process 2 is kthreadd wherever the kernel's threads can be seen.
        if text("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
            assert!(matches!(usable(2), Err(Unusable::Kernel(2, name)) if name == "kthreadd"));
        }
    }
}
