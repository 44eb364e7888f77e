//! What comes in while somebody is talked to: lines from the keyboard and news from a run, in one queue.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::lesson::LabEvent;

/// Something that was heard.
#[derive(Debug)]
pub enum Heard {
    /// A line, without its end.
    Line(String),
    /// No more lines come: Ctrl-D, or the terminal is gone.
    End,
    /// News from the run of this number.
    Lab(u64, LabEvent),
    /// Nothing came within the time.
    Silence,
}

/// The queue.
pub struct Ear {
    send: Sender<Heard>,
    heard: Receiver<Heard>,
    /// Lines are over.
    over: bool,
}

impl Ear {
    /// Begins to listen to standard input, in a thread that sleeps until a line comes.
    pub fn new() -> anyhow::Result<Self> {
        let (send, heard) = channel();
        let to = send.clone();
        let listen = move || {
            for line in io::stdin().lines() {
                let Ok(line) = line else { break };
                if to.send(Heard::Line(line.trim().to_owned())).is_err() {
                    return;
                }
            }
            // Nobody listens any more when the program ends.
            let _ = to.send(Heard::End);
        };
        thread::Builder::new().name("iolab-lines".into()).spawn(listen).context("cannot listen for lines")?;
        Ok(Self { send, heard, over: false })
    }

    /// Where the run of this number may send its news.
    pub fn for_run(&self, number: u64) -> anyhow::Result<Sender<LabEvent>> {
        let (events, incoming) = channel();
        let to = self.send.clone();
        let forward = move || {
            for event in incoming {
                if to.send(Heard::Lab(number, event)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("iolab-events".into()).spawn(forward).context("cannot follow the run")?;
        Ok(events)
    }

    /// Waits for the next thing.
    pub fn listen(&mut self, within: Option<Duration>) -> Heard {
        let heard = match within {
            Some(within) => self.heard.recv_timeout(within),
            None => self.heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match heard {
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                self.over = true;
                Heard::End
            }
            Ok(heard) => heard,
        }
    }

    /// Waits for the next line; `None` when there are no more.
    pub fn line(&mut self) -> Option<String> {
        while !self.over {
            match self.listen(None) {
                Heard::Line(line) => return Some(line),
                // What an earlier run still says.
                Heard::Lab(..) | Heard::Silence | Heard::End => {}
            }
        }
        None
    }
}
