//! What a tracer does to a server that it stops at each call.

use nix::sys::signal::Signal;

use super::program::{iolab, lab, metric, server};

/// A tracer that sits on the server's processor, one that sits on another, and none: counts only, as times are noisy.
#[test]
fn two_switches_of_every_call_are_the_tracers() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let places: &[&str] = if cpus > 1 { &["same", "other"] } else { &["same"] };
    let document = lab(&format!("epoll --tracer none,{} --connections 50 --duration 1", places.join(",")));
    let free = metric(server(&document, "epoll"), "voluntary_switches_per_syscall");
    assert!(free < 0.5, "{free}: a busy server seldom waits");
    for place in places {
        let traced = server(&document, &format!("epoll+{place}"));
        let switches = metric(traced, "voluntary_switches_per_syscall");
        assert!((1.98..=2.02).contains(&switches), "{place}: {switches}");
        assert_eq!(traced["insights"], serde_json::json!([]), "what it does is its tracer's doing");
        assert!(traced["requests"].as_u64() > Some(0) && traced["errors"] == 0, "{traced}");
        assert!(traced.get("batches").is_none(), "no window was opened beside the tracer");
    }
}

#[test]
fn without_counters_the_tracer_counts() {
    let document = lab("epoll+same --connections 50 --duration 0.5 --probe proc");
    let calls = &server(&document, "epoll+same")["metrics"]["syscalls_per_request"];
    assert_eq!(calls["rung"], "ptrace", "{calls}");
    assert!(calls["value"].as_f64().is_some_and(|calls| (2.0..=3.1).contains(&calls)), "{calls}");
    let switches = metric(server(&document, "epoll+same"), "voluntary_switches_per_syscall");
    assert!((1.98..=2.02).contains(&switches), "{switches}");
}

#[test]
fn a_traced_column_says_so_and_a_wrong_one_is_explained() {
    let said = iolab("lab epoll epoll+same --connections 50 --duration 1 --format plain").run().stdout;
    // Lines are broken where they are full.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("traced from the same processor: its 2.0"), "{said}");
    assert!(said.contains("switches per call are the tracer's; it answers"), "{said}");
    assert!(said.contains("% of what epoll answers"), "{said}");
    let output = iolab("lab epoll+near").run();
    let said = output.stderr;
    assert!(output.code == Some(2) && said.contains("write epoll+same or epoll+other"), "{said}");
}

#[test]
fn on_one_processor_there_is_no_other_to_trace_from() {
    let lab = iolab("lab epoll epoll+other --requests 500 --connections 4 --format json");
    let document = lab.on_one_processor().run().document(3);
    let refused = server(&document, "epoll+other");
    assert!(refused.to_string().contains("there is one processor"), "{refused}");
    assert_eq!(server(&document, "epoll")["requests"], 500);
}

/// Ended in the middle of it, a traced server goes with its lab.
#[test]
fn an_interrupted_lab_leaves_no_traced_server() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut lab = iolab("lab epoll+same --connections 50 --duration 600 --format json").start();
        let server = lab.child("serve epoll", 20_000_000);
        lab.signal(signal);
        assert!(server.ends(), "{signal}");
        lab.end();
    }
}
