//! The cage against hostile programs, as root, as nobody, and on machines that refuse to build walls.
//!
//! A test starts this program again as a *scene*: under another user or a filter of system calls. The scene
//! plays the part of iolab. It cages this program once more, as the *hostile* one.

#![cfg(feature = "live")]
// A test says what went wrong by where it panics.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
// Hostile programs are made of system calls.
#![allow(unsafe_code)]

mod hostile;
mod left;
mod scene;
mod scenes;
mod stage;

use stage::{Stage, play, play_on};

/// What a hostile program may do, everywhere: afterwards it has done no harm, and nothing of it is left.
macro_rules! hostile {
    ($($test:ident: $name:literal),* $(,)?) => {$(
        #[test]
        fn $test() {
            play(concat!("hostile ", $name));
        }
    )*};
}

hostile! {
    an_endless_loop: "loop",
    a_flood_of_output: "flood",
    fifty_forks: "fork",
    forks_without_end: "fork-on",
    deaf_to_sigterm: "deaf",
    a_memory_eater: "memory",
    a_memory_eater_that_shares: "shared-memory",
    a_daemon_that_got_away: "daemon",
    a_program_without_descriptors: "close",
    a_program_that_stops_itself: "stop",
    a_program_that_signals_others: "kill",
    a_program_that_deletes_files: "delete",
    a_program_that_opens_the_network: "network",
}

#[test]
fn what_is_held_is_what_the_machine_allows() {
    play("held");
}

#[test]
fn a_window_opens_on_a_program_that_waits_at_the_gate() {
    play("window");
}

#[test]
fn a_window_that_holds_a_program_fast_holds_nobody_up() {
    play("held-fast");
}

#[test]
fn twelve_hundred_sockets_connect_to_the_listener_inside() {
    play("sockets");
}

#[test]
fn more_sockets_than_descriptors_are_refused_in_words() {
    play_on(Stage::Own, "too-many-sockets");
}

#[test]
fn a_program_connects_to_the_callers_backends() {
    play("backends");
}

#[test]
fn rings_work_inside() {
    play("rings");
}

#[test]
fn input_and_output_are_the_callers() {
    play("streams");
}

#[test]
fn how_a_program_ended_is_told() {
    play("ends");
}

#[test]
fn an_exec_that_fails_is_told_in_words() {
    play("no-exec");
}

#[test]
fn a_compiler_works_inside() {
    play_on(Stage::Own, "compiler");
}

#[test]
fn killing_iolab_ends_everything() {
    for stage in Stage::ALL {
        let scene = scene::Scene::start(stage, "killed");
        let token = scene.token();
        scene.wait_until_said("the daemon is away");
        assert!(!left::with(&token).is_empty(), "{stage:?}: nothing is there to be left behind");
        scene.kill();
        left::assert_nobody(&token, &format!("{stage:?}, killed"));
    }
}

/// Times are printed, never asserted: `cargo test --release --test cage latency -- --ignored --nocapture`.
#[test]
#[ignore = "a benchmark"]
fn latency() {
    for stage in Stage::ALL {
        print!("{}", scene::Scene::start(stage, "latency").end());
    }
}
