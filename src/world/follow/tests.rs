use super::super::spot::tests::header;
use super::*;
use crate::trace::{
    Entry, ProcessTotals, Purpose, Record, Socket, Start, Story, ThreadTotals, Trace, Window,
};

/// A window of one server with these records, and the measured run of the same process with its sockets and
/// threads.
fn trace(server: &str, rung: Rung, records: Vec<(u64, Story)>) -> Trace {
    let mut trace = Trace::new(crate::trace::Header { servers: vec![server.into()], ..header() });
    let mut push = |run, t_ns, record| trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
    let start = |purpose| Record::Start(Start { server: 0, round: 0, purpose, pid: 7, load: None });
    push(0, 0, start(Purpose::Window));
    let last_ns = records.last().unwrap().0;
    for (t_ns, story) in records {
        push(0, t_ns, Record::Story(story));
    }
    let window = Window { rung, lost: 0, requests: 1, syscalls: 3 };
    push(0, last_ns, Record::Window { duration_ns: last_ns, window });
    push(1, 0, start(Purpose::Measure));
    let socket = |fd, peer_port| Socket { fd, peer_port, ..Socket::default() };
    push(1, 0, Record::Sockets { sockets: vec![socket(5, 40_000), socket(6, 40_002)] });
    let thread = |tid, comm: &str| ThreadTotals { tid, comm: comm.into(), ..ThreadTotals::default() };
    let threads = vec![thread(7, "iolab"), thread(9, "iou-sqp-7")];
    push(1, 0, Record::Process(ProcessTotals { threads, ..ProcessTotals::default() }));
    trace
}

fn enter(name: &str, args: [u64; 6]) -> Story {
    Story::Enter { tid: 7, name: name.into(), args }
}

fn exit(name: &str, result: i64) -> Story {
    Story::Exit { tid: 7, name: name.into(), result }
}

fn sent(port: u16, ordinal: u64) -> Story {
    Story::Sent { port, ordinal }
}

fn answered(port: u16, ordinal: u64) -> Story {
    Story::Answered { port, ordinal }
}

fn sqe(operation: &str, fd: i32, user_data: u64, tid: Option<u32>) -> Story {
    Story::Sqe { ring: 4, operation: operation.into(), fd, len: 64, flags: 0, user_data, tid }
}

fn cqe(user_data: u64, result: i32) -> Story {
    Story::Cqe { ring: 4, user_data, result, flags: 0, tid: None }
}

fn told(followed: &Followed) -> Vec<(u64, String, &str)> {
    followed.steps.iter().map(|step| (step.t_ns, step.place.words(), step.says.as_str())).collect()
}

fn followed(trace: &Trace, number: u64) -> Followed {
    follow(trace, &spot::request_number(trace, 0, number).unwrap()).unwrap()
}

#[test]
fn a_request_goes_from_the_client_through_calls_on_its_descriptor_and_back() {
    let wait = [3, 0, 64, u64::MAX, 0, 0];
    let trace = trace(
        "epoll",
        Rung::Perf,
        vec![
            (5, enter("epoll_wait", wait)),
            (10, sent(40_002, 0)),
            (11, sent(40_000, 4)),
            (20, exit("epoll_wait", 2)),
            (22, enter("recvfrom", [6, 0, 64, 0, 0, 0])),
            (24, exit("recvfrom", 64)),
            (26, enter("sendto", [6, 0, 64, 0, 0, 0])),
            (28, exit("sendto", 64)),
            (30, enter("recvfrom", [5, 0, 64, 0, 0, 0])),
            (32, exit("recvfrom", 64)),
            (34, enter("sendto", [5, 0, 64, 0, 0, 0])),
            (38, exit("sendto", 64)),
            (39, answered(40_000, 4)),
            (40, enter("epoll_wait", wait)),
        ],
    );
    let story = followed(&trace, 2);
    assert_eq!(story.title, "request 2 (port 40000, its 5th)");
    assert_eq!(story.fd, Some((5, Sure::Seen)));
    let expected = [
        (11, "client".to_owned(), "sends the request"),
        (11, "kernel".into(), "fd 5 has something to read"),
        (20, "thread 7".into(), "epoll_wait returns: 2 are"),
        (30, "kernel".into(), "recvfrom: what has come on fd 5? → 64 bytes"),
        (34, "kernel".into(), "sendto: send 64 bytes on fd 5 → 64 bytes"),
        (39, "client".into(), "has the whole answer"),
    ];
    assert_eq!(told(&story), expected);
    assert_eq!((story.remarks.len(), story.slowed, story.span_ns()), (0, false, (11, 39)));
    // The same request, by its descriptor at some time in between.
    let spot = Spot { run: 0, t_ns: 31, what: What::Fd(5) };
    assert_eq!(follow(&trace, &spot), Some(story));
}

#[test]
fn through_a_polled_ring_it_goes_by_way_of_the_kernels_thread() {
    let waits = |t_ns| (t_ns, enter("io_uring_enter", [4, 0, 1, 1, 0, 0]));
    let trace = trace(
        "sqpoll",
        Rung::Ptrace,
        vec![
            (1, sqe("RECV", 5, 22, None)),
            waits(2),
            (10, sent(40_000, 0)),
            (20, exit("io_uring_enter", 0)),
            (20, cqe(22, 64)),
            waits(30),
            (30, sqe("SEND", 5, 23, None)),
            (40, exit("io_uring_enter", 0)),
            (40, cqe(23, 64)),
            (45, answered(40_000, 0)),
            waits(50),
            (50, sqe("RECV", 5, 22, None)),
        ],
    );
    let story = followed(&trace, 1);
    let expected = [
        (10, "client".to_owned(), "sends the request"),
        (10, "kernel".into(), "fd 5 has something to read"),
        (20, "kernel".into(), "publishes CQE 22: 64"),
        (20, "thread 7".into(), "io_uring_enter returns: done"),
        (30, "thread 7".into(), "hands over SQE 23: send 64 bytes on fd 5"),
        (30, "SQ thread".into(), "takes SQE 23: it makes no call"),
        (30, "kernel".into(), "io_uring_enter: wake me at 1 CQE → done"),
        (40, "kernel".into(), "publishes CQE 23: 64"),
        (45, "client".into(), "has the whole answer"),
    ];
    assert_eq!(told(&story), expected);
    let places = [Place::Client, Place::User(Some(7)), Place::Kernel, Place::Poller];
    assert_eq!(story.places(), places);
    assert!(story.remarks.iter().any(|says| says.contains("when is not")), "{:?}", story.remarks);
    assert!(story.slowed && story.names == BTreeSet::from([22, 23]));
    // By the name of an entry.
    let spot = Spot { run: 0, t_ns: 35, what: What::UserData(23) };
    assert_eq!(follow(&trace, &spot), Some(story));
}

#[test]
fn who_took_an_entry_is_told_where_it_was_seen() {
    let trace = trace(
        "sqpoll",
        Rung::Perf,
        vec![
            (1, sqe("RECV", -1, 22, Some(9))),
            (10, sent(40_000, 0)),
            (20, cqe(22, 64)),
            (26, sqe("SEND", -1, 23, Some(9))),
            (30, cqe(23, 64)),
            (35, answered(40_000, 0)),
        ],
    );
    // The kernel names no descriptor, but no other request was under way.
    let alone = followed(&trace, 1);
    assert_eq!(alone.names, BTreeSet::from([22, 23]));
    assert!(alone.remarks.iter().any(|says| says.contains("no other request")), "{:?}", alone.remarks);
    // A window under ptrace of the same process saw which they are about.
    let mut trace = trace;
    let mut push = |t_ns, record| trace.push(Entry { run: Some(2), t_ns, record }).unwrap();
    push(0, Record::Start(Start { server: 0, round: 0, purpose: Purpose::Window, pid: 7, load: None }));
    push(1, Record::Story(sqe("RECV", 5, 22, None)));
    push(2, Record::Story(sqe("SEND", 5, 23, None)));
    push(3, Record::Story(sqe("RECV", 6, 26, None)));
    let story = followed(&trace, 1);
    let expected = (26, "SQ thread".to_owned(), "takes SQE 23: SEND");
    assert!(told(&story).contains(&expected), "{:?}", told(&story));
    assert!(story.steps.iter().all(|step| step.sure != Sure::TimeNotKnown));
    assert!(story.remarks.iter().any(|says| says.contains("user_data")), "{:?}", story.remarks);
}

#[test]
fn what_names_no_connection_is_said_to_be_a_guess() {
    let trace = trace(
        "uring",
        Rung::Ptrace,
        vec![
            (2, enter("io_uring_enter", [4, 1, 1, 1, 0, 0])),
            (10, sent(40_000, 0)),
            (20, exit("io_uring_enter", 1)),
            (30, enter("io_uring_enter", [4, 1, 1, 1, 0, 0])),
            (45, answered(40_000, 0)),
        ],
    );
    let story = followed(&trace, 1);
    assert_eq!(story.calls, BTreeSet::from([(7, 2)]), "the second one waits for the next request");
    assert!(story.remarks[0].contains("may be about others"), "{:?}", story.remarks);
}
