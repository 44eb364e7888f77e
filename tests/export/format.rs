//! A checker of the Trace Event Format as it is published: phases, the keys that each must have, their types, pairs
//! and nesting.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

type Event = Map<String, Value>;

/// Everything in a file that the format forbids, and nothing else.
pub fn mistakes(file: &str) -> Vec<String> {
    let document: Value = match serde_json::from_str(file) {
        Ok(document) => document,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let mut checker = Checker::default();
    if !matches!(document["displayTimeUnit"].as_str(), None | Some("ms" | "ns")) {
        checker.mistakes.push("displayTimeUnit is ms or ns".into());
    }
    match document["traceEvents"].as_array() {
        Some(events) => events.iter().enumerate().for_each(|(at, event)| match event.as_object() {
            Some(event) => checker.event(at, event),
            None => checker.mistakes.push(format!("event {at} is no object")),
        }),
        None => checker.mistakes.push("no traceEvents".into()),
    }
    checker.done()
}

#[derive(Default)]
struct Checker {
    mistakes: Vec<String>,
    /// Open `B` of each track, and the time of its last `B` or `E`.
    nested: BTreeMap<(u64, u64), (Vec<String>, f64)>,
    /// Open pairs by category, id and process; and all ids that were ever begun.
    pairs: BTreeMap<(String, String, u64), (String, f64)>,
    begun: BTreeSet<(String, String)>,
    /// Complete events of each track.
    complete: BTreeMap<(u64, u64), Vec<(f64, f64)>>,
    /// Flows that have started.
    flows: BTreeSet<String>,
    named: BTreeSet<(u64, u64)>,
    used: BTreeSet<(u64, u64)>,
}

impl Checker {
    fn event(&mut self, at: usize, event: &Event) {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let time = |key: &str| event.get(key).and_then(Value::as_f64);
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        let mut wrong = |says: &str| self.mistakes.push(format!("event {at} {says}: {event:?}"));
        let Some(phase) = text("ph").filter(|phase| phase.len() == 1) else { return wrong("has no phase") };
        let (Some(pid), Some(tid)) = (number("pid"), number("tid")) else { return wrong("has no pid, tid") };
        if pid > u64::from(u32::MAX) || tid > u64::from(u32::MAX) {
            wrong("has a pid or tid that is none");
        }
        let Some(ts) = time("ts").filter(|ts| ts.is_finite() && *ts >= 0.0) else {
            return wrong("has no ts in microseconds");
        };
        if text("name").is_none() && phase != "E" {
            wrong("has no name");
        }
        if event.get("cat").is_some_and(|cat| !cat.is_string()) {
            wrong("has a category that is no text");
        }
        if event.get("args").is_some_and(|args| !args.is_object()) {
            wrong("has args that are no object");
        }
        let track = (pid, tid);
        if phase != "M" {
            self.used.insert(track);
        }
        let name = text("name").unwrap_or_default().to_owned();
        match phase {
            "M" => self.metadata(at, &name, track, event),
            "X" => match time("dur").filter(|dur| *dur >= 0.0) {
                Some(dur) => self.complete.entry(track).or_default().push((ts, dur)),
                None => wrong("is complete without a length"),
            },
            "B" | "E" => self.nests(at, phase, track, name, ts),
            "i" | "I" => {
                if !matches!(text("s"), None | Some("g" | "p" | "t")) {
                    wrong("has a scope that is none");
                }
            }
            "C" => {
                let values = event.get("args").and_then(Value::as_object);
                if !values.is_some_and(|values| !values.is_empty() && values.values().all(Value::is_number)) {
                    wrong("is a counter without numbers");
                }
            }
            "b" | "n" | "e" => {
                let (Some(cat), Some(id)) = (text("cat"), text("id")) else {
                    return wrong("is of a pair without category and id");
                };
                self.pair(at, phase, (cat.to_owned(), id.to_owned(), pid), name, ts);
            }
            "s" | "t" | "f" => match text("id") {
                Some(id) if phase == "s" => drop(self.flows.insert(id.to_owned())),
                Some(id) if self.flows.contains(id) => {}
                _ => wrong("is of a flow that has not started"),
            },
            _ => wrong("has a phase that the format does not know"),
        }
    }

    fn metadata(&mut self, at: usize, name: &str, track: (u64, u64), event: &Event) {
        let argument = |key: &str| event.get("args").and_then(|args| args.get(key));
        let is_right = match name {
            "process_name" | "thread_name" => argument("name").is_some_and(Value::is_string),
            "process_labels" => argument("labels").is_some_and(Value::is_string),
            "process_sort_index" | "thread_sort_index" => argument("sort_index").is_some_and(Value::is_u64),
            _ => false,
        };
        if !is_right {
            self.mistakes.push(format!("event {at} is metadata of no kind: {event:?}"));
        }
        if name == "thread_name" {
            self.named.insert(track);
        }
    }

    fn nests(&mut self, at: usize, phase: &str, track: (u64, u64), name: String, ts: f64) {
        let (open, last) = self.nested.entry(track).or_default();
        if ts < *last {
            self.mistakes.push(format!("event {at} goes back in time on its track"));
        }
        *last = ts;
        match phase {
            "B" => open.push(name),
            _ => match open.pop() {
                Some(begun) if name.is_empty() || begun == name => {}
                other => self.mistakes.push(format!("event {at} ends {name}, open is {other:?}")),
            },
        }
    }

    fn pair(&mut self, at: usize, phase: &str, key: (String, String, u64), name: String, ts: f64) {
        match phase {
            "b" => {
                if !self.begun.insert((key.0.clone(), key.1.clone())) {
                    self.mistakes.push(format!("event {at} begins {key:?} a second time"));
                }
                self.pairs.insert(key, (name, ts));
            }
            "n" if self.pairs.contains_key(&key) => {}
            "e" => match self.pairs.remove(&key) {
                Some((begun, from)) if begun == name && from <= ts => {}
                other => self.mistakes.push(format!("event {at} ends {key:?} {name}, begun was {other:?}")),
            },
            _ => self.mistakes.push(format!("event {at} is of no pair: {key:?}")),
        }
    }

    fn done(mut self) -> Vec<String> {
        for (track, (open, _)) in &self.nested {
            if !open.is_empty() {
                self.mistakes.push(format!("{open:?} of {track:?} have no end"));
            }
        }
        for key in self.pairs.keys() {
            self.mistakes.push(format!("{key:?} has no end"));
        }
        for (track, slices) in &mut self.complete {
            slices.sort_by(|one, other| one.0.total_cmp(&other.0).then(other.1.total_cmp(&one.1)));
            if let Some(two) = crossing(slices) {
                self.mistakes.push(format!("complete events of {track:?} cross: {two:?}"));
            }
        }
        for track in self.used.difference(&self.named) {
            self.mistakes.push(format!("{track:?} has no name"));
        }
        self.mistakes
    }
}

/// Two of one track that overlap without one holding the other: no thread is in two calls like that.
fn crossing(sorted: &[(f64, f64)]) -> Option<[(f64, f64); 2]> {
    /// Times are decimal fractions in a file; their sums are rounded.
    const ROUNDING: f64 = 0.0005;
    let mut open: Vec<(f64, f64)> = Vec::new();
    for &(from, length) in sorted {
        while open.last().is_some_and(|(begun, lasts)| begun + lasts <= from + ROUNDING) {
            open.pop();
        }
        if let Some(&(begun, lasts)) = open.last()
            && from + length > begun + lasts + ROUNDING
        {
            return Some([(begun, lasts), (from, length)]);
        }
        open.push((from, length));
    }
    None
}

#[test]
fn the_checker_finds_what_the_format_forbids() {
    let file = |events: &str| {
        let name = r#"{"ph":"M","name":"thread_name","pid":1,"tid":1,"ts":0,"args":{"name":"a"}}"#;
        mistakes(&format!(r#"{{"traceEvents":[{name},{events}]}}"#))
    };
    let good = r#"{"ph":"X","name":"read","pid":1,"tid":1,"ts":1.5,"dur":2}"#;
    assert_eq!(file(good), Vec::<String>::new());
    for bad in [
        r#"{"ph":"X","name":"read","pid":1,"tid":1,"ts":1.5}"#,
        r#"{"ph":"X","name":"read","pid":1,"tid":1,"ts":"1.5","dur":2}"#,
        r#"{"ph":"Q","name":"read","pid":1,"tid":1,"ts":1}"#,
        r#"{"ph":"i","name":"read","pid":1,"tid":1,"ts":1,"s":"x"}"#,
        r#"{"ph":"C","name":"read","pid":1,"tid":1,"ts":1,"args":{"n":"1"}}"#,
        r#"{"ph":"i","name":"read","pid":1,"tid":2,"ts":1}"#,
        r#"{"ph":"E","name":"read","pid":1,"tid":1,"ts":1}"#,
        r#"{"ph":"B","name":"read","pid":1,"tid":1,"ts":1}"#,
        r#"{"ph":"b","name":"read","cat":"c","id":"1","pid":1,"tid":1,"ts":1}"#,
        r#"{"ph":"f","name":"read","id":"1","pid":1,"tid":1,"ts":1}"#,
        r#"{"ph":"M","name":"colour","pid":1,"tid":1,"ts":0,"args":{}}"#,
    ] {
        assert_eq!(file(bad).len(), 1, "{bad}: {:?}", file(bad));
    }
    let two =
        |second: &str| file(&format!(r#"{good},{{"ph":"X","name":"b","pid":1,"tid":1,{second}}}"#)).len();
    assert_eq!(two(r#""ts":2,"dur":1"#), 0, "one holds the other");
    assert_eq!(two(r#""ts":2,"dur":5"#), 1, "they cross");
}
