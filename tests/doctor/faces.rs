//! The two faces of a report.

use iolab::doctor::plain::Style;
use iolab::doctor::{Report, State, lessons};
use iolab::trace::Capabilities;

use crate::machines::{docker, kernel, roomy};

const PIPED: Style = Style { columns: 80, colour: false, unicode: true };

/// Machines of every kind.
fn machines() -> Vec<Capabilities> {
    let mut cramped = docker();
    cramped.around.terminal = None;
    cramped.memlock_bytes = Some(0);
    cramped.nofile = (32, 32);
    cramped.machine.cpus = 1;
    vec![roomy(), docker(), cramped, kernel("5.15.0"), kernel("4.4.0-19041-Microsoft"), kernel("")]
}

#[test]
fn every_machine_gets_the_same_questions_and_whole_answers() {
    let ids = |report: &Report| report.checks.iter().map(|check| check.id.clone()).collect::<Vec<_>>();
    let expected = ids(&Report::of(&roomy(), &lessons()));
    for machine in machines() {
        let report = Report::of(&machine, &lessons());
        assert_eq!(ids(&report), expected);
        for check in &report.checks {
            assert!(!check.says.is_empty() && !check.why.is_empty(), "{check:?}");
            assert_eq!(check.layer.is_none(), check.state == State::Ok, "{check:?}");
            assert!(check.state != State::Ok || check.try_this.is_empty(), "{check:?}");
        }
    }
}

#[test]
fn plain_lines_fit_and_stand_for_themselves() {
    for machine in machines() {
        let report = Report::of(&machine, &lessons());
        let text = report.plain(PIPED);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.ends_with(&report.verdict), "{words}");
        for line in text.lines() {
            // Only a command, which must not be broken, may stick out.
            assert!(line.chars().count() <= 80 || line.trim_start().contains('`'), "{line}");
            assert!(!line.ends_with(' '), "{line:?}");
            assert!(!line.contains('\x1b'), "{line:?}");
        }
        for check in &report.checks {
            let head =
                |line: &&str| line.get(13..).is_some_and(|rest| rest.starts_with(&format!("{} ", check.id)));
            let head = text.lines().find(head).unwrap();
            assert!(head.contains(check.state.word()), "{head}");
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let report = Report::of(&docker(), &lessons());
    let coloured = report.plain(Style { colour: true, ..PIPED });
    let cells = std::num::NonZero::new(200).unwrap();
    let mut parser = vt100::Parser::new(cells, cells, 0);
    parser.process(coloured.replace('\n', "\r\n").as_bytes());
    let seen = parser.screen().contents();
    assert_eq!(seen.trim_end(), report.plain(PIPED).trim_end());
    assert!(coloured.contains('\x1b'));
}

#[test]
fn without_utf8_everything_is_ascii() {
    let text = Report::of(&docker(), &lessons()).plain(Style { unicode: false, ..PIPED });
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("x refused  io_uring    io_uring_setup: EPERM (seccomp filter)"), "{text}");
}

#[test]
fn a_narrow_terminal_is_filled_not_overrun() {
    let text = Report::of(&roomy(), &lessons()).plain(Style { columns: 60, ..PIPED });
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    // Narrower than any text column: still a report, in a column of its own width.
    let text = Report::of(&roomy(), &lessons()).plain(Style { columns: 1, ..PIPED });
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
}

#[test]
fn json_is_the_document_of_the_interface() {
    let report = Report::of(&docker(), &lessons());
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(document["schema"], "iolab.doctor/1");
    let check = document["checks"].as_array().unwrap().iter().find(|check| check["id"] == "io_uring");
    assert_eq!(
        check.unwrap(),
        &serde_json::json!({
            "id": "io_uring",
            "state": "refused",
            "layer": "seccomp",
            "says": "io_uring_setup: EPERM (seccomp filter)",
            "why": "lessons 3 to 7 run io_uring servers; refused, they open on their recorded runs",
            "try": "`docker run --security-opt seccomp=unconfined …`",
        })
    );
    let verdict = &document["verdict"];
    assert_eq!(
        verdict,
        "lessons 0 to 2: live; lessons 3 to 4: from the recorded run (io_uring refused by seccomp); system calls sampled by ptrace"
    );
}

/// A machine that an earlier version wrote into a trace, without what stands around the process.
#[test]
fn a_recorded_machine_of_an_earlier_version_is_still_examined() {
    let mut written = serde_json::to_value(roomy()).unwrap();
    written.as_object_mut().unwrap().remove("around");
    let machine: Capabilities = serde_json::from_value(written).unwrap();
    let report = Report::of(&machine, &lessons());
    assert_eq!(report.verdict, "lessons 0 to 4: live; system calls counted by perf");
}
