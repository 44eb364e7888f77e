//! Ctrl-C and SIGTERM while something is being measured: end it well, show what was seen.

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::probe::text::text;

/// Calls `stop` at the first signal; a second one ends the program at once (its children die with it).
pub fn on_interrupt(stop: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = signals()?;
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

/// Calls `heard` at each signal, with its number.
pub fn on_each(heard: impl Fn(i32) + Send + 'static) -> anyhow::Result<()> {
    let mut signals = signals()?;
    std::thread::spawn(move || signals.forever().for_each(heard));
    Ok(())
}

/// Those that end a program, but for those that it was started to ignore (nohup(1), the background of a script): what
/// it starts ignores them, too.
fn signals() -> anyhow::Result<Signals> {
    let ignored = text("/proc/self/status").map(|status| ignored(&status)).unwrap_or_default();
    let is_heard = |number: &i32| ignored & (1 << (number - 1)) == 0;
    Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_heard)).context("cannot listen for signals")
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
