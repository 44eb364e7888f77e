//! The end of a terminal that is not ours: no SIGHUP comes, reading just finds nothing any more.
//!
//! crossterm 0.29 reads again and again when there is nothing left to read, so it cannot be the one that
//! notices: a program that nobody sees any more would take a whole processor.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::run::Message;

/// Starts a thread that sleeps in poll(2) until the terminal hangs up. It asks for no event: hang-ups and
/// errors are told unasked.
pub(super) fn listen(to: Sender<Message>) -> io::Result<()> {
    let listen = move || {
        let gone = loop {
            let stdin = io::stdin();
            match poll(&mut [PollFd::new(&stdin, PollFlags::empty())], None) {
                Err(Errno::INTR) => {}
                Err(error) => break io::Error::from(error),
                Ok(_) => break io::Error::other("the terminal hung up"),
            }
        };
        // Nobody listens any more when the screen has ended.
        let _ = to.send(Message::TerminalGone(gone));
    };
    thread::Builder::new().name("iolab-hangup".into()).spawn(listen).map(|_| ())
}
