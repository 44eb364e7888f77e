//! What the command line says of itself: help, manual, completions, mistakes of usage.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::process::{Command, Output};

fn iolab(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let state = tempfile::tempdir().unwrap();
    command.args(arguments.split_whitespace()).env_remove("NO_COLOR").env("IOLAB_STATE_DIR", state.path());
    command.output().unwrap()
}

fn said(arguments: &str) -> String {
    let output = iolab(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = said("--help");
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        // A description that is wrapped stands further in.
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples_that_begin_with_what_it_is() {
    let commands = commands();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let help = said(&format!("{command} --help"));
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}:\n{help}"));
        assert!(examples.contains(&format!("iolab {command}")), "{command}:\n{help}");
    }
}

#[test]
fn every_command_has_a_manual_with_its_examples() {
    for command in [String::new()].into_iter().chain(commands()) {
        let page = said(&format!("man {command}"));
        assert!(page.contains(".TH iolab") && page.contains(".SH NAME"), "{page}");
        let (_, examples) = page.split_once(".SH EXAMPLES").unwrap_or_else(|| panic!("{command}:\n{page}"));
        assert!(examples.contains("iolab"), "{command}:\n{page}");
        assert!(!page.contains("iolab\\-load") && !page.contains("\\-\\-record DIR"), "hidden:\n{page}");
    }
    let lab = said("man lab");
    assert!(lab.contains("uring\\-naive"), "the servers are named");
    assert!(lab.contains("SERVER..."), "there may be several: {lab}");
}

#[test]
fn completions_name_commands_options_and_servers_and_hide_what_is_hidden() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&format!("completions {shell}"));
        // clap_complete 4.6 completes values in these two; in fish, those of options only.
        let values: &[&str] = if ["bash", "zsh"].contains(&shell) {
            &["uring-naive", "io-uring-rings", "contrast-light", "0 1 2 3 "]
        } else {
            &[]
        };
        for word in ["lesson", "doctor", "theme"].iter().chain(values) {
            assert!(script.contains(word), "{shell} completes no {word}");
        }
        assert!(shell != "bash" || script.contains("-h --help lesson lab"), "man knows the commands");
        assert!(!script.contains("iolab__subcmd__load") && !script.contains("one client"), "{shell}: hidden");
    }
}

#[test]
fn a_step_beyond_the_last_is_a_mistake_of_usage_that_names_the_range() {
    let steps = iolab::lesson::find("3").unwrap().read().unwrap().steps.len();
    for step in ["0", "99"] {
        for format in ["plain", "json"] {
            let output = iolab(&format!("lesson 3 --replay --format {format} --step {step}"));
            let says = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{says}");
            assert!(
                says.contains(&format!("no step {step}")) && says.contains(&format!("1 to {steps}")),
                "{says}"
            );
        }
    }
}

#[test]
fn a_command_that_does_not_exist_is_guessed_at() {
    let output = iolab("man lesosn");
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(says.contains("did you mean lesson?"), "{says}");
}

#[test]
fn an_error_of_a_file_names_errno_reason_and_a_thing_to_try() {
    for arguments in ["replay /nonexistent/x", "lab epoll --requests 1 --record /nonexistent/x.gz"] {
        let output = iolab(arguments);
        let says = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{says}");
        assert!(
            says.contains("(ENOENT: no such file or folder); try ") && !says.contains("os error"),
            "{says}"
        );
    }
}

#[test]
fn a_server_has_as_many_connections_of_its_own_as_a_load_may_have() {
    let output = iolab("lab epoll@20001 --requests 1");
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("from 1 to 20000"), "{says}");
}

#[test]
fn a_full_screen_without_a_terminal_says_what_is_missing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let output = command
        .args(["lesson", "3", "--format", "tui"])
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let says = String::from_utf8(output.stderr).unwrap();
    assert!(says.contains("standard input is none") && says.contains("--format plain"), "{says}");
}
