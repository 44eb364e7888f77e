//! Observing any program from outside: one that iolab starts, or one that runs already.
//!
//! Nobody here wrote it, so nothing is taken for granted: its processes, rings and interest lists are found by
//! looking, again and again, and it may do to us what it likes. What it does to itself is none of our business: it
//! ends as it was.
//!
//! ```text
//! Observation ── tree: which processes are its own ──┬─ a member each ── probes
//!      │                                             └─ one set of counters of system calls
//!      └─▶ Recorder ──▶ Entry… (a document, lines, a screen)
//! ```

mod arrivals;
mod aside;
mod check;
mod counting;
mod departures;
mod ending;
mod find;
mod launch;
mod member;
mod observation;
mod plan;
mod runner;
mod session;
mod tracing;
mod tree;
mod unseen;
mod unstarted;

pub use self::check::{Unusable, usable};
pub use self::ending::Ended;
pub use self::find::{Unfound, find};
pub use self::observation::{Asks, Observation, Outcome, Remote};
pub use self::plan::{Output, Plan, Subject};
pub use self::runner::{Became, Heard, Listener, Watching};
pub use self::unstarted::Unstarted;
