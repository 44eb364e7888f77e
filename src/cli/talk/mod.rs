//! A lesson as a conversation: lines that are read, commands that are typed. For screen readers, for terminals
//! that cannot move their cursor, and for who likes it so. No escape codes, nothing that redraws.

mod command;
pub mod ear;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use self::command::Command;
use self::ear::{Ear, Heard};
use super::Exit;
use super::face::{print, warn};
use super::lesson_lines::exercises;
use super::watch::{Seen, Watch};
use crate::lesson::{Kind, Lab, LabEvent, Lesson, Prediction, Runner, Step, Verdict};
use crate::plain;
use crate::plain::why;
use crate::progress::{Book, Said};
use crate::trace::Thinner;
use crate::world::{Cursor, MetricId, ServerView, Survey, World};

/// What the learner said in this lesson, now and earlier, and what was measured, by the prediction's id.
#[derive(Debug, Default)]
struct Memory {
    answers: BTreeMap<String, String>,
    passed_over: BTreeSet<String>,
    measured: BTreeMap<String, f64>,
}

impl Memory {
    fn of(book: &Book, lesson: &Lesson) -> Self {
        let known = book.progress().lesson(&lesson.name);
        let (answers, passed_over) = (known.answers.clone(), known.passed_over.clone());
        Self { answers, passed_over, measured: known.measured.clone() }
    }
}

/// Where the conversation goes on.
enum Go {
    /// At the prompt of this step.
    Stay,
    /// At a step, from 0.
    To(usize),
    /// Nowhere: it ends.
    Away,
}

/// A conversation about a lesson.
struct Talk<'l> {
    lesson: &'l Lesson,
    runner: &'l mut dyn Runner,
    ear: Ear,
    memory: Memory,
    book: &'l mut Book,
    step: usize,
    /// The last run and the step that it was made at.
    seen: Option<(usize, Seen)>,
    /// Steps whose lab has run.
    ran: BTreeSet<usize>,
    /// How many runs there were.
    runs: u64,
    /// Where in time the conversation stands, nanoseconds since the zero of the last run.
    t_ns: u64,
}

/// Talks about a lesson, from step `from` (0 is the first), until the learner leaves.
pub fn talk(lesson: &Lesson, from: usize, runner: &mut dyn Runner, book: &mut Book) -> anyhow::Result<Exit> {
    let mut talk = Talk {
        lesson,
        runner,
        ear: Ear::new()?,
        memory: Memory::of(book, lesson),
        book,
        step: from.min(lesson.steps.len().saturating_sub(1)),
        seen: None,
        ran: BTreeSet::new(),
        runs: 0,
        t_ns: 0,
    };
    print(&plain::lesson::opening(lesson))?;
    print("Enter goes on, help lists what else may be typed, q leaves.\n")?;
    while let Some(step) = talk.visit()? {
        talk.step = step;
    }
    talk.runner.stop();
    print(&format!("\nOn with: iolab lesson {} --step {}\n", lesson.number, talk.step + 1))?;
    Ok(Exit::Done)
}

impl Talk<'_> {
    /// Reads a step aloud, runs its lab the first time, and does what is typed, until it is left. The step to
    /// go on at.
    fn visit(&mut self) -> anyhow::Result<Option<usize>> {
        let step = &self.lesson.steps[self.step];
        self.note();
        print(&plain::lesson::heading(self.lesson, self.step))?;
        print(&plain::lesson::prose(step))?;
        let mut go = self.predictions(step)?;
        if let (Go::Stay, Some(lab)) = (&go, step.lab()) {
            go = if self.ran.contains(&self.step) {
                print("\nThe lab of this step has run; run runs it again.\n")?;
                Go::Stay
            } else {
                self.run(lab)?
            };
        }
        if self.step + 1 == self.lesson.steps.len()
            && let Some(says) = exercises(self.lesson, self.book.progress())?
        {
            print(&plain::lesson::exercises(&says))?;
        }
        loop {
            match go {
                Go::To(step) => return Ok(Some(step)),
                Go::Away => return Ok(None),
                Go::Stay => go = self.ask()?,
            }
        }
    }

    /// Writes down what is new.
    fn note(&mut self) {
        let Memory { answers, passed_over, measured } = &self.memory;
        let said = Said { step: self.step, answers, passed_over, measured };
        for event in self.book.progress().lesson(&self.lesson.name).news(self.lesson, &said) {
            self.book.note(&self.lesson.name, event);
        }
        if let Some(trouble) = self.book.trouble() {
            warn(&trouble);
        }
    }

    /// One command at the prompt.
    fn ask(&mut self) -> anyhow::Result<Go> {
        let last = self.step + 1 == self.lesson.steps.len();
        print(if last { "\nEnter ends the lesson: " } else { "\nEnter for the next step: " })?;
        let Some(line) = self.ear.line() else { return Ok(Go::Away) };
        match Command::read(&line) {
            Ok(Command::Next) if last => Ok(Go::Away),
            Ok(command) => self.obey(command),
            Err(says) => {
                print(&format!("{says}\n"))?;
                Ok(Go::Stay)
            }
        }
    }

    fn obey(&mut self, command: Command) -> anyhow::Result<Go> {
        let steps = self.lesson.steps.len();
        let lab = self.lesson.steps[self.step].lab();
        let says = match (command, lab) {
            (Command::Quit, _) => return Ok(Go::Away),
            (Command::Next, _) if self.step + 1 < steps => return Ok(Go::To(self.step + 1)),
            (Command::Next, _) => "This is the last step.\n".to_owned(),
            (Command::Back, _) if self.step > 0 => return Ok(Go::To(self.step - 1)),
            (Command::Back, _) => "This is the first step.\n".to_owned(),
            (Command::Step(step), _) if (1..=steps).contains(&step) => return Ok(Go::To(step - 1)),
            (Command::Step(_), _) => format!("The steps are 1 to {steps}.\n"),
            (Command::Run, Some(lab)) => return self.run(lab),
            (Command::Slow, Some(lab)) if lab.kind == Kind::Servers => return self.slow(lab),
            (Command::Slow, Some(_)) => {
                "Slow motion is for servers; these programs end too soon.\n".to_owned()
            }
            (
                command @ (Command::At(_)
                | Command::Marks
                | Command::Mark(_)
                | Command::Follow(_)
                | Command::Find(_)),
                Some(lab),
            ) => self.in_time(lab, command),
            (
                Command::Run
                | Command::Slow
                | Command::Why(_)
                | Command::All
                | Command::At(_)
                | Command::Marks
                | Command::Mark(_)
                | Command::Follow(_)
                | Command::Find(_),
                None,
            ) => "Nothing runs in this step.\n".to_owned(),
            (Command::Why(topic), Some(lab)) => self.why(lab, &topic),
            (Command::All, Some(_)) => self.all(),
            (Command::Freeze, _) => "Nothing runs at the moment; run runs the lab.\n".to_owned(),
            (Command::Glossary(word), _) => why::glossary(self.lesson, &word),
            (Command::Help, _) => Command::help(),
        };
        print(&says)?;
        Ok(Go::Stay)
    }

    /// The servers of the step in slow motion.
    fn slow(&mut self, lab: &Lab) -> anyhow::Result<Go> {
        self.runs += 1;
        let lab = lab.in_slow_motion(None);
        let goes_on = super::slow::talk(&lab, self.runner, &mut self.ear, self.runs)?;
        Ok(if goes_on { Go::Stay } else { Go::Away })
    }

    /// Asks what the step wants predicted.
    fn predictions(&mut self, step: &Step) -> anyhow::Result<Go> {
        for prediction in step.predictions() {
            print(&plain::lesson::question(prediction))?;
            if self.is_settled(prediction) {
                print(&self.verdict(prediction))?;
                continue;
            }
            match self.answer(prediction)? {
                Go::Stay => {}
                elsewhere => return Ok(elsewhere),
            }
        }
        Ok(Go::Stay)
    }

    /// Asks for one answer. A command is obeyed; run means without an answer.
    fn answer(&mut self, prediction: &Prediction) -> anyhow::Result<Go> {
        loop {
            print("Your answer (Enter passes): ")?;
            let Some(line) = self.ear.line() else { return Ok(Go::Away) };
            let command = Command::is_one(&line).then(|| Command::read(&line));
            match command {
                _ if line.is_empty() => break,
                Some(Ok(Command::Run)) => break,
                Some(Ok(command)) => match self.obey(command)? {
                    Go::Stay => {}
                    elsewhere => return Ok(elsewhere),
                },
                Some(Err(says)) => print(&format!("{says}\n"))?,
                None => {
                    let verdict = prediction.judge(&line, None);
                    print(&format!("{verdict}\n"))?;
                    if !matches!(verdict, Verdict::Unreadable(_)) {
                        self.memory.answers.insert(prediction.id.clone(), line);
                        self.note();
                        return Ok(Go::Stay);
                    }
                    print("Commands are words; help lists them.\n")?;
                }
            }
        }
        self.memory.passed_over.insert(prediction.id.clone());
        self.note();
        Ok(Go::Stay)
    }

    fn is_settled(&self, prediction: &Prediction) -> bool {
        self.memory.answers.contains_key(&prediction.id) || self.memory.passed_over.contains(&prediction.id)
    }

    /// What is known of a prediction from before.
    fn verdict(&self, prediction: &Prediction) -> String {
        let measured = self.memory.measured.get(&prediction.id).copied();
        match self.memory.answers.get(&prediction.id) {
            Some(answer) => format!("{}\n", prediction.judge(answer, measured)),
            None => "You passed it over.\n".to_owned(),
        }
    }

    /// Runs a lab and says what was seen.
    fn run(&mut self, lab: &Lab) -> anyhow::Result<Go> {
        self.ran.insert(self.step);
        let seen = match self.watch(lab)? {
            Some(seen) => seen,
            None => return Ok(Go::Away),
        };
        match seen {
            Ok(mut seen) => {
                self.tell(lab, &seen)?;
                Survey::whole(&mut seen.trace, &mut Cursor::new());
                self.t_ns = 0;
                self.seen = Some((self.step, seen));
            }
            Err(why) => {
                print(&plain::lesson::running(lab, None))?;
                print(&plain::lesson::failed(&why))?;
            }
        }
        Ok(Go::Stay)
    }

    /// What a run showed, and what it says about the predictions.
    fn tell(&mut self, lab: &Lab, seen: &Seen) -> anyhow::Result<()> {
        let world = World::at(&seen.trace, u64::MAX);
        print(&plain::lesson::running(lab, seen.recorded.as_deref()))?;
        if world.servers().iter().all(is_unseen) {
            return print("It ended before anything was seen; run runs it again.\n");
        }
        print(&plain::lab_of_step(lab, &world))?;
        for prediction in self.lesson.steps[self.step].predictions() {
            let said = self.memory.answers.get(&prediction.id).map(String::as_str);
            print(&plain::lesson::answer(prediction, said, &world))?;
            let id = MetricId::by_key(&prediction.metric);
            let server = world.server(&prediction.server).zip(id);
            if let Some(value) = server.and_then(|(server, id)| server.metric(id)?.value()) {
                self.memory.measured.insert(prediction.id.clone(), value);
            }
        }
        self.note();
        Ok(())
    }

    /// Watches a run; `None` when the learner leaves meanwhile.
    fn watch(&mut self, lab: &Lab) -> anyhow::Result<Option<Result<Seen, String>>> {
        self.runs += 1;
        let mut watch = Watch::new(lab, Some(Thinner::default()));
        self.runner.start(lab, self.ear.for_run(self.runs)?);
        let outcome = loop {
            match self.ear.listen(watch.left()) {
                Heard::Lab(run, event) if run == self.runs => {
                    if matches!(event, LabEvent::Begin(_)) {
                        print("\nRunning; Enter ends it early.\n")?;
                    }
                    match watch.hear(event) {
                        Ok(false) => {}
                        Ok(true) => break watch.seen(),
                        Err(why) => break Err(why),
                    }
                }
                Heard::Lab(..) => {}
                Heard::Silence => watch.enough_of_this(self.runner),
                Heard::End => return Ok(None),
                Heard::Line(line) => match Command::read(&line) {
                    Ok(Command::Quit) => return Ok(None),
                    Ok(Command::Next | Command::Freeze) => watch.enough(self.runner),
                    _ => print("The lab runs; Enter ends it, q leaves.\n")?,
                },
            }
        };
        self.runner.stop();
        Ok(Some(outcome))
    }

    /// Everything that was seen in the last run of this step, also what the step does not show.
    fn all(&self) -> String {
        match &self.seen {
            Some((step, seen)) if *step == self.step => plain::lab(&World::at(&seen.trace, u64::MAX)),
            _ => "Nothing was seen here yet; run runs the lab.\n".to_owned(),
        }
    }

    /// What a number of the lab is.
    fn why(&self, lab: &Lab, wanted: &str) -> String {
        let topics = why::topics(lab);
        if wanted.is_empty() {
            return why::list(&topics);
        }
        let Some(topic) = why::find(&topics, wanted) else {
            return format!("Nothing here is called {wanted:?}.\n{}", why::list(&topics));
        };
        let world = self
            .seen
            .as_ref()
            .filter(|(step, _)| *step == self.step)
            .map(|(_, seen)| World::at(&seen.trace, u64::MAX));
        let servers = world.as_ref().map(World::servers).unwrap_or_default();
        let step = &self.lesson.steps[self.step];
        topic.explain(lab, &servers, |server, id| {
            step.predictions().any(|asked| {
                asked.server == server && asked.metric == id.row().key && !self.is_settled(asked)
            })
        })
    }
}

/// Whether there is nothing to tell of a server. A trial answers no requests: of it, nothing was read or told.
fn is_unseen(server: &ServerView<'_>) -> bool {
    let nothing = match server.trial {
        Some(_) => server.rounds.iter().all(|run| run.process.is_none()) && server.window.calls.is_empty(),
        None => server.sum.requests == 0,
    };
    nothing && server.troubles().next().is_none()
}
