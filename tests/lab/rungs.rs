//! Which rung counts: chosen by the machine, or by `--probe`; what the probes cost.

use serde_json::Value;

use super::program::{io_uring_allowed, iolab, lab, server};

fn rung<'d>(server: &'d Value, key: &str) -> &'d str {
    server["metrics"][key]["rung"].as_str().unwrap_or_else(|| panic!("{key}: {server}"))
}

/// Whether the document's machine has that rung.
fn has(document: &Value, rung: &str) -> bool {
    document["machine"]["rungs"].as_array().unwrap().iter().any(|name| name == rung)
}

#[test]
fn a_user_without_privileges_counts_system_calls_too() {
    let run = iolab("lab threads epoll uring --requests 2000 --format json").without_privileges().run();
    let allowed = io_uring_allowed();
    let document = run.document(if allowed { 0 } else { 3 });
    let names: &[&str] = if allowed { &["threads", "epoll", "uring"] } else { &["threads", "epoll"] };
    for name in names {
        let server = server(&document, name);
        for (key, metric) in server["metrics"].as_object().unwrap() {
            assert!(
                metric["value"].is_number() || !metric["why"].as_str().unwrap().is_empty(),
                "{key}: {metric}"
            );
        }
        for key in ["syscalls_per_request", "cpu_ns_per_request", "voluntary_switches_per_request"] {
            assert!(server["metrics"][key]["value"].is_number(), "{key}: {server}");
        }
        let rung = rung(server, "syscalls_per_request");
        assert!(["perf", "perf-user", "ptrace"].contains(&rung), "{rung}");
        assert!(rung != "perf" || has(&document, "perf"), "{document}");
        assert_eq!((&server["errors"], &server["bytes_wrong"]), (&0.into(), &0.into()));
    }
}

#[test]
fn the_best_rung_counts_and_windows_give_names() {
    let document = lab("epoll --requests 1000");
    let epoll = server(&document, "epoll");
    let best = ["perf", "perf-user", "ptrace"].into_iter().find(|rung| has(&document, rung));
    assert_eq!(epoll["metrics"]["syscalls_per_request"]["rung"].as_str(), best);
    let by_name = if best == Some("perf-user") { "perf-user" } else { "ptrace" };
    let names = epoll["syscalls_per_request_by_name"].as_object().unwrap();
    assert_eq!(names.values().next().is_some_and(|each| each["rung"] == by_name), has(&document, "ptrace"));
    let rungs = epoll["probe_cost"]["rungs"].as_array().unwrap();
    for rung in ["proc", "epoll-set", "sock"] {
        assert!(rungs.iter().any(|name| name == rung), "{rung}: {rungs:?}");
    }
    assert!(epoll["probe_cost"].get("throughput_share").is_none(), "only when asked for");
}

#[test]
fn probes_can_be_left_out() {
    let document = iolab("lab epoll uring --requests 1000 --probe proc --format json").run().document(0);
    let uring = server(&document, "uring");
    for (key, why) in [("syscalls_per_request", "--probe"), ("sqes_per_request", "--probe")] {
        let metric = &uring["metrics"][key];
        assert_eq!(metric["value"], Value::Null, "{key}: {metric}");
        assert!(metric["why"].as_str().unwrap().contains(why), "{key}: {metric}");
    }
    assert_eq!(rung(uring, "cpu_ns_per_request"), "proc");
    assert_eq!(uring["syscalls_per_request_by_name"], serde_json::json!({}));

    let document = lab("uring --requests 1000 --probe ring");
    let uring = server(&document, "uring");
    assert_eq!(rung(uring, "cqes_per_request"), "ring");
    assert_eq!(uring["metrics"]["syscalls_per_request"]["value"], Value::Null);
}

#[test]
fn windows_can_take_the_place_of_counters() {
    let document = lab("epoll --connections 1 --requests 500 --probe ptrace");
    let epoll = server(&document, "epoll");
    if !has(&document, "ptrace") {
        assert_eq!(epoll["metrics"]["syscalls_per_request"]["value"], Value::Null);
        return;
    }
    assert_eq!(rung(epoll, "syscalls_per_request"), "ptrace");
    let calls = epoll["metrics"]["syscalls_per_request"]["value"].as_f64().unwrap();
    assert!((2.94..=3.06).contains(&calls), "{calls}");

    let document = lab("epoll --requests 500 --probe perf");
    let epoll = server(&document, "epoll");
    let names = epoll["syscalls_per_request_by_name"].as_object().unwrap();
    assert!(names.values().all(|each| each["rung"] == "perf-user"), "no window: {names:?}");
    match has(&document, "perf") {
        true => assert_eq!(rung(epoll, "syscalls_per_request"), "perf"),
        false => assert!(epoll["metrics"]["syscalls_per_request"]["rung"] != "ptrace"),
    }
}

/// Rounds with and without probes alternate; the share is a comparison of speeds, so only its shape is known.
#[test]
fn the_cost_of_probes_is_measured_when_asked_for() {
    let document = lab("epoll --requests 5000 --probe-cost");
    let epoll = server(&document, "epoll");
    let share = &epoll["probe_cost"]["throughput_share"];
    assert_eq!(share["rung"], "client");
    assert!(share["value"].as_f64().unwrap() > 0.0, "{share}");
    assert_eq!(epoll["rounds"], 5, "rounds without probes are not counted in");
    assert_eq!(epoll["requests"], 5000);
}
