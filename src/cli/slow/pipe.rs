//! Slow motion for a pipe: so many requests, every stop of them.

use std::path::Path;
use std::sync::mpsc::channel;

use super::told::Told;
use crate::cli::Exit;
use crate::cli::face::print;
use crate::cli::trouble::trouble;
use crate::lab::{Recorder, Slow, SlowPlan};
use crate::lesson::Go;
use crate::servers::Polls;
use crate::trace::file;
use crate::world::stops::NOTHING_STOPS;

/// Tells every stop of `requests` requests, one after the other, each through all servers; keeps them in a file, if
/// one is named.
pub fn pipe(plan: &SlowPlan, requests: u64, record: Option<&Path>) -> anyhow::Result<Exit> {
    let (send, entries) = channel();
    let recorder = Recorder::new(move |batch| {
        // Nobody reads any more when the program ends.
        let _ = send.send(batch);
    });
    let mut told = Told::new(plan.header(crate::lab::capabilities()));
    let slow = Slow::start(plan, recorder)?;
    slow.settle();
    for server in plan.servers.iter().filter(|server| server.polls == Polls::KernelThread) {
        print(&format!("{}: {NOTHING_STOPS}\n", server.name))?;
    }
    for request in 0..=requests {
        if request > 0 {
            slow.go(Go::Request, None);
            slow.settle();
        }
        entries.try_iter().try_for_each(|batch| told.push(batch))?;
        while told.forward()? {}
    }
    drop(slow);
    entries.try_iter().try_for_each(|batch| told.push(batch))?;
    if let Some(path) = record {
        file::save(told.trace(), path)
            .map_err(|error| trouble(format_args!("cannot record to {}", path.display()), &error))?;
    }
    told.ends()
}
