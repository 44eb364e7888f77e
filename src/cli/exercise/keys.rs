//! Keys without Enter, on a terminal whose lines still look as always.
//!
//! No raw mode: Ctrl-C is a signal, Ctrl-Z stops, and `\n` begins a line at its left.

use std::io::{self, IsTerminal as _, Read as _};
use std::thread;

use nix::unistd::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal, as it is while keys are read; put back when dropped.
pub struct Keys {
    before: Termios,
}

impl Keys {
    /// Begins to read keys where standard input and output are a terminal; `press` hears each, and `None` when no
    /// more can come.
    pub fn read(press: impl Fn(Option<u8>) + Send + 'static) -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let keys = Self { before: tcgetattr(io::stdin())? };
        keys.take()?;
        let listen = move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut key = [0];
                match stdin.read(&mut key) {
                    Ok(1..) => press(Some(key[0])),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => return press(None),
                }
            }
        };
        thread::Builder::new().name("iolab-keys".into()).spawn(listen)?;
        Ok(Some(keys))
    }

    /// Takes the terminal, also after this program was stopped and continued.
    pub fn take(&self) -> io::Result<()> {
        // In the background the terminal is somebody else's, and touching it would stop us.
        if !Self::is_ours() {
            return Ok(());
        }
        let mut now = self.before.clone();
        now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &now)?)
    }

    fn is_ours() -> bool {
        tcgetpgrp(io::stdin()).is_ok_and(|group| group.as_raw_nonzero().get() == getpgrp().as_raw())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if Self::is_ours() {
            // A terminal that is gone needs nothing put back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        }
    }
}
