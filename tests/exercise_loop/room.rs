//! A room to learn in: a folder, a journal, and the program in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use iolab::exercise::{EXERCISES, Exercise};
use iolab::progress::Progress;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A bound against hanging, never a measurement: builds share the machine with whatever else runs.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Room {
    folder: tempfile::TempDir,
    state: tempfile::TempDir,
    pub root: PathBuf,
}

#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Room {
    /// An empty room.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("work");
        Self { folder, state: tempfile::tempdir().unwrap(), root }
    }

    /// A room with a workspace.
    pub fn new() -> Self {
        let room = Self::empty();
        room.iolab_in(room.folder.path(), "init work").ends(0);
        room
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
        command.arg("exercise").args(arguments.split_whitespace());
        command.env_remove("IOLAB_STATE_DIR").env("XDG_STATE_HOME", self.state.path()).stdin(Stdio::null());
        command
    }

    pub fn iolab_in(&self, folder: &Path, arguments: &str) -> Said {
        run(self.command(arguments).current_dir(folder))
    }

    /// The program in the workspace.
    pub fn iolab(&self, arguments: &str) -> Said {
        self.iolab_in(&self.root, arguments)
    }

    pub fn journal(&self) -> PathBuf {
        self.state.path().join("iolab/progress.jsonl")
    }

    pub fn progress(&self) -> Progress {
        Progress::of(&fs::read_to_string(self.journal()).unwrap_or_default())
    }

    pub fn main(&self, exercise: &Exercise) -> PathBuf {
        self.root.join(exercise.folder).join("src/main.rs")
    }

    /// As an editor saves: a new file in the old one's place.
    pub fn save(&self, exercise: &Exercise, text: &str) {
        let main = self.main(exercise);
        let beside = main.with_extension("swp");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, main).unwrap();
    }

    /// Starts `watch` and hears its lines.
    pub fn watch(&self, arguments: &str) -> Watching {
        let mut command = self.command(&format!("watch {arguments}"));
        Watching::start(command.current_dir(&self.root))
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.err.contains("panicked") && !self.out.contains('\u{1b}'), "{self:?}");
        self
    }

    /// Both in one: what a person at a terminal sees.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.all().contains(word), "{word:?} is not in {self:?}");
        }
    }
}

/// A watch under way.
pub struct Watching {
    child: Child,
    lines: Receiver<String>,
    /// What it said so far.
    pub heard: Vec<String>,
}

impl Watching {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, lines) = channel();
        for pipe in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let to = to.clone();
            std::thread::spawn(move || {
                BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
            });
        }
        Self { child, lines, heard: Vec::new() }
    }

    /// Waits for a line that holds these words, and gives it.
    #[track_caller]
    pub fn until(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no {words:?} came; heard {:#?}", self.heard));
            self.heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Asks it to end; its exit code.
    pub fn end(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until no process works in a folder or runs a program of it.
#[track_caller]
pub fn assert_nobody_in(folder: &Path) {
    let end = Instant::now() + PATIENCE;
    loop {
        let is_there = |pid: &u32| {
            let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
            link("cwd").starts_with(folder) || link("exe").starts_with(folder)
        };
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let left: Vec<u32> = pids.filter(is_there).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: {left:?}");
        std::thread::yield_now();
    }
}

/// The first exercise of the ladder, and the second.
pub fn first() -> &'static Exercise {
    &EXERCISES[0]
}

pub fn second() -> &'static Exercise {
    &EXERCISES[1]
}

/// A right program of an exercise.
pub fn right(exercise: &Exercise) -> &'static str {
    exercise.right[0].1
}

/// A program that does nothing, for ever.
pub const HANGS: &str =
    "//! It does not go on.\n\nfn main() {\n    loop {\n        std::thread::park();\n    }\n}\n";

/// A program that does not compile.
pub const BROKEN: &str = "//! It does not compile.\n\nfn main() {\n    let number: u32 = \"seven\";\n}\n";
