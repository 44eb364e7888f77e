//! The parts of a lab, one file each. Each says how many rows it needs at least and can use at most, and
//! draws itself into what it gets.

mod batches;
mod calls;
mod cost;
mod follow;
mod histogram;
mod insights;
mod interest;
mod lanes;
mod metrics;
mod names;
mod poller;
mod receipt;
mod rings;
mod strip;
mod switches;
mod timeline;

use std::borrow::Cow;
use std::cell::OnceCell;

use ratatui::layout::Rect;

use super::paint::{Paint, width};
use super::theme::{Glyphs, Role, Theme};
use super::view::{Focus, View};
use crate::lesson::{Kind, Lab, Lesson, Show};
use crate::trace::{Rung, Trace};
use crate::world::{Lit, MetricId, ServerView};

/// What all parts of a lab see.
pub(super) struct Scene<'s> {
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
    columns: u16,
    /// Which servers stand side by side: the first of them, and how many.
    side_by_side: OnceCell<(usize, usize)>,
    /// The table of metrics, computed when it is first asked for.
    table: OnceCell<metrics::Table>,
    /// The lanes likewise.
    lanes: OnceCell<Vec<lanes::Drawn<'s>>>,
    /// The receipts likewise.
    receipts: OnceCell<Vec<receipt::Drawn<'s>>>,
    /// The lanes in real time likewise.
    timelines: OnceCell<Vec<timeline::Drawn<'s>>>,
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
    fn side_by_side(&self) -> (usize, usize) {
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
    fn corner(&self, each: &str, columns: u16, glyphs: &Glyphs) -> String {
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
    fn hides_crossings(&self, server: &ServerView<'_>) -> bool {
        self.view.is_hidden(self.lesson, server.name, MetricId::SyscallsPerRequest)
    }

    /// Whether the lab runs trials.
    fn is_of_trials(&self) -> bool {
        self.lab.kind == Kind::Trials
    }

    /// Whether its numbers are totals.
    fn tells_totals(&self) -> bool {
        self.lab.kind != Kind::Servers
    }

    /// What the numbers of the lab are counted by.
    fn each(&self) -> &'static str {
        if self.tells_totals() { "in all" } else { "per echo" }
    }

    /// The server that a part with room for one shows: the one in focus, else the last that it suits.
    fn chosen(&self, suits: impl Fn(&ServerView<'_>) -> bool) -> Option<&'s ServerView<'s>> {
        let focused = match self.view.focus {
            Focus::Number { column, .. } => self.servers.get(column).copied().filter(|server| suits(server)),
            _ => None,
        };
        focused.or_else(|| self.servers.iter().rev().copied().find(|server| suits(server)))
    }
}

/// What there is to say about a part of the lab that is not a row of the metric catalogue.
pub(crate) struct About {
    /// Which.
    pub part: Show,
    /// Its title on the screen.
    pub title: &'static str,
    /// What it shows.
    pub meaning: &'static str,
    /// How it is measured.
    pub how: &'static str,
    /// How far off it can be.
    pub error: &'static str,
    /// A command that shows the same; `{pid}` stands for the server's process.
    pub check: &'static str,
    /// Whether it is about servers with a ring only.
    pub ring_only: bool,
}

/// One row for each part.
const PARTS: &[About] = &[
    About {
        part: Show::Metrics,
        title: "",
        meaning: "Each number is a row of the catalogue; choose one.",
        how: "See each number.",
        error: "See each number.",
        check: "cat /proc/{pid}/status",
        ring_only: false,
    },
    About {
        part: Show::Rings,
        title: "rings",
        meaning: "The two queues that program and kernel share. Head and tail only ever grow; the slot is the \
                  counter & mask. The program moves the SQ's tail and the CQ's head, the kernel the other two.",
        how: "A read-only mapping of the server's own ring (pidfd_getfd and mmap), sampled while it runs; the \
              histogram counts every sample since the run's zero.",
        error: "The counters are exact. Depths are samples: what came and went between two of them was not seen.",
        check: "grep -E 'Sq|Cq' /proc/{pid}/fdinfo/*",
        ring_only: true,
    },
    About {
        part: Show::Batches,
        title: "submissions in one io_uring_enter",
        meaning: "How many SQEs the kernel took in each io_uring_enter; 0 where the call only waited.",
        how: "The call's return value, seen in a window: by perf at full speed, else under ptrace.",
        error: "Exact inside the window. One under ptrace is slowed down: more requests wait, so batches can be larger \
                than in a free run. The mean batch in the table is of the free run.",
        check: "sudo strace -f -e trace=io_uring_enter -p {pid}",
        ring_only: true,
    },
    About {
        part: Show::Names,
        title: "system calls by name",
        meaning: "Which system calls were made: by a server for each request answered, by a trial in all.",
        how: "One counter a system call (perf-user), else a window: by perf at full speed, else under ptrace.",
        error: "perf-user: exact for the calls it has counters for; perf and ptrace: exact inside the window, which \
                ptrace slows down.",
        check: "sudo strace -f -c -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Story,
        title: "the last system calls in order",
        meaning: "What the server asked of the kernel and what came back, in plain words.",
        how: "A window: the kernel writes a record at each entry and exit (perf), else stops the server there (ptrace).",
        error: "Order and results are exact, but for records that were lost, which is said. Under ptrace times are not, \
                because stopping costs more than the call.",
        check: "sudo strace -f -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Interest,
        title: "interest list and ready list",
        meaning: "The descriptors that an epoll instance watches and for what; and those of them that are ready: a \
                  connection with bytes unread, a listener with connections waiting, or room to send where \
                  EPOLLOUT is asked for.",
        how: "Interest: /proc/PID/fdinfo/EPFD, twice a second. Ready is derived from the sockets' queues \
              (sock_diag), read right afterwards: the kernel shows its own list to nobody.",
        error: "Exact at the instant of the reading; a fast server has emptied its queues again by then, so often \
                none is ready. The order is not known. An edge-triggered entry may have been told already.",
        check: "grep tfd /proc/{pid}/fdinfo/*",
        ring_only: false,
    },
    About {
        part: Show::Lanes,
        title: "own code, kernel, waiting",
        meaning: "Each pair of corners is one crossing into the kernel and back. The upper lane is the program's \
                  own code, the lower one the kernel; dots are a thread that waits and uses no processor. \
                  Shown are the last turns of each server's one or two busiest threads; a turn goes from waking \
                  to waiting again, and begins in all lanes at the same column.",
        how: "A window under ptrace: the server is stopped at each entry and exit. The number is the \
              metric of the whole run; what makes it up by name is the window's.",
        error: "Order and number of the crossings are exact. Widths are no times: under ptrace stopping costs more \
                than the call. Dots are drawn for a call that can wait and lasted over 1 ms, or inside of which a \
                request was sent; a short wait may have been none.",
        check: "sudo strace -f -r -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Receipt,
        title: "the receipt of one echo",
        meaning: "The calls that a server made for one request: from the wait that ended with it until it waited \
                  for the next. A call that served several requests counts with its share: (1 for 64).",
        how: "A window (perf, else ptrace), beside the client's own notes of when it sent and when it had the answer. Of \
              the last requests that are known whole, it is the middle one by crossings.",
        error: "Calls that name the connection are exact, and so is the share of a wait that says how many are \
                ready. What goes through a ring names no connection: its calls are shared evenly by the requests \
                answered in that turn, no more than its SQEs are enough for. A window under ptrace is slowed down: a \
                burst comes to pieces more easily than in a free run.",
        check: "sudo strace -f -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Switches,
        title: "map of context switches",
        meaning: "One column a thread, one row a stretch of time, the newest at the bottom. A bar: how often the \
                  thread gave its processor up because it had to wait; each step of the bar is twice the one \
                  before. After !: how often it was put aside although it could have gone on.",
        how: "voluntary_ctxt_switches and nonvoluntary_ctxt_switches in /proc/PID/task/TID/status, reading by \
              reading.",
        error: "The numbers are exact. A switch counts in the row in which it was read: one reading late, or several \
                where so many threads are read by turns.",
        check: "grep ctxt /proc/{pid}/task/*/status",
        ring_only: false,
    },
    About {
        part: Show::Cost,
        title: "cost of an echo by connections",
        meaning: "What an echo cost the server under each load that was tried in this run, processor time as a bar. \
                  Idle connections count: they are what is searched in vain.",
        how: "Processor time and system calls of the stretches of the run with one load, divided by their answers.",
        error: "The calls are as exact as the rung that counts them; processor time moves with whatever else the \
                machine does.",
        check: "cat /proc/{pid}/task/*/schedstat",
        ring_only: false,
    },
    About {
        part: Show::Poller,
        title: "who spins and who sleeps",
        meaning: "One cell a reading: how much of the time the thread was on a processor. An SQPOLL thread looks at \
                  the submission queue without rest until nothing has come for a while; then it sleeps, and the \
                  program must wake it. Put aside: it never went to sleep, but others wanted a processor too. A server \
                  that waits in the kernel is on none meanwhile.",
        how: "Processor time of each thread (schedstat) over the time between two readings; asleep: the flag \
              IORING_SQ_NEED_WAKEUP in the mapped ring.",
        error: "Time is exact over a few readings, in one of them off by some milliseconds; the flag is a sample.",
        check: "grep . /proc/{pid}/task/*/comm /proc/{pid}/task/*/schedstat",
        ring_only: false,
    },
    About {
        part: Show::Follow,
        title: "one request",
        meaning: "One request, from the client through the server's threads and the kernel and back: a row for each \
                  place, a number for each step. Every other picture shows what belongs to it.",
        how: "The client's notes of when it sent and when it had the answer; calls and entries of rings from a \
              window. They are linked by the connection's descriptor and by user_data.",
        error: "Order is exact; times are true in a window under perf and slowed down under ptrace. What is derived \
                says so, and so does what nobody has seen.",
        check: "sudo strace -f -r -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Insights,
        title: "",
        meaning: "Rules with cause, cost and fix that hold for this run.",
        how: "Computed from the numbers above.",
        error: "Each rule states what it saw.",
        check: "cat /proc/{pid}/status",
        ring_only: false,
    },
];

/// The row of a part.
pub(crate) fn about(part: Show) -> &'static About {
    PARTS.iter().find(|about| about.part == part).unwrap_or(&PARTS[0])
}

/// A part's title; empty for those that need none.
pub(super) fn title(scene: &Scene<'_>, part: Show) -> String {
    let title = about(part).title;
    match part {
        Show::Interest => {
            interest::of(scene).map_or_else(|| title.into(), |server| format!("{title}: {}", server.name))
        }
        Show::Names => names::title(scene, title),
        Show::Follow => follow::title(scene, title),
        Show::Lanes if scene.view.cell_ns.is_some() => "own code, kernel, waiting, in real time".to_owned(),
        // Told from the first one to the last.
        Show::Story if scene.is_of_trials() => "system calls in order".to_owned(),
        _ => title.to_owned(),
    }
}

/// Who measured what a part shows.
pub(super) fn remark(scene: &Scene<'_>, part: Show) -> Cow<'static, str> {
    let rung = match part {
        Show::Rings => Rung::Ring.word(),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::remark(scene),
        Show::Follow => "",
        Show::Batches => told_by(scene.servers.iter().filter(|server| server.has_ring())),
        Show::Story | Show::Lanes | Show::Receipt => return story_remark(scene),
        Show::Switches | Show::Poller => Rung::Proc.word(),
        Show::Cost => cost::remark(scene),
        Show::Names => names::rung(scene).map_or("", Rung::word),
        Show::Interest => Rung::EpollSet.word(),
        Show::Metrics | Show::Insights => "",
    };
    rung.into()
}

/// Who told a story, and what of it was lost.
fn story_remark(scene: &Scene<'_>) -> Cow<'static, str> {
    let rung = told_by(scene.servers.iter());
    match scene.servers.iter().fold(0_u64, |sum, server| sum.saturating_add(server.window.lost)) {
        0 => rung.into(),
        lost => format!("{rung}, {lost} records lost").into(),
    }
}

/// The rung of the windows of some servers; before one was closed, that of the windows that every machine has.
fn told_by<'s>(mut servers: impl Iterator<Item = &'s &'s ServerView<'s>>) -> &'static str {
    servers.find_map(|server| server.story_rung()).unwrap_or(Rung::Ptrace).word()
}

/// Rows that a part needs at least, and can use at most, without its title. Nothing to show needs nothing.
pub(super) fn rows(scene: &Scene<'_>, part: Show, columns: u16) -> (u16, u16) {
    match part {
        Show::Metrics => metrics::rows(scene, columns),
        Show::Rings => rings::rows(scene),
        Show::Batches => batches::rows(scene),
        Show::Names => names::rows(scene),
        Show::Story => calls::rows(scene),
        Show::Interest => interest::rows(scene, columns),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::rows(scene),
        Show::Lanes => lanes::rows(scene, columns),
        Show::Follow => follow::rows(scene, columns),
        Show::Receipt => receipt::rows(scene, columns),
        Show::Switches => switches::rows(scene, columns),
        Show::Cost => cost::rows(scene, columns),
        Show::Poller => poller::rows(scene, columns),
        Show::Insights => insights::rows(scene, columns),
    }
}

/// How many of so many rows a part would draw into: it grows by whole pictures.
pub(super) fn used(scene: &Scene<'_>, part: Show, rows: u16) -> u16 {
    match part {
        Show::Rings => rings::used(scene, rows),
        Show::Lanes if scene.view.cell_ns.is_none() => lanes::used(scene, rows),
        _ => rows,
    }
}

/// Draws a part.
pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>, part: Show) {
    match part {
        Show::Metrics => metrics::draw(paint, area, scene),
        Show::Rings => rings::draw(paint, area, scene),
        Show::Batches => batches::draw(paint, area, scene),
        Show::Names => names::draw(paint, area, scene),
        Show::Story => calls::draw(paint, area, scene),
        Show::Interest => interest::draw(paint, area, scene),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::draw(paint, area, scene),
        Show::Lanes => lanes::draw(paint, area, scene),
        Show::Follow => follow::draw(paint, area, scene),
        Show::Receipt => receipt::draw(paint, area, scene),
        Show::Switches => switches::draw(paint, area, scene),
        Show::Cost => cost::draw(paint, area, scene),
        Show::Poller => poller::draw(paint, area, scene),
        Show::Insights => insights::draw(paint, area, scene),
    }
}

/// The glyph of a rung: filled where the number is exact at full speed, half where it is a part or slowed
/// down, empty where it is the client's.
fn rung_glyph(theme: Theme, rung: Rung) -> (&'static str, Role) {
    let glyphs = theme.glyphs();
    match rung {
        Rung::Proc | Rung::EpollSet | Rung::Sock | Rung::Ring | Rung::Perf => (glyphs.exact, Role::Good),
        Rung::PerfUser | Rung::Ptrace => (glyphs.partial, Role::Warn),
        Rung::Client => (glyphs.client, Role::Quiet),
    }
}
