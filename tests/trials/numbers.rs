//! Lesson 0: what a system call is, and what it is not.

use super::told::watched;

#[test]
fn a_call_that_does_not_wait_is_no_context_switch() {
    let told = watched("getppid");
    assert_eq!(told.metric("syscalls"), 300_000);
    assert_eq!(told.metric("voluntary_switches"), 0);
    assert!(told.metric("cpu_ns") > 0);
    assert_eq!(told.document["window_cut_after"], 400);
    assert_eq!(told.document["syscalls_by_name"]["getppid"]["value"], 400.0);
    assert!(told.calls().iter().all(|call| call.name == "getppid" && call.result > Some(0)));
}
