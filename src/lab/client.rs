//! The client process of one lane: asks go in, tells come out.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::cage::Cage;
use super::cpus::Seat;
use super::lane::Happening;
use super::spawn;
use crate::load::protocol::{Ask, Tell};

/// A running client.
pub struct Client {
    asks: Asks,
    _cage: Cage,
}

/// The way to a client's ear, for whoever has something to ask.
#[derive(Clone)]
pub struct Asks(Arc<Mutex<ChildStdin>>);

impl Asks {
    /// Asks for something.
    pub fn ask(&self, ask: &Ask) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        let mut asks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asks.write_all(&line).context("the client has ended")
    }
}

impl Client {
    /// Starts a client on the given processors; what it tells arrives as happenings.
    pub fn start(seat: Seat, happenings: Sender<Happening>) -> anyhow::Result<Self> {
        let mut command = spawn::iolab();
        command.arg("load").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let setup = spawn::Setup { seat, ..spawn::Setup::default() };
        let mut child = spawn::spawn(command, setup)?.release().context("the client")?;
        let asks = child.stdin.take().context("the client has no stdin")?;
        let tells = child.stdout.take().context("the client has no stdout")?;
        let errors = happenings.clone();
        let cage = Cage::new(child, move |line| {
            if let Some(says) = line {
                let _ = errors.send(Happening::Told(Tell::Failed { says }));
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(tells).lines() {
                let tell = line.map_err(anyhow::Error::from).and_then(|line| {
                    serde_json::from_str(&line).with_context(|| format!("the client told {line:?}"))
                });
                let tell = tell.unwrap_or_else(|error| Tell::Failed { says: format!("{error:#}") });
                if happenings.send(Happening::Told(tell)).is_err() {
                    return;
                }
            }
            let _ = happenings.send(Happening::Told(Tell::Failed { says: "the client has ended".into() }));
        });
        Ok(Self { asks: Asks(Arc::new(Mutex::new(asks))), _cage: cage })
    }

    /// Asks for something.
    pub fn ask(&self, ask: &Ask) -> anyhow::Result<()> {
        self.asks.ask(ask)
    }

    /// For others who ask.
    pub fn asks(&self) -> Asks {
        self.asks.clone()
    }
}
