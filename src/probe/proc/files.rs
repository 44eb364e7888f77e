//! The three files of one thread, and how they are read: proc_pid_schedstat(5) in the kernel's
//! `Documentation/scheduler/sched-stats.rst`, proc_pid_stat(5), proc_pid_status(5).

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use crate::trace::ThreadTotals;

/// Room for the largest of the three; `status` grows with the list of groups.
pub(super) const BUFFER_BYTES: usize = 16 * 1024;

/// So many threads keep their files open (three each); beyond, a reading opens and closes them, which
/// costs 1.5 µs a file more but no descriptors.
const KEPT_OPEN: usize = 128;

/// Which files a reading takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// All three.
    All,
    /// `schedstat`, and the others only when it moved.
    IfItRan,
}

/// The files of one thread.
#[derive(Debug)]
pub(super) struct Files {
    schedstat: Source,
    stat: Source,
    status: Source,
}

impl Files {
    /// Opens the files of thread `tid`, which is number `place` of its process.
    pub(super) fn open(pid: u32, tid: u32, place: usize) -> Self {
        let source = |name| Source::open(format!("/proc/{pid}/task/{tid}/{name}"), place < KEPT_OPEN);
        Self { schedstat: source("schedstat"), stat: source("stat"), status: source("status") }
    }

    /// Brings `thread` up to date; false when the thread has ended (`thread` then keeps what it had).
    pub(super) fn read(&mut self, reading: Reading, thread: &mut ThreadTotals, buffer: &mut [u8]) -> bool {
        let Ok(text) = self.schedstat.read(buffer) else { return false };
        let ran = parse_schedstat(text);
        if reading == Reading::IfItRan && ran == Some(thread.cpu_ns) && thread.cpu_ns != 0 {
            return true;
        }
        let Ok(text) = self.stat.read(buffer) else { return false };
        let Some(stat) = parse_stat(text) else { return false };
        let tick_ns = tick_ns();
        let (user_ns, kernel_ns) = (stat.user_ticks * tick_ns, stat.kernel_ticks * tick_ns);
        if thread.comm.as_bytes() != stat.comm {
            thread.comm = String::from_utf8_lossy(stat.comm).into_owned();
        }
        let Ok(text) = self.status.read(buffer) else { return false };
        if let Some((voluntary, involuntary)) = parse_switches(text) {
            (thread.voluntary_switches, thread.involuntary_switches) = (voluntary, involuntary);
        }
        // A kernel without schedstats says 0 always: ticks are then all that is known.
        thread.cpu_ns = ran.filter(|&ran_ns| ran_ns > 0).unwrap_or(user_ns + kernel_ns);
        (thread.user_ns, thread.kernel_ns) = (user_ns, kernel_ns);
        true
    }
}

/// The times of a whole process, from its `stat`.
#[derive(Debug)]
pub(super) struct ProcessFile(Source);

impl ProcessFile {
    /// Opens the file of process `pid`.
    pub(super) fn open(pid: u32) -> Self {
        Self(Source::open(format!("/proc/{pid}/stat"), true))
    }

    /// User and kernel time of all its threads, those that have ended too, nanoseconds; `None` when it has ended.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<(u64, u64)> {
        let stat = parse_stat(self.0.read(buffer).ok()?)?;
        Some((stat.user_ticks.saturating_mul(tick_ns()), stat.kernel_ticks.saturating_mul(tick_ns())))
    }
}

/// A file that is read again and again from its start.
#[derive(Debug)]
enum Source {
    Open(File),
    Closed(String),
}

impl Source {
    fn open(path: String, keep: bool) -> Self {
        match File::open(&path) {
            Ok(file) if keep => Self::Open(file),
            // Not there, or no descriptor left: the reading will tell which.
            _ => Self::Closed(path),
        }
    }

    fn read<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        match self {
            Self::Open(file) => {
                let length = file.read_at(buffer, 0)?;
                if length == 0 {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                Ok(&buffer[..length])
            }
            Self::Closed(path) => {
                let length = File::open(path)?.read(buffer)?;
                Ok(&buffer[..length])
            }
        }
    }
}

/// What `stat` says that is of use here.
struct Stat<'a> {
    comm: &'a [u8],
    user_ticks: u64,
    kernel_ticks: u64,
}

/// `TID (comm) S …`: the name may hold anything, parentheses too, so it ends at the last one.
fn parse_stat(text: &[u8]) -> Option<Stat<'_>> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let comm = text.get(open + 1..close)?;
    let mut fields = std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace();
    // Field 3 (state) comes first here; 14 and 15 are utime and stime.
    let user_ticks = fields.nth(11)?.parse().ok()?;
    let kernel_ticks = fields.next()?.parse().ok()?;
    Some(Stat { comm, user_ticks, kernel_ticks })
}

/// `RAN_NS WAITED_NS SLICES`.
fn parse_schedstat(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// The two last lines of `status`: voluntary and involuntary switches.
fn parse_switches(text: &[u8]) -> Option<(u64, u64)> {
    let tail = std::str::from_utf8(&text[text.len().saturating_sub(256)..]).ok()?;
    let field = |name: &str| {
        let line = tail.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    Some((field("voluntary_ctxt_switches:")?, field("nonvoluntary_ctxt_switches:")?))
}

/// Length of a tick as `/proc` counts them, proc_pid_stat(5): 1 / sysconf(_SC_CLK_TCK).
fn tick_ns() -> u64 {
    static TICK_NS: OnceLock<u64> = OnceLock::new();
    *TICK_NS.get_or_init(|| {
        let hertz = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        1_000_000_000 / u64::try_from(hertz).unwrap_or(100).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = b"42 (a ) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 17 9 0 0 20 0 1 0 5 0 0";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat.comm, b"a ) b (c");
        assert_eq!((stat.user_ticks, stat.kernel_ticks), (17, 9));
    }

    #[test]
    fn switches_stand_at_the_end_of_status() {
        let text = b"Name:\tx\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(parse_switches(text), Some((12, 3)));
        assert_eq!(parse_switches(b""), None);
    }

    #[test]
    fn damaged_files_are_no_counts() {
        assert!(parse_stat(b"42 (x").is_none());
        assert!(parse_stat(b")(").is_none());
        assert!(parse_stat(b"42 (x) S 1").is_none());
        assert_eq!(parse_schedstat(b""), None);
    }
}
