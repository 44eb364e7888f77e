//! The loop: block, drain, draw.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::layout::{Position, Size};

use super::bench::{Begin, Bench};
use super::canvas::Canvas;
use super::options::{Ending, Given, Options};
use super::terminal::Terminal;
use super::{hangup, input, rehearsal, signals};
use crate::lesson::{Course, Form, Lab, Lesson, Runner};
use crate::progress::{Book, Event};
use crate::screen::keys::Action;
use crate::screen::{
    self, App, Click, Effect, Input, Key, Opening, Setting, SlowEffect, SlowNews, Theme, Zone,
};

/// At most so many frames a second are drawn.
pub const FRAMES_PER_SECOND: u32 = 30;

/// The time of one frame.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FRAMES_PER_SECOND as u64);

/// The time of a frame that only shows how a run goes on: numbers that change faster cannot be read.
const LIVE_FRAME: Duration = Duration::from_millis(100);

/// What the loop waits for.
#[derive(Debug)]
pub(super) enum Message {
    Key(Key),
    Click(u16, u16),
    Wheel(i8),
    Resized,
    Suspend,
    Continued,
    Signal(i32),
    TerminalGone(io::Error),
    /// A thread panicked; its message stands on the terminal already.
    Panicked,
    /// What this machine allows.
    Machine(String),
    /// There is something in the inbox of the run.
    Lab,
}

/// Shows home and lessons until the learner quits. The terminal is as before when this returns; every
/// process of a run is gone.
///
/// # Errors
/// What the terminal refuses.
pub fn run(course: &Course, options: Options, book: &mut Book, given: Given<'_>) -> io::Result<Ending> {
    let (send, receive) = mpsc::channel();
    signals::listen(send.clone())?;
    let to = send.clone();
    let terminal = Terminal::take(move || {
        let _ = to.send(Message::Panicked);
    })?;
    let mut screen = Screen {
        course,
        app: App::new(options.present),
        book,
        theme: options.theme,
        runner: given.runner,
        find_out: Some(given.machine),
        machine: None,
        has_workspace: given.has_workspace,
        send: send.clone(),
        terminal: &terminal,
        bench: None,
        slow: None,
        size: size()?,
        canvas: Canvas::default(),
        zones: Vec::new(),
        rests_at_ns: options.recorded_at_ns,
    };
    match options.opening {
        Some(opening) => screen.open(opening),
        None => screen.say_trouble(),
    }
    if screen.rests_at_ns.is_some() {
        screen.input(Input::Act(Action::Restart))?;
    }
    if options.slow {
        screen.input(Input::Act(Action::SlowMotion))?;
    }
    let drawn = screen.draw();
    hangup::listen(send.clone())?;
    input::listen(send)?;
    if screen.app.lesson().is_none() {
        screen.examine()?;
    }
    // It may be gone as soon as the first frame.
    let ended = drawn.and_then(|()| screen.serve(&receive));
    let left = screen.leave();
    let receipt = screen.receipt();
    drop(terminal);
    // A closed terminal is an end like any other: nobody is there to be told of an error.
    Ok(Ending { receipt, signal: left.and(ended).unwrap_or(None) })
}

struct Screen<'s> {
    course: &'s Course,
    app: App,
    book: &'s mut Book,
    theme: Theme,
    runner: &'s dyn Fn(&Lesson) -> Box<dyn Runner>,
    /// Finds out what this machine allows; taken when it does.
    find_out: Option<Box<dyn FnOnce() -> String + Send>>,
    machine: Option<String>,
    has_workspace: bool,
    send: Sender<Message>,
    terminal: &'s Terminal,
    /// Where the runs of the open lesson are made.
    bench: Option<Bench>,
    /// The same for slow motion, as long as it is on the screen.
    slow: Option<Bench>,
    size: Size,
    canvas: Canvas,
    zones: Vec<Zone>,
    /// Where a recording is shown that is there already.
    rests_at_ns: Option<u64>,
}

/// What a message leads to.
enum Next {
    /// The screen is still right.
    Rest,
    /// It must be drawn again, with the next frame of the run.
    DrawLive,
    /// It must be drawn again: the learner waits for it.
    Draw,
    /// The end, by this signal or by a key.
    End(Option<i32>),
}

impl Screen<'_> {
    /// The loop. Returns the signal that ended it.
    fn serve(&mut self, messages: &Receiver<Message>) -> io::Result<Option<i32>> {
        let mut drawn = now();
        let mut ticked = drawn;
        // When the screen must be drawn again, counted from the last frame; `None`: it is still right.
        let mut due: Option<Duration> = None;
        loop {
            if due.is_none() && self.app.is_playing() {
                due = Some(LIVE_FRAME);
            }
            let message = match due {
                None => {
                    let message = messages.recv().map_err(io::Error::other)?;
                    ticked = now();
                    Some(message)
                }
                Some(due) => match messages.recv_timeout(due.saturating_sub(drawn.elapsed())) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                },
            };
            for message in message.into_iter().chain(messages.try_iter()) {
                match self.handle(message)? {
                    Next::Rest => {}
                    Next::DrawLive => due = due.or(Some(LIVE_FRAME)),
                    Next::Draw => due = Some(FRAME),
                    Next::End(signal) => return Ok(signal),
                }
            }
            if due.is_some_and(|due| drawn.elapsed() >= due) {
                self.hear_all()?;
                let since = ticked.elapsed();
                ticked = now();
                self.input(Input::Tick(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))?;
                self.draw()?;
                (drawn, due) = (now(), None);
            }
        }
    }

    fn handle(&mut self, message: Message) -> io::Result<Next> {
        match message {
            Message::Key(key) => self.input(Input::Key(key)),
            Message::Wheel(lines) => self.input(Input::Wheel(lines)),
            Message::Click(x, y) => {
                let at = Position { x, y };
                let hit = self.zones.iter().rev().find(|zone| zone.area.contains(at));
                match hit.map(|zone| zone.does.clone()) {
                    Some(Click::Act(action)) => self.input(Input::Act(action)),
                    Some(Click::Point(focus)) => self.input(Input::Point(focus)),
                    Some(Click::Choose(row)) => self.input(Input::Choose(row)),
                    Some(Click::Seek(t_ns)) => self.input(Input::Seek(t_ns)),
                    None => Ok(Next::Rest),
                }
            }
            Message::Resized => {
                self.size = size()?;
                self.canvas.forget();
                Ok(Next::Draw)
            }
            Message::Suspend => self.suspend(),
            Message::Continued => {
                self.terminal.retake()?;
                self.canvas.forget();
                self.size = size()?;
                Ok(Next::Draw)
            }
            Message::Signal(signal) => Ok(Next::End(Some(signal))),
            Message::TerminalGone(error) => Err(error),
            // It was told where it happened; this thread ends as that one did, and with it the program.
            Message::Panicked => std::panic::resume_unwind(Box::new("another thread panicked")),
            Message::Machine(says) => {
                self.machine = Some(says);
                Ok(Next::Draw)
            }
            // Its inbox is emptied when the frame is due.
            // Who lets a server go on waits for its next stop.
            Message::Lab if self.slow.is_some() => Ok(Next::Draw),
            Message::Lab => Ok(Next::DrawLive),
        }
    }

    /// All that the run said since the last frame.
    fn hear_all(&mut self) -> io::Result<()> {
        let said = self.bench.as_mut().map(Bench::said).unwrap_or_default();
        for event in said {
            if let Some(input) = self.bench.as_mut().and_then(|bench| bench.hear(event)) {
                let is_recording = matches!(input, Input::Recording(_));
                self.input(input)?;
                if let Some(t_ns) = self.rests_at_ns.filter(|_| is_recording) {
                    self.input(Input::Rest(t_ns))?;
                }
            }
        }
        let said = self.slow.as_mut().map(Bench::said).unwrap_or_default();
        for event in said {
            if let Some(news) = self.slow.as_mut().and_then(|slow| slow.hear(event)).and_then(news) {
                self.input(Input::Slow(news))?;
            }
        }
        let at_rest = self.app.lesson().is_some_and(|open| open.view.is_at_rest());
        if let Some(bench) = self.bench.as_mut().filter(|_| !at_rest) {
            bench.thin();
            bench.look();
        }
        Ok(())
    }

    fn input(&mut self, input: Input) -> io::Result<Next> {
        let setting = Setting {
            course: self.course,
            progress: self.book.progress(),
            machine: self.machine.as_deref(),
            has_workspace: self.has_workspace,
            trace: self.slow.as_ref().or(self.bench.as_ref()).and_then(Bench::trace),
            size: self.size,
        };
        let effect = self.app.update(&setting, input);
        self.note();
        match effect {
            Effect::None | Effect::Search | Effect::Glossary | Effect::Exercise(_) | Effect::Close => {}
            Effect::Quit => return Ok(Next::End(None)),
            Effect::Suspend => return self.suspend(),
            Effect::Freeze(frozen) => {
                if let Some(bench) = &mut self.bench {
                    bench.freeze(frozen);
                }
            }
            Effect::Mark => {
                if let (Some((t_ns, says)), Some(bench)) = (self.app.take_mark(), &mut self.bench)
                    && let Some(says) = bench.mark(t_ns, says)
                {
                    self.app.notice(says);
                }
            }
            Effect::Stop => {
                if let Some(bench) = &mut self.bench {
                    bench.stop();
                }
            }
            Effect::Slow(effect) => self.slow(effect)?,
            Effect::Start => self.start(|runner, lab, events| runner.start(lab, events))?,
            Effect::Replay => self.start(|runner, lab, events| runner.replay(lab, events))?,
            Effect::Change => {
                if let (Some(lab), Some(bench)) = (self.lab(), &mut self.bench) {
                    bench.change(&lab.load);
                }
            }
            Effect::Open(opening) => {
                self.leave()?;
                self.open(opening);
            }
            Effect::Home => {
                self.leave()?;
                self.app.go_home(self.course, self.book.progress());
                self.bench = None;
                self.examine()?;
            }
        }
        Ok(Next::Draw)
    }

    /// Opens a lesson.
    fn open(&mut self, opening: Opening) {
        let Some(lesson) = self.course.lessons.get(opening.lesson) else { return };
        if opening.afresh {
            self.book.note(&lesson.name, Event::Begun);
        }
        self.app.open(opening, self.course, self.book.progress());
        self.slow = None;
        self.bench = Some(Bench::new((self.runner)(lesson)));
        self.note();
        self.say_trouble();
        if lesson.form == Form::Observe {
            // Nothing is asked here: it is there to be watched.
            let _ = self.input(Input::Act(screen::keys::Action::RunOrStop));
        }
    }

    /// Ends what runs in the open lesson, and keeps what it measured.
    fn leave(&mut self) -> io::Result<()> {
        self.slow = None;
        let runs = self.app.lesson().is_some_and(|open| open.view.is_running());
        if let Some(bench) = &mut self.bench {
            bench.stop();
        }
        if runs {
            self.input(Input::Over)?;
        }
        Ok(())
    }

    /// Writes down what is new.
    fn note(&mut self) {
        let Some((index, said)) = self.app.said() else { return };
        let lesson = &self.course.lessons[index];
        for event in self.book.progress().lesson(&lesson.name).news(lesson, &said) {
            self.book.note(&lesson.name, event);
        }
        self.say_trouble();
    }

    fn say_trouble(&mut self) {
        if let Some(says) = self.book.trouble() {
            self.app.notice(says);
        }
    }

    /// Finds out what this machine allows, once, beside the screen.
    fn examine(&mut self) -> io::Result<()> {
        let Some(find_out) = self.find_out.take() else { return Ok(()) };
        let to = self.send.clone();
        // Nobody listens any more when the screen is gone.
        let examine = move || to.send(Message::Machine(find_out())).unwrap_or_default();
        thread::Builder::new().name("iolab-doctor".into()).spawn(examine).map(|_| ())
    }

    /// The lab on the screen, as the learner has changed it.
    fn lab(&self) -> Option<Lab> {
        let open = self.app.lesson()?;
        let mut lab = open.view.lab(&self.course.lessons[open.lesson])?.clone();
        if open.view.tuned.is_some() {
            // What was recorded is the lab as the lesson has it.
            lab.recording = None;
        }
        Some(lab)
    }

    /// Begins slow motion, goes on in it, or ends it.
    fn slow(&mut self, effect: SlowEffect) -> io::Result<()> {
        match effect {
            SlowEffect::Close => self.slow = None,
            SlowEffect::Go(go, server) => {
                if let Some(slow) = &mut self.slow {
                    slow.go(go, server);
                }
            }
            SlowEffect::Open => {
                if let Some(bench) = &mut self.bench {
                    bench.stop();
                }
                let Some((open, mut lab)) = self.app.lesson().zip(self.lab()) else { return Ok(()) };
                let Some(slow) = &open.view.slow else { return Ok(()) };
                lab.servers.clone_from(&slow.servers);
                let mut bench = Bench::new((self.runner)(&self.course.lessons[open.lesson]));
                bench.start(&lab, |runner, lab, events| runner.slow(lab, events), self.send.clone())?;
                self.slow = Some(bench);
            }
        }
        Ok(())
    }

    /// Begins a run of the lab on the screen.
    fn start(&mut self, begin: Begin) -> io::Result<()> {
        match (self.lab(), &mut self.bench) {
            (Some(lab), Some(bench)) => bench.start(&lab, begin, self.send.clone()),
            _ => Ok(()),
        }
    }

    /// Ctrl-Z: the shell gets its terminal, the load rests, until somebody continues us.
    fn suspend(&mut self) -> io::Result<Next> {
        let live = self.app.lesson().is_some_and(|open| open.view.is_running() && !open.view.is_at_rest());
        if let Some(bench) = self.bench.as_mut().filter(|_| live) {
            bench.freeze(true);
        }
        self.terminal.lend()?;
        signals::stop_here()?;
        self.terminal.retake()?;
        self.canvas.forget();
        self.size = size()?;
        if let Some(bench) = self.bench.as_mut().filter(|_| live) {
            bench.freeze(false);
        }
        Ok(Next::Draw)
    }

    fn draw(&mut self) -> io::Result<()> {
        if self.terminal.saw_panic() {
            return Ok(());
        }
        if self.app.lesson().is_some_and(|open| open.view.overlay.is_some()) {
            rehearsal::of_a_panic("overlay");
        }
        let t_ns = self.app.lesson().map_or(0, |open| open.view.t_ns());
        let bench = self.slow.as_mut().or(self.bench.as_mut());
        let (world, trace) = bench.map(|bench| bench.world(t_ns)).unwrap_or_default();
        let setting = Setting {
            course: self.course,
            progress: self.book.progress(),
            machine: self.machine.as_deref(),
            has_workspace: self.has_workspace,
            trace,
            size: self.size,
        };
        let mut frame = self.app.frame(world.as_ref(), &setting, self.theme);
        self.zones = std::mem::take(&mut frame.zones);
        self.canvas.show(frame, &mut io::stdout().lock())
    }

    fn receipt(&mut self) -> Vec<String> {
        let mut lines = self.learned();
        // The row it was said in is gone with the screen.
        lines.extend(self.book.not_kept().map(|says| format!("  {says}")));
        lines
    }

    /// What stays of home or the lesson.
    fn learned(&mut self) -> Vec<String> {
        let Some(open) = self.app.lesson() else {
            return screen::home::receipt(self.course, self.book.progress());
        };
        let (world, _) = self.bench.as_mut().map(|bench| bench.world(u64::MAX)).unwrap_or_default();
        screen::receipt(world.as_ref(), &open.view, &self.course.lessons[open.lesson])
    }
}

/// What the news of a run are to slow motion.
fn news(input: Input) -> Option<SlowNews> {
    Some(match input {
        Input::Began => SlowNews::Began,
        Input::Recording(why) => SlowNews::Recording(why),
        Input::Over => SlowNews::Over,
        Input::Failed(why) => SlowNews::Failed(why),
        _ => return None,
    })
}

fn size() -> io::Result<Size> {
    let (width, height) = crossterm::terminal::size()?;
    Ok(Size { width, height })
}

/// The clock that frames are paced by.
fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the screen is one of the edges where time enters")]
    Instant::now()
}
