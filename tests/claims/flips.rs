//! Every verdict is computed: for each claim evidence is written down that makes it hold, hold in part and fail, as
//! far as it can.

use std::collections::BTreeSet;

use iolab::claims::{CLAIMS, Host, Proxy, Verdict};

use crate::written::{Written, evidence, server, trial};

use Verdict::{Fails, Holds, Partly, Untestable};

/// Asks for each verdict, and that its sentence is not one that another verdict has, too.
fn check(id: &str, cases: &[(Verdict, Written)]) {
    let mut said: Vec<(Verdict, String)> = Vec::new();
    for (index, (expected, written)) in cases.iter().enumerate() {
        let ruling = written.judge(id).ruling;
        assert_eq!(ruling.verdict, *expected, "{id}, case {index}: {}", ruling.says);
        assert_eq!(ruling.numbers.is_empty(), *expected == Untestable, "{id}, case {index}");
        let names: BTreeSet<_> = ruling.numbers.iter().map(|number| &number.name).collect();
        assert_eq!(names.len(), ruling.numbers.len(), "{id}: two numbers have one name: {names:?}");
        let words: String = ruling.says.chars().filter(|c| !c.is_ascii_digit()).collect();
        assert!(!words.is_empty());
        if let Some((other, _)) = said.iter().find(|(other, says)| other != expected && *says == words) {
            panic!("{id}: {other:?} and {expected:?} have the same words: {words}");
        }
        said.push((*expected, words));
    }
}

#[test]
fn every_syscall_switches() {
    let served = || server("epoll@64").calls_each(2.03).switches_each(0.001);
    let with = |switches| {
        let trials = [
            trial("getppid").calls(300_000).switches(switches),
            trial("turns").calls(40_000).switches(20_000),
        ];
        evidence().with("calls", &trials).column(served())
    };
    check("every-syscall-switches", &[(Fails, with(12)), (Partly, with(30_000)), (Holds, with(300_000))]);
}

#[test]
fn two_syscalls_per_event() {
    let with = |one, many, edge| {
        let [one, many, edge] = [("epoll@1", one), ("epoll@64", many), ("epoll-edge@64", edge)]
            .map(|(name, each)| server(name).calls_each(each));
        evidence().column(one).column(many).column(edge)
    };
    check(
        "two-syscalls-per-event",
        &[(Partly, with(3.0, 2.03, 3.2)), (Holds, with(2.0, 2.0, 2.05)), (Fails, with(3.0, 3.0, 4.0))],
    );
}

fn switching(one: f64, many: f64, crowd: f64) -> Written {
    let columns = [("epoll@1", one), ("epoll@64", many), ("epoll@1000", crowd)];
    columns
        .into_iter()
        .fold(evidence(), |evidence, (name, each)| evidence.column(server(name).switches_each(each)))
}

#[test]
fn switches_bottleneck() {
    let cases = [
        (Fails, switching(1.0, 0.01, 0.002)),
        (Partly, switching(1.0, 0.9, 0.6)),
        (Holds, switching(1.0, 1.0, 1.0)),
    ];
    check("switches-bottleneck", &cases);
}

#[test]
fn replaced_select() {
    let with = |poll, epoll, poll_idle, epoll_idle| {
        evidence()
            .with("active", &[server("poll").cpu(poll), server("epoll").cpu(epoll)])
            .with("idle", &[server("poll").cpu(poll_idle), server("epoll").cpu(epoll_idle)])
    };
    check(
        "replaced-select",
        &[
            (Partly, with(4_000_000, 4_000_000, 80_000_000, 4_100_000)),
            (Holds, with(9_000_000, 4_000_000, 80_000_000, 4_100_000)),
            (Fails, with(4_000_000, 4_000_000, 4_400_000, 4_100_000)),
            (Untestable, with(4_000_000, 4_000_000, 9_000_000, 4_100_000)),
            (Untestable, with(4_000_000, 4_000_000, 80_000_000, 4_000_000).others(8.0)),
        ],
    );
}

#[test]
fn possible_not_done() {
    let with =
        |reads| evidence().column(server("epoll@64").named("epoll_wait", 0.03).named("recvfrom", reads));
    check("possible-not-done", &[(Holds, with(1.0)), (Partly, with(0.5)), (Fails, with(0.0))]);
}

fn calling(columns: &[(&'static str, f64)]) -> Written {
    columns.iter().fold(evidence(), |evidence, (name, each)| evidence.column(server(name).calls_each(*each)))
}

#[test]
fn one_per_batch() {
    let with = |naive, batched| calling(&[("uring-naive@64", naive), ("uring@64", batched)]);
    check("one-per-batch", &[(Partly, with(2.0, 0.06)), (Holds, with(0.1, 0.06)), (Fails, with(2.0, 1.9))]);
}

#[test]
fn no_switches_steady() {
    let with = |one, many| {
        let one = server("uring@1").switches_each(one);
        evidence().column(one).column(server("uring@64").switches_each(many))
    };
    check(
        "no-switches-steady",
        &[(Fails, with(1.0, 0.003)), (Holds, with(0.001, 0.001)), (Partly, with(0.2, 0.003))],
    );
}

#[test]
fn sqpoll_zero() {
    let with = |calls, sqes| evidence().column(server("sqpoll@1").calls_each(calls).sqes_each(sqes));
    check("sqpoll-zero", &[(Partly, with(2.0, 2.0)), (Holds, with(0.0, 2.0)), (Fails, with(5.0, 2.0))]);
}

#[test]
fn sqpoll_burns_core() {
    let spun = |ns| trial("sqpoll-idle").thread("iou-sqp-7", ns);
    let with = |did| evidence().with("sqpoll-idle", &[did]);
    check(
        "sqpoll-burns-core",
        &[
            (Partly, with(spun(1_000_000_000).asleep())),
            (Holds, with(spun(1_000_000_000))),
            (Fails, with(spun(1_000_000).asleep())),
        ],
    );
}

#[test]
fn model_is_the_gap() {
    let with =
        |naive, batched| calling(&[("epoll@64", 2.03), ("uring-naive@64", naive), ("uring@64", batched)]);
    check(
        "model-is-the-gap",
        &[(Fails, with(2.0, 0.06)), (Holds, with(0.2, 0.06)), (Partly, with(1.2, 0.06))],
    );
}

#[test]
fn two_to_three_times() {
    let with = |best: u64, alone| {
        let echo = [server("epoll").cpu(3_600_000), server("uring-naive").cpu(3_900_000)];
        let [epoll, naive] = echo;
        let ladder = [epoll, naive, server("uring").cpu(best + 100_000), server("uring-multishot").cpu(best)];
        let nops = [trial("nops-alone").cpu(alone), trial("nops-in-batches").cpu(3_000_000)];
        evidence().with("ladder", &ladder).with("nops", &nops)
    };
    check(
        "two-to-three-times",
        &[
            (Partly, with(3_300_000, 10_000_000)),
            (Holds, with(1_500_000, 10_000_000)),
            (Fails, with(3_600_000, 3_200_000)),
            (Untestable, with(2_200_000, 10_000_000)),
            (Untestable, with(3_300_000, 10_000_000).others(1.0)),
        ],
    );
}

#[test]
fn sqpoll_three_times() {
    let with = |sqpoll, spin| {
        let servers = [
            server("epoll").took(90_000_000),
            server("sqpoll").took(sqpoll),
            server("epoll-spin").took(spin),
        ];
        evidence().with("pollers", &servers)
    };
    check(
        "sqpoll-three-times",
        &[
            (Holds, with(30_000_000, 28_000_000)),
            (Holds, with(30_000_000, 90_000_000)),
            (Fails, with(90_000_000, 91_000_000)),
            (Untestable, with(70_000_000, 60_000_000)),
            (Untestable, with(30_000_000, 28_000_000).cpus(1)),
            (Untestable, with(30_000_000, 28_000_000).others(2.0)),
        ],
    );
}

#[test]
fn lower_tail() {
    let with = |switches, alone, crowded| {
        let one = server("epoll@1").switches_each(1.0).p99(alone);
        let crowd = server("epoll@1000").switches_each(switches).p99(crowded);
        evidence().with("tail", &[one, crowd])
    };
    check(
        "lower-tail",
        &[
            (Fails, with(0.002, 100_000, 4_000_000)),
            (Holds, with(0.002, 4_000_000, 100_000)),
            (Untestable, with(0.002, 100_000, 100_000)),
            (Untestable, with(0.9, 100_000, 4_000_000)),
        ],
    );
}

#[test]
fn files_without_threads() {
    let with = |did| evidence().with("fsync", &[did]);
    let worked = trial("ring-fsync").thread("iou-wrk-7", 1_000_000);
    check(
        "files-without-threads",
        &[(Fails, with(worked)), (Holds, with(trial("ring-fsync").sqes_each(0.01)))],
    );
}

#[test]
fn kernel_5_1_enough() {
    let new = evidence().has("MULTISHOT_RECV").has("SQPOLL").can("ACCEPT");
    let before_its_probe = evidence().has("SQPOLL");
    check("kernel-5.1-enough", &[(Partly, new), (Untestable, before_its_probe)]);
    let refused = evidence().without_io_uring().judge("kernel-5.1-enough");
    assert_eq!(refused.refusal.unwrap().layer, iolab::trace::Layer::Seccomp);
}

#[test]
fn thousands_threshold() {
    let with = |one, eight, many, crowd| {
        let rings = [("uring@1", one), ("uring@8", eight), ("uring@64", many), ("uring@512", crowd)];
        calling(&rings).column(server("epoll@64").calls_each(2.03))
    };
    check(
        "thousands-threshold",
        &[
            (Fails, with(2.0, 0.3, 0.06, 0.01)),
            (Holds, with(2.0, 2.0, 2.0, 1.9)),
            (Partly, with(2.0, 2.0, 1.0, 0.5)),
        ],
    );
}

#[test]
fn proxy_near_nginx() {
    let proxy = |name: &str, epoll| Proxy { name: name.into(), epoll, io_uring: !epoll };
    let with = |proxies| evidence().host(Host { proxies, ..Host::default() });
    check(
        "proxy-near-nginx",
        &[
            (Fails, with(vec![])),
            (Fails, with(vec![proxy("nginx", true)])),
            (Partly, with(vec![proxy("nginx", true), proxy("haproxy", false)])),
        ],
    );
}

#[test]
fn default_in_2026() {
    let with = |readable, with_epoll, with_ring| {
        evidence().host(Host { readable, with_epoll, with_ring, ..Host::default() })
    };
    let cases = [
        (Holds, with(50, 12, 1)),
        (Holds, with(50, 0, 0)),
        (Partly, with(50, 1, 12)),
        // One program with a ring is no practice.
        (Holds, with(1, 0, 1)),
    ];
    check("default-in-2026", &cases);
}

/// A claim without a test here would have a verdict that nobody has seen change.
#[test]
fn every_claim_has_its_test() {
    let source = include_str!("flips.rs");
    for claim in CLAIMS {
        let asked = format!("\"{}\"", claim.id);
        assert!(source.matches(&asked).count() > 0, "{} has no test that flips it", claim.id);
    }
    assert_eq!(CLAIMS.len(), 18);
}

#[test]
fn where_io_uring_is_refused_its_claims_name_the_layer() {
    let refused = evidence().without_io_uring();
    let rings = CLAIMS
        .iter()
        .filter(|claim| claim.needs.iter().any(|id| iolab::claims::experiment(id).unwrap().io_uring()));
    let mut count = 0;
    for claim in rings {
        let judged = refused.judge(claim.id);
        assert_eq!(judged.ruling.verdict, Untestable, "{}", claim.id);
        assert_eq!(judged.refusal.unwrap().layer, iolab::trace::Layer::Seccomp, "{}", claim.id);
        count += 1;
    }
    assert!(count >= 9, "{count} claims are about rings");
}

#[test]
fn an_experiment_that_was_not_run_proves_nothing() {
    for claim in CLAIMS.iter().filter(|claim| claim.needs != ["machine"]) {
        assert_eq!(evidence().judge(claim.id).ruling.verdict, Untestable, "{}", claim.id);
    }
}
