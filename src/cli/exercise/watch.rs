//! `iolab exercise watch [NAME]`: builds and checks at each save.
//!
//! One loop over one channel: saves, keys, signals, and what the round under way tells. At most one round is under
//! way; a save ends it, and the next begins when it has ended.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::desk::{self, Desk};
use super::keys::Keys;
use super::paint::{Look, is_gone, say};
use super::{check, hint, list};
use crate::cli::face::Face;
use crate::cli::{Exit, complain};
use crate::exercise::round::{Bench, Outcome, Round, Told, round};
use crate::exercise::stop::Stop;
use crate::exercise::trouble::{Matter, Trouble};
use crate::exercise::watcher::{self, Watcher};
use crate::exercise::{Exercise, Manifest, Verdict, sources};
use crate::trace::Capabilities;

/// Builds an exercise and checks it at each save, until you leave.
#[derive(Args, Debug)]
#[command(
    after_help = "Keys on a terminal: h hint, l list, n next exercise after passing, Enter check again, q quit."
)]
pub struct Arguments {
    /// The exercise; the one of this folder, or the one you are at, when left out. One that is not open is opened.
    exercise: Option<String>,
    /// Look at the files three times a second instead of being told of saves: for file systems where others write.
    #[arg(long)]
    poll: bool,
}

/// An editor saves in a few steps (truncate, write, rename); what follows this soon belongs together.
const SETTLE: Duration = Duration::from_millis(10);

/// But a folder in which something changes all the time is looked at all the same, after so many.
const CHANGES_MAX: u32 = 50;

const KEYS: &str = "keys: h hint, l list, n next after passing, Enter check again, q quit\n";

/// What the loop hears.
enum Message {
    /// Something in the exercise's folder may have changed.
    Changed,
    /// A key; `None` when the terminal is gone.
    Key(Option<u8>),
    Signal(i32),
    /// The round under way tells.
    Told(Told),
    /// It has ended.
    Ended(Box<anyhow::Result<Round>>),
}

/// Whether the loop goes on.
#[derive(PartialEq)]
enum Then {
    GoOn,
    Leave,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let exercise = desk.exercise(arguments.exercise.as_deref())?;
    let opened = desk.open_exercise(exercise)?;
    let (to, inbox) = channel();
    listen(to.clone())?;
    let mut session = Session {
        manifest: Arc::new(desk::manifest(exercise)?),
        capabilities: Arc::new(OnceLock::new()),
        watcher: None,
        look: Look::of_stdout(),
        desk,
        exercise,
        poll: arguments.poll,
        to,
        under_way: None,
        is_stale: false,
        digest: None,
        changes: 0,
        passed: false,
        not_held: BTreeSet::new(),
    };
    let press = session.to.clone();
    let keys = Keys::read(move |key| {
        let _ = press.send(Message::Key(key));
    });
    let keys = keys.context("the terminal's keys cannot be read")?;
    let result = session.run(&inbox, opened, keys.as_ref());
    session.close(&inbox);
    match result {
        Err(error) if is_gone(&error) => Ok(Exit::Done),
        result => result.map(|()| Exit::Done),
    }
}

/// Signals become messages.
fn listen(to: Sender<Message>) -> anyhow::Result<()> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCONT]).context("cannot listen for signals")?;
    let listen = move || signals.forever().try_for_each(|signal| to.send(Message::Signal(signal)));
    let thread = thread::Builder::new().name("iolab-signals".into()).spawn(listen);
    thread.map(|_| ()).context("cannot listen for signals")
}

struct Session {
    desk: Desk,
    exercise: &'static Exercise,
    manifest: Arc<Manifest>,
    capabilities: Arc<OnceLock<Capabilities>>,
    look: Look,
    poll: bool,
    watcher: Option<Watcher>,
    to: Sender<Message>,
    /// Ends the round that is under way.
    under_way: Option<Arc<Stop>>,
    /// Whether that round is about sources of the past.
    is_stale: bool,
    /// The sources that the last round was about.
    digest: Option<String>,
    /// Changes that wait for more.
    changes: u32,
    passed: bool,
    /// What was said already of what this machine cannot hold.
    not_held: BTreeSet<String>,
}

impl Session {
    fn run(
        &mut self,
        inbox: &Receiver<Message>,
        opened: Option<String>,
        keys: Option<&Keys>,
    ) -> anyhow::Result<()> {
        self.attend(opened, keys.is_some())?;
        self.begin()?;
        loop {
            let message = if self.changes > 0 {
                match inbox.recv_timeout(SETTLE) {
                    Err(RecvTimeoutError::Timeout) => {
                        self.look_at_sources()?;
                        continue;
                    }
                    received => received.ok(),
                }
            } else {
                inbox.recv().ok()
            };
            // This session holds a sender itself.
            let Some(message) = message else { return Ok(()) };
            if self.hear(message, keys)? == Then::Leave {
                return Ok(());
            }
        }
    }

    fn hear(&mut self, message: Message, keys: Option<&Keys>) -> anyhow::Result<Then> {
        match message {
            Message::Changed => {
                self.changes += 1;
                if self.changes > CHANGES_MAX {
                    self.look_at_sources()?;
                }
            }
            Message::Told(told) if !self.is_stale => match told {
                Told::Words(words) => say(&words)?,
                Told::Judged(judged) => say(&self.look.criterion(&judged))?,
            },
            Message::Told(_) => {}
            Message::Ended(ended) => self.ended(*ended)?,
            Message::Signal(SIGCONT) => keys.map_or(Ok(()), Keys::take)?,
            Message::Signal(_) | Message::Key(None) => return Ok(Then::Leave),
            Message::Key(Some(key)) => return self.press(key),
        }
        Ok(Then::GoOn)
    }

    /// Turns to the exercise: watches its folder and says so.
    fn attend(&mut self, opened: Option<String>, has_keys: bool) -> anyhow::Result<()> {
        let folder = self.desk.workspace.folder(self.exercise);
        let changed = watcher::sender(self.to.clone(), || Message::Changed);
        self.watcher = None;
        let watcher = watcher::watch(&folder, self.poll, changed)?;
        let how = match &watcher.polls {
            Some(why) => format!("looking 3 times a second, {why}"),
            None => "the kernel tells of each save".to_owned(),
        };
        say(&opened.unwrap_or_default())?;
        say(&format!("watching {} ({how})\n", folder.display()))?;
        say(if has_keys { KEYS } else { "" })?;
        (self.watcher, self.digest, self.passed) = (Some(watcher), None, false);
        Ok(())
    }

    /// Begins a round; one that is under way is ended first.
    fn begin(&mut self) -> anyhow::Result<()> {
        if let Some(stop) = &self.under_way {
            self.is_stale = true;
            stop.ask();
            return Ok(());
        }
        let folder = self.desk.workspace.folder(self.exercise);
        self.digest = sources::digest(&folder).ok();
        if !folder.exists() {
            return Err(gone(self.exercise, &folder).into());
        }
        let stop = Arc::new(Stop::default());
        (self.under_way, self.is_stale) = (Some(Arc::clone(&stop)), false);
        say(&format!("{}: building\n", self.exercise.name()))?;
        let (to, exercise, colour) = (self.to.clone(), self.exercise, self.look.colour);
        let (manifest, capabilities) = (Arc::clone(&self.manifest), Arc::clone(&self.capabilities));
        let workspace = self.desk.workspace.clone();
        let work = move || {
            let bench = Bench {
                workspace: &workspace,
                exercise,
                manifest: &manifest,
                capabilities: &capabilities,
                colour,
            };
            let told = to.clone();
            // Whatever comes of it, the loop hears the end.
            let result = catch_unwind(AssertUnwindSafe(|| {
                round(&bench, &stop, &mut |news| {
                    let _ = told.send(Message::Told(news));
                })
            }));
            let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("the check itself failed (a panic)")));
            let _ = to.send(Message::Ended(Box::new(result)));
        };
        thread::Builder::new().name("iolab-round".into()).spawn(work).context("cannot start a thread")?;
        Ok(())
    }

    /// Begins a round if the sources are others than those of the last one.
    fn look_at_sources(&mut self) -> anyhow::Result<()> {
        self.changes = 0;
        let folder = self.desk.workspace.folder(self.exercise);
        if !folder.exists() {
            return Err(gone(self.exercise, &folder).into());
        }
        // In the middle of a save there may be nothing to read; its end is a change, too.
        let Ok(digest) = sources::digest(&folder) else { return Ok(()) };
        if self.digest.as_ref() == Some(&digest) {
            return Ok(());
        }
        self.digest = Some(digest);
        say(self.look.clear())?;
        say(match self.under_way {
            Some(_) => "saved again: starting over\n",
            None => "saved\n",
        })?;
        self.begin()
    }

    fn ended(&mut self, ended: anyhow::Result<Round>) -> anyhow::Result<()> {
        self.under_way = None;
        if self.is_stale {
            return self.begin();
        }
        let name = self.exercise.name();
        match ended {
            Ok(Round { outcome: Outcome::Checked(checked), sources_sha256, .. }) => {
                let verdict: &Verdict = &checked.verdict;
                check::note(&mut self.desk, self.exercise, verdict, &sources_sha256);
                self.passed = verdict.is_passed();
                let new = |sentence: &&String| self.not_held.insert((*sentence).clone());
                let not_held: Vec<String> = checked.not_held.iter().filter(new).cloned().collect();
                say(&check::end(verdict, self.exercise, &not_held, self.look))?;
            }
            Ok(Round { outcome: Outcome::NotBuilt, .. }) => {
                self.passed = false;
                say(&format!("\n{name}: it does not compile, so nothing was checked\n"))?;
            }
            Ok(Round { outcome: Outcome::Stopped, .. }) => {}
            Err(error) => {
                let of = error.downcast_ref::<Trouble>().map(|trouble| trouble.of);
                // What the machine lacks it lacks at the next save, too.
                if of == Some(Matter::Machine) {
                    return Err(error);
                }
                complain(&error);
            }
        }
        say("waiting for a save\n").map_err(Into::into)
    }

    fn press(&mut self, key: u8) -> anyhow::Result<Then> {
        match key {
            b'q' | 4 => return Ok(Then::Leave),
            b'h' => say(&hint::take(&mut self.desk, self.exercise, &self.manifest, self.look))?,
            b'l' => {
                let workspace = Some(&self.desk.workspace);
                say(&list::text(workspace, self.desk.book.progress(), Face::Plain, self.look)?)?;
            }
            b'\n' | b'\r' if self.under_way.is_none() => self.begin()?,
            b'\n' | b'\r' => {}
            b'n' => self.next()?,
            _ => say(KEYS)?,
        }
        Ok(Then::GoOn)
    }

    fn next(&mut self) -> anyhow::Result<()> {
        let name = self.exercise.name();
        let ever = self.desk.book.progress().exercise(name).passed.is_some();
        if !self.passed && !ever {
            say(&format!("{name} has not passed yet; iolab exercise watch NAME opens any other\n"))?;
            return Ok(());
        }
        let Some(next) = Desk::after(self.exercise) else {
            say(&format!("{name} is the last exercise; l lists them all\n"))?;
            return Ok(());
        };
        if self.under_way.is_some() {
            say("the check under way has to end first\n")?;
            return Ok(());
        }
        let opened = self.desk.open_exercise(next)?;
        (self.exercise, self.manifest) = (next, Arc::new(desk::manifest(next)?));
        say(self.look.clear())?;
        self.attend(opened, true)?;
        self.begin()
    }

    /// Ends what is under way, and waits until it has ended.
    fn close(&mut self, inbox: &Receiver<Message>) {
        self.watcher = None;
        let Some(stop) = self.under_way.take() else { return };
        stop.ask();
        while let Ok(message) = inbox.recv() {
            if matches!(message, Message::Ended(_)) {
                return;
            }
        }
    }
}

fn gone(exercise: &Exercise, folder: &std::path::Path) -> Trouble {
    Trouble::deed(
        format!("{} is gone", folder.display()),
        "it is what was watched",
        format!("`iolab exercise watch {}`, which writes it anew", exercise.name()),
    )
}
