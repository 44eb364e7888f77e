//! Looks at the machine: who holds epoll descriptors and rings, which proxies are installed, what else wants a
//! processor.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::{SysconfVar, sysconf};

use super::host::{Host, Proxy};
use super::quiet::Quiet;

/// Proxies that people compare with.
const PROXIES: [&str; 2] = ["nginx", "haproxy"];

/// Where they are installed when PATH does not say.
const PLACES: [&str; 3] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"];

/// Looks at what wants a processor, so often and so far apart.
const LOOKS: u32 = 20;
const APART: Duration = Duration::from_millis(3);

/// What this user can see of the machine.
pub(super) fn host() -> Host {
    let own = program("self");
    let mut host =
        Host { proxies: PROXIES.iter().filter_map(|name| proxy(name)).collect(), ..Host::default() };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        // Threads of the kernel have no program; iolab's own processes, of whatever run, are not the machine's.
        match program(&pid.to_string()) {
            None => continue,
            program if program == own => continue,
            Some(_) => {}
        }
        // Of others' processes nothing can be seen, and that is no news.
        let Ok(links) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        let targets: Vec<_> = links.flatten().filter_map(|link| fs::read_link(link.path()).ok()).collect();
        let holds = |kind: &str| targets.iter().any(|target| target.to_str() == Some(kind));
        host.readable += 1;
        host.with_epoll += u64::from(holds("anon_inode:[eventpoll]"));
        host.with_ring += u64::from(holds("anon_inode:[io_uring]"));
    }
    host
}

/// Which file a process runs: device and inode.
fn program(pid: &str) -> Option<(u64, u64)> {
    let file = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((file.dev(), file.ino()))
}

/// An installed program, and what its file names.
fn proxy(name: &str) -> Option<Proxy> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(PLACES.iter().map(PathBuf::from));
    // A script of that name says nothing about the program that it starts.
    let mut files = folders.filter_map(|folder| fs::read(folder.join(name)).ok());
    let bytes = files.find(|bytes| bytes.starts_with(b"\x7fELF"))?;
    let names = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    Some(Proxy {
        name: name.to_owned(),
        epoll: names("epoll_wait") || names("epoll_pwait"),
        io_uring: names("io_uring_setup") || names("io_uring_queue_init"),
    })
}

/// Processor time so far, of everybody and of ours.
pub(super) struct Spent {
    at: Instant,
    all: Duration,
    own: Duration,
}

impl Spent {
    /// Until now. Children that were waited for are ours.
    pub fn so_far() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let own = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].into_iter().filter_map(|who| {
            let usage = getrusage(who).ok()?;
            Some(duration(usage.user_time()) + duration(usage.system_time()))
        });
        Some(Self { at: now(), all: busy(&stat)?, own: own.sum() })
    }

    /// How many processors others have used since, on average.
    pub fn by_others_until(&self, later: &Self) -> f64 {
        let all = later.all.saturating_sub(self.all).as_secs_f64();
        let own = later.own.saturating_sub(self.own).as_secs_f64();
        let wall = later.at.saturating_duration_since(self.at).as_secs_f64();
        // The kernel counts everybody's time in ticks: of a short while that says nothing.
        if wall < TICKS.as_secs_f64() { 0.0 } else { ((all - own) / wall).max(0.0) }
    }
}

/// A hundred ticks.
const TICKS: Duration = Duration::from_secs(1);

/// What is no idle time of the first line of /proc/stat: user, nice, system, irq, softirq and steal.
fn busy(stat: &str) -> Option<Duration> {
    let ticks: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = ticks[..] else { return None };
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().filter(|ticks| *ticks > 0)?;
    Some(Duration::from_millis((user + nice + system + irq + softirq + steal) * 1000 / per_second as u64))
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros((time.num_microseconds()).max(0) as u64)
}

#[expect(clippy::disallowed_methods, reason = "how busy a machine is is a matter of time")]
fn now() -> Instant {
    Instant::now()
}

/// How many threads of others want a processor, on average of some looks. Nothing of ours runs meanwhile.
pub(super) fn quiet() -> Quiet {
    let (_keeps_it_open, timer) = channel::<()>();
    let looks = (0..LOOKS).filter_map(|_| {
        let _ = timer.recv_timeout(APART);
        running(Path::new("/proc/stat"))
    });
    let running: Vec<f64> = looks.collect();
    // The one that looks runs, too.
    let mean = running.iter().sum::<f64>() / running.len().max(1) as f64;
    Quiet { others: (mean - 1.0).max(0.0), processors: online() }
}

fn online() -> u32 {
    let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    online.and_then(|online| u32::try_from(online).ok()).unwrap_or(1)
}

fn running(stat: &Path) -> Option<f64> {
    let text = fs::read_to_string(stat).ok()?;
    text.lines().find_map(|line| line.strip_prefix("procs_running "))?.trim().parse().ok()
}
