//! Real runs: the mistake and its clean twin under the same load.

use serde_json::Value;

use super::program::{insights, io_uring_allowed, iolab, lab, server};

/// Asserts which of two servers of one document shows the insight.
#[track_caller]
fn only(document: &Value, id: &str, provoked: &str, clean: &str) {
    let [provoked, clean] = [provoked, clean].map(|name| server(document, name));
    assert!(insights(provoked).contains(&id), "silent: {provoked}");
    assert!(!insights(clean).contains(&id), "speaks: {clean}");
}

/// Whether a server of the document shows an insight.
fn shows(document: &Value, name: &str, id: &str) -> bool {
    insights(server(document, name)).contains(&id)
}

/// Without io_uring the servers of these tests cannot run, and the lab says so.
fn rings() -> bool {
    let allowed = io_uring_allowed();
    if !allowed {
        assert_eq!(iolab("lab uring --requests 10 --format json").run().code, Some(3));
    }
    allowed
}

#[test]
fn single_sqe_enters() {
    if !rings() {
        return;
    }
    for load in ["--requests 10000", "--rate 2000 --burst 64 --duration 0.6"] {
        let document = lab(&format!("uring-naive uring {load}"));
        only(&document, "single-sqe-enters", "uring-naive", "uring");
    }
    // Where a request comes alone there is nothing to share.
    let document = lab("uring-naive --connections 1 --requests 1000");
    assert!(!shows(&document, "uring-naive", "single-sqe-enters"), "{document}");
    let document = lab("uring-naive --connections 64 --rate 200 --duration 0.8");
    assert!(!shows(&document, "uring-naive", "single-sqe-enters"), "{document}");
}

#[test]
fn eagain_storm() {
    let document = lab("recv-spin epoll-edge --rate 2000 --burst 64 --duration 0.6");
    let rungs = document["machine"]["rungs"].as_array().unwrap();
    if rungs.iter().any(|rung| rung == "ptrace") {
        only(&document, "eagain-storm", "recv-spin", "epoll-edge");
    } else {
        // Answers are seen in windows only.
        assert!(!shows(&document, "recv-spin", "eagain-storm"), "{document}");
    }
}

#[test]
fn epollout_armed() {
    for load in ["--requests 2000", "--rate 1000 --duration 0.6"] {
        let document = lab(&format!("epoll-armed epoll {load}"));
        only(&document, "epollout-armed", "epoll-armed", "epoll");
    }
    // Long answers wait for room again and again.
    let document = lab("epoll --message 1048576 --connections 8 --requests 200");
    assert!(!shows(&document, "epoll", "epollout-armed"), "{document}");
}

#[test]
fn wakes_for_nothing() {
    for load in ["--connections 8 --rate 200 --duration 0.6", "--rate 2000 --burst 64 --duration 0.6"] {
        let document = lab(&format!("poll-armed poll {load}"));
        let rungs = document["machine"]["rungs"].as_array().unwrap();
        if rungs.iter().any(|rung| rung == "ptrace" || rung == "perf-user") {
            only(&document, "wakes-for-nothing", "poll-armed", "poll");
        } else {
            assert!(!shows(&document, "poll-armed", "wakes-for-nothing"), "{document}");
        }
    }
    // Long messages come in pieces, and each is a wake-up with something to do.
    let document = lab("poll epoll epoll-edge --message 1048576 --connections 8 --requests 200");
    for name in ["poll", "epoll", "epoll-edge"] {
        assert!(!shows(&document, name, "wakes-for-nothing"), "{document}");
    }
}

#[test]
fn unread_edge() {
    let load = "--connections 8 --rate 400 --duration 2";
    let document = lab(&format!("edge-once epoll-edge --message 16384 {load}"));
    only(&document, "unread-edge", "edge-once", "epoll-edge");
    // What fits its buffer is read whole.
    let document = lab(&format!("edge-once --message 64 {load}"));
    assert!(!shows(&document, "edge-once", "unread-edge"), "{document}");
}

#[test]
fn sqpoll_for_nothing() {
    if !rings() {
        return;
    }
    let idle = iolab("lab sqpoll --rate 200 --duration 0.8 --format json").first_served().run().document(0);
    assert!(shows(&idle, "sqpoll", "sqpoll-for-nothing"), "{idle}");
    let busy = lab("sqpoll --requests 20000");
    assert!(!shows(&busy, "sqpoll", "sqpoll-for-nothing"), "{busy}");
    // A thread that soon goes to sleep looks for nothing only briefly.
    let asleep = lab("sqpoll --rate 10 --duration 1 --sqpoll-idle-ms 1");
    assert!(!shows(&asleep, "sqpoll", "sqpoll-for-nothing"), "{asleep}");
}

#[test]
fn too_many_pollers() {
    let spin = "lab epoll-spin --rate 200 --duration 0.8 --format json";
    let document = iolab(spin).on_one_processor().run().document(0);
    assert!(shows(&document, "epoll-spin", "too-many-pollers"), "{document}");
    if rings() {
        let both = "lab sqpoll uring --rate 200 --duration 0.8 --format json";
        let document = iolab(both).on_one_processor().run().document(0);
        only(&document, "too-many-pollers", "sqpoll", "uring");
    }
    // With a second processor there is room for one poller.
    if std::thread::available_parallelism().unwrap().get() > 1 {
        let document = iolab(spin).run().document(0);
        assert!(!shows(&document, "epoll-spin", "too-many-pollers"), "{document}");
    }
}

#[test]
fn cq_overflow() {
    if !rings() {
        return;
    }
    for name in ["uring", "uring-multishot"] {
        let load = format!("{name} --requests 10000");
        let small = lab(&format!("{load} --sq-entries 8 --cq-entries 8"));
        assert!(shows(&small, name, "cq-overflow"), "{small}");
        assert_eq!(server(&small, name)["rings"][0]["cq_overflow_seen"], true);
        let roomy = lab(&load);
        assert!(!shows(&roomy, name, "cq-overflow"), "{roomy}");
    }
}

#[test]
fn client_bottleneck() {
    let hurried = lab("epoll --rate 5000000 --duration 0.5");
    assert!(shows(&hurried, "epoll", "client-bottleneck"), "{hurried}");
    let steady = lab("epoll --rate 1000 --duration 0.5");
    assert!(!shows(&steady, "epoll", "client-bottleneck"), "{steady}");
}

/// Servers without a mistake have none: loaded as fast as it goes, and paced in bursts.
#[test]
fn correct_servers_are_left_alone() {
    let all = match io_uring_allowed() {
        true => "threads select poll epoll epoll-edge epoll-spin uring uring-multishot sqpoll",
        false => "threads select poll epoll epoll-edge epoll-spin",
    };
    for load in [
        "--requests 5000",
        "--rate 2000 --burst 64 --duration 0.6",
        "--connections 1 --requests 500",
        "--message 1048576 --connections 8 --requests 200",
    ] {
        let document = lab(&format!("{all} {load}"));
        for server in document["servers"].as_array().unwrap() {
            // As fast as it goes somebody is the slower one; and where a poller is not kept busy by a crowd it
            // polls for nothing.
            let paced = document["load"]["rate_per_s"].is_number();
            let crowd = !paced && document["load"]["connections"] == 64;
            let intended = |id: &&str| match *id {
                "client-bottleneck" => !paced,
                "sqpoll-for-nothing" => server["server"] == "sqpoll" && !crowd,
                _ => false,
            };
            let found: Vec<_> = insights(server).into_iter().filter(|id| !intended(id)).collect();
            assert_eq!(found, Vec::<&str>::new(), "{server}");
        }
    }
}
