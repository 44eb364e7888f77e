//! The plain edition on a terminal: a conversation without escape codes.

use std::time::{Duration, Instant};

use iolab::lesson;

use crate::session::{PATIENCE, Session, XTERM};

const DUMB: &[(&str, &str)] = &[("TERM", "dumb")];

/// The prompts.
const ANSWER: &str = "Your answer (Enter passes): ";
const ON: &str = "Enter for the next step: ";
const END: &str = "Enter ends the lesson: ";

/// A conversation, and how much of it was heard before the last line was typed.
struct Talk {
    session: Session,
    heard: usize,
}

impl Talk {
    fn begin(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::about("3", arguments, environment)
    }

    fn about(lesson: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let arguments = [&["lesson", lesson, "--format", "plain"], arguments].concat();
        Self { session: Session::with(&arguments, environment), heard: 0 }
    }

    /// Waits for one of the prompts; says which, and what was said since the last line.
    fn prompted(&mut self) -> (&'static str, String) {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.since();
            if let Some(prompt) = [ANSWER, ON, END].into_iter().find(|prompt| said.ends_with(prompt)) {
                return (prompt, said);
            }
            assert!(Instant::now() < end, "no prompt came:\n{}", self.session.said());
            self.session.read(Duration::from_millis(200));
        }
    }

    /// What was said since the last line was typed, its echo taken off.
    fn since(&self) -> String {
        String::from_utf8_lossy(&self.session.raw[self.heard..]).replace("\r\n", "\n")
    }

    /// Waits for the prompt and types a line; what is said until the next prompt.
    fn say(&mut self, line: &str) -> String {
        self.prompted();
        self.heard = self.session.raw.len();
        self.session.press(&format!("{line}\n"));
        self.prompted().1
    }

    fn leaves(mut self) -> String {
        assert_eq!(self.session.ended().code(), Some(0), "{}", self.session.said());
        self.session.assert_clean();
        assert!(!self.session.raw.contains(&0x1b), "an escape code was written");
        self.session.said()
    }
}

/// Of a trial nobody is answered, and yet there is something to tell.
#[test]
fn what_was_seen_of_a_trial_is_told() {
    let lesson = lesson::find("0").unwrap().read().unwrap();
    let gone = lesson.steps.iter().position(|step| step.title == "The peer is gone").unwrap() + 1;
    let (_, says) = Talk::about("0", &["--replay", "--step", &gone.to_string()], DUMB).prompted();
    assert!(says.contains("write: send 6 bytes on fd 4 → EPIPE"), "{says}");
    assert!(!says.contains("before anything was seen"), "{says}");
}

/// A step tells what it shows; the rest is there for who asks.
#[test]
fn all_tells_what_the_step_does_not_show() {
    let mut talk = Talk::about("3", &["--replay", "--step", "3"], DUMB);
    let (_, shown) = talk.prompted();
    assert!(shown.contains("syscalls per echo") && !shown.contains("latency p99"), "{shown}");
    let all = talk.say("all");
    assert!(all.contains("syscalls per echo") && all.contains("latency p99"), "{all}");
}

#[test]
fn a_lesson_is_walked_from_end_to_end_by_recordings() {
    let lesson = lesson::find("3").unwrap().read().unwrap();
    let mut talk = Talk::begin(&["--replay"], DUMB);
    let mut answers = 0;
    loop {
        let (prompt, _) = talk.prompted();
        talk.heard = talk.session.raw.len();
        answers += usize::from(prompt == ANSWER);
        talk.session.press(if prompt == ANSWER { "1\n" } else { "\n" });
        if prompt == END {
            break;
        }
    }
    let said = talk.leaves();
    assert_eq!(answers, lesson.steps.iter().flat_map(lesson::Step::predictions).count());
    assert_eq!(said.matches("You said 1, the kernel says").count(), answers);
    let labs = lesson.steps.iter().filter_map(lesson::Step::lab);
    let (recorded, others): (Vec<_>, Vec<_>) = labs.partition(|lab| lab.recording.is_some());
    assert_eq!(said.matches("a recorded run, because --replay asks for it").count(), recorded.len());
    assert_eq!(said.matches("this lab has no recorded run").count(), others.len());
    for (index, step) in lesson.steps.iter().enumerate() {
        assert!(said.contains(&format!("Step {} of {}: {}\n", index + 1, lesson.steps.len(), step.title)));
    }
}

#[test]
fn commands_are_understood_at_either_prompt() {
    let mut talk = Talk::begin(&["--replay", "--step", "8"], DUMB);
    assert!(talk.say("many").contains("not a number I can read"));
    let help = talk.say("help");
    assert!(
        ["next", "back", "run", "why", "freeze", "step", "glossary", "quit"].iter().all(|c| help.contains(c))
    );
    assert!(talk.say("why 1").contains("syscalls, per echo\nMeans: "));
    assert!(talk.say("0.5").contains("You said 0.5, the kernel says 0.0"));
    assert!(talk.say("why syscalls").contains("Means: How often the server entered the kernel"));
    assert!(talk.say("w 999").contains("Nothing here is called"));
    assert!(talk.say("freeze").contains("Nothing runs"));
    assert!(talk.say("jump").contains("There is no command \"jump\"; there are next"));
    assert!(talk.say("run").contains("a recorded run"));
    assert!(talk.say("glossary SQE").contains("one operation for the kernel"));
    assert!(talk.say("step 99").contains("The steps are 1 to"));
    assert!(talk.say("step 2").contains("Step 2 of"));
    assert!(talk.say("b").contains("Step 1 of"));
    assert!(talk.say("b").contains("This is the first step."));
    let again = talk.say("step 8");
    assert!(again.contains("You said 0.5") && again.contains("The lab of this step has run"), "{again}");
    talk.session.press("q\n");
    assert!(talk.leaves().contains("On with: iolab lesson 3 --step 8"));
}

#[test]
fn q_and_ctrl_d_leave_at_either_prompt() {
    for step in ["1", "8"] {
        for keys in ["q\n", "quit\n", "\x04"] {
            let mut talk = Talk::begin(&["--replay", "--step", step], XTERM);
            talk.prompted();
            talk.session.press(keys);
            assert!(talk.leaves().contains(&format!("--step {step}")), "{keys:?} at step {step}");
        }
    }
}

#[test]
fn enter_ends_a_run_that_is_being_watched_and_q_leaves_it() {
    for keys in ["\n", "freeze\n", "q\n"] {
        let mut talk = Talk::begin(&["--step", "3"], DUMB);
        talk.session.until_said(0, "Running; Enter ends it early.");
        talk.session.note_listeners();
        talk.session.press(keys);
        if keys != "q\n" {
            let said = talk.prompted().1;
            let outcome = ["syscalls per echo", "It ended before anything was seen"];
            assert!(outcome.iter().any(|outcome| said.contains(outcome)), "{said}");
            talk.session.press("q\n");
        }
        talk.leaves();
    }
}

#[test]
fn ctrl_c_ends_the_conversation_and_its_servers() {
    use std::os::unix::process::ExitStatusExt;
    let mut talk = Talk::begin(&["--step", "3"], DUMB);
    talk.session.until_said(0, "Running;");
    talk.session.note_listeners();
    talk.session.press("\x03");
    assert_eq!(talk.session.ended().signal(), Some(libc::SIGINT));
    talk.session.assert_clean();
}

#[test]
fn a_dumb_terminal_gets_lines_and_is_told_why_it_gets_no_screen() {
    let mut talk = Talk { session: Session::with(&["lesson", "3", "--replay"], DUMB), heard: 0 };
    talk.prompted();
    talk.session.press("q\n");
    talk.leaves();
    let mut screen = Session::with(&["lesson", "3", "--format", "tui"], DUMB);
    assert_eq!(screen.ended().code(), Some(1));
    assert!(screen.said().contains("--format plain"), "{}", screen.said());
}
