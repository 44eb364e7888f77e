//! The edges of the rules.

use iolab::trace::Interest;
use iolab::world::insight::{INSIGHTS, by_id};

use super::written::{SECOND_NS, Written, run_of};

const NOTHING: [&str; 0] = [];

#[test]
fn an_ordinary_run_shows_nothing() {
    assert_eq!(run_of("epoll").insights(), NOTHING);
    assert_eq!(run_of("uring").ring(2000, 0).insights(), NOTHING);
}

#[test]
fn every_insight_is_found_by_its_id_and_says_what_to_do() {
    for insight in INSIGHTS {
        assert_eq!(by_id(insight.id).unwrap().title, insight.title, "{} twice", insight.id);
        for text in [insight.title, insight.general, insight.fix] {
            assert!(!text.is_empty() && !text.contains("  "), "{}: {text:?}", insight.id);
        }
    }
    assert!(by_id("no-such-insight").is_none());
}

#[test]
fn single_sqes_are_a_mistake_in_company_only() {
    // Two SQEs a request in two calls; `sleeps` for 1000 requests.
    let naive = |sleeps| run_of("uring-naive").ring(2000, 0).thread("iolab", 1, sleeps, 0);
    assert_eq!(naive(10).insights(), ["single-sqe-enters"]);
    assert_eq!(naive(250).insights(), ["single-sqe-enters"]);
    assert_eq!(naive(400).insights(), NOTHING, "hardly ever were others waiting");
    assert_eq!(naive(10).syscalls(1000).insights(), NOTHING, "two SQEs a call");
    assert_eq!(naive(0).insights(), ["single-sqe-enters"], "it never slept");
    assert_eq!(naive(10).connections(1).insights(), NOTHING, "nobody else could be waiting");
    let short = run_of("uring-naive").ring(199, 0).syscalls(199).thread("iolab", 1, 10, 0);
    assert_eq!(short.insights(), NOTHING, "too few to tell");
}

#[test]
fn draining_a_socket_is_no_storm() {
    let window = |useful, in_vain| {
        let calls = [("sendto", 64, useful), ("recvfrom", 64, useful), ("recvfrom", -11, in_vain)];
        run_of("epoll-edge").window(&calls)
    };
    assert_eq!(window(1000, 1000).insights(), NOTHING, "one EAGAIN for each socket drained");
    assert_eq!(window(1000, 1900).insights(), NOTHING, "edges of bytes that were drained before");
    assert_eq!(window(1000, 2100).insights(), ["eagain-storm"]);
    assert_eq!(window(0, 100).insights(), ["eagain-storm"]);
    assert_eq!(window(0, 99).insights(), NOTHING, "too few to tell");
    // In the window (100 requests) sockets were mostly ready; the free run (1000) shows what it does else.
    assert_eq!(window(100, 50).syscalls(8000).insights(), ["eagain-storm"]);
    assert_eq!(window(100, 50).syscalls(4000).insights(), NOTHING, "a wait and an EAGAIN for each request");
    let paced = |calls| window(100, 50).syscalls(calls).rate(2000).insights();
    assert_eq!(paced(8000), NOTHING, "a receive may take several");
    assert_eq!(paced(12_000), ["eagain-storm"], "so many it cannot");
    assert_eq!(window(100, 0).syscalls(8000).insights(), NOTHING, "many calls, none in vain");
}

#[test]
fn epollout_is_armed_for_nothing_where_there_is_room() {
    const BOTH: u32 = Interest::IN | Interest::OUT;
    let epoll = || run_of("epoll");
    assert_eq!(epoll().sockets(&[(BOTH, 0); 4]).insights(), ["epollout-armed"]);
    // The answer is on its way and not yet acknowledged.
    assert_eq!(epoll().sockets(&[(BOTH, 64); 4]).insights(), ["epollout-armed"]);
    assert_eq!(epoll().sockets(&[(BOTH, 200_000); 4]).insights(), NOTHING, "they wait for room");
    assert_eq!(epoll().sockets(&[(Interest::IN, 0); 4]).insights(), NOTHING);
    assert_eq!(
        epoll().sockets(&[(BOTH | Interest::ET, 0); 4]).insights(),
        NOTHING,
        "edges are reported once"
    );
    let few = [(BOTH, 0), (Interest::IN, 0), (Interest::IN, 0), (Interest::IN, 0)];
    assert_eq!(epoll().sockets(&few).insights(), NOTHING, "caught at the end of a backlog");
    assert_eq!(epoll().sockets(&[]).insights(), NOTHING);
}

#[test]
fn a_wake_up_is_for_nothing_where_hardly_any_leads_to_a_call() {
    let window = |ready, times, done| run_of("poll").window(&[("poll", ready, times), ("sendto", 64, done)]);
    assert_eq!(window(8, 100, 100).insights(), ["wakes-for-nothing"]);
    assert_eq!(window(8, 100, 400).insights(), NOTHING, "a receive and a send for every second of them");
    assert_eq!(window(1, 1000, 2000).insights(), NOTHING, "a receive and a send for each");
    assert_eq!(window(1, 99, 0).insights(), NOTHING, "too few to tell");
    assert_eq!(window(1, 100, 0).insights(), ["wakes-for-nothing"], "nobody looks at what is reported");
    assert_eq!(window(0, 100_000, 10).insights(), NOTHING, "it asks again and again, and nobody is ready");
    // The window is slow, so that there is more to do at each wake-up; at full speed (1000 requests) there is not.
    assert_eq!(window(8, 100, 600).syscalls(21_000).insights(), ["wakes-for-nothing"]);
    assert_eq!(window(8, 100, 600).syscalls(19_000).insights(), NOTHING);
    assert_eq!(window(8, 100, 800).syscalls(21_000).insights(), NOTHING, "what is reported is used");
    // What the interest list says is the better explanation.
    let armed = window(8, 100, 100).sockets(&[(Interest::IN | Interest::OUT, 0); 4]);
    assert_eq!(armed.insights(), ["epollout-armed"]);
    // Without a window only the names of the calls are known.
    let waits = |server, times| run_of(server).by_name("ppoll", times);
    assert_eq!(waits("poll", 21_000).insights(), ["wakes-for-nothing"]);
    assert_eq!(waits("poll", 19_000).insights(), NOTHING);
    assert_eq!(waits("poll", 21_000).message_bytes(4096).insights(), NOTHING, "a wait for each piece");
    assert_eq!(waits("epoll-spin", 21_000).insights(), NOTHING, "it means to");
    assert_eq!(run_of("poll").by_name("recvfrom", 21_000).insights(), NOTHING);
}

#[test]
fn bytes_are_left_where_reading_after_reading_finds_them_and_the_server_sleeps() {
    const EDGE: u32 = Interest::IN | Interest::OUT | Interest::ET;
    const HALF_NS: u64 = SECOND_NS / 2;
    let readings = |number, events, receive, send, cpu_ns| {
        let one = |run: Written, n| run.queues(n * HALF_NS, n * cpu_ns, events, receive, send);
        (1..=number).fold(run_of("epoll").lasting(5 * SECOND_NS), one).insights()
    };
    assert_eq!(readings(3, EDGE, 1, 0, 0), ["unread-edge"]);
    assert_eq!(readings(2, EDGE, 1, 0, 0), NOTHING, "it may come for them yet");
    assert_eq!(readings(8, EDGE, 0, 0, 0), NOTHING);
    assert_eq!(readings(8, Interest::IN, 1, 0, 0), NOTHING, "the next wait reports it again");
    assert_eq!(readings(8, EDGE, 1, 200_000, 0), NOTHING, "it cannot send, so it does not receive");
    assert_eq!(readings(8, EDGE, 1, 0, HALF_NS / 10), NOTHING, "it was busy with others");
    assert_eq!(readings(8, EDGE, 1, 0, HALF_NS / 100), ["unread-edge"]);
    // One reading that finds nothing begins the count again.
    let drained = (1..=5).fold(run_of("epoll").lasting(5 * SECOND_NS), |run, n| {
        run.queues(n * HALF_NS, 0, EDGE, u32::from(n != 3), 0)
    });
    assert_eq!(drained.insights(), NOTHING);
}

#[test]
fn a_poller_with_work_polls_for_something() {
    let sqpoll = |cpu_ns, sqes| run_of("sqpoll").ring(sqes, 0).thread("iou-sqp-7", cpu_ns, 0, 0);
    assert_eq!(sqpoll(SECOND_NS, 400).insights(), ["sqpoll-for-nothing"]);
    assert_eq!(sqpoll(SECOND_NS, 300_000).insights(), NOTHING);
    assert_eq!(sqpoll(SECOND_NS / 10, 400).insights(), NOTHING, "asleep most of the time");
    assert_eq!(sqpoll(SECOND_NS, 0).insights(), ["sqpoll-for-nothing"]);
}

#[test]
fn pollers_need_a_processor_each_and_one_for_the_rest() {
    let sqpoll = || run_of("sqpoll").ring(100_000, 0).thread("iou-sqp-7", SECOND_NS, 0, 0);
    assert_eq!(sqpoll().cpus(1).insights(), ["too-many-pollers"]);
    assert_eq!(sqpoll().cpus(2).insights(), NOTHING);
    let spin = |server| run_of(server).syscalls(100_000).thread("iolab", SECOND_NS, 0, 0);
    assert_eq!(spin("epoll-spin").cpus(1).insights(), ["too-many-pollers"]);
    assert_eq!(spin("epoll-spin").cpus(2).insights(), NOTHING);
    // Both the kernel's thread and the server.
    let both = |cpus| spin("sqpoll").ring(100_000, 0).thread("iou-sqp-7", SECOND_NS, 0, 0).cpus(cpus);
    assert_eq!(both(2).insights(), ["too-many-pollers"]);
    assert_eq!(both(3).insights(), NOTHING);
    // A poller that is put aside all the time has little processor time to show.
    let starved = run_of("sqpoll").ring(100_000, 0).thread("iou-sqp-7", SECOND_NS / 10, 0, 100);
    assert_eq!(starved.cpus(1).insights(), ["too-many-pollers"]);
}

#[test]
fn an_overflow_is_seen_by_its_flag() {
    assert_eq!(run_of("uring").ring(2000, 1).insights(), ["cq-overflow"]);
    assert_eq!(run_of("uring").ring(2000, 0).insights(), NOTHING);
    let before = run_of("uring").ring(2000, 0).overflowed_before_the_zero(7);
    assert_eq!(before.insights(), NOTHING, "what overflowed while it warmed up is not of the run");
}

#[test]
fn the_client_is_the_bottleneck_when_the_server_has_time() {
    let at_max = |client: u64, server: u64| {
        let share = |percent: u64| percent * SECOND_NS / 100;
        run_of("epoll").client(share(client), 0).thread("iolab", share(server), 1000, 0)
    };
    assert_eq!(at_max(98, 60).insights(), ["client-bottleneck"]);
    assert_eq!(at_max(98, 95).insights(), NOTHING, "both are at their limit");
    assert_eq!(at_max(60, 98).insights(), NOTHING);
    assert_eq!(at_max(60, 30).insights(), NOTHING, "neither is: they wait for each other");
    assert_eq!(at_max(98, 60).lasting(40_000_000).insights(), NOTHING, "too short to tell");

    // Threads of one name share all processors but the client's.
    let threads = |cpus, percent: u64| {
        let server = run_of("threads").cpus(cpus).client(SECOND_NS * 98 / 100, 0);
        server.thread("iolab", percent * SECOND_NS / 100, 1000, 0).insights()
    };
    assert_eq!(threads(4, 200), ["client-bottleneck"], "two of three");
    assert_eq!(threads(4, 290), NOTHING);
    assert_eq!(threads(2, 60), ["client-bottleneck"]);
    assert_eq!(threads(1, 98), NOTHING);

    let paced = |client, server, late| {
        let written: Written = at_max(client, server).rate(2000);
        written.client(client * SECOND_NS / 100, late)
    };
    assert_eq!(paced(98, 60, 0).insights(), NOTHING, "it keeps its pace");
    assert_eq!(paced(98, 60, 20).insights(), NOTHING, "a few at the end");
    assert_eq!(paced(98, 60, 1000).insights(), ["client-bottleneck"]);
    assert_eq!(paced(50, 35, 1000).insights(), ["client-bottleneck"], "others had the processors, too");
    assert_eq!(paced(50, 60, 1000).insights(), NOTHING, "the server is the slower one");
    assert_eq!(paced(50, 0, 1000).in_time().insights(), NOTHING, "the server takes nothing any more");
}

#[test]
fn a_herd_is_several_lists_and_accepts_in_vain() {
    const PLAIN: u32 = Interest::IN;
    const ONE: u32 = Interest::IN | Interest::EXCLUSIVE;
    let wait = ("epoll_wait", [3, 0, 8], 1);
    let herd = |lists: &[u32], got, in_vain| {
        let got_one = [wait, ("accept4", [7, 0, 0], 8)];
        let too_late = [wait, ("accept4", [7, 0, 0], -11)];
        run_of("epoll").listener(lists).calls(got, &got_one).calls(in_vain, &too_late).insights()
    };
    assert_eq!(herd(&[PLAIN; 4], 64, 64), ["thundering-herd"]);
    assert_eq!(herd(&[PLAIN; 2], 64, 8), ["thundering-herd"]);
    assert_eq!(herd(&[PLAIN; 4], 64, 7), NOTHING, "too few to tell");
    assert_eq!(herd(&[PLAIN; 4], 80, 8), NOTHING, "hardly ever");
    assert_eq!(herd(&[ONE; 4], 64, 64), NOTHING, "they asked to be woken one at a time");
    assert_eq!(herd(&[PLAIN], 64, 64), NOTHING, "nobody else was woken");
    assert_eq!(herd(&[PLAIN, ONE, ONE], 64, 64), NOTHING, "one of them hears of all");
}

#[test]
fn a_list_is_rewritten_where_no_backlog_asks_for_it() {
    let wait = ("epoll_wait", [3, 0, 8], 1);
    let (receive, whole) = (("recvfrom", [10, 0, 4096], 64), ("sendto", [10, 0, 64], 64));
    let change = ("epoll_ctl", [3, 3, 10], 0);
    let to_and_fro = [wait, receive, change, wait, whole, change];
    let of = |events, times, calls: &[_]| run_of("epoll").sockets(&[(events, 0)]).calls(times, calls);
    assert_eq!(of(Interest::IN, 25, &to_and_fro).insights(), ["interest-rewritten"]);
    assert_eq!(of(Interest::IN, 24, &to_and_fro).insights(), NOTHING, "too few to tell");
    assert_eq!(of(Interest::IN | Interest::ONESHOT, 50, &to_and_fro).insights(), NOTHING, "each arms again");
    assert_eq!(run_of("epoll").calls(50, &to_and_fro).insights(), NOTHING, "what kind is not known");
    let (short, rest) = (("sendto", [10, 0, 64], 60), ("sendto", [10, 60, 4], 4));
    let backlog = [wait, receive, short, change, wait, rest, change];
    assert_eq!(of(Interest::IN, 50, &backlog).insights(), NOTHING, "there was no room");
    let off_and_on = [wait, ("epoll_ctl", [3, 2, 10], 0), receive, whole, ("epoll_ctl", [3, 1, 10], 0)];
    assert_eq!(of(Interest::IN, 50, &off_and_on).insights(), ["interest-rewritten"]);
    let seldom = [wait, receive, whole, wait, receive, whole, wait, receive, whole, change];
    assert_eq!(of(Interest::IN, 100, &seldom).insights(), NOTHING, "one in three");
}

#[test]
fn a_turn_is_too_long_where_others_wait_for_theirs() {
    let turn = |reported, reads, lost| {
        let wait = ("epoll_wait", [3, 0, 8], reported);
        let run = run_of("epoll").calls(1, &[wait]).calls(reads, &[("read", [10, 0, 1024], 1024)]);
        run.calls(1, &[("read", [11, 0, 1024], 6)]).lost(lost).insights()
    };
    assert_eq!(turn(2, 17, 0), ["long-turn"]);
    assert_eq!(turn(2, 16, 0), NOTHING, "a turn that has an end");
    assert_eq!(turn(1, 100, 0), NOTHING, "nobody else was ready");
    assert_eq!(turn(2, 100, 1), NOTHING, "the other one's turn may be what was lost");
}

#[test]
fn connections_are_left_open_where_reading_after_reading_finds_them_over() {
    let left = |readings, connections, receive, send| {
        let one = |run: Written, _| run.peers_done(connections, receive, send);
        (0..readings).fold(run_of("epoll"), one).insights()
    };
    assert_eq!(left(5, 8, 0, 0), ["left-open"]);
    assert_eq!(left(4, 8, 0, 0), NOTHING, "somebody may come to close them yet");
    assert_eq!(left(9, 7, 0, 0), NOTHING, "so few may be meant");
    assert_eq!(left(9, 8, 1, 0), NOTHING, "nobody has read that they are over");
    assert_eq!(left(9, 8, 0, 64), NOTHING, "there is something to send yet");
    let others = run_of("epoll").peers_done(8, 0, 0).peers_done(8, 0, 0).peers_done(2, 0, 0);
    assert_eq!(others.peers_done(8, 0, 0).peers_done(8, 0, 0).insights(), NOTHING, "those were closed");
}

#[test]
fn bytes_one_by_one_are_a_habit_where_calls_do_little_else() {
    let of = |times, more| {
        let run = run_of("threads").calls(times, &[("read", [10, 0, 1], 1)]);
        run.calls(more, &[("write", [10, 0, 64], 64)]).insights()
    };
    assert_eq!(of(51, 0), ["tiny-reads"]);
    assert_eq!(of(50, 0), NOTHING, "too few to tell");
    assert_eq!(of(100, 140), ["tiny-reads"]);
    assert_eq!(of(100, 160), NOTHING, "it mostly does something else");
    let pages = run_of("threads").calls(500, &[("read", [10, 0, 4096], 4096)]);
    assert_eq!(pages.insights(), NOTHING);
}

#[test]
fn a_write_is_cut_short_where_the_rest_never_goes() {
    let short = ("write", [10, 0x1000, 100], 60);
    let of = |then| run_of("epoll").calls(1, &[short, then]);
    assert_eq!(of(("write", [10, 0x1000, 100], 100)).insights(), ["write-cut-short"]);
    assert_eq!(of(("close", [10, 0, 0], 0)).insights(), ["write-cut-short"]);
    assert_eq!(of(("write", [10, 0x1000 + 60, 40], 40)).insights(), NOTHING, "it goes on");
    assert_eq!(
        of(("write", [10, 0x1000, 100], 100)).lost(1).insights(),
        NOTHING,
        "it may have gone on unseen"
    );
}

#[test]
fn a_queue_sleeps_where_nothing_moves_for_some_readings() {
    assert_eq!(run_of("sqpoll").stands(3, 0).insights(), ["queue-asleep"]);
    assert_eq!(run_of("sqpoll").stands(2, 0).insights(), NOTHING, "just before the call that wakes");
}

#[test]
fn completions_wait_for_a_call_where_nothing_comes_for_some_readings() {
    assert_eq!(run_of("uring").stands(0, 3).insights(), ["uncollected"]);
    assert_eq!(run_of("uring").stands(0, 2).insights(), NOTHING, "it was busy with something else");
}

#[test]
fn buffers_run_out_where_it_is_no_exception() {
    const NO_BUFFERS: i32 = -105;
    let of =
        |good, out| run_of("uring").completes(good, 1, 64, 2).completes(out, 1, NO_BUFFERS, 0).insights();
    assert_eq!(of(20, 3), ["buffers-ran-out"]);
    assert_eq!(of(20, 2), NOTHING, "a burst");
    assert_eq!(of(58, 3), NOTHING, "seldom");
}

#[test]
fn a_multishot_has_ended_where_waits_find_nothing_and_nobody_asks_again() {
    const MORE: u32 = 2;
    let timed_out = ("io_uring_enter", [4, 0, 1], -62);
    let ended = || run_of("uring").asks(1).completes(4, 1, 64, MORE).completes(1, 1, 64, 0);
    assert_eq!(ended().calls(1, &[timed_out]).insights(), ["multishot-ended"]);
    assert_eq!(ended().asks(1).calls(1, &[timed_out]).insights(), NOTHING, "asked for again");
    assert_eq!(
        ended().calls(9, &[("io_uring_enter", [4, 0, 1], 0)]).insights(),
        NOTHING,
        "other things come"
    );
    assert_eq!(ended().calls(1, &[timed_out]).lost(1).insights(), NOTHING);
    let goes_on = run_of("uring").asks(1).completes(4, 1, 64, MORE).calls(9, &[timed_out]);
    assert_eq!(goes_on.insights(), NOTHING, "the peer says nothing");
    let over = run_of("uring").asks(1).completes(4, 1, 64, MORE).completes(1, 1, 0, 0);
    assert_eq!(over.calls(9, &[timed_out]).insights(), NOTHING, "the peer is gone");
}

#[test]
fn workers_are_needless_where_there_are_sockets() {
    let of = |sleeps, cpu_ns| {
        run_of("uring").sockets(&[(0, 0)]).ring(2000, 0).thread("iou-wrk-7", cpu_ns, sleeps, 0)
    };
    assert_eq!(of(20, SECOND_NS / 100).insights(), ["workers-block"]);
    assert_eq!(of(19, SECOND_NS / 100).insights(), NOTHING, "a file now and then");
    assert_eq!(of(900, SECOND_NS / 1000).insights(), NOTHING, "next to nothing");
    let files = run_of("uring").ring(2000, 0).thread("iou-wrk-7", SECOND_NS, 900, 0);
    assert_eq!(files.insights(), NOTHING, "a disk has to be waited for");
}

#[test]
fn of_a_program_that_nobody_asks_nothing_is_said_for_each_request() {
    let busy = |server| run_of(server).unasked().syscalls(1_000_000);
    let calls = [("epoll_wait", 1, 100), ("recvfrom", 64, 100), ("sendto", 64, 100), ("recvfrom", -11, 60)];
    assert_eq!(busy("nginx").cpus(1).window(&calls).insights(), NOTHING);
    assert_eq!(run_of("nginx").unasked().by_name("epoll_wait", 100_000).insights(), NOTHING);
    assert_eq!(busy("fio").ring(100_000, 0).thread("fio", SECOND_NS, 1, 0).insights(), NOTHING);
    assert_eq!(busy("fio").cpus(1).ring(100_000, 0).thread("iou-sqp-7", SECOND_NS, 0, 0).insights(), NOTHING);
    // What it does wrong whoever asks is said all the same.
    let tiny = busy("a-program").calls(100, &[("read", [10, 0, 1], 1)]);
    assert_eq!(tiny.insights(), ["tiny-reads"]);
}

#[test]
fn long_messages_take_many_calls_and_nobody_polls() {
    let both = |bytes| {
        let run = run_of("sqpoll").syscalls(100_000).message_bytes(bytes).ring(100_000, 0);
        run.thread("iou-sqp-7", SECOND_NS, 0, 0).insights()
    };
    assert_eq!(both(64), ["too-many-pollers"]);
    assert_eq!(both(1 << 20), NOTHING);
}
