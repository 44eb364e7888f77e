//! Small machines: few descriptors, one processor.

use super::program::{io_uring_allowed, iolab, server};

#[test]
fn more_connections_than_descriptors_are_refused_by_name() {
    for name in ["epoll", "threads"] {
        let lab = iolab("lab --connections 400 --requests 1000 --format json").with(name);
        let said = lab.without_privileges().with_descriptors(200).run();
        let document = said.document(1);
        let troubles = server(&document, name)["troubles"].to_string();
        assert!(troubles.contains("EMFILE") || troubles.contains("RLIMIT_NOFILE"), "{troubles}");
        assert!(troubles.contains("ulimit -n"), "what to try: {troubles}");
    }
}

#[test]
fn where_nothing_was_answered_the_reason_stands_alone() {
    let said =
        iolab("lab epoll --connections 400 --requests 1000").without_privileges().with_descriptors(200).run();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("the client of epoll could not go on"), "{}", said.stdout);
    assert!(!said.stdout.contains("not known"), "a table without numbers: {}", said.stdout);
}

#[test]
fn one_processor_is_enough() {
    let names = if io_uring_allowed() { "epoll uring" } else { "epoll" };
    let document =
        iolab("lab").and(names).and("--requests 2000 --format json").on_one_processor().run().document(0);
    assert_eq!(document["machine"]["cpus"], 1);
    for name in names.split(' ') {
        let server = server(&document, name);
        assert_eq!((&server["requests"], &server["errors"]), (&2000.into(), &0.into()), "{server}");
        assert!(server["metrics"]["syscalls_per_request"]["value"].is_number(), "{server}");
    }
}

#[test]
fn messages_of_every_size_come_back_whole() {
    let names = if io_uring_allowed() { "threads epoll uring uring-multishot" } else { "threads epoll" };
    for (bytes, requests) in [(1, 1000), (65_537, 100), (1 << 20, 20)] {
        let load = format!("--connections 4 --message {bytes} --requests {requests} --format json");
        let document = iolab("lab").and(names).and(&load).run().document(0);
        for name in names.split(' ') {
            let server = server(&document, name);
            assert_eq!(server["requests"], requests, "{name} {bytes}");
            assert_eq!((&server["errors"], &server["bytes_wrong"]), (&0.into(), &0.into()), "{name} {bytes}");
        }
    }
}

#[test]
fn idle_connections_stay_idle() {
    let lab = iolab("lab epoll --connections 2 --idle 500 --requests 500 --format json");
    let document = lab.run().document(0);
    let epoll = server(&document, "epoll");
    assert_eq!(epoll["requests"], 500);
    assert_eq!(epoll["epoll_sets"][0]["watched"], 503, "two, five hundred, and the listener");
}
