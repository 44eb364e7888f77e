//! Ctrl-C and SIGTERM while something is being measured: end it well, show what was seen.

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `stop` at the first signal; a second one ends the program at once (its children die with it).
pub fn on_interrupt(stop: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
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
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    std::thread::spawn(move || signals.forever().for_each(heard));
    Ok(())
}
