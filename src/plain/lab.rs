//! A lab as text.

use std::fmt::Write;

use super::histogram::histogram;
use super::number::{grouped, number, whole};
use super::table::Table;
use crate::lesson::{Lab, Show};
use crate::screen::number::{Scale, seconds};
use crate::screen::{Theme, silence};
use crate::trace::{End, Load, Machine, Pace, Rung};
use crate::world::{METRICS, Measured, Metric, MetricId, ServerView, Told, World, insight};

/// Requests a second up to which calls are told one by one.
const SLOW_PER_S: u64 = 100;

/// How many of them.
const CALLS_SHOWN: usize = 12;

/// How many of a trial, whose story is what it is for.
const STORY_SHOWN: usize = 60;

/// Servers side by side in one table; more go into the next, so that lines stay within 80 columns.
const SIDE_BY_SIDE: usize = 4;

/// What of a lab is told: everything, or what a step shows of it.
#[derive(Clone, Copy)]
struct Choice<'l>(Option<&'l Lab>);

impl Choice<'_> {
    /// Whether this part is told.
    fn has(self, part: Show) -> bool {
        self.0.is_none_or(|lab| lab.show.contains(&part))
    }

    /// The rows of the table. Numbers that a part has in its head stand there, too.
    fn metrics(self) -> Vec<&'static Metric> {
        let Some(lab) = self.0 else { return METRICS.iter().collect() };
        let mut ids: Vec<_> = lab.metrics.iter().filter_map(|key| MetricId::by_key(key)).collect();
        let heads = |part: Show| match part {
            Show::Switches => SWITCHES,
            Show::Batches => &[MetricId::SqesPerEnter],
            _ => &[],
        };
        for id in lab.show.iter().flat_map(|part| heads(*part)) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        ids.into_iter().map(MetricId::row).collect()
    }
}

/// What stands above a map of context switches; a server has the first two, a trial the others.
const SWITCHES: &[MetricId] = &[
    MetricId::VoluntarySwitchesPerRequest,
    MetricId::InvoluntarySwitchesPerRequest,
    MetricId::VoluntarySwitches,
    MetricId::InvoluntarySwitches,
];

/// Everything that is known about a lab.
pub fn lab(world: &World<'_>) -> String {
    let mut out = String::new();
    if world.servers().iter().all(|view| view.trial.is_none()) {
        let _ = writeln!(out, "load     {}", load(&world.header.load));
    }
    out + &told(world, Choice(None))
}

/// What a step shows of its lab, and what went wrong; its load is told before it runs.
pub fn lab_of_step(lab: &Lab, world: &World<'_>) -> String {
    told(world, Choice(Some(lab)))
}

fn told(world: &World<'_>, choice: Choice<'_>) -> String {
    let views = world.servers();
    let mut out = String::new();
    let _ = writeln!(out, "time     {}", seconds(world.end_ns()));
    let _ = writeln!(out, "machine  {}", machine(&world.header.capabilities.machine));
    if let Err(refusal) = &world.header.syscall_rung {
        let _ = writeln!(out, "system calls are not counted: {refusal}. Try: {}", refusal.try_this);
    }
    let running: Vec<_> = views.iter().filter(|view| has_numbers(view)).collect();
    for some in running.chunks(SIDE_BY_SIDE) {
        out.push('\n');
        metrics(&mut out, some, choice);
    }
    for view in &views {
        server(&mut out, view, &views, choice);
    }
    marks(&mut out, world);
    out
}

/// The learner's marks up to this time.
fn marks(out: &mut String, world: &World<'_>) {
    let marks: Vec<_> = super::time::marks_of(world.notes).collect();
    if !marks.is_empty() {
        out.push_str("\nmarks\n");
        marks.iter().for_each(|line| wrapped(out, line));
    }
}

/// A load in words.
pub fn load(load: &Load) -> String {
    let connections = if load.connections == 1 { "connection" } else { "connections" };
    let mut out = format!("{} {connections}, {} B a message", load.connections, load.message_bytes);
    match load.pace {
        Pace::Max => out.push_str(", as fast as it goes"),
        Pace::PerSecond(rate) => {
            let _ = write!(out, ", {} requests a second", grouped(rate));
        }
    }
    if load.burst > 1 {
        let _ = write!(out, " in bursts of {}", load.burst);
    }
    if load.idle > 0 {
        let _ = write!(out, ", {} idle connections beside them", load.idle);
    }
    out
}

pub(super) fn machine(machine: &Machine) -> String {
    let kind = match machine.is_virtual {
        Some(true) => ", virtual",
        _ => "",
    };
    let cpus = if machine.cpus == 1 { "CPU" } else { "CPUs" };
    format!("Linux {}, {} {cpus} ({}{kind})", machine.kernel, machine.cpus, machine.cpu.trim())
}

fn metrics(out: &mut String, views: &[&ServerView<'_>], choice: Choice<'_>) {
    let mut table = Table::new();
    table.row(std::iter::once("").chain(views.iter().map(|view| view.name)).chain(["seen by"]));
    for metric in choice.metrics() {
        // Times in the unit of the screen.
        let scale = Scale::among(metric.id, views, Theme::DEFAULT.glyphs());
        let values: Vec<_> = views.iter().map(|view| in_unit(scale, view.metric(metric.id)?)).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        let rung = values.iter().flatten().find_map(Measured::rung);
        let unit = if scale.unit.is_empty() { metric.unit } else { &metric.unit.replace("ns", scale.unit) };
        let label = format!("{} {unit}", metric.label);
        let cells = views.iter().zip(&values).map(|(view, value)| cell(view, value, rung));
        table.row(std::iter::once(label).chain(cells).chain([word(rung)]));
    }
    for line in table.lines() {
        let _ = writeln!(out, "{line}");
    }
}

fn in_unit(scale: Scale, measured: Measured) -> Option<Measured> {
    Some(match measured {
        Measured::Known { value, rung, spread } => Measured::Known {
            value: scale.scaled(value),
            rung,
            spread: spread.map(|spread| scale.scaled(spread)),
        },
        unknown => unknown,
    })
}

fn word(rung: Option<Rung>) -> String {
    rung.map_or("", Rung::word).to_owned()
}

/// A number, and who saw it where that is another rung than the row's.
fn cell(view: &ServerView<'_>, measured: &Option<Measured>, of_row: Option<Rung>) -> String {
    match measured {
        None => "-".into(),
        Some(Measured::Known { value, rung, .. }) if Some(*rung) != of_row => {
            format!("{} {}", amount(view, *value), rung.word())
        }
        Some(Measured::Known { value, .. }) => amount(view, *value),
        Some(Measured::Unknown { .. }) => "not known".into(),
    }
}

/// A mean, or a count of a trial, which is whole.
fn amount(view: &ServerView<'_>, value: f64) -> String {
    match view.trial {
        Some(_) => whole(value),
        None => number(value),
    }
}

/// What is told of one server below the tables.
fn server(out: &mut String, view: &ServerView<'_>, views: &[ServerView<'_>], choice: Choice<'_>) {
    let mut lines = Vec::new();
    if view.load() != &view.header.load {
        lines.push(format!("its load: {}", load(view.load())));
    }
    lines.extend(view.burden(views, false));
    lines.extend(parts(view, views, choice));
    if view.window.lost > 0 {
        lines.push(format!(
            "{} records of its windows were lost: they hold fewer calls than were made",
            view.window.lost
        ));
    }
    unknowns(&mut lines, view, choice);
    let client = view.over_clients(|client| client.errors.saturating_add(client.bytes_wrong));
    if client > 0 {
        lines.push(format!("the client met {client} errors or wrong bytes"));
    }
    lines.extend(silence(view));
    lines.extend(view.lateness());
    if let Some(share) = view.throughput_share().and_then(|share| share.value()) {
        lines.push(format!("with probes it answered {} of what it answers without", number(share)));
    }
    lines.extend(view.said().into_iter().map(|line| format!("it said: {line}")));
    lines.extend(view.troubles().map(|end| trouble(view.name, end)));
    // A run without an end of its own is ended by whoever watches: that is no news.
    let bounded = view.load().requests.is_some() || view.load().duration_ns.is_some();
    if view.is_stopped() && (bounded || view.trial.is_some()) {
        lines.push("it was stopped before all was done".into());
    }
    if choice.has(Show::Insights) {
        lines.extend(insights(view));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", view.name);
        lines.iter().for_each(|line| wrapped(out, line));
    }
}

/// The parts of its display, in words.
fn parts(view: &ServerView<'_>, views: &[ServerView<'_>], choice: Choice<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |part: Show, says: &dyn Fn() -> Vec<String>| {
        if choice.has(part) {
            lines.extend(says());
        }
    };
    tell(Show::Names, &|| names(view).into_iter().chain(remark(view)).collect());
    tell(Show::Interest, &|| super::interest::lines(view));
    tell(Show::Story, &|| calls(view));
    tell(Show::Cost, &|| super::cost::lines(view, views));
    tell(Show::Switches, &|| super::switches::lines(view));
    tell(Show::Poller, &|| super::poller::lines(view));
    tell(Show::Lanes, &|| super::crossings::lanes_of(view));
    tell(Show::Receipt, &|| super::crossings::receipt_of(view).into_iter().collect());
    tell(Show::Interest, &|| super::crossings::ready(view).into_iter().collect());
    tell(Show::Rings, &|| super::ring::lines(view));
    tell(Show::Batches, &|| batches(view).into_iter().collect());
    lines
}

/// Which calls it made, and how often each.
fn names(view: &ServerView<'_>) -> Option<String> {
    let names = view.syscalls_by_name();
    let rung = names.values().find_map(Measured::rung)?;
    let each: Vec<_> = names
        .iter()
        .filter_map(|(name, measured)| Some(format!("{name} {}", amount(view, measured.value()?))))
        .collect();
    let what = match (view.trial, view.window.cut_after) {
        (None, _) => "system calls by name, per echo".to_owned(),
        (Some(_), Some(calls)) if view.sum.by_name.is_empty() => {
            format!("the first {calls} system calls by name")
        }
        (Some(_), _) => "system calls by name, in all".to_owned(),
    };
    Some(format!("{what} ({}): {}", rung.word(), each.join(", ")))
}

/// What has to be said of names that were counted in another run.
fn remark(view: &ServerView<'_>) -> Option<String> {
    view.remark_on_names().map(str::to_owned)
}

/// How many SQEs each io_uring_enter handed over.
fn batches(view: &ServerView<'_>) -> Option<String> {
    let rung = word(view.window.rung);
    let enters = || histogram(&view.window.enters());
    (!view.window.batches.is_empty())
        .then(|| format!("submissions in one io_uring_enter ({rung}): {}", enters()))
}

/// The rules that speak up, each with what it is about and what to do.
pub(super) fn insights(view: &ServerView<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in view.insights() {
        let insight = insight::by_id(&finding.id);
        let title = insight.map_or("", |insight| insight.title);
        lines.push(format!("insight {}: {title}. {}", finding.id, finding.says));
        lines.extend(insight.map(|insight| format!("{} {}", insight.general, insight.fix)));
    }
    lines
}

/// The last calls in order, in plain words: at a pace that a person can follow, and of a trial always.
fn calls(view: &ServerView<'_>) -> Vec<String> {
    let window = &view.window;
    let rung = view.story_rung().unwrap_or(Rung::Ptrace).word();
    let (which, most) = match (view.trial, view.load().pace) {
        (Some(_), _) if window.cut_after.is_some() => (", of those that were told", STORY_SHOWN),
        (Some(_), _) => ("", STORY_SHOWN),
        (None, Pace::PerSecond(..=SLOW_PER_S)) => ("", CALLS_SHOWN),
        (None, _) => return Vec::new(),
    };
    let title = format!("the last system calls in order ({rung}){which}:");
    let told = window.told();
    let from = told.len().saturating_sub(most);
    let title = (!told.is_empty()).then_some(title);
    title.into_iter().chain(told.iter().skip(from).map(|(line, times)| call(line, *times))).collect()
}

/// A line of a story; entries of rings stand further in, below the call at whose edge they were seen.
fn call(line: &Told<'_>, times: u64) -> String {
    let indent = if matches!(line, Told::Entry(_)) { "    " } else { "  " };
    let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
    format!("{indent}{}{times}", line.words())
}

/// Whether there is anything to put into a table: not when trouble came before the first answer.
fn has_numbers(view: &ServerView<'_>) -> bool {
    let in_trouble = view.troubles().next().is_some();
    let has_run = view.sum.requests > 0 || (view.trial.is_some() && !view.sum.threads.is_empty());
    !view.rounds.is_empty() && (has_run || !in_trouble)
}

/// Why a number is missing, once for each reason.
fn unknowns(lines: &mut Vec<String>, view: &ServerView<'_>, choice: Choice<'_>) {
    if !has_numbers(view) {
        return;
    }
    let mut reasons = std::collections::BTreeMap::<String, Vec<&str>>::new();
    for metric in choice.metrics() {
        if let Some(Measured::Unknown { why, .. }) = view.metric(metric.id) {
            reasons.entry(why).or_default().push(metric.label);
        }
    }
    lines.extend(reasons.into_iter().map(|(why, labels)| format!("not known: {}: {why}", labels.join(", "))));
}

/// An ending that is a trouble, in words.
pub fn trouble(server: &str, end: &End) -> String {
    match end {
        End::ClientFailed { says } => format!("the client of {server} could not go on: {says}"),
        End::Refused { refusal } if !refusal.try_this.is_empty() => {
            format!("{end}. Try: {}", refusal.try_this)
        }
        end => end.to_string(),
    }
}

/// A line, broken at 80 columns and indented.
pub(super) fn wrapped(out: &mut String, line: &str) {
    let indent = 2 + line.len() - line.trim_start_matches(' ').len();
    let (first, further) = (" ".repeat(indent), format!("\n{}", " ".repeat(indent + 2)));
    let mut width = 0;
    for word in line.split_whitespace() {
        let long = unicode_width::UnicodeWidthStr::width(word);
        let (lead, reset) = match width {
            0 => (first.as_str(), true),
            _ if width + 1 + long > 78 => (further.as_str(), true),
            _ => (" ", false),
        };
        let _ = write!(out, "{lead}{word}");
        width = if reset { lead.trim_start_matches('\n').len() + long } else { width + 1 + long };
    }
    out.push('\n');
}
