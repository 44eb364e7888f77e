//! Building: one `cargo build` a save, its words as cargo says them, its program as cargo names it.
//!
//! Cargo never asks the network (`--offline`) and never writes the lock file (`--locked`). It is a child that dies
//! with iolab, in a process group of its own, which [`Stop`] ends with all its compilers.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::stop::Stop;
use super::trouble::Trouble;
use crate::lab::spawn::{Setup, spawn};

/// Most that is passed on of what compilers say; what matters stands first.
const WORDS_BYTES_MAX: usize = 256 << 10;

/// What to build, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The workspace's folder.
    pub root: &'a Path,
    /// Where built things go.
    pub target: &'a Path,
    /// One package, whose program has its name; all of them without one.
    pub package: Option<&'a str>,
    /// Whether the words of compilers are to have colours.
    pub colour: bool,
}

/// What a build came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// The program; of a whole workspace, nothing in particular.
    Program(Option<PathBuf>),
    /// The compiler says no, and said why.
    Refused,
    /// It was ended.
    Stopped,
}

/// Builds. `told` hears what cargo and the compilers say, a diagnostic at a time.
///
/// # Errors
/// There is no cargo, crates are missing, or the lock file does not fit: nothing that the learner's program
/// is to blame for.
pub fn build(order: &Order<'_>, stop: &Stop, told: &mut dyn FnMut(&str)) -> Result<Built, Trouble> {
    let mut command = cargo(order.root);
    command.args(["build", "--offline", "--locked", "--quiet"]).env("CARGO_TARGET_DIR", order.target);
    let (format, colour) = match order.colour {
        true => ("--message-format=json-diagnostic-rendered-ansi", "--color=always"),
        false => ("--message-format=json", "--color=never"),
    };
    command.args([format, colour]);
    match order.package {
        Some(package) => command.args(["--package", package, "--bin", package]),
        None => command.arg("--workspace"),
    };
    let mut words = Words { told, left: WORDS_BYTES_MAX, errors: 0, program: None };
    let ended = run(command, stop, |out| words.hear(order, out))?;
    if stop.is_asked() {
        return Ok(Built::Stopped);
    }
    if ended.success {
        return match (order.package, words.program) {
            (Some(package), None) => Err(no_program(package)),
            (_, program) => Ok(Built::Program(program)),
        };
    }
    if words.errors == 0
        && let Some(trouble) = trouble(&ended.stderr, order.root)
    {
        return Err(trouble);
    }
    words.say(&ended.stderr);
    Ok(Built::Refused)
}

/// `cargo`, in a workspace.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).stdin(Stdio::null());
    // What the person's shell says about another build is not about this one.
    for variable in ["CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// How a command ended.
pub struct Ended {
    /// Whether it ended well.
    pub success: bool,
    /// What it said beside its result.
    pub stderr: String,
}

/// Runs a command to its end, or to the end that is asked for; `hear` reads what it prints.
///
/// # Errors
/// It cannot be started, or not be heard.
pub fn run(
    mut command: Command,
    stop: &Stop,
    hear: impl FnOnce(BufReader<ChildStdout>) -> io::Result<()>,
) -> Result<Ended, Trouble> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let held = spawn(command, Setup::default()).and_then(|held| held.release());
    let mut child = held.map_err(|error| not_started(&error))?;
    stop.hold(child.id());
    let stderr = child.stderr.take();
    // Both are read at once: a full pipe that nobody reads would hold cargo.
    let stderr = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stderr.map(|stderr| stderr.take(WORDS_BYTES_MAX as u64).read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    });
    let heard = child.stdout.take().map_or(Ok(()), |out| hear(BufReader::new(out)));
    if heard.is_err() {
        stop.ask();
    }
    let stderr = stderr.join().unwrap_or_default();
    stop.let_go();
    let status = child.wait();
    let success = heard
        .and(status)
        .map_err(|error| Trouble::deed(format!("cargo could not be heard: {error}"), "", "the same again"))?;
    Ok(Ended { success: success.success(), stderr })
}

/// What is listened for in cargo's messages (doc.rust-lang.org/cargo/reference/external-tools.html).
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-message")]
    Said { message: Diagnostic },
    #[serde(rename = "compiler-artifact")]
    Made { target: Target, executable: Option<PathBuf> },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
    level: String,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

struct Words<'t> {
    told: &'t mut dyn FnMut(&str),
    left: usize,
    errors: usize,
    program: Option<PathBuf>,
}

impl Words<'_> {
    fn hear(&mut self, order: &Order<'_>, out: BufReader<ChildStdout>) -> io::Result<()> {
        for line in out.lines() {
            // What a build script prints is no message.
            let Ok(message) = serde_json::from_str(&line?) else { continue };
            match message {
                Message::Said { message } => {
                    self.errors += usize::from(message.level.starts_with("error"));
                    self.say(&message.rendered.unwrap_or_default());
                }
                Message::Made { target, executable: Some(program) }
                    if order.package == Some(target.name.as_str()) =>
                {
                    self.program = Some(program);
                }
                Message::Made { .. } | Message::Other => {}
            }
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        if self.left == 0 || text.is_empty() {
            return;
        }
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                (self.told)(text);
            }
            None => {
                self.left = 0;
                (self.told)("and more, which is left out here; `cargo build` says it all\n");
            }
        }
    }
}

fn not_started(error: &anyhow::Error) -> Trouble {
    let cause = error.downcast_ref::<io::Error>();
    if cause.is_some_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Trouble::machine(
            "cargo was not found (ENOENT): it is in no folder of PATH, or the workspace is gone",
            "exercises are Rust programs, and cargo builds them at each save",
            "installing Rust (rustup.rs); if it is installed, adding ~/.cargo/bin to PATH",
        );
    }
    Trouble::machine(format!("cargo could not be started: {error:#}"), "cargo builds the exercises", "")
}

/// What in cargo's words is not about the learner's program.
fn trouble(stderr: &str, root: &Path) -> Option<Trouble> {
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    // Cargo's first line is the cause.
    let first = stderr.lines().next().unwrap_or_default().to_owned();
    if says(&["lock file needs to be updated", "cannot update the lock file", "because --locked was passed"])
    {
        return Some(Trouble::deed(
            first,
            "a Cargo.toml asks for something that Cargo.lock does not have, and exercises are built without a network",
            "taking your dependency out again, then `iolab exercise update`, which writes Cargo.lock anew",
        ));
    }
    if says(&["--offline", "no matching package", "failed to download", "attempting to make an HTTP request"])
    {
        return Some(missing_crates(&first, root));
    }
    None
}

fn missing_crates(cargo: &str, root: &Path) -> Trouble {
    Trouble::machine(
        format!("crates are missing on this machine (cargo: {cargo})"),
        "iolab builds without a network, so that a save never waits for one",
        format!(
            "`cargo fetch --locked` in {}, once, with a network; without any, `iolab exercise init --from FILE` \
             and a bundle that somebody else made",
            root.display()
        ),
    )
}

fn no_program(package: &str) -> Trouble {
    Trouble::deed(
        format!("cargo built {package} and names no program"),
        "the program is what is checked",
        format!("`iolab exercise update`, which puts the Cargo.toml of {package} right"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_is_not_to_blame_for_says_what_to_do() {
        let root = Path::new("/w");
        let offline = "error: no matching package named `libc` found\nlocation searched: crates.io index\n";
        let trouble = super::trouble(offline, root).unwrap();
        assert!(trouble.next.contains("cargo fetch --locked` in /w"), "{trouble}");
        let locked = "error: cannot update the lock file /w/Cargo.lock because --locked was passed\n";
        assert!(super::trouble(locked, root).unwrap().next.contains("exercise update"));
        assert_eq!(super::trouble("error: linking with `cc` failed", root), None);
    }

    #[test]
    fn messages_are_read_and_unknown_ones_passed_over() {
        let artifact =
            r#"{"reason":"compiler-artifact","target":{"name":"a","kind":["bin"]},"executable":"/t/a"}"#;
        assert!(matches!(serde_json::from_str(artifact), Ok(Message::Made { executable: Some(_), .. })));
        let other = r#"{"reason":"build-finished","success":true}"#;
        assert!(matches!(serde_json::from_str(other), Ok(Message::Other)));
        assert!(serde_json::from_str::<Message>("hello from a build script").is_err());
    }
}
