//! What stands below a figure: what ran, under which load, on which machine.

use super::run::Recording;
use crate::lesson::Kind;
use crate::plain;
use crate::trace::{Load, Machine, Trace};

/// The caption of a recorded run.
pub(super) fn caption(of: &Recording<'_>) -> String {
    let load = match of.lab.kind {
        Kind::Servers => format!("{}. ", load(&of.trace)),
        Kind::Trials | Kind::Processes => String::new(),
    };
    format!("{} {load}Recorded on {}.", of.lab.why, place(&of.trace.header().capabilities.machine))
}

/// The load of all runs: columns may have connections of their own, and idle ones may be added while a lab runs.
fn load(trace: &Trace) -> String {
    let header = &trace.header().load;
    let loads: Vec<&Load> =
        trace.runs().iter().map(|run| run.start.load.as_ref().unwrap_or(header)).collect();
    let [connections, idle] = [|load: &Load| load.connections, |load: &Load| load.idle]
        .map(|count| each(loads.iter().map(|load| count(load))));
    let Some(most) = loads.iter().max_by_key(|load| load.connections) else { return plain::load(header) };
    if let ([_], [_]) = (connections.as_slice(), idle.as_slice()) {
        return plain::load(most);
    }
    let one = plain::load(&Load { idle: 0, ..(*most).clone() });
    let rest = one.split_once(' ').map_or("", |(_, rest)| rest);
    let beside = match idle.as_slice() {
        [0] => String::new(),
        _ => format!(", {} idle connections beside them", listed(&idle)),
    };
    format!("{} {rest}{beside}", listed(&connections))
}

/// The values that occur, each once, from the smallest on.
fn each(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// `1, 8 and 64`.
fn listed(values: &[u32]) -> String {
    match values {
        [] => String::new(),
        [one] => one.to_string(),
        [before @ .., last] => {
            let before: Vec<String> = before.iter().map(u32::to_string).collect();
            format!("{} and {last}", before.join(", "))
        }
    }
}

/// A machine in a few words.
fn place(machine: &Machine) -> String {
    let cpus = if machine.cpus == 1 { "CPU" } else { "CPUs" };
    let kind = if machine.is_virtual == Some(true) { "virtual " } else { "" };
    format!("Linux {} with {} {kind}{cpus}", machine.kernel, machine.cpus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::recording;
    use crate::lesson::Course;

    /// The caption of the first recording of that name.
    fn of(name: &str) -> String {
        let course = Course::read().unwrap();
        let steps =
            course.lessons.iter().flat_map(|lesson| (0..lesson.steps.len()).map(move |step| (lesson, step)));
        let mut recorded = steps.filter_map(|(lesson, step)| recording(lesson, step).unwrap());
        let wanted = recorded.find(|recorded| recorded.lab.recording.as_deref() == Some(name)).unwrap();
        caption(&wanted)
    }

    #[test]
    fn a_caption_tells_every_load_of_its_runs() {
        for (name, says) in [
            ("one-and-64.trace.gz", "1 and 64 connections, 64 B a message, 200 requests a second. "),
            ("idle.trace.gz", "10 connections, 64 B a message, 500 requests a second, 500 idle connections"),
            ("add-idle.trace.gz", "a second, 0, 100, 500 and 900 idle connections beside them. "),
        ] {
            let caption = of(name);
            assert!(caption.contains(says), "{name}: {caption}");
        }
    }

    #[test]
    fn counts_are_listed() {
        assert_eq!(listed(&each([64, 1, 64].into_iter())), "1 and 64");
        assert_eq!(listed(&[0, 100, 500]), "0, 100 and 500");
    }
}
