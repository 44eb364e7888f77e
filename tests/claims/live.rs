//! The court on this machine. Only verdicts that rest on counts and states are asked for: other tests may run beside.

use std::collections::BTreeMap;

use nix::libc;
use serde_json::Value;

use super::program::{Said, iolab};
use super::schema::Schema;

const SCHEMA: Schema = Schema(include_str!("../../schemas/iolab.claims-1.schema.json"));

/// Claims that rest on counts, quick ones, with their known verdicts.
const COUNTED: &str = "every-syscall-switches two-syscalls-per-event one-per-batch no-switches-steady sqpoll-zero \
                       model-is-the-gap thousands-threshold files-without-threads";

fn verdicts(document: &Value) -> BTreeMap<&str, &str> {
    let claims = document["claims"].as_array().unwrap();
    claims.iter().map(|claim| (claim["id"].as_str().unwrap(), claim["verdict"].as_str().unwrap())).collect()
}

fn known() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("every-syscall-switches", "fails"),
        ("two-syscalls-per-event", "partly"),
        ("one-per-batch", "partly"),
        ("no-switches-steady", "fails"),
        ("sqpoll-zero", "partly"),
        ("model-is-the-gap", "fails"),
        ("thousands-threshold", "fails"),
        ("files-without-threads", "fails"),
    ])
}

#[test]
fn verdicts_that_rest_on_counts_are_the_known_ones() {
    let document = iolab("claims --format json").and(COUNTED).run().document(0);
    SCHEMA.holds(&document);
    assert_eq!(verdicts(&document), known(), "{document:#}");
    for claim in document["claims"].as_array().unwrap() {
        let evidence = claim["evidence"].as_object().unwrap();
        assert!(!evidence.is_empty(), "{claim}");
        assert!(
            evidence.values().all(|number| number["value"].is_number() && number["rung"].is_string()),
            "{claim}"
        );
        assert!(claim["authority"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
fn they_are_the_same_for_a_user_without_privileges() {
    let document = iolab("claims --format json").and(COUNTED).without_privileges().run().document(0);
    assert_eq!(verdicts(&document), known(), "{document:#}");
}

#[test]
fn where_io_uring_is_refused_the_layer_is_named_and_the_rest_is_judged() {
    let refused = |ids: &str| {
        iolab("claims --format json").and(ids).where_refused(&[libc::SYS_io_uring_setup], libc::EPERM).run()
    };
    let document = refused("sqpoll-zero two-syscalls-per-event").document(0);
    SCHEMA.holds(&document);
    let claims = document["claims"].as_array().unwrap();
    assert_eq!(claims[0]["verdict"], "untestable");
    assert_eq!(claims[0]["refusal"]["layer"], "seccomp");
    assert_eq!(claims[1]["verdict"], "partly");
    let none = refused("sqpoll-zero");
    assert_eq!(none.code, Some(3), "{}", none.stderr);
}

#[test]
fn a_claim_that_does_not_exist_is_wrong_usage() {
    let Said { code, stderr, .. } = iolab("claims sqpol-zero").run();
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean sqpoll-zero?"), "{stderr}");
}

#[test]
fn the_list_names_every_claim_and_runs_none() {
    let said = iolab("claims --list").run();
    assert_eq!((said.code, said.stdout.lines().count()), (Some(0), 18));
}

/// What the kernel does does not depend on what else runs.
#[test]
fn every_fact_holds_on_this_kernel_or_is_not_there_to_be_tried() {
    let document = iolab("claims --facts --format json").run().document(0);
    SCHEMA.holds(&document);
    let facts = document["facts"].as_array().unwrap();
    assert_eq!(facts.len(), 15);
    for fact in facts {
        assert_ne!(fact["verdict"], "fails", "{fact:#}");
        assert!(!fact["saw"].as_str().unwrap().is_empty());
    }
    let held = facts.iter().filter(|fact| fact["verdict"] == "holds").count();
    assert!(held >= 12, "{document:#}");
}

#[test]
fn facts_about_rings_name_the_layer_that_refuses_them() {
    let said =
        iolab("claims --facts --format json").where_refused(&[libc::SYS_io_uring_setup], libc::EPERM).run();
    let document = said.document(0);
    SCHEMA.holds(&document);
    let facts = document["facts"].as_array().unwrap();
    let refused = facts.iter().filter(|fact| fact["refusal"]["layer"] == "seccomp").count();
    assert_eq!(refused, 13, "{document:#}");
}
