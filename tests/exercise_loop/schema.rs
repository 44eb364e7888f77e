//! `schemas/iolab.grade-1.schema.json` says what is in a grade.
//!
//! Held by the part of JSON Schema that it uses: a keyword that is not known here fails, so that none is passed over.
//! (A whole validator would bring some eighty crates.)

use iolab::exercise::{Judged, State, Verdict};
use iolab::export::grade::{Graded, document};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../schemas/iolab.grade-1.schema.json");

/// Fails unless a document is what the schema says.
#[track_caller]
pub fn holds(document: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = Vec::new();
    against(&schema, &schema, document, "$", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
}

fn wrongs(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = Vec::new();
    against(&schema, &schema, document, "$", &mut wrong);
    wrong
}

fn against(whole: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().unwrap() {
        let mut holds = |is: bool| {
            if !is {
                wrong.push(format!("{at}: {keyword} {says}: {value}"));
            }
        };
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" => {}
            "type" => holds(match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                other => panic!("type {other}"),
            }),
            "const" => holds(value == says),
            "enum" => holds(says.as_array().unwrap().contains(value)),
            "minimum" => holds(value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap())),
            "minLength" => {
                holds(value.as_str().is_none_or(|text| text.len() as u64 >= says.as_u64().unwrap()));
            }
            "required" => {
                says.as_array()
                    .unwrap()
                    .iter()
                    .for_each(|key| holds(value.get(key.as_str().unwrap()).is_some()));
            }
            "properties" => {
                for (key, schema) in says.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        against(whole, schema, value, &format!("{at}.{key}"), wrong);
                    }
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    against(whole, says, value, &format!("{at}[{index}]"), wrong);
                }
            }
            "$ref" => {
                let place = says.as_str().unwrap().strip_prefix('#').unwrap();
                against(whole, whole.pointer(place).unwrap(), value, at, wrong);
            }
            other => panic!("the schema uses {other:?}, which this test does not know"),
        }
    }
}

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
    holds(&whole());
    let nothing = serde_json::to_value(document(&[])).unwrap();
    holds(&nothing);
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
        assert!(!wrongs(&document).is_empty(), "{at}");
    }
    for key in ["exercise", "criteria", "sources_sha256"] {
        let mut document = whole();
        document["exercises"][0].as_object_mut().unwrap().remove(key);
        assert!(!wrongs(&document).is_empty(), "{key}");
    }
}
