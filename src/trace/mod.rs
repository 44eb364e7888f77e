//! The trace: everything that was seen of a run, in memory and as a file. Knows no I/O but its file.
//!
//! A trace is a [`Header`] and [`Entry`]s that belong to runs, each with its own zero. Totals are cumulative,
//! so a world at time t needs the last totals before t and nothing else; state and story come beside them.

pub mod habits;
mod index;
mod load;
mod machine;
mod probing;
mod program;
mod record;
mod rung;
mod state;
mod stop;
mod story;
mod totals;

pub use index::Tally;
pub use load::{Load, Pace};
pub use machine::{Allowed, Capabilities, Colours, Machine, Processors, Surroundings, Terminal};
pub use probing::Probing;
pub use program::{Program, Unread};
pub use record::{End, Entry, Header, Note, Purpose, Record, RunId, Start};
pub use rung::{Layer, Refusal, Rung};
pub use state::{EpollSet, Interest, Socket};
pub use stop::{CqeSight, Edge, Pointed, Polled, Report, RingSight, Source, SourceLine, SqeSight, Stop};
pub use story::{Story, Window, batch_of, is_eagain, is_wait, reports_and_done};
pub use totals::{
    ClientTotals, Contents, Counts, ProcessTotals, RingTotals, SyscallTotals, ThreadTotals, add_name,
};

/// Name and version of the format; later versions of iolab read earlier ones.
pub const SCHEMA: &str = "iolab.trace/1";

mod runs;
mod story_sum;
mod thin;

pub mod file;

pub use runs::{Found, Run, Trace};
pub use thin::Thinner;
