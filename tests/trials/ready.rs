//! Lesson 1: what poll reports, and what a set of select can hold.

use super::told::watched;

#[test]
fn a_hang_up_that_nobody_takes_is_reported_for_ever() {
    let told = watched("hang-up");
    assert!((1000..1010).contains(&told.metric("syscalls")), "{}", told.metric("syscalls"));
    assert_eq!(told.metric("voluntary_switches"), 0, "no poll slept, though each could for ever");
    assert!(told.calls().iter().filter(|call| call.name == "poll").all(|call| call.result == Some(1)));
    assert!(told.calls().iter().all(|call| call.name != "read"));
}

#[test]
fn a_number_beyond_a_set_is_no_trouble_for_the_kernel() {
    let told = watched("beyond-fd-set");
    let number = told.results("fcntl")[0];
    assert!(number >= 1024, "{number}");
    assert_eq!(told.results("poll"), [1]);
    let waits: Vec<_> = told.calls().into_iter().filter(|call| call.name.contains("select")).collect();
    assert_eq!((waits[0].args[0], waits[0].result), (number as u64 + 1, Some(1)));
}
