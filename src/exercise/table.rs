//! The exercises, in the order of the ladder.

use super::manifest::Manifest;

/// One exercise as it travels inside the binary: what the learner gets, byte for byte.
#[derive(Debug)]
pub struct Exercise {
    /// Name of its folder in `exercises/`: two digits, a hyphen, the exercise's name.
    pub folder: &'static str,
    /// `exercise.toml`.
    pub manifest: &'static str,
    /// `README.md`.
    pub readme: &'static str,
    /// `Cargo.toml`: the one that programs are graded with, whatever became of the learner's.
    pub cargo: &'static str,
    /// `src/main.rs`.
    pub starter: &'static str,
    /// Right programs: name and text.
    pub right: &'static [(&'static str, &'static str)],
}

/// A row of [`EXERCISES`]: the folder, then the names of the right programs in `solutions/`.
macro_rules! exercise {
    ($folder:literal, $($right:literal),+ $(,)?) => {
        Exercise {
            folder: $folder,
            manifest: include_str!(concat!("../../exercises/", $folder, "/exercise.toml")),
            readme: include_str!(concat!("../../exercises/", $folder, "/README.md")),
            cargo: include_str!(concat!("../../exercises/", $folder, "/Cargo.toml")),
            starter: include_str!(concat!("../../exercises/", $folder, "/src/main.rs")),
            right: &[
                $(($right, include_str!(concat!("../../solutions/", $folder, "/right/", $right, ".rs")))),+
            ],
        }
    };
}

/// All exercises. The one table of them.
pub const EXERCISES: &[Exercise] = &[
    exercise!("01-switch-or-not", "naps", "partner"),
    exercise!("02-free-the-threads", "detached", "registry", "two-threads"),
    exercise!("03-beyond-fd-set", "refuses", "larger-set", "waits"),
    exercise!("04-poll-hang-up", "any-event", "rebuilt"),
    exercise!("05-partial-writes", "one-rest", "high-water", "peek"),
    exercise!("06-drain-the-edge", "until-eagain", "short-and-rdhup", "in-turns"),
    exercise!("07-ghost-event", "delete-first", "settled", "one-number"),
    exercise!("08-raw-nops", "in-step", "flowing"),
    exercise!("09-echo-in-batches", "turns", "linked"),
    exercise!("10-wake-the-poller", "looks", "wait-wakes", "by-hand"),
    exercise!("11-zero-syscalls", "looks-then-sleeps", "by-operation", "sleeps-for-many"),
    exercise!("12-one-accept", "by-room", "by-timer"),
];

impl Exercise {
    /// Its number on the ladder.
    pub fn number(&self) -> u8 {
        self.folder.get(..2).and_then(|digits| digits.parse().ok()).unwrap_or(u8::MAX)
    }

    /// Its name: what follows the number and the hyphen.
    pub fn name(&self) -> &'static str {
        self.folder.get(3..).unwrap_or_default()
    }

    /// What it asks for.
    ///
    /// # Errors
    /// What is wrong with its `exercise.toml`; the tests read every one.
    pub fn read(&self) -> Result<Manifest, String> {
        Manifest::read(self.manifest).map_err(|error| format!("{}: {error}", self.folder))
    }
}

/// The exercise of that name (`drain-the-edge`), number (`6`, `06`) or folder.
pub fn find(name: &str) -> Option<&'static Exercise> {
    let is_it = |exercise: &&Exercise| {
        exercise.name() == name || exercise.folder == name || name.parse() == Ok(exercise.number())
    };
    EXERCISES.iter().find(is_it)
}
