//! Lesson 0: what a system call is, what it is not, and how a wait ends.

use nix::libc;

use super::told::watched;

#[test]
fn a_call_that_does_not_wait_is_no_context_switch() {
    let told = watched("getppid");
    assert_eq!(told.metric("syscalls"), 300_000);
    assert_eq!(told.metric("voluntary_switches"), 0);
    assert!(told.metric("cpu_ns") > 0);
    assert_eq!(told.document["window_cut_after"], 400);
    assert_eq!(told.document["syscalls_by_name"]["getppid"]["value"], 400.0);
    assert!(told.calls().iter().all(|call| call.name == "getppid" && call.result > Some(0)));
}

#[test]
fn a_call_that_waits_is_one() {
    let told = watched("turns");
    let calls = told.metric("syscalls");
    assert!((40_000..40_100).contains(&calls), "4 calls a turn, and a thread was started: {calls}");
    let (asked, taken) = (told.metric("voluntary_switches"), told.metric("involuntary_switches"));
    // A byte that is there already when its reader comes is a wait that was done at another place: the writer
    // was put aside for it.
    assert!((15_000..=20_100).contains(&asked), "about 2 waits a turn, not {asked} (and {taken} put aside)");
    // The last one may still wait when the story ends.
    let mut reads = told.calls().into_iter().filter(|call| call.name == "read");
    assert!(reads.all(|call| call.result.is_none_or(|bytes| bytes == 1)));
}

#[test]
fn a_write_takes_what_has_room() {
    let told = watched("short-write");
    let writes: Vec<_> = told
        .calls()
        .into_iter()
        .filter(|call| call.name == "write")
        .map(|call| (call.args[2], call.result))
        .collect();
    let [(asked, first), (rest, second), (again, third)] = writes[..] else { panic!("{writes:?}") };
    let first = first.unwrap();
    assert!(0 < first && first < asked as i64, "{first} of {asked}");
    assert_eq!((rest, again), (asked - first as u64, rest));
    assert_eq!((second, third), (Some(-i64::from(libc::EAGAIN)), Some(rest as i64)));
    let read: i64 = told.results("read").into_iter().filter(|result| *result > 0).sum();
    assert_eq!(read, first, "the reader made room for all that was taken");
}

#[test]
fn a_signal_ends_a_wait_with_nothing_or_with_a_part() {
    let told = watched("signal");
    // −ERESTARTSYS is what the kernel says inside; the program gets EINTR, which it finds when the handler
    // is done.
    assert_eq!(told.results("read"), [-512]);
    let after = told.results("rt_sigreturn");
    assert!(after.contains(&-i64::from(libc::EINTR)), "{after:?}");
    assert_eq!(told.results("write"), [65_536], "what a pipe holds, of 200 000");
    assert!(told.metric("voluntary_switches") >= 2, "both calls slept");
}

#[test]
fn a_peer_that_is_gone_is_an_end_and_an_error() {
    let told = watched("gone");
    assert_eq!(told.results("read"), [3, 0]);
    assert_eq!(told.results("write"), [3, -i64::from(libc::EPIPE)]);
    assert_eq!(told.results("sendto"), [-i64::from(libc::EPIPE)]);
}
