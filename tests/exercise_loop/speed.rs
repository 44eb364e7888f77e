//! From a save to a verdict, beside a bare `cargo build` of the same text: medians, printed and never asserted.
//!
//! `cargo test --release --test exercise_loop speed -- --ignored --nocapture`

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use iolab::exercise::{Exercise, find};

use crate::room::{BROKEN, Room, right};

/// Rounds of each; odd, so that there is a middle.
const ROUNDS: usize = 9;

/// Seconds until a command has said `words`, and until it has ended.
fn takes(command: &mut Command, words: &str) -> (f64, f64) {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = None;
    for line in lines {
        if said.is_none() && line.unwrap().contains(words) {
            said = Some(begin.elapsed().as_secs_f64());
        }
    }
    child.wait().unwrap();
    let ended = begin.elapsed().as_secs_f64();
    (said.unwrap_or(ended), ended)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// What one exercise costs: cargo alone, iolab until `words`, iolab until the end.
#[expect(clippy::print_stdout, reason = "it is a measurement")]
fn row(exercise: &Exercise, what: &str, text: &str, words: &str) {
    let room = Room::new();
    room.iolab(&format!("check {}", exercise.name()));
    let [mut cargo, mut first, mut whole] = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        // Another line each time: else nothing is built.
        for by in ["cargo", "iolab"] {
            room.save(exercise, &format!("{text}\n// {by} {round}\n"));
            if by == "cargo" {
                let mut command = Command::new("cargo");
                command.args(["build", "--offline", "--locked", "--quiet", "--package", exercise.name()]);
                cargo.push(takes(command.current_dir(&room.root), "\u{0}").1);
            } else {
                let mut command = room.command(&format!("check {}", exercise.name()));
                let (said, ended) = takes(command.current_dir(&room.root), words);
                first.push(said);
                whole.push(ended);
            }
        }
    }
    let [cargo, first, whole] = [cargo, first, whole].map(median);
    println!(
        "{:<22} {what:<26} cargo {cargo:.3} s   told {first:.3} s ({:.2} of cargo)   whole {whole:.3} s",
        exercise.name(),
        first / cargo
    );
}

#[test]
#[ignore = "a measurement: run it on a machine with nothing else to do"]
fn speed() {
    let of = |name: &str| find(name).unwrap();
    row(of("drain-the-edge"), "does not compile", BROKEN, "error");
    for name in
        ["switch-or-not", "free-the-threads", "drain-the-edge", "ghost-event", "raw-nops", "echo-in-batches"]
    {
        row(of(name), "starter: first failure", of(name).starter, "seen:");
    }
    for name in
        ["switch-or-not", "free-the-threads", "drain-the-edge", "ghost-event", "raw-nops", "echo-in-batches"]
    {
        row(of(name), "right: whole verdict", right(of(name)), "passed,");
    }
}
