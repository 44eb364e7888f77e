//! Which calls belong to a trial's story: those between its gate's go and its gate's done, and of a long
//! trial the first ones.

use std::collections::BTreeSet;

use super::entries::Entries;
use crate::lab::tracer::{Choose, Keep};
use crate::trace::Story;
use crate::trials::gate;

/// Calls of a trial that are told. Under ptrace a call costs microseconds instead of nanoseconds, and nobody
/// reads the ten thousandth.
pub const CALLS_MAX: u64 = 400;

/// Where the story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The first thread waits at the gate. Attaching interrupts that wait, and it waits again.
    AtGate,
    /// The trial's own calls.
    Inside,
    /// Over, or told as far as it will be.
    Over,
}

/// The part of a process's calls that is the trial.
pub struct Scope<F> {
    /// Its first thread, the one that waits at the gate.
    first: u32,
    place: Place,
    entered: u64,
    /// Threads whose call is under way.
    inside: BTreeSet<u32>,
    /// What came into its rings, where they may be read.
    entries: Option<Entries>,
    /// Told once, when calls are left out.
    cut: F,
}

impl<F: FnMut() + Send + 'static> Choose for Scope<F> {
    fn keep(&mut self, story: &Story) -> Keep {
        match story {
            Story::Enter { tid, name, args } => self.enter(*tid, name, args),
            Story::Exit { tid, .. } if self.place == Place::AtGate => {
                if *tid == self.first {
                    self.inside.remove(tid);
                }
                Keep::No
            }
            // Results of calls that were told are told, also when no more are.
            Story::Exit { tid, .. } if self.inside.remove(tid) => Keep::Yes,
            _ => Keep::No,
        }
    }

    fn beside(&mut self, edge: &Story) -> Vec<Story> {
        self.entries.as_mut().map(|entries| entries.at(edge)).unwrap_or_default()
    }
}

impl<F: FnMut()> Scope<F> {
    /// The scope of process `pid`; `cut` is called when the story ends before the trial does.
    pub fn new(pid: u32, entries: Option<Entries>, cut: F) -> Self {
        Self { first: pid, place: Place::AtGate, entered: 0, inside: BTreeSet::new(), entries, cut }
    }

    fn enter(&mut self, tid: u32, name: &str, args: &[u64; 6]) -> Keep {
        let at_gate = tid == self.first && args[0] == gate::DESCRIPTOR as u64;
        match self.place {
            Place::AtGate if at_gate && name == "read" => return Keep::No,
            Place::AtGate => self.place = Place::Inside,
            Place::Inside => {}
            Place::Over => return Keep::No,
        }
        if at_gate && name == "write" {
            self.place = Place::Over;
            return Keep::Enough;
        }
        if self.entered == CALLS_MAX {
            self.place = Place::Over;
            (self.cut)();
            return Keep::Enough;
        }
        self.entered += 1;
        self.inside.insert(tid);
        Keep::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(tid: u32, name: &str, fd: u64) -> Story {
        Story::Enter { tid, name: name.into(), args: [fd, 0, 0, 0, 0, 0] }
    }

    fn exit(tid: u32, result: i64) -> Story {
        Story::Exit { tid, name: String::new(), result }
    }

    #[test]
    fn the_gate_is_no_part_of_the_story() {
        let mut scope = Scope::new(7, None, || panic!("nothing was cut"));
        let told = [
            exit(7, -512),
            enter(7, "read", 3),
            exit(7, 1),
            enter(7, "dup", 3),
            exit(7, 4),
            enter(9, "write", 3),
            enter(7, "write", 4),
            exit(9, 1),
            exit(7, 1),
            enter(7, "write", 3),
            exit(7, 1),
            enter(7, "read", 3),
        ]
        .map(|story| scope.keep(&story));
        use Keep::{Enough, No, Yes};
        assert_eq!(told, [No, No, No, Yes, Yes, Yes, Yes, Yes, Yes, Enough, No, No]);
    }

    #[test]
    fn a_long_story_ends_with_the_result_of_its_last_call() {
        let (cut, cuts) = std::sync::mpsc::channel();
        let mut scope = Scope::new(7, None, move || cut.send(()).unwrap());
        scope.keep(&enter(7, "read", 3));
        scope.keep(&exit(7, 1));
        scope.keep(&enter(8, "read", 5));
        for _ in 1..CALLS_MAX {
            assert_eq!(scope.keep(&enter(7, "getppid", 0)), Keep::Yes);
            assert_eq!(scope.keep(&exit(7, 1)), Keep::Yes);
        }
        assert_eq!(scope.keep(&enter(7, "getppid", 0)), Keep::Enough);
        assert_eq!(scope.keep(&exit(7, 1)), Keep::No);
        assert_eq!(scope.keep(&exit(8, 1)), Keep::Yes, "it was entered before the end");
        assert_eq!(cuts.try_iter().count(), 1);
    }
}
