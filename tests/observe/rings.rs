//! Rings of programs that nobody prepared: found, followed to their last entry, and told apart.

use serde_json::Value;

use super::odd::NOPS;
use super::program::{Program, io_uring_allowed};
use super::{observe, processes};

/// One of the programs in this binary, observed.
fn odd(name: &str) -> Program {
    let own = std::env::current_exe().unwrap();
    observe(own.to_str().unwrap()).and(&format!("--exact odd::{name} --ignored"))
}

/// The rings of all processes.
fn rings(document: &Value) -> Vec<&Value> {
    processes(document).iter().flat_map(|process| process["rings"].as_array().unwrap()).collect()
}

/// A trial makes its ring, uses it and closes it within milliseconds: what it did, or that something was missed.
#[test]
fn rings_that_live_for_moments_are_counted_to_their_last_entry() {
    assert!(io_uring_allowed(), "this test needs io_uring");
    let document = observe(&format!("{} trial cq-overflow", env!("CARGO_BIN_EXE_iolab"))).run().document(0);
    let process = &processes(&document)[0];
    assert!(!rings(&document).is_empty() || super::remarks(process).contains("io_uring_setup"), "{document}");
    for ring in rings(&document) {
        assert_eq!(
            (&ring["sq_tail_advanced"]["rung"], &ring["closed"]),
            (&"ring".into(), &true.into()),
            "{ring}"
        );
        // 40 operations go through a queue of 16.
        assert_eq!(
            (&ring["cq_entries"], &ring["sq_tail_advanced"]["value"]),
            (&16.into(), &40.into()),
            "{ring}"
        );
    }
}

/// Nobody else can map it: the kernel tells of it in its fdinfo.
#[test]
fn a_ring_in_memory_of_the_programs_own_is_told_by_the_kernel() {
    assert!(io_uring_allowed(), "this test needs io_uring");
    let document = odd("a_ring_in_memory_of_its_own").run().document(0);
    let rings = rings(&document);
    assert_eq!(rings.len(), 1, "{document}");
    for tail in ["sq_tail_advanced", "cq_tail_advanced"] {
        assert_eq!(
            (&rings[0][tail]["value"], &rings[0][tail]["at_least"]),
            (&NOPS.into(), &true.into()),
            "{document}"
        );
    }
    assert_eq!((&rings[0]["sq_entries"], &rings[0]["cq_entries"]), (&8.into(), &16.into()));
    assert!(
        super::refused(&processes(&document)[0]).contains("mmap of the ring"),
        "why it is told: {document}"
    );
}

/// It shows in the program's mappings only.
#[test]
fn a_ring_without_a_descriptor_is_found_in_the_mappings() {
    assert!(io_uring_allowed(), "this test needs io_uring");
    let document = odd("a_ring_without_a_descriptor").run().document(0);
    let found: Vec<_> = rings(&document).into_iter().filter(|ring| ring["fd"].is_null()).collect();
    assert_eq!(found.len(), 1, "{document}");
    assert_eq!(found[0]["sq_tail_advanced"]["value"], NOPS, "{document}");
}

/// What is mapped stands still from the resize on: the last counts are in the memory that came with it.
#[test]
fn a_ring_that_was_resized_before_it_was_closed_is_counted_to_its_last_entry() {
    assert!(io_uring_allowed(), "this test needs io_uring");
    let document = odd("a_ring_that_is_resized_and_closed").run().document(0);
    let rings = rings(&document);
    assert_eq!((rings.len(), &rings[0]["closed"]), (1, &true.into()), "{document}");
    let was_resized = rings[0]["sq_entries"] == 32;
    let nops = if was_resized { 2 * NOPS } else { NOPS };
    for tail in ["sq_tail_advanced", "cq_tail_advanced"] {
        assert_eq!(
            (&rings[0][tail]["value"], &rings[0][tail]["at_least"]),
            (&nops.into(), &Value::Null),
            "{document}"
        );
    }
}
