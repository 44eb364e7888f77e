//! The loop: block, drain, draw.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::layout::{Position, Size};

use super::canvas::Canvas;
use super::terminal::Terminal;
use super::{hangup, input, rehearsal, signals};
use crate::lesson::{Lab, LabEvent, Lesson, Runner};
use crate::screen::{self, Click, Effect, Input, Key, Shown, Stage, Theme, View, Zone};
use crate::trace::{Thinner, Trace};
use crate::world::Cursor;

/// At most so many frames a second are drawn.
pub const FRAMES_PER_SECOND: u32 = 30;

/// The time of one frame.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FRAMES_PER_SECOND as u64);

/// The time of a frame that only shows how a run goes on: numbers that change faster cannot be read.
const LIVE_FRAME: Duration = Duration::from_millis(66);

/// How a lesson is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The step, from 0.
    pub step: usize,
    /// The look.
    pub theme: Theme,
    /// For a projector: one thing at a time, answers hidden until they are asked for.
    pub present: bool,
}

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// A few lines for the scrollback.
    pub receipt: Vec<String>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

impl Ending {
    /// Ends the process by the signal that ended the screen, if one did; else returns.
    pub fn pass_signal_on(&self) -> io::Result<()> {
        self.signal.map_or(Ok(()), signals::end_by)
    }
}

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
    /// There is something in the inbox of the run.
    Lab,
}

/// Shows a lesson until the learner quits. The terminal is as before when this returns; every process of
/// the run is gone.
///
/// # Errors
/// What the terminal refuses.
pub fn lesson(lesson: &Lesson, options: Options, runner: &mut dyn Runner) -> io::Result<Ending> {
    let (send, receive) = mpsc::channel();
    signals::listen(send.clone())?;
    let to = send.clone();
    let terminal = Terminal::take(move || {
        let _ = to.send(Message::Panicked);
    })?;
    let mut screen = Screen {
        lesson,
        view: View {
            present: options.present.then(Shown::new),
            ..View::new(options.step.min(lesson.steps.len().saturating_sub(1)))
        },
        theme: options.theme,
        runner,
        send: send.clone(),
        terminal: &terminal,
        trace: None,
        cursor: Cursor::new(),
        thinner: Thinner::default(),
        inbox: Arc::default(),
        size: size()?,
        canvas: Canvas::default(),
        zones: Vec::new(),
    };
    screen.draw()?;
    hangup::listen(send.clone())?;
    input::listen(send)?;
    let ended = screen.serve(&receive);
    screen.runner.stop();
    let receipt = screen.receipt();
    drop(terminal);
    // A closed terminal is an end like any other: nobody is there to be told of an error.
    Ok(Ending { receipt, signal: ended.unwrap_or(None) })
}

/// Events of a run, kept until the next frame: twenty batches between two frames wake the screen once.
#[derive(Debug, Default)]
struct Inbox(Mutex<Vec<LabEvent>>);

impl Inbox {
    /// Adds an event; `true` when it is the first since they were taken, so that somebody must be told.
    fn add(&self, event: LabEvent) -> bool {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        events.len() == 1
    }

    /// Takes all events.
    fn take(&self) -> Vec<LabEvent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Screen<'s> {
    lesson: &'s Lesson,
    view: View,
    theme: Theme,
    runner: &'s mut dyn Runner,
    send: Sender<Message>,
    terminal: &'s Terminal,
    trace: Option<Trace>,
    cursor: Cursor,
    thinner: Thinner,
    /// What the run said since the last frame. A new run has a new one, so that what an earlier run still
    /// says cannot be taken for it.
    inbox: Arc<Inbox>,
    size: Size,
    canvas: Canvas,
    zones: Vec<Zone>,
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
            if due.is_none() && matches!(self.view.playhead, screen::Playhead::Playing(_)) {
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
            // Its inbox is emptied when the frame is due.
            Message::Lab => Ok(Next::DrawLive),
        }
    }

    /// All that the run said since the last frame.
    fn hear_all(&mut self) -> io::Result<()> {
        for event in self.inbox.take() {
            self.hear(event)?;
        }
        self.thin();
        Ok(())
    }

    /// News from the run.
    fn hear(&mut self, event: LabEvent) -> io::Result<Next> {
        match event {
            LabEvent::Begin(header) => {
                self.begin(Trace::new(*header));
                self.input(Input::Began)
            }
            LabEvent::Entries(entries) => {
                let Some(trace) = &mut self.trace else { return Ok(Next::Rest) };
                for entry in entries {
                    // The lab is part of this program: an entry that no trace can hold is a mistake in it,
                    // and what was seen before is still true.
                    let _ = trace.push(entry);
                }
                Ok(Next::Draw)
            }
            LabEvent::Recording { trace, why } => {
                self.begin(*trace);
                self.input(Input::Recording(why))
            }
            LabEvent::Over => self.input(Input::Over),
            LabEvent::Failed(why) => self.input(Input::Failed(why)),
        }
    }

    fn begin(&mut self, trace: Trace) {
        self.trace = Some(trace);
        self.cursor = Cursor::new();
        self.thinner = Thinner::default();
    }

    /// A run may go on for hours; what it keeps in memory may not grow for hours.
    fn thin(&mut self) {
        let frozen = self.view.is_at_rest();
        if let Some(trace) = self.trace.as_mut().filter(|_| !frozen)
            && self.thinner.thin(trace)
        {
            self.cursor = Cursor::new();
        }
    }

    fn input(&mut self, input: Input) -> io::Result<Next> {
        let stage = Stage { lesson: self.lesson, trace: self.trace.as_ref(), size: self.size };
        match screen::update(&mut self.view, &stage, input) {
            Effect::None => Ok(Next::Draw),
            Effect::Quit => Ok(Next::End(None)),
            Effect::Suspend => self.suspend(),
            Effect::Freeze(frozen) => {
                self.runner.freeze(frozen);
                Ok(Next::Draw)
            }
            Effect::Stop => {
                self.runner.stop();
                // What it saw to its end still counts; that it began or ended is known better here.
                for event in std::mem::take(&mut self.inbox).take() {
                    if matches!(event, LabEvent::Entries(_)) {
                        self.hear(event)?;
                    }
                }
                Ok(Next::Draw)
            }
            Effect::Start => {
                self.start(|runner, lab, events| runner.start(lab, events))?;
                Ok(Next::Draw)
            }
            Effect::Replay => {
                self.start(|runner, lab, events| runner.replay(lab, events))?;
                Ok(Next::Draw)
            }
            Effect::Change => {
                if let Some(lab) = self.view.lab(self.lesson) {
                    self.runner.change(&lab.load);
                }
                Ok(Next::Draw)
            }
        }
    }

    /// Begins a run of the lab on the screen.
    fn start(&mut self, begin: fn(&mut dyn Runner, &Lab, Sender<LabEvent>)) -> io::Result<()> {
        let Some(mut lab) = self.view.lab(self.lesson).cloned() else { return Ok(()) };
        if self.view.tuned.is_some() {
            // What was recorded is the lab as the lesson has it.
            lab.recording = None;
        }
        self.trace = None;
        self.cursor = Cursor::new();
        self.inbox = Arc::default();
        let (inbox, to) = (Arc::clone(&self.inbox), self.send.clone());
        let (events, incoming) = mpsc::channel();
        let forward = move || {
            for event in incoming {
                if inbox.add(event) && to.send(Message::Lab).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("iolab-events".into()).spawn(forward)?;
        begin(self.runner, &lab, events);
        Ok(())
    }

    /// Ctrl-Z: the shell gets its terminal, the load rests, until somebody continues us.
    fn suspend(&mut self) -> io::Result<Next> {
        let live = self.view.is_running() && !self.view.is_at_rest();
        if live {
            self.runner.freeze(true);
        }
        self.terminal.lend()?;
        signals::stop_here()?;
        self.terminal.retake()?;
        self.canvas.forget();
        self.size = size()?;
        if live {
            self.runner.freeze(false);
        }
        Ok(Next::Draw)
    }

    fn draw(&mut self) -> io::Result<()> {
        if self.terminal.saw_panic() {
            return Ok(());
        }
        if self.view.overlay.is_some() {
            rehearsal::of_a_panic("overlay");
        }
        let t_ns = self.view.t_ns();
        let world = self.trace.as_ref().map(|trace| self.cursor.world(trace, t_ns));
        let mut frame = screen::frame(world.as_ref(), &self.view, self.lesson, self.size, self.theme);
        self.zones = std::mem::take(&mut frame.zones);
        self.canvas.show(frame, &mut io::stdout().lock())
    }

    fn receipt(&mut self) -> Vec<String> {
        let world = self.trace.as_ref().map(|trace| self.cursor.world(trace, u64::MAX));
        screen::receipt(world.as_ref(), &self.view, self.lesson)
    }
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
