//! Two sleeping threads beside the traffic: one hears what the lab asks, one tells what there is to tell. A
//! lab that reads slowly costs resolution, never timing.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::thread;

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::dial::Dialed;
use super::protocol::{Ask, Tell};

/// Tells that may wait for the lab to read.
const TELLS: usize = 256;

/// Longest line that is listened to.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What reaches the traffic's thread from others.
#[derive(Debug)]
pub enum Heard {
    /// The lab asks.
    Ask(Ask),
    /// The lab said something that is no [`Ask`].
    Garbled(String),
    /// Connections were opened.
    Dialed(Dialed),
    /// The lab is gone, or wants the client gone.
    Over,
}

/// Where other threads put what the traffic's thread is to hear.
#[derive(Clone)]
pub struct Ear {
    sender: Sender<Heard>,
    wake: Arc<EventFd>,
}

impl Ear {
    /// An ear, the receiving end of it, and the descriptor that becomes readable when something was said.
    pub fn new() -> anyhow::Result<(Self, Receiver<Heard>, Arc<EventFd>)> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wake = Arc::new(EventFd::from_value_and_flags(0, flags).context("eventfd")?);
        let (sender, receiver) = mpsc::channel();
        Ok((Self { sender, wake: Arc::clone(&wake) }, receiver, wake))
    }

    /// Says something. Nobody listens any more when the process is about to end.
    pub fn say(&self, heard: Heard) {
        if self.sender.send(heard).is_ok() {
            // Fails only when the counter is full, and then it is readable.
            let _ = self.wake.write(1);
        }
    }
}

/// Listens on stdin until it closes, or until nobody reads stdout any more.
pub fn listen(ear: Ear) -> anyhow::Result<()> {
    thread::Builder::new()
        .name("asks".to_owned())
        .spawn(move || {
            hear(&ear);
            ear.say(Heard::Over);
        })
        .context("cannot start the thread that reads stdin")?;
    Ok(())
}

fn hear(ear: &Ear) {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut line = Vec::new();
    let mut piece = [0; 4096];
    loop {
        // No event is asked of stdout: POLLERR, for a pipe without a reader, comes unasked.
        let mut watched =
            [PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(stdout.as_fd(), PollFlags::empty())];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(_) => return,
        }
        if watched[1].any() == Some(true) {
            return;
        }
        match nix::unistd::read(stdin.as_fd(), &mut piece) {
            Ok(0) => return,
            Ok(bytes) => line.extend_from_slice(&piece[..bytes]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => return,
        }
        while let Some(end) = line.iter().position(|&byte| byte == b'\n') {
            ear.say(understand(&line[..end]));
            line.drain(..=end);
        }
        if line.len() > LINE_BYTES_MAX {
            ear.say(Heard::Garbled(format!("a line longer than {LINE_BYTES_MAX} bytes")));
            return;
        }
    }
}

fn understand(line: &[u8]) -> Heard {
    match serde_json::from_slice(line) {
        Ok(ask) => Heard::Ask(ask),
        Err(error) => {
            Heard::Garbled(format!("not an ask: {error}: {}", String::from_utf8_lossy(line).escape_debug()))
        }
    }
}

/// The way to stdout.
pub struct Mouth {
    sender: SyncSender<Tell>,
    writer: thread::JoinHandle<()>,
}

impl Mouth {
    /// Starts the thread that writes.
    pub fn open(ear: Ear) -> anyhow::Result<Self> {
        let (sender, tells) = mpsc::sync_channel(TELLS);
        let writer = thread::Builder::new()
            .name("tells".to_owned())
            .spawn(move || {
                if write(&tells).is_err() {
                    ear.say(Heard::Over);
                }
            })
            .context("cannot start the thread that writes stdout")?;
        Ok(Self { sender, writer })
    }

    /// Tells something that must not be lost: waits for room.
    pub fn tell(&self, tell: Tell) {
        // The writer ends only with stdout; then the client is about to end, too.
        let _ = self.sender.send(tell);
    }

    /// Tells something if there is room; hands it back if not.
    pub fn try_tell(&self, tell: Tell) -> Option<Tell> {
        match self.sender.try_send(tell) {
            Err(TrySendError::Full(tell)) => Some(tell),
            Ok(()) | Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// Waits until all is written.
    pub fn close(self) {
        drop(self.sender);
        // A panic of the writer has been reported by itself.
        let _ = self.writer.join();
    }
}

fn write(tells: &Receiver<Tell>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for tell in tells {
        serde_json::to_writer(&mut stdout, &tell)?;
        // Standard output is line-buffered: this also sends the line.
        stdout.write_all(b"\n")?;
    }
    Ok(())
}
