//! The document: all servers in one, every number an object that says where it came from.

use serde_json::Value;

use super::program::{iolab, lab, server};

const ALL: [&str; 9] =
    ["threads", "select", "poll", "epoll", "epoll-edge", "uring-naive", "uring", "uring-multishot", "sqpoll"];

/// Every metric of a server: a value and its rung, or null and why.
#[track_caller]
fn unknown(server: &Value) -> Vec<String> {
    let metrics = server["metrics"].as_object().unwrap();
    let mut unknown = Vec::new();
    for (key, metric) in metrics {
        // Runs as short as these are split by too few ticks; how many fall into one is chance.
        let few_ticks = metric["why"].as_str().is_some_and(|why| why.contains("ticks of 10 ms"));
        if few_ticks {
            assert!(
                matches!(key.as_str(), "user_ns_per_request" | "kernel_ns_per_request"),
                "{key}: {metric}"
            );
        } else if metric["value"].is_null() {
            assert!(!metric["why"].as_str().unwrap().is_empty(), "{key}: {metric}");
            unknown.push(format!("{} {key}: {}", server["server"], metric["why"]));
        } else {
            assert!(metric["value"].as_f64().unwrap() >= 0.0, "{key}: {metric}");
            assert!(!metric["rung"].as_str().unwrap().is_empty(), "{key}: {metric}");
        }
    }
    unknown
}

#[test]
fn all_servers_stand_in_one_document() {
    let document = lab(&format!("{} --requests 2000", ALL.join(" ")));
    assert_eq!(document["schema"], "iolab.lab/1");
    let names: Vec<_> = document["servers"].as_array().unwrap().iter().map(|one| &one["server"]).collect();
    assert_eq!(names, ALL);
    assert_eq!(document["load"]["connections"], 64);
    assert_eq!(document["load"]["message_bytes"], 64);
    assert_eq!(document["load"]["rate_per_s"], Value::Null);
    assert_eq!(document["load"]["requests"], 2000);
    for name in ALL {
        let server = server(&document, name);
        assert_eq!(unknown(server), Vec::<String>::new());
        assert_eq!(server["requests"], 2000, "{name}");
        assert_eq!((&server["errors"], &server["bytes_wrong"]), (&0.into(), &0.into()), "{name}");
        assert_eq!(server["rounds"], 5, "{name}");
        assert!(server["seconds"].as_f64().unwrap() > 0.0, "{name}");
        assert!(server.get("troubles").is_none(), "{server}");
        latencies_are_ordered(server);
        state_is_that_of_its_kind(server);
    }
}

#[track_caller]
fn latencies_are_ordered(server: &Value) {
    let steps: Vec<u64> = ["p50", "p90", "p99", "p999", "max"]
        .iter()
        .map(|key| server["latency_ns"][*key].as_u64().unwrap())
        .collect();
    assert!(steps[0] > 0 && steps.is_sorted(), "{} {steps:?}", server["server"]);
}

/// Rings where it has rings, interest lists where it has interest lists; who polls shows its kernel thread.
#[track_caller]
fn state_is_that_of_its_kind(server: &Value) {
    let name = server["server"].as_str().unwrap();
    let has_ring = name.contains("uring") || name == "sqpoll";
    let metrics = server["metrics"].as_object().unwrap();
    for key in ["sqes_per_request", "cqes_per_request"] {
        assert_eq!(metrics.contains_key(key), has_ring, "{name}");
    }
    match server["rings"].as_array() {
        Some(rings) => {
            assert!(has_ring && !rings.is_empty(), "{name}");
            let ring = &rings[0];
            assert_eq!(ring["cq_overflow_seen"], false, "{name}");
            assert!(ring["cq_tail_advanced"].as_u64().unwrap() > 2000, "{ring}");
            assert!(ring["cq_entries"].as_u64() >= ring["sq_entries"].as_u64(), "{ring}");
        }
        None => assert!(!has_ring, "{name}"),
    }
    match server["epoll_sets"].as_array() {
        Some(sets) => {
            assert!(name.starts_with("epoll"), "{name}");
            let watched = sets[0]["watched"].as_u64().unwrap();
            assert!(watched >= 64, "{name} watches {watched}");
            let edge = sets[0]["edge"].as_u64().unwrap();
            assert_eq!(edge > 0, name == "epoll-edge", "{name}: {sets:?}");
        }
        None => assert!(!name.starts_with("epoll"), "{name}"),
    }
    let threads = server["threads"].as_array().unwrap();
    let polls = threads.iter().any(|thread| thread["comm"] == "iou-sqp");
    assert_eq!(polls, name == "sqpoll", "{threads:?}");
}

/// The lines show what the document holds.
#[test]
fn the_plain_face_has_every_server_and_number() {
    let said = iolab("lab epoll uring --requests 500").run();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stderr, "", "progress belongs to a terminal");
    assert!(!said.stdout.contains('\x1b'), "{said:?}");
    for words in ["64 connections, 64 B a message", "epoll", "uring", "syscalls per echo", "CQEs per echo"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let long = said.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
}

/// One server beside itself: a column may have connections of its own.
#[test]
fn a_column_has_its_own_number_of_connections() {
    let document = lab("threads@1 threads@8 --connections 4 --requests 800");
    for (column, connections) in [("threads@1", 1), ("threads@8", 8)] {
        let server = server(&document, column);
        assert_eq!(server["load"]["connections"], connections);
        assert_eq!(server["requests"], 800);
    }
    assert_eq!(document["load"]["connections"], 4);
}
