//! Rings of programs that nobody prepared: found, followed to their last entry, and told apart.

use serde_json::Value;

use super::program::io_uring_allowed;
use super::{observe, processes};

/// A trial makes its rings, uses them and closes them within milliseconds.
#[test]
fn rings_that_live_for_moments_are_counted_to_their_last_entry() {
    assert!(io_uring_allowed(), "this test needs io_uring");
    let document = observe(&format!("{} trial cq-overflow", env!("CARGO_BIN_EXE_iolab"))).run().document(0);
    let process = &processes(&document)[0];
    let rings: Vec<&Value> = process["rings"].as_array().unwrap().iter().collect();
    assert!(!rings.is_empty() || super::remarks(process).contains("io_uring_setup"), "{document}");
    for ring in rings {
        assert_eq!(ring["sq_tail_advanced"]["rung"], "ring", "{ring}");
    }
}
