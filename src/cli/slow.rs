//! `iolab lab SERVER... --slow` in lines: stop after stop, to be typed through on a terminal, or a few requests for
//! a pipe.

mod command;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, channel};

use self::command::Command;
use super::Exit;
use super::face::print;
use crate::lab::{Recorder, Slow, SlowPlan};
use crate::lesson::Go;
use crate::plain;
use crate::servers::Polls;
use crate::trace::{End, Entry, Trace};
use crate::world::World;

/// Shows servers in slow motion in lines; `requests` for who cannot type.
pub fn run(plan: &SlowPlan, requests: u64) -> anyhow::Result<Exit> {
    let (send, entries) = channel();
    let recorder = Recorder::new(move |batch| {
        // Nobody reads any more when the program ends.
        let _ = send.send(batch);
    });
    let trace = Trace::new(plan.header(crate::lab::capabilities()));
    let slow = Slow::start(plan, recorder)?;
    let mut told = Told { trace, entries, stops: vec![0; plan.servers.len()] };
    slow.settle();
    for server in plan.servers.iter().filter(|server| server.polls == Polls::KernelThread) {
        print(&format!("{}: {}\n", server.name, plain::slow::NOTHING_STOPS))?;
    }
    told.tell()?;
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        talk(&slow, &mut told)?;
    } else {
        for _ in 0..requests {
            slow.go(Go::Request, None);
            slow.settle();
            told.tell()?;
        }
    }
    drop(slow);
    told.tell_ends()
}

/// What was seen, and how much of it was told.
struct Told {
    trace: Trace,
    entries: Receiver<Vec<Entry>>,
    /// Stops of each run that were told.
    stops: Vec<u64>,
}

impl Told {
    /// Takes what came, and tells the stops that are new, in the order of time.
    fn tell(&mut self) -> anyhow::Result<()> {
        for entry in self.entries.try_iter().flatten() {
            self.trace.push(entry).map_err(anyhow::Error::msg)?;
        }
        let world = World::at(&self.trace, u64::MAX);
        let mut fresh = Vec::new();
        for run in &world.runs {
            let known = self.stops.get(run.start.server as usize).copied().unwrap_or(0);
            let name = &world.header.servers[run.start.server as usize];
            fresh.extend(
                run.stops.last().filter(|seen| seen.number > known).map(|seen| (name, seen, &run.stops)),
            );
        }
        fresh.sort_by_key(|(_, seen, _)| seen.t_ns);
        for (name, seen, stops) in fresh {
            print(&plain::slow::stop(name, seen, stops))?;
        }
        for run in &world.runs {
            self.stops[run.start.server as usize] = run.stops.count;
        }
        Ok(())
    }

    /// The stop so many steps before the newest, of every server.
    fn back(&self, steps: usize) -> anyhow::Result<bool> {
        let world = World::at(&self.trace, u64::MAX);
        let mut any = false;
        for run in &world.runs {
            if let Some(seen) = run.stops.last().rev().nth(steps) {
                let name = &world.header.servers[run.start.server as usize];
                print(&plain::slow::stop(name, seen, &run.stops))?;
                any = true;
            }
        }
        Ok(any)
    }

    /// How it ended, where it did not end because it was told to.
    fn tell_ends(&mut self) -> anyhow::Result<Exit> {
        self.tell()?;
        let world = World::at(&self.trace, u64::MAX);
        let mut exit = Exit::Done;
        for run in &world.runs {
            let name = &world.header.servers[run.start.server as usize];
            match &run.end {
                None | Some(End::Stopped | End::Done) => {}
                Some(end) => {
                    print(&format!("{name}: {end}\n"))?;
                    exit = if matches!(end, End::Refused { .. }) { Exit::Refused } else { Exit::Failed };
                }
            }
        }
        Ok(exit)
    }
}

/// Lines that are typed, until somebody leaves.
fn talk(slow: &Slow, told: &mut Told) -> anyhow::Result<()> {
    print("Enter goes to the next stop, help lists what else may be typed, q leaves.\n")?;
    let mut back = 0;
    loop {
        print("> ")?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let go = match Command::read(line.trim()) {
            Ok(Command::Go(go)) => go,
            Ok(Command::Back) => {
                back += 1;
                if !told.back(back)? {
                    back -= 1;
                    print("Nothing earlier was kept.\n")?;
                }
                continue;
            }
            Ok(Command::Help) => {
                print(&Command::help())?;
                continue;
            }
            Ok(Command::Quit) => return Ok(()),
            Err(says) => {
                print(&format!("{says}\n"))?;
                continue;
            }
        };
        if back > 0 && go == Go::Stop {
            back -= 1;
            told.back(back)?;
            continue;
        }
        back = 0;
        slow.go(go, None);
        if slow.settle().iter().all(|lane| lane.state == crate::lab::slow::State::Over) {
            return told.tell();
        }
        told.tell()?;
        if go == Go::Free {
            print("The servers run on their own, request after request; stop stops them again.\n")?;
        }
    }
}
