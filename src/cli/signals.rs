//! Ctrl-C and SIGTERM while something is being measured: end it well, show what was seen.

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::probe::text::text;

/// Signals that end a program.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Calls `stop` at the first signal; a second one ends the program at once (its children die with it). A hang-up that it was
/// started to ignore (nohup(1)) stays ignored; a shell starts what is in its background with SIGINT ignored as well, but
/// whoever sends that to a measurement by hand wants its result.
pub fn on_interrupt(stop: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = listen(|number| number != SIGHUP || !is_ignored(number))?;
    std::thread::spawn(move || {
        let mut asked = false;
        for _ in signals.forever() {
            if asked {
                std::process::exit(130);
            }
            asked = true;
            stop();
        }
    });
    Ok(())
}

/// Calls `heard` at each signal, with its number; those that iolab was started to ignore are ignored, by what it starts,
/// too.
pub fn on_each(heard: impl Fn(i32) + Send + 'static) -> anyhow::Result<()> {
    let mut signals = listen(|number| !is_ignored(number))?;
    std::thread::spawn(move || signals.forever().for_each(heard));
    Ok(())
}

fn listen(is_heard: impl Fn(i32) -> bool) -> anyhow::Result<Signals> {
    Signals::new(ENDING.into_iter().filter(|number| is_heard(*number))).context("cannot listen for signals")
}

/// Whether this process was started to ignore a signal; asked before anything is listened to.
fn is_ignored(number: i32) -> bool {
    let mask = text("/proc/self/status").map(|status| ignored(&status)).unwrap_or_default();
    mask & (1 << (number - 1)) != 0
}

/// The mask of ignored signals, of proc_pid_status(5).
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_a_mask() {
        assert_eq!(ignored("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001003\n"), 0x1003);
        assert_eq!(ignored(""), 0);
    }
}
