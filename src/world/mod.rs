//! A world: a trace folded up to a time. Everything shown anywhere is read from here.
//!
//! Pure: no clock, no file, no environment, no printing. A live run, a frozen one and a replay differ only in
//! where the trace comes from.

mod clients;
mod cost;
mod cursor;
mod deltas;
mod helper;
mod history;
pub mod insight;
pub mod lanes;
mod measured;
mod metric;
mod poller;
pub mod ready;
pub mod receipt;
mod run;
mod server;
mod server_metric;
mod switches;
mod told;
mod trial_metric;
pub mod turns;
mod unread;
mod window;
pub mod words;

pub use cost::{COSTS, Cost, CostRow, CostTable};
pub use cursor::Cursor;
pub use deltas::{Counted, Deltas, RingDeltas};
pub use helper::Helper;
pub use history::{History, Ran, Slice};
pub use measured::Measured;
pub use metric::{METRICS, Metric, MetricId};
pub use poller::{Moment, Poller, Strip};
pub use run::RunWorld;
pub use server::ServerView;
pub use switches::{Stretches, SwitchColumn, SwitchMap, Switches};
pub use told::Told;
pub use unread::{Left, Unread};
pub use window::{Call, Echo, RingEntry, SeenEntry, WindowView};

use crate::trace::{Header, Note, Trace};

/// What is known at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct World<'t> {
    /// The trace's header: machine, load, servers.
    pub header: &'t Header,
    /// The time, nanoseconds since each run's zero; `u64::MAX` is "all there is".
    pub t_ns: u64,
    /// Each run up to the time, in the order they started.
    pub runs: Vec<RunWorld>,
    /// Notes about the whole trace up to the time.
    pub notes: &'t [(u64, Note)],
}

impl<'t> World<'t> {
    /// Folds the trace from its beginning up to and including `t_ns`.
    pub fn at(trace: &'t Trace, t_ns: u64) -> Self {
        let runs = trace.runs().iter().map(|run| RunWorld::at(run, t_ns)).collect();
        Self::of(trace, t_ns, runs)
    }

    fn of(trace: &'t Trace, t_ns: u64, runs: Vec<RunWorld>) -> Self {
        let until = trace.notes().partition_point(|(at_ns, _)| *at_ns <= t_ns);
        Self { header: trace.header(), t_ns, runs, notes: &trace.notes()[..until] }
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
