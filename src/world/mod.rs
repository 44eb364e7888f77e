//! A world: a trace folded up to a time. Everything shown anywhere is read from here.
//!
//! Pure: no clock, no file, no environment, no printing. A live run, a frozen one and a replay differ only in
//! where the trace comes from.

mod clients;
mod cost;
mod cursor;
mod deltas;
pub mod follow;
mod helper;
mod history;
pub mod insight;
pub mod lanes;
mod left_open;
mod lit;
mod measured;
mod memo;
mod metric;
mod poller;
mod process_metric;
pub mod ready;
pub mod receipt;
pub mod ruler;
mod run;
mod server;
mod server_metric;
pub mod spot;
pub mod stops;
mod survey;
mod switches;
pub mod timeline;
mod told;
mod trial_metric;
pub mod trigger;
pub mod turns;
mod unread;
mod window;
pub mod words;

pub use cost::{COSTS, Cost, CostRow, CostTable};
pub use cursor::Cursor;
pub use deltas::{Counted, Deltas, RingDeltas};
pub use helper::Helper;
pub use history::{History, Ran, Slice};
pub use left_open::LeftOpen;
pub use lit::Lit;
pub use measured::Measured;
pub use metric::{METRICS, Metric, MetricId};
pub use poller::{Moment, Poller, Strip};
pub use run::RunWorld;
pub use server::ServerView;
pub use spot::{Spot, What};
pub use survey::Survey;
pub use switches::{Stretches, SwitchColumn, SwitchMap, Switches};
pub use told::Told;
pub use unread::{Left, Unread};
pub use window::{Call, Echo, RingEntry, SeenEntry, WindowView};

use std::sync::Arc;

use crate::trace::{Header, Note, Trace};

/// What is known at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct World<'t> {
    /// The trace's header: machine, load, servers.
    pub header: &'t Header,
    /// The time, nanoseconds since the trace's zero; `u64::MAX` is "all there is".
    pub t_ns: u64,
    /// Each run up to the time, in the order they started; shared with the cursor, which goes on from them.
    pub runs: Vec<Arc<RunWorld>>,
    /// Notes about the whole trace up to the time.
    pub notes: &'t [(u64, Note)],
    whole: Whole<'t>,
}

/// The trace that a world is folded from: pictures of a stretch of time read its records themselves. A world says
/// what was known at its time, so what came later makes no two of them differ.
#[derive(Clone, Copy, Debug)]
struct Whole<'t>(Option<&'t Trace>);

impl PartialEq for Whole<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<'t> World<'t> {
    /// Folds the trace from its beginning up to and including `t_ns`.
    pub fn at(trace: &'t Trace, t_ns: u64) -> Self {
        let begun = trace.runs().iter().filter_map(|run| Some((run, run.own_ns(t_ns)?)));
        let runs = begun.map(|(run, own_ns)| Arc::new(RunWorld::at(run, own_ns))).collect();
        Self::of(trace, t_ns, runs)
    }

    fn of(trace: &'t Trace, t_ns: u64, runs: Vec<Arc<RunWorld>>) -> Self {
        let until = trace.notes().partition_point(|(at_ns, _)| *at_ns <= t_ns);
        Self { header: trace.header(), t_ns, runs, notes: &trace.notes()[..until], whole: Whole(Some(trace)) }
    }

    /// A world of runs that were folded by themselves, without their trace at hand.
    pub fn of_runs(header: &'t Header, runs: Vec<Arc<RunWorld>>) -> Self {
        Self { header, t_ns: u64::MAX, runs, notes: &[], whole: Whole(None) }
    }

    /// The whole trace, what comes after the time among it; `None` where it is not at hand.
    pub fn trace(&self) -> Option<&'t Trace> {
        self.whole.0
    }

    /// The time of the last record, nanoseconds since the trace's zero.
    pub fn end_ns(&self) -> u64 {
        self.runs.iter().map(|run| run.began_ns.saturating_add(run.t_ns)).max().unwrap_or(0)
    }

    /// Whether it is of a program that nobody here wrote: its columns are processes.
    pub fn is_observed(&self) -> bool {
        self.runs.iter().any(|run| run.is_observed())
    }

    /// One view a server, in the order they were asked for.
    pub fn servers(&self) -> Vec<ServerView<'_>> {
        (0..self.header.servers.len()).map(|index| ServerView::new(self, index as u32)).collect()
    }

    /// The view of one server by name.
    pub fn server(&self, name: &str) -> Option<ServerView<'_>> {
        let index = self.header.servers.iter().position(|server| server == name)?;
        Some(ServerView::new(self, index as u32))
    }
}
