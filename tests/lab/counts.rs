//! What the servers do for each echo, as the kernel counts it: the table that the course teaches.

use serde_json::Value;

use super::program::{lab, metric, server};

/// A count that a busy machine moves a little.
#[track_caller]
fn within(server: &Value, key: &str, bounds: std::ops::RangeInclusive<f64>) {
    let value = metric(server, key);
    assert!(bounds.contains(&value), "{} {key} {value}, expected {bounds:?}", server["server"]);
}

#[test]
fn sixty_four_connections_share_system_calls() {
    let document = lab("epoll uring-naive uring uring-multishot --requests 20000");
    let [epoll, naive, uring, multishot] =
        ["epoll", "uring-naive", "uring", "uring-multishot"].map(|name| server(&document, name));
    // recv and send for each echo, and an epoll_wait for each crowd of them.
    within(epoll, "syscalls_per_request", 2.0..=2.2);
    within(naive, "syscalls_per_request", 1.9..=2.1);
    within(uring, "syscalls_per_request", 0.0..=0.2);
    within(multishot, "syscalls_per_request", 0.0..=0.2);
    // A receive and a send complete for each echo, whatever the batch.
    for ring in [naive, uring, multishot] {
        within(ring, "cqes_per_request", 1.98..=2.02);
    }
    within(naive, "sqes_per_request", 1.98..=2.02);
    within(uring, "sqes_per_request", 1.98..=2.02);
    // A multishot receive is asked for once.
    within(multishot, "sqes_per_request", 0.98..=1.1);
    within(naive, "sqes_per_enter", 0.95..=1.05);
    assert!(metric(uring, "sqes_per_enter") > 10.0, "{uring}");
    for busy in [epoll, naive, uring, multishot] {
        within(busy, "voluntary_switches_per_request", 0.0..=0.2);
    }
}

/// Nobody waits beside the only request: each server sleeps and wakes for each echo.
#[test]
fn one_connection_leaves_nothing_to_share() {
    let document = lab("epoll uring-naive uring --connections 1 --requests 2000");
    for (name, calls) in [("epoll", 3.0), ("uring", 2.0)] {
        within(server(&document, name), "syscalls_per_request", calls * 0.98..=calls * 1.02);
    }
    // Where others use the processors, a request is sometimes there before the server has gone to sleep. The
    // naive ring then sees its completion without a third call, so each sleep is a call, and nothing else is.
    let naive = server(&document, "uring-naive");
    let sleeps = metric(naive, "voluntary_switches_per_request");
    within(naive, "syscalls_per_request", 1.98 + sleeps..=3.06);
    for name in ["epoll", "uring-naive", "uring"] {
        within(server(&document, name), "voluntary_switches_per_request", 0.1..=1.05);
    }
}

/// What the windows saw by name adds up to what was counted.
#[test]
fn names_add_up_to_the_total() {
    let document = lab("epoll --connections 1 --requests 2000");
    let epoll = server(&document, "epoll");
    let names = epoll["syscalls_per_request_by_name"].as_object().unwrap();
    let sum: f64 = names.values().map(|each| each["value"].as_f64().unwrap()).sum();
    let total = metric(epoll, "syscalls_per_request");
    assert!((sum - total).abs() < 0.02 * total, "{sum} by name, {total} in total: {names:?}");
    for name in ["epoll_wait", "recvfrom", "sendto"] {
        let value = names[name]["value"].as_f64().unwrap();
        assert!((value - 1.0).abs() < 0.02, "{name}: {value}");
    }
}
