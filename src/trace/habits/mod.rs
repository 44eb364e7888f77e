//! Habits: what the calls and entries of a story, taken one after another, show of the way a program works. Sums,
//! and beside them what has to be remembered from one call to the next. Both outlive the calls, which a long run
//! does not keep.
//!
//! Nothing is judged here: that a write was not gone on with is a fact, and whether it is worth a word is for
//! the rules of `world/insight/`.

mod accepts;
mod few;
mod interest;
mod reads;
mod rings;
mod turns;
mod writes;

use serde::{Deserialize, Serialize};

pub use self::accepts::Accepts;
pub use self::interest::Rewrites;
pub use self::reads::TinyReads;
pub use self::rings::RingHabits;
pub use self::turns::LongTurns;
pub use self::writes::CutWrites;

/// A system call that came back.
#[derive(Clone, Copy, Debug)]
pub struct Called<'c> {
    /// Who.
    pub tid: u32,
    /// What.
    pub name: &'c str,
    /// With what.
    pub args: &'c [u64; 6],
    /// What came back; −errno on failure.
    pub result: i64,
}

/// What a story has shown so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habits {
    /// Writes that took a part of what they were given.
    pub writes: CutWrites,
    /// Reads of a few bytes.
    pub reads: TinyReads,
    /// Changes of interest lists.
    pub interest: Rewrites,
    /// What came of being woken for a listener.
    pub accepts: Accepts,
    /// How long one descriptor kept the others waiting.
    pub turns: LongTurns,
    /// Completions.
    pub rings: RingHabits,
}

impl Habits {
    /// Whether nothing was noticed.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// A call came back.
    pub fn called(&mut self, call: Called<'_>) {
        self.writes.called(call);
        self.reads.called(call);
        self.interest.called(call);
        self.accepts.called(call);
        self.turns.called(call);
        self.rings.called(call);
    }

    /// Goes on from what was noticed before anything of this: the story's beginning, of which only that is left.
    pub fn go_on_from(&mut self, earlier: &Self) {
        let since = std::mem::replace(self, earlier.clone());
        self.add(&since);
    }

    /// Adds what another story of the same program came to; what either remembers stays its own.
    pub fn add(&mut self, other: &Self) {
        self.writes.add(&other.writes);
        self.reads.add(&other.reads);
        self.interest.add(&other.interest);
        self.accepts.add(&other.accepts);
        self.turns.add(&other.turns);
        self.rings.add(&other.rings);
    }
}

impl Called<'_> {
    /// The descriptor that it names first, as most calls do.
    fn fd(&self) -> i32 {
        self.args[0] as i32
    }

    /// Whether it receives into one buffer: the second argument is its address, the third its length.
    fn is_read(&self) -> bool {
        matches!(self.name, "read" | "recvfrom")
    }

    /// Whether it sends from one buffer, likewise.
    fn is_write(&self) -> bool {
        matches!(self.name, "write" | "sendto")
    }

    /// Whether it took something, but less than it was given.
    fn is_short(&self) -> bool {
        u64::try_from(self.result).is_ok_and(|taken| taken < self.args[2])
    }
}

/// A foreign story may hold any number; a sum that has reached the end of the scale stays there.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
