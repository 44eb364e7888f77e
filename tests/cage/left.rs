//! What may be left of a program.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A bound against hanging, never a measurement.
const PATIENCE: Duration = Duration::from_secs(20);

/// Processes with that word on their command line, or whose group had it; the scene itself has it in its
/// environment only.
pub fn with(token: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == token.as_bytes())
    })
    .collect()
}

/// Children of this process that have ended and were not collected.
pub fn zombies() -> Vec<String> {
    let own = format!(" {} ", std::process::id());
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('Z') && rest[1..].starts_with(&own))
        })
        .collect()
}

/// Waits until nobody is left.
pub fn assert_nobody(token: &str, what: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = with(token);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "{what}: left behind: {left:?}");
        std::thread::yield_now();
    }
}

/// Kills whoever is left: a defect that a test has found must not outlive it.
pub fn kill_all(token: &str) {
    for _ in 0..100 {
        let left = with(token);
        for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
            for pid in &left {
                let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
            }
        }
        if left.is_empty() {
            return;
        }
    }
}
