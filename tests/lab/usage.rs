//! What was mistyped: the status 2, a sentence, and what there is.

use super::program::iolab;

#[test]
fn an_unknown_server_is_told_the_nearest_and_all() {
    let said = iolab("lab epoll urnig").run();
    let complaint = said.complaint(2);
    assert!(complaint.contains("did you mean uring?"), "{complaint}");
    for name in ["threads", "select", "poll", "epoll-spin", "uring-multishot", "sqpoll"] {
        assert!(complaint.contains(name), "{name}: {complaint}");
    }
    assert!(iolab("lab").run().complaint(2).contains("SERVER"));
}

#[test]
fn an_unknown_lesson_is_told_the_nearest_and_all() {
    let said = iolab("lesson io-uring-ring --format plain").run();
    let complaint = said.complaint(2);
    assert!(complaint.contains("did you mean: iolab lesson io-uring-rings"), "{complaint}");
    assert!(iolab("lesson 99").run().complaint(2).contains("io-uring-rings"));
}

#[test]
fn loads_that_cannot_be_are_refused_with_a_reason() {
    let cases = [
        ("--rate 0", "a number of requests a second from 1 to 10000000, or max"),
        ("--rate -5", "a number of requests a second"),
        ("--rate fast", "a number of requests a second"),
        ("--burst 64", "--burst needs a --rate"),
        ("--burst 64 --rate 10", "less than once a second"),
        ("--connections 0", "1..=20000"),
        ("--connections 20001", "1..=20000"),
        ("--idle 20001", "0..=20000"),
        ("--message 0", "1..=1048576"),
        ("--message 1048577", "1..=1048576"),
        ("--requests 0", "0 is not in 1.."),
        ("--duration nan", "seconds, more than 0"),
        ("--duration 0", "seconds, more than 0"),
        ("--duration -1", "seconds, more than 0"),
        ("--duration inf", "seconds, more than 0"),
        ("--sq-entries 100", "a power of two"),
        ("--cq-entries 64", "must not be below --sq-entries (256)"),
        ("--format xml", "plain, json"),
        ("--probe magic", "auto, proc, ring, perf, ptrace"),
    ];
    for (flags, why) in cases {
        // The last word may begin with a hyphen.
        let flags = flags.replacen(' ', "=", 1);
        let said = iolab("lab epoll").and(&flags).run();
        let complaint = said.complaint(2);
        assert!(complaint.contains(why), "{flags}: {complaint}");
        assert_eq!(said.stdout, "");
    }
}
