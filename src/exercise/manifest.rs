//! `exercise.toml`: what an exercise asks for and how it is judged.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::expect::Expect;

pub use super::step::{Action, Step};

/// Minutes that the work on one exercise takes.
const MINUTES: std::ops::RangeInclusive<u16> = 10..=15;

/// Steps of a hint ladder.
const HINTS: usize = 3;

/// Descriptors that a program may have open unless its exercise says otherwise.
const DESCRIPTORS: u64 = 4096;

/// An exercise as its author wrote it down.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its title.
    pub title: String,
    /// The lesson it belongs to.
    pub lesson: u8,
    /// What kind of program it is.
    pub kind: Kind,
    /// What a machine must allow.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Minutes of work.
    pub minutes: u16,
    /// Points for all criteria together.
    pub points: u32,
    /// RLIMIT_NOFILE of the program.
    #[serde(default = "descriptors")]
    pub descriptors: u64,
    /// The one mistake that it is about.
    pub teaches: String,
    /// The criteria that the starter fails, and no others.
    pub starter_fails: BTreeSet<String>,
    /// Processes of the program that are watched.
    #[serde(rename = "run")]
    pub runs: Vec<Run>,
    /// What is judged.
    #[serde(rename = "criterion")]
    pub criteria: Vec<Criterion>,
}

/// What kind of program an exercise is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It serves on the listening socket that is descriptor 3.
    Server,
    /// It does what the lines of its standard input say, and answers each with a line.
    Task,
}

/// What a machine must allow for an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Need {
    /// io_uring.
    #[serde(rename = "io_uring")]
    IoUring,
    /// A second processor.
    #[serde(rename = "2 cpus")]
    TwoCpus,
}

/// One process of the program, and what is done to it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// How it is watched.
    pub watch: Watch,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// How a run is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// Stopped at each system call: all of them are seen, and switches and times mean nothing.
    Calls,
    /// Left alone: switches and processor time are its own.
    Freely,
}

/// One thing that is judged.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Its name.
    pub id: String,
    /// What it is worth.
    pub points: u32,
    /// The run that it looks at.
    pub run: String,
    /// The step of that run.
    pub at: String,
    /// What must be true, in a sentence.
    pub what: String,
    /// What is expected.
    pub expect: Expect,
    /// Why it matters.
    pub why: String,
    /// What to try.
    pub next: String,
    /// From a question to nearly the answer.
    pub hint: Vec<String>,
}

impl Manifest {
    /// Reads `exercise.toml`.
    ///
    /// # Errors
    /// What is wrong with the text, with its line.
    pub fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// What an author has to mend: each a sentence that says what and how.
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = Mistakes::default();
        let sum: u32 = self.criteria.iter().map(|criterion| criterion.points).sum();
        found.note(sum != self.points, || {
            format!("points = {} but the criteria add up to {sum}: make them equal", self.points)
        });
        found.note(!MINUTES.contains(&self.minutes), || {
            format!("minutes = {}: an exercise takes 10 to 15; split it, or say it right", self.minutes)
        });
        let mut ids = BTreeSet::new();
        for criterion in &self.criteria {
            let id = &criterion.id;
            found.note(!ids.insert(id.as_str()), || format!("two criteria are called {id:?}: rename one"));
            self.look_at(criterion, &mut found);
        }
        let mut runs = BTreeSet::new();
        for run in &self.runs {
            let id = &run.id;
            found.note(!runs.insert(id.as_str()), || format!("two runs are called {id:?}: rename one"));
            self.look_at_run(run, &mut found);
        }
        found.note(self.starter_fails.is_empty(), || {
            "starter_fails is empty: a starter that passes leaves nothing to do".into()
        });
        for id in self.starter_fails.iter().filter(|id| !ids.contains(id.as_str())) {
            found.note(true, || format!("starter_fails names {id:?}, and no criterion is called so"));
        }
        found.0
    }

    fn look_at_run(&self, run: &Run, found: &mut Mistakes) {
        let id = &run.id;
        let is_used = self.criteria.iter().any(|criterion| criterion.run == *id);
        found.note(!is_used, || {
            format!("no criterion looks at run {id:?}: take it away, it costs the learner time")
        });
        for step in &run.steps {
            let fits = match step.action {
                Action::Rest { .. } => true,
                Action::Say { .. } | Action::End => self.kind == Kind::Task,
                _ => self.kind == Kind::Server,
            };
            found.note(!fits, || {
                format!("run {id:?}: step {:?} is not one for this kind of program", step.label)
            });
        }
    }

    fn look_at(&self, criterion: &Criterion, found: &mut Mistakes) {
        let mut say = |wrong: bool, says: &dyn Fn() -> String| {
            found.note(wrong, || format!("criterion {:?}: {}", criterion.id, says()));
        };
        say(criterion.points == 0, &|| "it is worth nothing: give it a point, or take it away".into());
        say(criterion.expect.is_empty(), &|| "it expects nothing: fill `expect`".into());
        say(criterion.hint.len() != HINTS, &|| {
            "hint is a ladder of three: a question, a pointer, nearly the answer".into()
        });
        let asks = criterion.hint.first().is_some_and(|hint| hint.trim_end().ends_with('?'));
        say(!asks, &|| "the first hint is a question, so that the learner thinks before reading on".into());
        for (key, text) in [("what", &criterion.what), ("why", &criterion.why), ("next", &criterion.next)] {
            say(text.trim().is_empty(), &|| format!("`{key}` is empty: the learner reads it in the verdict"));
        }
        let Some(run) = self.runs.iter().find(|run| run.id == criterion.run) else {
            return say(true, &|| format!("it looks at run {:?}, and there is none", criterion.run));
        };
        let steps = run.steps.iter().filter(|step| step.label == criterion.at).count();
        say(steps == 0, &|| format!("run {:?} has no step {:?}", run.id, criterion.at));
        say(steps > 1, &|| format!("{steps} steps are called {:?}: name one with `as`", criterion.at));
        match (run.watch, criterion.expect.needs_calls(), criterion.expect.needs_freedom()) {
            (Watch::Freely, Some(key), _) => {
                say(true, &|| format!("`{key}` is seen only in a run with watch = \"calls\""));
            }
            (Watch::Calls, _, Some(key)) => say(true, &|| {
                format!("`{key}` means nothing in a traced run: use one with watch = \"freely\"")
            }),
            _ => {}
        }
    }

    /// The run that a criterion looks at, and the index of its step.
    pub fn place(&self, criterion: &Criterion) -> Option<(&Run, usize)> {
        let run = self.runs.iter().find(|run| run.id == criterion.run)?;
        Some((run, run.steps.iter().position(|step| step.label == criterion.at)?))
    }

    /// The criterion of that name.
    pub fn criterion(&self, id: &str) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.id == id)
    }
}

/// Mistakes as they are found.
#[derive(Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn note(&mut self, wrong: bool, says: impl FnOnce() -> String) {
        if wrong {
            self.0.push(says());
        }
    }
}

fn descriptors() -> u64 {
    DESCRIPTORS
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "Drain"
        lesson = 2
        kind = "server"
        minutes = 12
        points = 4
        teaches = "a stall"
        starter_fails = ["whole"]
        [[run]]
        id = "crowd"
        watch = "calls"
        steps = [{ do = "connect", connections = 2 }, { do = "burst", bytes = 65536 }, { do = "rest", ms = 100 }]
        [[criterion]]
        id = "whole"
        points = 4
        run = "crowd"
        at = "burst"
        what = "all comes back"
        expect = { echoed = "all", call = { recvfrom = ">= 1" } }
        why = "because"
        next = "look"
        hint = ["why?", "there", "this"]
    "#;

    #[test]
    fn a_good_one_is_read_without_a_word() {
        let manifest = Manifest::read(GOOD).unwrap();
        assert_eq!(manifest.mistakes(), Vec::<String>::new());
        assert_eq!(
            manifest.place(&manifest.criteria[0]).map(|(run, step)| (run.id.as_str(), step)),
            Some(("crowd", 1))
        );
        assert_eq!(manifest.descriptors, DESCRIPTORS);
    }

    #[test]
    fn every_mistake_says_how_to_mend_it() {
        let mistakes = |from: &str, to: &str| {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            Manifest::read(&text).map_or_else(|error| vec![error], |manifest| manifest.mistakes()).join("\n")
        };
        for (from, to, says) in [
            ("points = 4\n        teaches", "points = 5\n        teaches", "make them equal"),
            ("minutes = 12", "minutes = 40", "10 to 15"),
            ("[\"whole\"]", "[]", "leaves nothing to do"),
            ("[\"whole\"]", "[\"hole\"]", "no criterion is called so"),
            ("\"why?\", ", "", "a ladder of three"),
            ("why?", "why.", "the first hint is a question"),
            ("at = \"burst\"", "at = \"echo\"", "has no step \"echo\""),
            ("run = \"crowd\"", "run = \"other\"", "there is none"),
            ("watch = \"calls\"", "watch = \"freely\"", "`call` is seen only"),
            ("recvfrom = \">= 1\"", "recvfrom = \"few\"", "is no relation"),
            ("call = {", "cpu_ms = \"<= 1\", call = {", "means nothing in a traced run"),
            ("do = \"rest\", ms = 100", "do = \"rest\"", "says `ms`"),
            ("do = \"rest\", ms = 100", "do = \"end\"", "not one for this kind"),
            ("do = \"rest\", ms = 100", "do = \"dance\"", "no step does \"dance\""),
            (
                "expect = { echoed = \"all\", call = { recvfrom = \">= 1\" } }",
                "expect = {}",
                "it expects nothing",
            ),
        ] {
            let found = mistakes(from, to);
            assert!(found.contains(says), "{to}: {found}");
        }
    }
}
