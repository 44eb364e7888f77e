//! What the records of tracepoints mean, as far as they are part of a story.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::format::{Field, Format};
use super::record::{Raw, Switch};
use crate::probe::ring::OPERATIONS;
use crate::probe::syscalls;
use crate::trace::Story;

/// The number of a tracepoint stands first in its records (`common_type`).
const ID: Field = Field { offset: 0, size: 2, signed: false };

/// Arguments of a system call.
const ARGUMENTS_MAX: usize = 6;

/// Different rings that are told apart; the kernel names them by their addresses.
const RINGS_MAX: usize = 16;

/// What a tracepoint's record tells, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A system call is entered.
    Enter {
        /// Its number.
        number: Field,
        /// Where its arguments begin, in bytes.
        arguments: usize,
        /// How many it has.
        count: usize,
    },
    /// A system call is left.
    Exit {
        /// Its number.
        number: Field,
        /// What it returns.
        result: Field,
    },
    /// The kernel takes an operation out of a ring.
    Submit { ring: Field, user_data: Field, opcode: Field, flags: Field },
    /// The kernel puts a completion into a ring.
    Complete { ring: Field, user_data: Field, result: Field, flags: Option<Field> },
    /// Something else happens to an operation.
    Work { what: &'static str, ring: Option<Field>, user_data: Option<Field>, count: Option<Field> },
}

impl Meaning {
    /// Of `raw_syscalls:sys_enter`.
    pub(super) fn enter(format: &Format) -> Option<Self> {
        let (number, arguments) = (format.field("id")?, format.array("args")?);
        Some(Self::Enter { number, arguments, count: ARGUMENTS_MAX })
    }

    /// Of `raw_syscalls:sys_exit`.
    pub(super) fn exit(format: &Format) -> Option<Self> {
        Some(Self::Exit { number: format.field("id")?, result: format.field("ret")? })
    }

    /// Of `io_uring:io_uring_submit_req`, once `submit_sqe`.
    pub(super) fn submit(format: &Format) -> Option<Self> {
        let field = |name| format.field(name);
        let (ring, user_data, opcode) = (field("ctx")?, field("user_data")?, field("opcode")?);
        Some(Self::Submit { ring, user_data, opcode, flags: field("flags")? })
    }

    /// Of `io_uring:io_uring_complete`.
    pub(super) fn complete(format: &Format) -> Option<Self> {
        let (ring, user_data) = (format.field("ctx")?, format.field("user_data")?);
        Some(Self::Complete { ring, user_data, result: format.field("res")?, flags: format.field("cflags") })
    }

    /// Of another tracepoint of io_uring's.
    pub(super) fn work(what: &'static str, format: &Format) -> Option<Self> {
        let (ring, user_data) = (format.field("ctx"), format.field("user_data"));
        Some(Self::Work { what, ring, user_data, count: format.field("count") })
    }
}

/// From records to a story.
#[derive(Clone, Debug, Default)]
pub(super) struct Meanings {
    pub(super) by_id: BTreeMap<u64, Meaning>,
    /// The process's only ring, where it is known to have one.
    pub(super) ring: Option<i32>,
    /// Addresses of rings that were seen.
    rings: Vec<u64>,
}

impl Meanings {
    /// What a record of processor `cpu` tells and when; `None` where it is part of no story.
    pub(super) fn story(&mut self, raw: Raw<'_>, cpu: u32) -> Option<(u64, Story)> {
        match raw {
            Raw::Lost(_) => None,
            Raw::Switch { at_ns, tid, how } => {
                let story = match how {
                    Switch::In => Story::On { tid, cpu },
                    Switch::Out => Story::Off { tid, cpu, preempted: false },
                    Switch::PutAside => Story::Off { tid, cpu, preempted: true },
                };
                Some((at_ns, story))
            }
            Raw::Sample { at_ns, tid, data } => {
                let meaning = self.by_id.get(&ID.read(data)?)?.clone();
                Some((at_ns, self.tell(&meaning, tid, data)?))
            }
        }
    }

    fn tell(&mut self, meaning: &Meaning, tid: u32, data: &[u8]) -> Option<Story> {
        Some(match meaning {
            Meaning::Enter { number, arguments, count } => {
                let word = |n: usize| Field { offset: arguments + n * 8, size: 8, signed: false }.read(data);
                let args = std::array::from_fn(|n| if n < *count { word(n).unwrap_or(0) } else { 0 });
                Story::Enter { tid, name: name(number.read(data)?), args }
            }
            Meaning::Exit { number, result } => {
                let result = result.read(data)?.cast_signed();
                Story::Exit { tid, name: name(number.read(data)?), result }
            }
            Meaning::Submit { ring, user_data, opcode, flags } => {
                let (user_data, opcode) = (user_data.read(data)?, opcode.read(data)?);
                let known = usize::try_from(opcode).ok().and_then(|at| OPERATIONS.get(at));
                let operation = known.map_or_else(|| format!("op {opcode}"), |name| (*name).to_owned());
                // The first eight bits are those of the SQE.
                let flags = flags.read(data)? as u8;
                let ring = self.ring(ring.read(data)?);
                Story::Sqe { ring, operation, fd: -1, len: 0, flags, user_data, tid: Some(tid) }
            }
            Meaning::Complete { ring, user_data, result, flags } => {
                let (user_data, result) = (user_data.read(data)?, result.read(data)? as i32);
                let flags = flags.as_ref().and_then(|flags| flags.read(data)).unwrap_or(0) as u32;
                Story::Cqe { ring: self.ring(ring.read(data)?), user_data, result, flags, tid: Some(tid) }
            }
            Meaning::Work { what, ring, user_data, count } => {
                let ring = ring.and_then(|ring| ring.read(data)).map_or(-1, |address| self.ring(address));
                let number = |field: &Option<Field>| field.and_then(|field| field.read(data));
                let (user_data, count) = (number(user_data), number(count));
                Story::Work { ring, what: (*what).to_owned(), user_data, count, tid }
            }
        })
    }

    /// The descriptor of the ring at an address of the kernel's: known where there is one ring only.
    fn ring(&mut self, address: u64) -> i32 {
        if !self.rings.contains(&address) && self.rings.len() < RINGS_MAX {
            self.rings.push(address);
        }
        self.ring.filter(|_| self.rings == [address]).unwrap_or(-1)
    }
}

fn name(number: u64) -> String {
    match syscalls::name(number) {
        Cow::Borrowed(name) => name.to_owned(),
        Cow::Owned(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Records;
    use super::super::record::by_hand::sample;
    use super::*;

    fn field(offset: usize, size: usize) -> Field {
        Field { offset, size, signed: false }
    }

    fn meanings() -> Meanings {
        let enter = Meaning::Enter { number: field(8, 8), arguments: 16, count: 6 };
        let exit = Meaning::Exit { number: field(8, 4), result: Field { signed: true, ..field(16, 8) } };
        let submit = Meaning::Submit {
            ring: field(8, 8),
            user_data: field(16, 8),
            opcode: field(24, 1),
            flags: field(32, 8),
        };
        let result = Field { signed: true, ..field(24, 4) };
        let complete = Meaning::Complete { ring: field(8, 8), user_data: field(16, 8), result, flags: None };
        let all = [enter, exit, submit, complete];
        Meanings { by_id: (1..).zip(all).collect(), ring: Some(4), rings: Vec::new() }
    }

    fn told(meanings: &mut Meanings, words: &[u64]) -> Option<Story> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let record = sample(7, 100, &bytes);
        meanings.story(Records::of(&record).next()?, 0).map(|(_, story)| story)
    }

    #[test]
    fn calls_have_their_names_arguments_and_results() {
        let mut meanings = meanings();
        let read = libc::SYS_read as u64;
        let enter = told(&mut meanings, &[1, read, 5, 0xffff, 64, 1, 2, 3]);
        let args = [5, 0xffff, 64, 1, 2, 3];
        assert_eq!(enter, Some(Story::Enter { tid: 7, name: "read".into(), args }));
        let exit = told(&mut meanings, &[2, read, (-11_i64).cast_unsigned()]);
        assert_eq!(exit, Some(Story::Exit { tid: 7, name: "read".into(), result: -11 }));
        let strange = told(&mut meanings, &[2, u64::from(u32::MAX), 0]);
        let name = format!("syscall_{}", u32::MAX);
        assert_eq!(strange, Some(Story::Exit { tid: 7, name, result: 0 }));
    }

    #[test]
    fn a_ring_has_a_descriptor_as_long_as_it_is_the_only_one() {
        let mut meanings = meanings();
        let ring_of = |story: Option<Story>| match story {
            Some(Story::Sqe { ring, operation, .. }) => Some((ring, operation)),
            Some(Story::Cqe { ring, .. }) => Some((ring, "done".to_owned())),
            _ => None,
        };
        let submit = |address: u64, opcode: u64| [3, address, 9, opcode, 4];
        assert_eq!(ring_of(told(&mut meanings, &submit(0xa, 27))), Some((4, "RECV".into())));
        assert_eq!(ring_of(told(&mut meanings, &[4, 0xa, 9, 64])), Some((4, "done".into())));
        assert_eq!(ring_of(told(&mut meanings, &submit(0xb, 250))), Some((-1, "op 250".into())));
        assert_eq!(
            ring_of(told(&mut meanings, &submit(0xa, 0))),
            Some((-1, "NOP".into())),
            "which is which?"
        );
    }

    #[test]
    fn records_that_are_too_short_or_unknown_tell_nothing() {
        let mut meanings = meanings();
        for words in [&[][..], &[1], &[2, 0], &[3, 0xa, 9, 27], &[4, 0xa], &[99, 1, 2, 3]] {
            assert_eq!(told(&mut meanings, words), None, "{words:?}");
        }
        let few = told(&mut meanings, &[1, libc::SYS_read as u64, 5]);
        assert_eq!(few, Some(Story::Enter { tid: 7, name: "read".into(), args: [5, 0, 0, 0, 0, 0] }));
    }
}
