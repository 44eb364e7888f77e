//! The client's conversation with the lab, and the loop that everything happens in.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::thread;

use anyhow::Context;

use super::clock::now_ns;
use super::dial::{Dialed, dial};
use super::engine::{self, Choice, Engine};
use super::limits;
use super::lines::{Ear, Heard, Mouth, listen};
use super::pattern::MESSAGE_BYTES_MAX;
use super::protocol::{Ask, Tell};
use super::traffic::Traffic;
use crate::trace::Load;

/// Distance of [`Tell::Totals`]. Each wakes three threads of the lab: oftener than a screen is drawn is of no use.
const TICK_NS: u64 = 50_000_000;

/// Events of the story told in one line.
const STORY_LINE: usize = 1_024;

/// The client at work.
struct Session {
    engine: Box<dyn Engine>,
    traffic: Traffic,
    mouth: Mouth,
    ear: Ear,
    heard: Receiver<Heard>,
    /// Asked and not yet obeyed: asks are obeyed in order, and some wait for what comes before.
    asks: VecDeque<Ask>,
    address: Option<SocketAddr>,
    dialing: bool,
    tick_ns: u64,
}

/// Does what is asked on stdin until it closes.
///
/// # Errors
///
/// Where the engine cannot be made or breaks; the lab is told, too.
pub fn run(choice: Choice) -> anyhow::Result<()> {
    let (ear, heard, wake) = Ear::new()?;
    let mouth = Mouth::open(ear.clone())?;
    limits::sharpen_timers();
    let engine = match engine::make(choice, wake) {
        Ok(engine) => engine,
        Err(error) => {
            mouth.tell(Tell::Failed { says: format!("{error:#}") });
            mouth.close();
            return Err(error);
        }
    };
    listen(ear.clone())?;
    let session = Session {
        engine,
        traffic: Traffic::new(),
        mouth,
        ear,
        heard,
        asks: VecDeque::new(),
        address: None,
        dialing: false,
        tick_ns: 0,
    };
    session.work()
}

impl Session {
    fn work(mut self) -> anyhow::Result<()> {
        loop {
            let until_ns = self.wait_until_ns();
            let woken = match self.engine.turn(&mut self.traffic, until_ns) {
                Ok(woken) => woken,
                Err(error) => {
                    self.mouth.tell(Tell::Failed { says: format!("{}: {error}", self.engine.name()) });
                    self.mouth.close();
                    return Err(error).context("the client's loop broke");
                }
            };
            if woken && !self.hear()? {
                return Ok(());
            }
            let now_ns = now_ns();
            // In this order: what became due meanwhile is not late before it had its chance.
            if self.traffic.is_on() && now_ns >= self.tick_ns {
                self.report(now_ns);
            }
            self.traffic.advance(now_ns);
            self.settle();
            self.obey(now_ns)?;
        }
    }

    /// When the loop has something to do of its own accord.
    fn wait_until_ns(&self) -> Option<u64> {
        let tick_ns = self.traffic.is_on().then_some(self.tick_ns);
        tick_ns.into_iter().chain(self.traffic.deadline_ns()).min()
    }

    /// Takes what other threads have said. False if it is over.
    fn hear(&mut self) -> anyhow::Result<bool> {
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Ask(ask) => self.asks.push_back(ask),
                Heard::Garbled(says) => self.mouth.tell(Tell::Failed { says }),
                Heard::Dialed(dialed) => self.dialed(dialed)?,
                Heard::Over => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Obeys as far as possible now.
    fn obey(&mut self, now_ns: u64) -> anyhow::Result<()> {
        while let Some(ask) = self.asks.pop_front() {
            if self.dialing {
                self.asks.push_front(ask);
                return Ok(());
            }
            match ask {
                Ask::Open { address, load } => self.open(address, load, now_ns)?,
                Ask::Run { .. } if self.traffic.is_on() => {
                    self.traffic.stop(now_ns);
                    self.asks.push_front(ask);
                    return Ok(());
                }
                Ask::Run { requests, duration_ns, story } => {
                    self.traffic.start(requests, duration_ns, story, now_ns);
                    self.tick_ns = now_ns + TICK_NS;
                }
                Ask::Story { on } => {
                    self.traffic.tally.tell_story(true);
                    self.tell_story(now_ns);
                    self.traffic.tally.tell_story(on);
                }
                Ask::Pace { load } => self.traffic.pace(&load, now_ns),
                Ask::Pause => self.traffic.pause(now_ns),
            }
        }
        Ok(())
    }

    fn open(&mut self, address: SocketAddr, load: Load, now_ns: u64) -> anyhow::Result<()> {
        if !(1..=MESSAGE_BYTES_MAX).contains(&load.message_bytes) {
            let says = format!("a message has 1 to {MESSAGE_BYTES_MAX} bytes, not {}", load.message_bytes);
            self.mouth.tell(Tell::Failed { says });
            return Ok(());
        }
        let all_new = self.address.replace(address).is_some_and(|before| before != address);
        let missing = self.traffic.adjust(&load, all_new, now_ns);
        if missing == 0 {
            return self.dialed(Dialed::default());
        }
        limits::allow_connections(self.traffic.pool.open().saturating_add(missing));
        let ear = self.ear.clone();
        thread::Builder::new()
            .name("dial".to_owned())
            .spawn(move || ear.say(Heard::Dialed(dial(address, missing))))
            .context("cannot start the thread that opens connections")?;
        self.dialing = true;
        Ok(())
    }

    fn dialed(&mut self, dialed: Dialed) -> anyhow::Result<()> {
        self.dialing = false;
        for (socket, port) in dialed.sockets {
            let token = self.traffic.adopt(socket, port);
            self.engine.watch(&mut self.traffic, token).context("cannot watch a new connection")?;
        }
        self.mouth.tell(Tell::Ready {
            engine: self.engine.name().to_owned(),
            open: self.traffic.pool.open(),
            refused: dialed.refused,
        });
        Ok(())
    }

    /// Tells that a run is over, where it is.
    fn settle(&mut self) {
        if self.traffic.rest() {
            self.tell_story(now_ns());
            let (at_ns, zero_ns) = (self.traffic.tally.last_answer_ns(), self.traffic.tally.zero_ns());
            let totals = self.traffic.totals();
            self.mouth.tell(Tell::Quiet { at_ns, zero_ns, totals });
        } else if let Some(says) = self.traffic.rest_without_connections() {
            self.report(now_ns());
            self.mouth.tell(Tell::Failed { says });
        }
    }

    fn report(&mut self, now_ns: u64) {
        // From one zero on at equal distances; a tick that was missed is left out.
        self.tick_ns += TICK_NS * ((now_ns.saturating_sub(self.tick_ns)) / TICK_NS + 1);
        self.tell_story(now_ns);
        let totals = self.traffic.totals();
        if let Some(Tell::Totals { totals, .. }) = self.mouth.try_tell(Tell::Totals { at_ns: now_ns, totals })
        {
            self.traffic.tally.keep_back(&totals.latency_ns);
        }
    }

    /// Tells the story up to `now_ns`, where one is told.
    fn tell_story(&mut self, now_ns: u64) {
        let Some(mut page) = self.traffic.tally.story() else { return };
        loop {
            let rest = page.events.split_off(page.events.len().min(STORY_LINE));
            let events = std::mem::replace(&mut page.events, rest);
            let lost = std::mem::take(&mut page.lost);
            let until_ns = if page.events.is_empty() { now_ns } else { 0 };
            let told = self.mouth.try_tell(Tell::Story { events, lost, until_ns });
            if let Some(Tell::Story { events, lost, .. }) = told {
                self.traffic.tally.lose_story(events.len() as u64 + page.events.len() as u64 + lost);
                return;
            }
            if page.events.is_empty() {
                return;
            }
        }
    }
}
