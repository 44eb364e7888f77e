//! Signals as messages: a thread that sleeps in the kernel until one comes.

use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::run::Message;

/// Starts the thread.
pub(super) fn listen(to: Sender<Message>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    let listen = move || {
        for signal in &mut signals {
            let message = match signal {
                SIGTSTP => Message::Suspend,
                SIGCONT => Message::Continued,
                other => Message::Signal(other),
            };
            if to.send(message).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("iolab-signals".into()).spawn(listen).map(|_| ())
}

/// Stops this process as SIGTSTP would, until somebody continues it.
pub(super) fn stop_here() -> std::io::Result<()> {
    emulate_default_handler(SIGTSTP)
}

/// Ends this process by a signal, as if nobody had caught it: whoever started us can tell.
pub(super) fn end_by(signal: i32) -> std::io::Result<()> {
    emulate_default_handler(signal)
}
