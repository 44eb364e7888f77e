//! `schemas/iolab.grade-1.schema.json` says what is in a grade.

use iolab::exercise::{Judged, State, Verdict};
use iolab::export::grade::{Graded, document};
use serde_json::{Value, json};

use crate::schema::Schema;

pub const SCHEMA: Schema = Schema(include_str!("../../schemas/iolab.grade-1.schema.json"));

fn judged(state: State) -> Judged {
    Judged {
        id: "burst".into(),
        state,
        points: 4,
        points_max: 4,
        what: "it comes back".into(),
        expected: "all".into(),
        seen: "some".into(),
        why: String::new(),
        next: String::new(),
        evidence: Some("run.trace.gz".into()),
    }
}

fn whole() -> Value {
    let states = [State::Pass, State::Fail, State::Hung, State::Crashed, State::Skipped, State::Error];
    let verdict = Verdict::of("drain-the-edge", states.map(judged).into());
    let not_held = ["it may leave the cage".to_owned()];
    let graded = Graded {
        submission: Some("ada"),
        verdict: &verdict,
        sources_sha256: "ab",
        evidence: Some("/tmp"),
        not_held: &not_held,
    };
    serde_json::to_value(document(&[graded])).unwrap()
}

#[test]
fn documents_are_what_the_schema_says() {
    SCHEMA.holds(&whole());
    let nothing = serde_json::to_value(document(&[])).unwrap();
    SCHEMA.holds(&nothing);
}

#[test]
fn what_is_wrong_is_found() {
    for (at, value) in [
        ("/schema", json!("iolab.grade/2")),
        ("/exercises/0/points", json!("four")),
        ("/exercises/0/points", json!(-1)),
        ("/exercises/0/criteria/0/state", json!("passed")),
        ("/exercises/0/criteria/0/id", json!("")),
        ("/exercises/0/criteria", json!({})),
    ] {
        let mut document = whole();
        *document.pointer_mut(at).unwrap() = value;
        assert!(!SCHEMA.wrongs(&document).is_empty(), "{at}");
    }
    for key in ["exercise", "criteria", "sources_sha256"] {
        let mut document = whole();
        document["exercises"][0].as_object_mut().unwrap().remove(key);
        assert!(!SCHEMA.wrongs(&document).is_empty(), "{key}");
    }
}
