//! The last run gone through in time, by words.

use super::Talk;
use super::command::Command;
use crate::lesson::Lab;
use crate::plain;
use crate::trace::{Entry, Note, Record, Trace};
use crate::world::spot::{request_number, told_run};
use crate::world::{World, trigger};

const NOTHING: &str = "Nothing was seen here yet; run runs the lab.\n";

impl Talk<'_> {
    /// Obeys a command that is about the time of the last run of this step.
    pub(super) fn in_time(&mut self, lab: &Lab, command: Command) -> String {
        let Some((_, seen)) = self.seen.as_mut().filter(|(step, _)| *step == self.step) else {
            return NOTHING.to_owned();
        };
        let trace = &mut seen.trace;
        match command {
            Command::At(t_ns) => {
                self.t_ns = t_ns.min(trace.end_ns());
                plain::lab_of_step(lab, &World::at(trace, self.t_ns))
            }
            Command::Marks => plain::time::places(trace),
            Command::Mark(says) => {
                let note = Record::Note(Note::Mark { says });
                // A note of the whole trace is never refused.
                let _ = trace.push(Entry { run: None, t_ns: self.t_ns, record: note });
                plain::time::marks(trace).into_iter().map(|line| line + "\n").collect()
            }
            Command::Follow(number) => follow(trace, lab, number, self.t_ns),
            Command::Find(id) => find(trace, &id, &mut self.t_ns),
            _ => String::new(),
        }
    }
}

/// The request of that number, of each server of the lab that has told of so many.
fn follow(trace: &Trace, lab: &Lab, number: u64, t_ns: u64) -> String {
    let servers = lab.servers.iter();
    let places = servers.filter_map(|name| trace.header().servers.iter().position(|server| server == name));
    let runs = places.filter_map(|server| told_run(trace, u32::try_from(server).ok()?, t_ns));
    let told: Vec<_> = runs
        .filter_map(|run| Some(plain::follow::request(trace, &request_number(trace, run, number)?)))
        .collect();
    match told.is_empty() {
        true => format!("No window has told of a request {number}.\n"),
        false => told.join("\n"),
    }
}

/// The next event of a kind; whoever asks again gets the one after it.
fn find(trace: &Trace, id: &str, t_ns: &mut u64) -> String {
    let Some(wanted) = trigger::by_id(id) else {
        let says = if id.is_empty() { String::new() } else { format!("There is no event {id:?}. ") };
        return format!("{says}There are:\n{}", plain::time::triggers());
    };
    match wanted.next(trace, *t_ns) {
        Some(hit) => {
            *t_ns = hit.t_ns;
            plain::time::hit(trace, &hit)
        }
        None => format!("{}: none found after {}.\n", wanted.title, crate::screen::number::clock(*t_ns)),
    }
}
