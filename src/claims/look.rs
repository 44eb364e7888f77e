//! Looks at the machine: who holds epoll descriptors and rings, which proxies are installed, what else wants a
//! processor.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

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
    let own = std::process::id();
    let mut host =
        Host { proxies: PROXIES.iter().filter_map(|name| proxy(name)).collect(), ..Host::default() };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.filter(|pid| *pid != own) {
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

/// An installed program, and what its file names.
fn proxy(name: &str) -> Option<Proxy> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(PLACES.iter().map(PathBuf::from));
    let file = folders.map(|folder| folder.join(name)).find(|file| file.is_file())?;
    let bytes = fs::read(file).ok()?;
    let names = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    Some(Proxy {
        name: name.to_owned(),
        epoll: names("epoll_wait") || names("epoll_pwait"),
        io_uring: names("io_uring_setup") || names("io_uring_queue_init"),
    })
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
    Quiet { others: (mean - 1.0).max(0.0) }
}

fn running(stat: &Path) -> Option<f64> {
    let text = fs::read_to_string(stat).ok()?;
    text.lines().find_map(|line| line.strip_prefix("procs_running "))?.trim().parse().ok()
}
