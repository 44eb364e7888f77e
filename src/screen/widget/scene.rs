//! What all parts of a lab see, and what several of them would compute.

use std::cell::OnceCell;

use super::super::paint::width;
use super::super::theme::Glyphs;
use super::super::view::{Focus, View};
use super::{cost, lanes, metrics, names, receipt, timeline};
use crate::lesson::{Kind, Lab, Lesson, Show};
use crate::trace::Trace;
use crate::world::{Lit, MetricId, ServerView};

/// What all parts of a lab see.
pub(in crate::screen) struct Scene<'s> {
    /// The learner's side.
    pub view: &'s View,
    /// The lesson, to know what must stay hidden.
    pub lesson: &'s Lesson,
    /// The lab.
    pub lab: &'s Lab,
    /// The lab's servers, in its order; those that the trace knows.
    pub servers: Vec<&'s ServerView<'s>>,
    /// The whole trace, for pictures of a stretch of time.
    pub trace: Option<&'s Trace>,
    /// Columns that the parts have.
    pub(super) columns: u16,
    /// Which servers stand side by side: the first of them, and how many.
    side_by_side: OnceCell<(usize, usize)>,
    /// The table of metrics, computed when it is first asked for.
    pub(super) table: OnceCell<metrics::Table>,
    /// The lanes likewise.
    pub(super) lanes: OnceCell<Vec<lanes::Drawn<'s>>>,
    /// The receipts likewise.
    pub(super) receipts: OnceCell<Vec<receipt::Drawn<'s>>>,
    /// The lanes in real time likewise.
    pub(super) timelines: OnceCell<Vec<timeline::Drawn<'s>>>,
    /// What belongs to the one thing that is followed.
    lit: OnceCell<Option<Lit>>,
}

impl<'s> Scene<'s> {
    pub fn new(
        servers: &'s [ServerView<'s>],
        view: &'s View,
        lesson: &'s Lesson,
        lab: &'s Lab,
        columns: u16,
        trace: Option<&'s Trace>,
    ) -> Self {
        let named = |name: &String| servers.iter().find(|server| server.name == name);
        let servers = match lab.kind {
            // Columns come as processes are found.
            Kind::Processes => servers.iter().collect(),
            Kind::Servers | Kind::Trials => lab.servers.iter().filter_map(named).collect(),
        };
        let (side_by_side, table, lanes, receipts, timelines, lit) = Default::default();
        Self {
            view,
            lesson,
            lab,
            servers,
            trace,
            columns,
            side_by_side,
            table,
            lanes,
            receipts,
            timelines,
            lit,
        }
    }

    /// What belongs to the one thing that is followed; `None`: nothing is.
    pub fn lit(&self) -> Option<&Lit> {
        let of = || Lit::of(self.trace?, &self.view.spot?);
        self.lit.get_or_init(of).as_ref()
    }

    /// The same where it is of this server.
    pub fn lit_of(&self, server: &ServerView<'_>) -> Option<&Lit> {
        let named = |lit: &&Lit| {
            server.header.servers.get(lit.server as usize).is_some_and(|name| name == server.name)
        };
        self.lit().filter(named)
    }

    /// The servers that have a column each: the first, and how many. The same in every table of the lab, as many as
    /// the tightest of them has room for: those around the focus, else the last, which is the lesson's point.
    pub(super) fn side_by_side(&self) -> (usize, usize) {
        *self.side_by_side.get_or_init(|| {
            let count = self.servers.len();
            let fit = self.lab.show.iter().map(|part| match part {
                Show::Metrics => metrics::fit(self),
                Show::Cost => cost::fit(self),
                Show::Names => names::fit(self),
                _ => count,
            });
            let shown = fit.min().unwrap_or(count).clamp(1, count.max(1));
            let focused = match self.view.focus {
                Focus::Number { column, .. } => column,
                // What was asked for comes first, and the others come of it.
                _ if self.lab.kind == Kind::Processes => 0,
                _ => count.saturating_sub(1),
            };
            let first = (focused + 1).saturating_sub(shown).min(count.saturating_sub(shown));
            (first, shown)
        })
    }

    /// How many servers have no column in a table.
    pub fn beside(&self) -> usize {
        self.servers.len().saturating_sub(self.side_by_side().1)
    }

    /// What stands above the rows of a table: what its numbers are counted by, and how many servers have no
    /// column there and how they are reached.
    pub(super) fn corner(&self, each: &str, columns: u16, glyphs: &Glyphs) -> String {
        let beside = self.beside();
        if beside == 0 {
            return each.to_owned();
        }
        let keys = match self.view.focus {
            Focus::Number { .. } => glyphs.left_right.to_owned(),
            _ => format!("Tab {}", glyphs.left_right),
        };
        let says =
            [format!("{each}  +{beside}: {keys}"), format!("+{beside}: {keys}"), format!("{each} +{beside}")];
        let fits = says.into_iter().find(|says| width(says) <= columns);
        fits.unwrap_or_else(|| format!("+{beside}"))
    }

    /// Whether a picture of a server's calls would give a prediction away.
    pub(super) fn hides_crossings(&self, server: &ServerView<'_>) -> bool {
        self.view.is_hidden(self.lesson, server.name, MetricId::SyscallsPerRequest)
    }

    /// Whether the lab runs trials.
    pub(super) fn is_of_trials(&self) -> bool {
        self.lab.kind == Kind::Trials
    }

    /// Whether its numbers are totals.
    pub(super) fn tells_totals(&self) -> bool {
        self.lab.kind != Kind::Servers
    }

    /// What the numbers of the lab are counted by.
    pub(super) fn each(&self) -> &'static str {
        if self.tells_totals() { "in all" } else { "per echo" }
    }

    /// The server that a part with room for one shows: the one in focus, else the last that it suits.
    pub(super) fn chosen(&self, suits: impl Fn(&ServerView<'_>) -> bool) -> Option<&'s ServerView<'s>> {
        let focused = match self.view.focus {
            Focus::Number { column, .. } => self.servers.get(column).copied().filter(|server| suits(server)),
            _ => None,
        };
        focused.or_else(|| self.servers.iter().rev().copied().find(|server| suits(server)))
    }
}
