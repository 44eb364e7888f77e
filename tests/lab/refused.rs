//! Machines that refuse io_uring: the layer is named, and everything else goes on.

use nix::libc;
use serde_json::Value;

use super::program::{Program, iolab, server};

const SETUP: libc::c_long = libc::SYS_io_uring_setup;

/// The program where a filter answers `errno` to io_uring_setup.
fn filtered(arguments: &str, errno: libc::c_int) -> Program {
    iolab(arguments).where_refused(&[SETUP], errno)
}

#[test]
fn a_lab_of_rings_ends_with_3_and_names_the_filter() {
    for (errno, name) in [(libc::EPERM, "EPERM"), (libc::ENOSYS, "ENOSYS")] {
        let document = filtered("lab uring --requests 500 --format json", errno).run().document(3);
        let uring = server(&document, "uring");
        let refusal = &uring["troubles"][0]["refusal"];
        assert_eq!(refusal["layer"], "seccomp", "{refusal}");
        let says = refusal["says"].as_str().unwrap();
        assert!(says.contains("io_uring_setup") && says.contains(name) && says.contains("seccomp"), "{says}");
        assert!(!refusal["try"].as_str().unwrap().is_empty(), "{refusal}");
        for (key, metric) in uring["metrics"].as_object().unwrap() {
            assert_eq!(metric["value"], Value::Null, "{key}");
            assert!(metric["why"].as_str().unwrap().contains("seccomp"), "{key}: {metric}");
        }
        let said = filtered("lab uring --requests 500", errno).run();
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.stdout.contains("seccomp") && said.stdout.contains("Try: "), "{said:?}");
    }
}

#[test]
fn what_needs_no_ring_is_measured() {
    let document = filtered("lab epoll uring --requests 1000 --format json", libc::EPERM).run().document(3);
    let epoll = server(&document, "epoll");
    assert_eq!(epoll["requests"], 1000);
    assert!(epoll["metrics"]["syscalls_per_request"]["value"].as_f64().unwrap() >= 2.0, "{epoll}");
    assert!(epoll.get("troubles").is_none(), "{epoll}");
    assert_eq!(server(&document, "uring")["requests"], 0);
    assert_eq!(document["machine"]["io_uring"], false);
}

/// The lesson opens on its recorded runs, and says who refused.
#[test]
fn the_lesson_shows_its_recorded_run_and_names_the_layer() {
    for (errno, name) in [(libc::EPERM, "EPERM"), (libc::ENOSYS, "ENOSYS")] {
        let said = filtered("lesson 3 --format plain --step 7", errno).run();
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
        // Lines are wrapped anywhere between two words.
        let words = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason =
            format!("recorded run, because this machine refuses io_uring: io_uring_setup: {name} (seccomp");
        assert!(words.contains(&reason), "{words}");
        assert!(
            words.contains("submissions in one io_uring_enter") && words.contains("syscalls per echo"),
            "{words}"
        );
        // A trial has no recording: it says so, and what refused.
        let failed = "This lab could not run: this machine refuses io_uring: io_uring_setup:";
        let without = words.matches("could not").count();
        assert_eq!(words.matches(failed).count(), without, "{words}");
        assert_eq!(words.matches("this lab has no recorded run").count(), without, "{words}");
    }
}

/// Under Docker's default profile nothing counts system calls and nothing looks into a ring: the servers run.
#[test]
fn in_a_container_metrics_say_why_they_are_missing() {
    let calls = [
        SETUP,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_perf_event_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_ptrace,
    ];
    let lab = iolab("lab epoll threads --requests 1000 --format json").where_refused(&calls, libc::EPERM);
    let document = lab.run().document(0);
    for name in ["epoll", "threads"] {
        let server = server(&document, name);
        assert_eq!((&server["requests"], &server["errors"]), (&1000.into(), &0.into()), "{server}");
        let calls = &server["metrics"]["syscalls_per_request"];
        assert_eq!(calls["value"], Value::Null, "{calls}");
        assert!(calls["why"].as_str().unwrap().contains("EPERM"), "{calls}");
        for key in ["voluntary_switches_per_request", "cpu_ns_per_request", "requests_per_second"] {
            assert!(server["metrics"][key]["value"].is_number(), "{key}: {server}");
        }
    }
}

/// Nobody can be stopped there: the lab says who refused, a lesson shows what was recorded.
#[test]
fn slow_motion_without_ptrace_names_the_layer_or_is_a_recorded_run() {
    let said = iolab("lab epoll --slow --format plain").where_refused(&[libc::SYS_ptrace], libc::EPERM).run();
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stdout.contains("PTRACE_SEIZE: EPERM") && said.stdout.contains("seccomp"), "{said:?}");
}
