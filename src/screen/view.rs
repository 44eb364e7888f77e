//! What the learner chose: which step, what is typed, where the focus is. A plain value, changed only by
//! [`update`](super::update()).

use std::collections::{BTreeMap, BTreeSet};

use super::slow::Slow;
use crate::lesson::{Lab, Lesson, Prediction, Show, Step};
use crate::trace::Trace;
use crate::world::trigger::Looked;
use crate::world::{MetricId, Spot};

/// Everything about a screen that is not the world.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The step, from 0.
    pub step: usize,
    /// First line of the prose that is shown.
    pub scroll: u16,
    /// First line of the overlay that is shown.
    pub scroll_over: u16,
    /// Where keys go.
    pub focus: Focus,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// How the room is divided.
    pub pane: Pane,
    /// The lab as the learner changed it; `None`: as the lesson has it.
    pub tuned: Option<Lab>,
    /// What a presenter has shown so far; `None` for everyone who reads for themselves.
    pub present: Option<Shown>,
    /// What was answered, by the prediction's id.
    pub answers: BTreeMap<String, String>,
    /// Predictions that were asked and passed over, by id.
    pub passed_over: BTreeSet<String>,
    /// What was measured for a prediction, by its id: kept when its run is gone.
    pub measured: BTreeMap<String, f64>,
    /// Which instant of the run is shown.
    pub playhead: Playhead,
    /// Where the run stood when it came to rest, nanoseconds since the trace's zero: what still comes does not move
    /// the scrubber. `None`: its end is the trace's.
    pub seen_ns: Option<u64>,
    /// The one thing that every picture follows.
    pub spot: Option<Spot>,
    /// How much time a cell of the lanes stands for, nanoseconds; `None`: they are drawn in order.
    pub cell_ns: Option<u64>,
    /// Where the ruler begins, nanoseconds since the trace's zero; it ends where the playhead is.
    pub ruler_ns: Option<u64>,
    /// What the run is to stop at.
    pub armed: Option<Armed>,
    /// A note that is being typed for a mark.
    pub noting: Option<Noting>,
    /// A mark that was set and is to be written into the trace.
    pub mark: Option<Noting>,
    /// Slow motion, where it is on the screen.
    pub slow: Option<Slow>,
    /// The run.
    pub run: Run,
    /// The exercises of the lesson and how far the learner is in them, if it has any: its last step says so.
    pub exercises: Option<String>,
    /// An answer to the last key, for the learner: why it did nothing.
    pub notice: Option<String>,
}

/// A note for a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noting {
    /// Where the mark is, nanoseconds since the trace's zero.
    pub t_ns: u64,
    /// What stands there so far.
    pub text: String,
}

/// A trigger that a run is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Its row in [`TRIGGERS`](crate::world::trigger::TRIGGERS).
    pub trigger: usize,
    /// How far the run was looked through.
    pub looked: Looked,
}

/// Steps whose answers a presenter has shown.
pub type Shown = BTreeSet<usize>;

/// Where keys go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Focus {
    /// To the text: arrows scroll and change steps.
    Text,
    /// To the answer of a prediction.
    Typing {
        /// Which of the step's predictions, from 0.
        prediction: usize,
        /// What stands there so far.
        text: String,
        /// Whether the run starts as soon as it is answered: the learner asked for it.
        then_run: bool,
    },
    /// To the table of metrics: arrows move from number to number.
    Number {
        /// Row, as the lab lists its metrics.
        row: usize,
        /// Column: the server.
        column: usize,
    },
    /// To another part of the lab.
    Panel(Show),
}

/// What lies over the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// All keys of the moment.
    Help,
    /// What can be changed of the lab.
    Controls {
        /// The row that keys change, from 0.
        row: usize,
    },
    /// What the run may stop at.
    Triggers {
        /// The row that is chosen, from 0.
        row: usize,
    },
    /// What the focused number is.
    Info {
        /// Whether the focus goes back to the text afterwards: it was there before.
        back_to_text: bool,
    },
}

/// How the room is divided between text and lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Both where there is room; else the text before a run and the lab from then on.
    Both,
    /// The text only.
    Text,
    /// The lab only.
    Lab,
}

/// Which instant of the run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playhead {
    /// The latest.
    Live,
    /// This one, nanoseconds since the zero; nothing moves.
    Frozen(u64),
    /// A recording that moves on with the clock.
    Playing(u64),
    /// A recording that has come to its end, which is here.
    End(u64),
}

/// Where the run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Nothing was run.
    None,
    /// There is one, of the lab of a step.
    Some {
        /// The step whose lab it is.
        step: usize,
        /// What it does.
        state: State,
        /// Why a recording stands in, if one does.
        recorded: Option<String>,
    },
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Servers and client are being started.
    Starting,
    /// Under way.
    Running,
    /// It came to its end, or was stopped.
    Over,
    /// It could not run: what happened, why it matters, what to try.
    Failed(String),
}

impl View {
    /// A lesson as it opens.
    pub fn new(step: usize) -> Self {
        Self {
            step,
            scroll: 0,
            scroll_over: 0,
            focus: Focus::Text,
            overlay: None,
            pane: Pane::Both,
            tuned: None,
            present: None,
            answers: BTreeMap::new(),
            passed_over: BTreeSet::new(),
            measured: BTreeMap::new(),
            playhead: Playhead::Live,
            seen_ns: None,
            spot: None,
            cell_ns: None,
            ruler_ns: None,
            armed: None,
            noting: None,
            mark: None,
            slow: None,
            run: Run::None,
            exercises: None,
            notice: None,
        }
    }

    /// The step's part of the lesson.
    pub fn step<'l>(&self, lesson: &'l Lesson) -> &'l Step {
        &lesson.steps[self.step.min(lesson.steps.len().saturating_sub(1))]
    }

    /// The lab of the step, as the learner has changed it.
    pub fn lab<'v>(&'v self, lesson: &'v Lesson) -> Option<&'v Lab> {
        self.tuned.as_ref().or_else(|| self.step(lesson).lab())
    }

    /// Time up to which the world is to be folded, nanoseconds.
    pub fn t_ns(&self) -> u64 {
        if let Some(slow) = &self.slow {
            return slow.t_ns();
        }
        match self.playhead {
            Playhead::Live => u64::MAX,
            Playhead::Frozen(t_ns) | Playhead::Playing(t_ns) | Playhead::End(t_ns) => t_ns,
        }
    }

    /// Whether nothing on the screen moves, so that time can be walked through.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.playhead, Playhead::Frozen(_) | Playhead::End(_))
    }

    /// Whether the whole run can be gone through, so that a scrubber is shown.
    pub fn has_scrubber(&self, lesson: &Lesson) -> bool {
        self.state(lesson).is_some()
            && (self.is_at_rest() || self.recorded().is_some() || self.noting.is_some())
    }

    /// The end of what the scrubber shows, nanoseconds since the trace's zero.
    pub(super) fn end_ns(&self, trace: &Trace) -> u64 {
        let end_ns = trace.end_ns();
        self.seen_ns.map_or(end_ns, |seen_ns| seen_ns.max(self.t_ns()).min(end_ns))
    }

    /// What belongs to the run that was: another begins.
    pub(super) fn forget_run(&mut self) {
        self.seen_ns = None;
        (self.spot, self.ruler_ns, self.noting, self.mark) = (None, None, None, None);
        if let Some(armed) = &mut self.armed {
            armed.looked = Looked::default();
        }
    }

    /// The state of the run that belongs to the step on the screen, if there is one.
    pub fn state(&self, lesson: &Lesson) -> Option<&State> {
        match &self.run {
            Run::Some { step, state, .. } if same_lab(lesson, *step, self.step) => Some(state),
            _ => None,
        }
    }

    /// Whether something is under way, on whatever step.
    pub fn is_running(&self) -> bool {
        matches!(self.run, Run::Some { state: State::Starting | State::Running, .. })
    }

    /// Why a recording is shown instead of a live run.
    pub fn recorded(&self) -> Option<&str> {
        match &self.run {
            Run::Some { recorded: Some(why), .. } => Some(why),
            _ => None,
        }
    }

    /// The first prediction of the step that was neither answered nor passed over.
    pub fn unasked(&self, lesson: &Lesson) -> Option<usize> {
        if self.present.is_some() {
            // A room is asked aloud.
            return None;
        }
        self.step(lesson).predictions().position(|asked| !self.is_settled(asked))
    }

    /// Whether a presenter has still to show what was measured for this step's predictions.
    pub fn hides_answers(&self, lesson: &Lesson) -> bool {
        let hidden = self.present.as_ref().is_some_and(|shown| !shown.contains(&self.step));
        hidden && self.step(lesson).predictions().next().is_some()
    }

    /// Whether a prediction was asked, so that its measurement may be shown.
    pub fn is_settled(&self, prediction: &Prediction) -> bool {
        if let Some(shown) = &self.present {
            return shown.contains(&self.step);
        }
        self.answers.contains_key(&prediction.id) || self.passed_over.contains(&prediction.id)
    }

    /// Whether this number would give the answer to a prediction of the step away.
    pub fn is_hidden(&self, lesson: &Lesson, server: &str, metric: MetricId) -> bool {
        self.step(lesson).predictions().any(|asked| {
            let tells = MetricId::by_key(&asked.metric).is_some_and(|asked| tells(metric, asked));
            // From which processor a tracer stops a server makes no difference to the number.
            let stopped = metric == MetricId::VoluntarySwitchesPerSyscall && server.contains('+');
            (asked.server == server || stopped) && tells && !self.is_settled(asked)
        })
    }
}

/// Whether a metric gives another away: the same one, or the calls of an echo by what each of them carries.
fn tells(metric: MetricId, asked: MetricId) -> bool {
    use MetricId::{SqesPerEnter, SyscallsPerRequest};
    metric == asked
        || matches!((metric, asked), (SqesPerEnter, SyscallsPerRequest) | (SyscallsPerRequest, SqesPerEnter))
}

/// Whether two steps show one run: the same servers under the same load.
pub(super) fn same_lab(lesson: &Lesson, one: usize, other: usize) -> bool {
    let lab = |step: usize| lesson.steps.get(step).and_then(Step::lab);
    match (lab(one), lab(other)) {
        (Some(one), Some(other)) => one.servers == other.servers && one.load == other.load,
        _ => false,
    }
}

/// The metrics of a lab's table; names that this iolab does not know are left out.
pub(super) fn metrics(lab: &Lab) -> Vec<MetricId> {
    lab.metrics.iter().filter_map(|key| MetricId::by_key(key)).collect()
}

/// Times at which something was recorded next to a time: the last before it and the first after it.
pub(super) fn neighbours(trace: &Trace, t_ns: u64) -> (Option<u64>, Option<u64>) {
    let mut before = None;
    let mut after = None;
    for run in trace.runs() {
        let since_zero = |own_ns: u64| run.began_ns.saturating_add(own_ns);
        let from = run.records.partition_point(|(at_ns, _)| since_zero(*at_ns) < t_ns);
        let to = run.records.partition_point(|(at_ns, _)| since_zero(*at_ns) <= t_ns);
        before = before.max(from.checked_sub(1).map(|index| since_zero(run.records[index].0)));
        let next = run.records.get(to).map(|(at_ns, _)| since_zero(*at_ns));
        after = match (after, next) {
            (Some(one), Some(other)) => Some(std::cmp::min::<u64>(one, other)),
            (one, other) => one.or(other),
        };
    }
    (before, after)
}
