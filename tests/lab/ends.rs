//! Ends that nobody planned: servers killed from outside, the program killed or interrupted, readers gone.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::program::{Family, Running, iolab, open_folder, server};

/// Long enough that it never ends by itself while a test looks at it.
const LONG: &str = "--duration 300 --format json";

/// Deep in a measured run: start and warm-up take a fraction of this.
const BUSY_NS: u64 = 150_000_000;

/// The server and the client of a lab that is under way.
fn cast(lab: &mut Running) -> [Family; 2] {
    [lab.child("serve", BUSY_NS), lab.child("load", 0)]
}

#[test]
fn a_server_killed_from_outside_is_named_with_its_signal() {
    for busy_ns in [0, BUSY_NS] {
        let mut lab = iolab("lab epoll").and(LONG).start();
        lab.child("serve", busy_ns).signal(Signal::SIGKILL);
        let document = lab.end().document(1);
        let troubles = server(&document, "epoll")["troubles"].to_string();
        assert!(troubles.contains("server-gone") && troubles.contains("SIGKILL"), "{troubles}");
    }
}

/// The others go on: a comparison loses one column.
#[test]
fn a_killed_server_leaves_the_others_their_rounds() {
    let mut lab = iolab("lab epoll poll --requests 100000 --format json").start();
    lab.child("serve epoll", 0).signal(Signal::SIGKILL);
    let document = lab.end().document(1);
    assert_eq!(server(&document, "epoll")["troubles"].as_array().unwrap().len(), 1, "tried once");
    let poll = server(&document, "poll");
    assert_eq!(poll["requests"], 100_000);
    assert!(poll.get("troubles").is_none(), "{poll}");
}

#[test]
fn a_killed_client_is_a_trouble_too() {
    let mut lab = iolab("lab epoll").and(LONG).start();
    let [_server, client] = cast(&mut lab);
    client.signal(Signal::SIGKILL);
    let document = lab.end().document(1);
    let troubles = server(&document, "epoll")["troubles"].to_string();
    assert!(troubles.contains("client-failed"), "{troubles}");
}

#[test]
fn when_the_program_is_killed_no_child_survives() {
    for servers in ["epoll", "sqpoll", "epoll uring --rate 500"] {
        let mut lab = iolab("lab").and(servers).and(LONG).start();
        let cast = match servers.contains("rate") {
            true => [lab.child("serve uring", 0), lab.child("load", 0)],
            false => cast(&mut lab),
        };
        lab.signal(Signal::SIGKILL);
        assert_eq!(lab.end().signal, Some(Signal::SIGKILL as i32));
        assert!(cast.iter().all(Family::ends), "{servers}");
    }
}

/// Ctrl-C and SIGTERM end the measuring, not the program: what was seen is shown, and the file is whole.
#[test]
fn an_interrupted_lab_shows_and_records_what_it_saw() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (_folder, path) = open_folder();
        for name in ["a.trace", "a.trace.gz"] {
            let file = path.join(name);
            let mut lab = iolab("lab epoll").and(LONG).and("--record").with(&file).start();
            let cast = cast(&mut lab);
            lab.signal(signal);
            let said = lab.end();
            assert!(cast.iter().all(Family::ends), "{signal}");
            let document = said.document(0);
            let epoll = server(&document, "epoll");
            assert!(epoll["requests"].as_u64().unwrap() > 0, "{epoll}");
            assert_eq!(epoll["stopped"], true, "{epoll}");
            let again = iolab("replay --format json").with(&file).run();
            assert_eq!((again.stdout, again.stderr.as_str()), (said.stdout, ""), "{signal}");
        }
    }
}

/// Before anything was measured there is nothing to lose.
#[test]
fn an_early_interrupt_ends_it_as_well() {
    let mut lab = iolab("lab epoll").and(LONG).start();
    let server = lab.child("serve", 0);
    lab.signal(Signal::SIGINT);
    let said = lab.end();
    assert!(server.ends());
    assert_eq!(said.document(0)["servers"][0]["bytes_wrong"], 0);
}

/// Who is asked twice does not wait for anything.
#[test]
fn a_second_interrupt_ends_it_at_once() {
    let mut lab = iolab("lab epoll-spin --connections 1").and(LONG).start();
    let cast = cast(&mut lab);
    // A server that stands still keeps its client from coming to rest.
    cast[0].signal(Signal::SIGSTOP);
    lab.signal(Signal::SIGINT);
    lab.signal(Signal::SIGTERM);
    let said = lab.end();
    // Two signals that arrive together may be seen in one go; then it gives the client a second to rest.
    assert!(matches!(said.code, Some(0 | 130)), "{said:?}");
    assert!(cast.iter().all(Family::ends));
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let said = iolab("lab epoll --requests 200").start_into(writer).end();
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
}

/// Output that cannot be written for another reason is.
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let said = iolab("lab epoll --requests 200").start_into(full).end();
    assert!(said.complaint(1).contains("ENOSPC"), "{said:?}");
}

/// A server that stops answering: what it owes is an error, not a hang.
#[test]
fn a_server_that_stands_still_does_not_hold_the_lab_for_ever() {
    let mut lab = iolab("lab epoll --format json --duration 300").start();
    let [server, _client] = cast(&mut lab);
    server.signal(Signal::SIGSTOP);
    lab.signal(Signal::SIGINT);
    let document: Value = lab.end().document(0);
    assert!(server.ends(), "stopped processes are ended too");
    assert_eq!(document["servers"][0]["stopped"], true);
}

/// A server that falls asleep over its work: no start that never comes to an end, no run without one, and
/// whoever runs beside it is measured as ever.
#[test]
fn a_server_that_stalls_begins_its_run_and_owes_the_rest() {
    let load = "--rate 400 --connections 8 --duration 1 --format json";
    let document = iolab("lab epoll-edge edge-once --message 16384").and(load).run().document(0);
    let [drained, stalled] = ["epoll-edge", "edge-once"].map(|name| server(&document, name));
    assert_eq!((&drained["requests"], &drained["errors"]), (&400.into(), &0.into()), "{drained}");
    assert!(stalled["requests"].as_u64().unwrap() < 100, "{stalled}");
    assert!(stalled["errors"].as_u64().unwrap() >= 8, "a message at least on each connection: {stalled}");
    assert!(stalled.get("troubles").is_none(), "{stalled}");
    // The window, too, leaves stalled connections behind; the measured run has a server without them.
    assert_eq!(stalled["epoll_sets"][0]["watched"], 9, "the listener and eight peers: {stalled}");
    // Messages that fit its buffer are no trouble.
    let document = iolab("lab edge-once --message 4096").and(load).run().document(0);
    assert_eq!(document["servers"][0]["requests"], 400, "{document}");
}
