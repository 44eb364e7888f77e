//! The one line at the end.

use iolab::doctor::{Lesson, verdict};
use iolab::trace::{Allowed, Capabilities, Layer, Refusal};

use crate::machines::{docker, kernel, roomy};

const COURSE: &[Lesson] = &[
    Lesson { number: 0, operations: &[] },
    Lesson { number: 1, operations: &[] },
    Lesson { number: 2, operations: &[] },
    Lesson { number: 3, operations: &["ACCEPT", "RECV", "SEND"] },
    Lesson { number: 4, operations: &["ACCEPT", "RECV", "SEND"] },
    Lesson { number: 5, operations: &["SEND_ZC"] },
    Lesson { number: 6, operations: &["READ"] },
];

fn no() -> Allowed {
    Allowed::No(Refusal { layer: Layer::Lsm, says: "no".to_owned(), try_this: String::new() })
}

#[test]
fn neighbours_that_run_alike_are_named_together() {
    assert_eq!(verdict(&roomy(), COURSE).says, "lessons 0 to 6: live; system calls counted by perf");
    assert_eq!(
        verdict(&kernel("5.15.0"), COURSE).says,
        "lessons 0 to 4: live; lesson 5: from the recorded run (no SEND_ZC in this kernel's io_uring); \
         lesson 6: live; system calls counted by perf"
    );
}

#[test]
fn a_refusal_of_io_uring_names_its_layer() {
    assert_eq!(
        verdict(&docker(), COURSE).says,
        "lessons 0 to 2: live; lessons 3 to 6: from the recorded run (io_uring refused by seccomp); \
         system calls sampled by ptrace"
    );
}

#[test]
fn who_counts_is_the_best_rung_there_is() {
    let says = |machine: &Capabilities| verdict(machine, &COURSE[..1]).says;
    let without_perf = Capabilities { perf: no(), ..roomy() };
    assert_eq!(says(&without_perf), "lesson 0: live; system calls counted by perf-user");
    let sampled = Capabilities { perf_user: no(), ..without_perf };
    assert_eq!(says(&sampled), "lesson 0: live; system calls sampled by ptrace");
    let blind = Capabilities { ptrace: no(), ..sampled };
    assert_eq!(says(&blind), "lesson 0: live; system calls not counted");
}

#[test]
fn only_a_machine_that_allows_nothing_does_not_work() {
    let recorded = docker();
    assert!(verdict(&recorded, &COURSE[3..]).works, "it can still observe");
    let nothing = Capabilities {
        io_uring: no(),
        ring: no(),
        perf: no(),
        perf_user: no(),
        ptrace: no(),
        sock: no(),
        ..recorded
    };
    assert!(verdict(&nothing, COURSE).works, "lessons without io_uring run anywhere");
    assert!(!verdict(&nothing, &COURSE[3..]).works);
}

#[test]
fn no_lessons_are_no_reason_to_panic() {
    assert_eq!(verdict(&roomy(), &[]).says, "");
}
