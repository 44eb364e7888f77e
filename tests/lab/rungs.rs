//! Which rung counts: chosen by the machine, or by `--probe`; what the probes cost.

use iolab::trace::{Purpose, Record, Run, Rung, Story, Window};
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
    // Who may count all calls may not always have records of them: then ptrace tells their names.
    let by_name: &[&str] = match best {
        Some("perf") => &["perf", "ptrace"],
        Some("perf-user") => &["perf-user"],
        _ => &["ptrace"],
    };
    let names = epoll["syscalls_per_request_by_name"].as_object().unwrap();
    let told = names.values().next().and_then(|each| each["rung"].as_str());
    assert_eq!(told.is_some_and(|rung| by_name.contains(&rung)), best.is_some(), "{names:?}");
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
    assert!(names.values().all(|each| each["rung"] != "ptrace"), "no window under ptrace: {names:?}");
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

#[test]
fn the_story_is_told_at_full_speed_where_records_are_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trace");
    let command = "lab epoll uring-naive --rate 400 --duration 2 --format json --record";
    let document = iolab(command).with(&path).run().document(0);
    let trace = iolab::trace::file::open(&path).unwrap().trace;
    let told_by_perf = trace.header().capabilities.perf == iolab::trace::Allowed::Yes;
    for (index, name) in ["epoll", "uring-naive"].into_iter().enumerate() {
        let runs: Vec<_> = trace.runs().iter().filter(|run| run.start.server == index as u32).collect();
        let windows = |purpose| windows(&runs, purpose);
        if !told_by_perf {
            assert!(windows(Purpose::Measure).is_empty(), "nobody interrupts a measured run");
            continue;
        }
        let (whole, live) = (windows(Purpose::Window), windows(Purpose::Measure));
        assert!(whole.len() == 1 && !live.is_empty(), "{name}: {whole:?} {live:?}");
        // A busy machine leaves a window without anything in it; not all of them.
        let (mut slept, mut entries) = (0, 0);
        for (window, story) in whole.iter().chain(&live) {
            assert_eq!((window.rung, window.lost), (Rung::Perf, 0));
            let count = |is: fn(&Story) -> bool| story.iter().filter(|event| is(event)).count() as u64;
            assert_eq!(count(|event| matches!(event, Story::Enter { .. })), window.syscalls);
            assert_eq!(count(|event| matches!(event, Story::Answered { .. })), window.requests);
            slept += count(|event| matches!(event, Story::Off { .. }));
            entries += count(|event| matches!(event, Story::Sqe { tid: Some(_), ring: 3.., .. }));
        }
        assert_eq!((slept > 0, entries > 0), (true, name != "epoll"));
        let (window, _) = &whole[0];
        let calls = window.syscalls as f64 / window.requests as f64;
        // From rest to rest: three calls for each request that comes alone, whole.
        assert!((2.0..=3.05).contains(&calls), "{name}: {calls}");
        assert_eq!(server(&document, name)["window_records_lost"], Value::Null);
    }
}

/// The windows of some runs of a server, each with its story.
fn windows<'r>(runs: &[&'r Run], purpose: Purpose) -> Vec<(&'r Window, Vec<&'r Story>)> {
    let mut windows = Vec::new();
    for run in runs.iter().filter(|run| run.start.purpose == purpose) {
        let mut story = Vec::new();
        for (_, record) in &run.records {
            match record {
                Record::Story(event) => story.push(event),
                Record::Window { window, .. } => windows.push((window, std::mem::take(&mut story))),
                _ => {}
            }
        }
        assert!(story.is_empty(), "a story without a window");
    }
    windows
}
