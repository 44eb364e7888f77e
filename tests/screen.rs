//! Screens without a terminal: frames are values, so every size, step and state can be drawn and looked at.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{self, Lesson};
use iolab::screen::{
    Effect, Focus, Frame, Input, Key, Overlay, Palette, Pane, Playhead, Run, Stage, State, Theme, View,
    frame, receipt, update,
};
use iolab::trace::{ClientTotals, End, Entry, Layer, Record, Refusal, Trace};
use iolab::world::World;
use ratatui::layout::Size;
use ratatui::style::Color;

/// The step that asks for a number and runs three servers.
const BATCHING: usize = 7;

fn lesson() -> Lesson {
    lesson::find("3").unwrap().read().unwrap()
}

/// A lesson, its view and its trace, with keys to press.
struct Desk {
    lesson: Lesson,
    view: View,
    trace: Option<Trace>,
    size: Size,
}

impl Desk {
    fn new(step: usize) -> Self {
        Self { lesson: lesson(), view: View::new(step), trace: None, size: Size::new(120, 36) }
    }

    fn sized(self, width: u16, height: u16) -> Self {
        Self { size: Size::new(width, height), ..self }
    }

    fn input(&mut self, input: Input) -> Effect {
        let stage = Stage { lesson: &self.lesson, trace: self.trace.as_ref(), size: self.size };
        update(&mut self.view, &stage, input)
    }

    fn press(&mut self, keys: &[Key]) -> Effect {
        keys.iter().map(|key| self.input(Input::Key(*key))).last().unwrap()
    }

    fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| {
            self.input(Input::Key(Key::Char(c)));
        });
    }

    /// What the loop does when a run has begun and so much of it was seen.
    fn runs(mut self, ticks: u64) -> Self {
        let lab = self.view.step(&self.lesson).lab().unwrap();
        self.trace = Some(fixture::trace(&lab.servers, &lab.load, ticks));
        self.view.run = Run::Some { step: self.view.step, state: State::Starting, recorded: None };
        self.input(Input::Began);
        self
    }

    fn ends(mut self, run: u32, end: End) -> Self {
        let entry = Entry { run: Some(run), t_ns: u64::MAX / 2, record: Record::End { end } };
        self.trace.as_mut().unwrap().push(entry).unwrap();
        self.input(Input::Over);
        self
    }

    fn answered(mut self, text: &str) -> Self {
        self.press(&[Key::Char(' ')]);
        self.type_text(text);
        assert_eq!(self.press(&[Key::Enter]), Effect::Start);
        self
    }

    fn frame(&self, theme: Theme) -> Frame {
        let world = self.trace.as_ref().map(|trace| World::at(trace, self.view.t_ns()));
        frame(world.as_ref(), &self.view, &self.lesson, self.size, theme)
    }

    fn screen(&self) -> String {
        text(&self.frame(Theme::DEFAULT))
    }
}

fn text(frame: &Frame) -> String {
    let area = frame.buffer.area;
    let row = |y| (0..area.width).map(|x| frame.buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn gone() -> End {
    End::ServerGone { says: "killed by SIGKILL".into() }
}

fn refused() -> End {
    let refusal = Refusal {
        layer: Layer::Seccomp,
        says: "io_uring_setup: EPERM (a seccomp filter)".into(),
        try_this: "run outside of the container".into(),
    };
    End::Refused { refusal }
}

/// Every state that a screen can be in.
fn states(step: usize) -> Vec<Desk> {
    let mut states = vec![Desk::new(step)];
    let overlay = |overlay| {
        let mut desk = Desk::new(step);
        desk.view.overlay = Some(overlay);
        desk
    };
    states.push(overlay(Overlay::Help));
    if states[0].view.step(&states[0].lesson).predictions().next().is_some() {
        let mut typing = Desk::new(step);
        typing.press(&[Key::Char('5')]);
        states.push(typing);
    }
    if states[0].view.step(&states[0].lesson).lab().is_none() {
        return states;
    }
    states.push(overlay(Overlay::Info { back_to_text: true }));
    states.push(Desk::new(step).runs(0));
    states.push(Desk::new(step).runs(60));
    states.push(Desk::new(step).runs(60).ends(0, gone()));
    states.push(Desk::new(step).runs(2).ends(0, refused()));
    let mut frozen = Desk::new(step).runs(60);
    frozen.press(&[Key::Char('f'), Key::Char(','), Key::Tab, Key::Char('i')]);
    states.push(frozen);
    let mut failed = Desk::new(step).runs(0);
    failed.input(Input::Failed("fork: EAGAIN; no process could be started; end some".into()));
    states.push(failed);
    let mut last = Desk::new(step).runs(60);
    last.press(&[Key::BackTab]);
    states.push(last);
    states
}

#[test]
fn scrolling_and_paging_never_leave_the_text_at_any_size() {
    for (width, height) in [(20, 6), (40, 12), (80, 24), (120, 36)] {
        let mut desk = Desk::new(0).sized(width, height);
        for _ in 0..2_000 {
            desk.press(&[Key::PageDown]);
        }
        assert_eq!(desk.view.step + 1, desk.lesson.steps.len(), "{width}x{height}: the last step is reached");
        for _ in 0..2_000 {
            desk.press(&[Key::PageUp]);
        }
        assert_eq!((desk.view.step, desk.view.scroll), (0, 0), "{width}x{height}: and the first one again");
    }
}

#[test]
fn no_colour_and_no_background_where_none_is_wanted() {
    let mono = Theme { palette: Palette::Mono, ascii: false };
    for step in 0..lesson().steps.len() {
        for desk in states(step) {
            let coloured = desk.frame(Theme::DEFAULT).buffer;
            assert!(coloured.content.iter().all(|cell| cell.bg == Color::Reset), "a background was set");
            let plain = desk.frame(mono).buffer;
            assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        }
    }
}

#[test]
fn a_prediction_is_asked_before_its_measurement_is_shown() {
    let mut desk = Desk::new(BATCHING);
    assert_eq!(desk.press(&[Key::Char(' ')]), Effect::None, "the run waits for the answer");
    assert!(matches!(desk.view.focus, Focus::Typing { then_run: true, .. }));
    desk.type_text("1//2");
    assert_eq!(desk.press(&[Key::Enter]), Effect::None);
    assert!(desk.view.notice.as_ref().unwrap().contains("not a number"), "{:?}", desk.view.notice);
    for _ in 0..4 {
        desk.press(&[Key::Backspace]);
    }
    desk.type_text("1/2");
    assert_eq!(desk.press(&[Key::Enter]), Effect::Start);
    assert_eq!(desk.view.answers["batched"], "1/2");
    let desk = desk.runs(60);
    let screen = desk.screen();
    assert!(screen.contains("You said 0.5, the kernel says 0.031"), "{screen}");
}

#[test]
fn an_answer_takes_what_numbers_are_written_with_and_leaves_other_keys_as_they_are() {
    let typed = |desk: &Desk| match &desk.view.focus {
        Focus::Typing { text, .. } => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut desk = Desk::new(BATCHING);
    desk.press(&[Key::Char(' ')]);
    desk.type_text("~1.5e-2 ,/+E%");
    assert_eq!(typed(&desk), "~1.5e-2 ,/+E%");
    let footer = desk.screen().lines().last().unwrap().to_owned();
    assert!(["Enter store", "Esc without one", "? keys", "q quit"].iter().all(|key| footer.contains(key)));
    desk.type_text("xyz");
    assert!(desk.view.notice.as_ref().unwrap().contains("Enter stores it"), "{:?}", desk.view.notice);
    desk.press(&[Key::Char('f')]);
    assert_eq!(desk.view.notice.as_deref(), Some("nothing runs; space runs the lab"));
    desk.press(&[Key::Char('?')]);
    assert_eq!(desk.view.overlay, Some(Overlay::Help));
    desk.press(&[Key::Esc, Key::Char('r'), Key::Down]);
    assert_eq!(typed(&desk), "~1.5e-2 ,/+E%", "what was typed is still there");
    assert_eq!(desk.press(&[Key::Char('q')]), Effect::Quit);
    desk.press(&[Key::Left]);
    assert_eq!((desk.view.step, &desk.view.focus), (BATCHING - 1, &Focus::Text));
}

#[test]
fn who_passes_a_prediction_over_is_not_asked_again() {
    let mut desk = Desk::new(BATCHING);
    desk.press(&[Key::Char(' ')]);
    assert_eq!(desk.press(&[Key::Esc]), Effect::Start);
    let desk = desk.runs(60);
    assert!(desk.screen().contains("The kernel says 0.03"), "{}", desk.screen());
}

#[test]
fn a_number_that_is_still_to_be_predicted_stays_hidden() {
    // The run of an earlier step goes on; its table must not give the answer away.
    let desk = Desk::new(BATCHING).runs(60);
    let screen = desk.screen();
    let row = screen.lines().find(|line| line.contains("syscalls   ")).unwrap();
    assert!(row.contains("yours?") && !row.contains("0.03"), "{row}");
}

#[test]
fn a_number_that_is_not_known_says_why_and_is_never_nought() {
    let mut desk = Desk::new(BATCHING).answered("0.5");
    let lab = desk.view.step(&desk.lesson).lab().unwrap();
    let mut header = fixture::header(&lab.servers, &lab.load);
    header.syscall_rung = Err(Refusal {
        layer: Layer::Sysctl,
        says: "perf_event_open: EACCES (perf_event_paranoid 4)".into(),
        try_this: String::new(),
    });
    let mut trace = Trace::new(header);
    for mut entry in fixture::entries(&lab.servers, 30) {
        if let Record::Process(totals) = &mut entry.record {
            totals.syscalls = None;
        }
        if !matches!(entry.record, Record::Story(_) | Record::Window { .. }) {
            trace.push(entry).unwrap();
        }
    }
    desk.input(Input::Began);
    desk.trace = Some(trace);
    let screen = desk.screen();
    let row = screen.lines().find(|line| line.contains("syscalls   ")).unwrap();
    assert_eq!(row.matches("not known").count(), 3, "{row}");
    assert!(screen.contains("EACCES (perf_event_paranoid 4)"), "{screen}");
}

#[test]
fn a_server_that_was_killed_is_named_and_can_be_started_again() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(60).ends(0, gone());
    let screen = desk.screen();
    assert!(screen.contains("✗ epoll is gone: killed by SIGKILL; r starts it again"), "{screen}");
    assert_eq!(desk.press(&[Key::Char('r')]), Effect::Start);
}

#[test]
fn a_refused_server_names_the_layer_that_said_no() {
    let screen = Desk::new(BATCHING).answered("0.5").runs(2).ends(2, refused()).screen();
    assert!(screen.contains("✗ uring was refused: io_uring_setup: EPERM (a seccomp filter)"), "{screen}");
    assert!(screen.contains("try: run outside"), "{screen}");
}

#[test]
fn frozen_the_world_stands_and_can_be_walked_through() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(60);
    assert_eq!(desk.press(&[Key::Char('f')]), Effect::Freeze(true));
    let Playhead::Frozen(at_ns) = desk.view.playhead else { panic!("{:?}", desk.view.playhead) };
    assert_eq!(at_ns, 60 * fixture::TICK_NS);
    let before = desk.screen();
    let lab = desk.view.step(&desk.lesson).lab().unwrap();
    for entry in fixture::at_tick(0, &lab.servers[0], 61) {
        desk.trace.as_mut().unwrap().push(entry).unwrap();
    }
    assert_eq!(desk.screen(), before, "what still comes does not move a frozen screen");
    desk.press(&[Key::Char(','), Key::Char(',')]);
    assert_eq!(desk.view.playhead, Playhead::Frozen(58 * fixture::TICK_NS));
    desk.press(&[Key::Char('<')]);
    assert_eq!(desk.view.playhead, Playhead::Frozen(33 * fixture::TICK_NS));
    desk.press(&[Key::Char('.')]);
    assert_eq!(desk.view.playhead, Playhead::Frozen(34 * fixture::TICK_NS));
    assert_eq!(desk.press(&[Key::Char('f')]), Effect::Freeze(false));
    assert_eq!(desk.view.playhead, Playhead::Live);
}

#[test]
fn a_server_that_owes_answers_and_gives_none_is_named() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(60);
    let trace = desk.trace.as_mut().unwrap();
    let (answered, end_ns) = (World::at(trace, u64::MAX).runs[0].client.answered, trace.end_ns());
    let mut push = |after_ns, record| {
        trace.push(Entry { run: Some(0), t_ns: end_ns + after_ns, record }).unwrap();
    };
    let client = ClientTotals { sent: answered + 3, answered, late: 2, ..ClientTotals::default() };
    push(900_000_000, Record::Client(client.clone()));
    assert!(!desk.screen().contains("no answer"), "a pause between two requests may be as long");
    let trace = desk.trace.as_mut().unwrap();
    trace.push(Entry { run: Some(0), t_ns: end_ns + 2_000_000_000, record: Record::Client(client) }).unwrap();
    let screen = desk.screen();
    assert!(screen.contains("epoll: no answer for 2.0 s, 5 requests wait for one"), "{screen}");
    let screen = desk.ends(0, End::Done).screen();
    assert!(!screen.contains("no answer"), "what is over waits for nothing: {screen}");
}

#[test]
fn a_key_that_can_do_nothing_says_why() {
    let mut desk = Desk::new(0);
    for (key, why) in [
        (Key::Left, "this is the first step"),
        (Key::Char(' '), "nothing to run here"),
        (Key::Char('f'), "nothing runs; space runs the lab"),
        (Key::Char(','), "f freezes first"),
        (Key::Tab, "no numbers here"),
    ] {
        assert_eq!(desk.press(&[key]), Effect::None);
        let screen = desk.screen();
        assert!(screen.lines().last().unwrap().contains(why), "{}: {screen}", key.name());
    }
}

#[test]
fn a_run_goes_on_only_where_the_next_step_has_the_same_lab() {
    let lesson = lesson();
    let same = |one: usize, other: usize| {
        let lab = |step: usize| lesson.steps[step].lab().map(|lab| (&lab.servers, &lab.load));
        lab(one).is_some() && lab(one) == lab(other)
    };
    for step in (0..lesson.steps.len() - 1).filter(|step| lesson.steps[*step].lab().is_some()) {
        let mut desk = Desk::new(step).runs(10);
        let expected = if same(step, step + 1) { Effect::None } else { Effect::Stop };
        assert_eq!(desk.press(&[Key::Right]), expected, "from step {}", step + 1);
    }
}

#[test]
fn a_recording_says_that_it_is_one_and_plays_to_its_end() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(50);
    desk.input(Input::Recording("io_uring_setup: EPERM (seccomp)".into()));
    assert_eq!(desk.view.playhead, Playhead::Playing(0));
    desk.input(Input::Tick(500_000_000));
    let screen = desk.screen();
    assert!(
        screen.contains("recorded 0.5 s") && screen.contains("a recorded run: io_uring_setup: EPERM"),
        "{screen}"
    );
    desk.input(Input::Tick(5_000_000_000));
    assert_eq!(desk.view.playhead, Playhead::End(50 * fixture::TICK_NS));
    let screen = desk.screen();
    assert!(screen.contains("over, 1.0 s"), "{screen}");
    assert!(screen.lines().last().unwrap().contains("f play again"), "{screen}");
    desk.press(&[Key::Char(',')]);
    assert_eq!(desk.view.playhead, Playhead::Frozen(49 * fixture::TICK_NS));
    assert!(desk.screen().lines().last().unwrap().contains("f go on"));
    desk.press(&[Key::Char('.')]);
    assert_eq!(desk.press(&[Key::Char('f')]), Effect::None);
    assert_eq!(desk.view.playhead, Playhead::Playing(0), "and again from its beginning");
}

#[test]
fn the_focus_walks_over_all_numbers_and_explains_each() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(60);
    desk.press(&[Key::Tab]);
    for row in 0..4 {
        for column in 0..3 {
            assert_eq!(desk.view.focus, Focus::Number { row, column });
            assert!(desk.frame(Theme::DEFAULT).cursor.is_some(), "the cursor stands at the focus");
            desk.press(&[Key::Char('i')]);
            let screen = desk.screen();
            assert!(
                screen.contains("check it") && screen.contains("4711") | screen.contains("471"),
                "{screen}"
            );
            desk.press(&[Key::Esc, Key::Right]);
        }
        desk.press(&[Key::Down, Key::Left, Key::Left]);
    }
    desk.press(&[Key::Esc]);
    assert_eq!(desk.view.focus, Focus::Text);
}

#[test]
fn a_receipt_says_what_ran_and_what_was_predicted() {
    let mut desk = Desk::new(BATCHING).answered("0.5").runs(60);
    desk.input(Input::Over);
    let world = World::at(desk.trace.as_ref().unwrap(), u64::MAX);
    insta::assert_snapshot!(receipt(Some(&world), &desk.view, &desk.lesson).join("\n"));
}

#[test]
fn a_receipt_judges_predictions_by_a_run_that_is_still_under_way() {
    let desk = Desk::new(BATCHING).answered("0.5").runs(60);
    assert!(desk.view.measured.is_empty(), "nothing was kept yet: the run is not over");
    let world = World::at(desk.trace.as_ref().unwrap(), u64::MAX);
    let says = receipt(Some(&world), &desk.view, &desk.lesson).join("\n");
    assert!(says.contains("predicted for uring: You said 0.5, the kernel says 0.031"), "{says}");
}

#[test]
fn an_insight_is_told_once_its_rule_has_fired() {
    const TITLE: &str = "! uring-naive: a ring used like a system call";
    let step = lesson().steps.iter().position(|step| step.insights().next().is_some()).unwrap();
    let prose = |desk: &mut Desk| {
        desk.view.pane = Pane::Text;
        desk.screen()
    };
    let mut desk = Desk::new(step).sized(120, 100);
    assert!(!prose(&mut desk).contains(TITLE), "nothing has run");
    let mut unanswered = Desk::new(step).sized(120, 100).runs(60);
    let waits = unanswered.view.step(&unanswered.lesson).predictions().next().is_some();
    assert_eq!(prose(&mut unanswered).contains(TITLE), !waits, "it gives no prediction away");
    if waits {
        desk = desk.answered("1");
    }
    assert!(prose(&mut desk.runs(60)).contains(TITLE), "the rule has fired");
}

#[test]
fn a_step_that_has_not_run_offers_no_numbers() {
    // Another step's lab has run; this one's has not.
    let lesson = lesson();
    let other = (0..BATCHING).find(|step| lesson.steps[*step].lab().is_some()).unwrap();
    let mut desk = Desk::new(other).runs(10);
    (desk.view.step, desk.view.focus) = (BATCHING, Focus::Text);
    assert_eq!(desk.view.state(&desk.lesson), None);
    let footer = desk.screen().lines().last().unwrap().to_owned();
    assert!(!footer.contains("numbers") && !footer.contains("what is this?"), "{footer}");
    for key in [Key::Tab, Key::BackTab, Key::Char('i')] {
        desk.press(&[key]);
        assert_eq!((&desk.view.focus, desk.view.overlay), (&Focus::Text, None));
        assert_eq!(desk.view.notice.as_deref(), Some("no numbers yet; space runs the lab"));
    }
}

#[test]
fn in_ascii_only_a_prediction_begins_with_a_question_mark() {
    let theme = Theme { palette: Palette::Ansi, ascii: true };
    let mut desk = Desk::new(BATCHING).sized(120, 100);
    desk.view.pane = Pane::Text;
    let drawn = text(&desk.frame(theme));
    let marked = drawn.lines().filter(|line| line.trim_start().starts_with("? ")).count();
    assert_eq!(marked, desk.view.step(&desk.lesson).predictions().count(), "{drawn}");
    assert!(drawn.contains("> The same operations, handed over together."), "{drawn}");
}

#[test]
fn a_lab_that_has_no_room_for_all_says_so_on_its_border() {
    let border = |screen: &str| screen.lines().rev().nth(1).unwrap().to_owned();
    let desk = Desk::new(BATCHING).answered("0.5").runs(60);
    let low = desk.sized(120, 16);
    let drawn = border(&low.screen());
    assert!(drawn.contains("lines: t ") && drawn.ends_with('┘'), "{drawn}");
    let roomy = low.sized(200, 100);
    assert!(!border(&roomy.screen()).contains("lines"), "{}", roomy.screen());
}

#[test]
fn the_screens_at_the_sizes_of_the_design() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 60)] {
        let size = format!("{width}x{height}");
        insta::assert_snapshot!(format!("first_{size}"), Desk::new(0).sized(width, height).screen());
        let mut asking = Desk::new(BATCHING).sized(width, height);
        asking.press(&[Key::Char(' ')]);
        insta::assert_snapshot!(format!("asking_{size}"), asking.screen());
        let mut live = Desk::new(BATCHING).sized(width, height).answered("0.5").runs(60);
        insta::assert_snapshot!(format!("live_{size}"), live.screen());
        live.press(&[Key::Char('f'), Key::Tab, Key::Down, Key::Right, Key::Char('i')]);
        insta::assert_snapshot!(format!("info_{size}"), live.screen());
        let mut help = Desk::new(BATCHING).sized(width, height);
        help.press(&[Key::Char('?')]);
        insta::assert_snapshot!(format!("help_{size}"), help.screen());
    }
}

/// The load changes while servers run; another set of servers, or a closed loop, begins anew.
#[test]
fn the_learner_changes_what_runs() {
    let mut desk = Desk::new(BATCHING).answered("1").runs(50);
    assert_eq!(desk.press(&[Key::Char('+')]), Effect::Change);
    assert_eq!(desk.view.lab(&desk.lesson).unwrap().load.connections, 128);
    assert_eq!(desk.press(&[Key::Char('-')]), Effect::Change);
    assert_eq!(desk.view.tuned, None, "as the lesson has it");
    assert_eq!(desk.press(&[Key::Char('a'), Key::Char('a')]), Effect::Change);
    assert_eq!(desk.view.lab(&desk.lesson).unwrap().load.idle, 100);
    // The rate, up to a closed loop.
    desk.press(&[Key::Char('c'), Key::Down, Key::Down, Key::Down]);
    let effects: Vec<_> = (0..9).map(|_| desk.press(&[Key::Right])).collect();
    assert_eq!(effects[0], Effect::Change);
    assert!(effects.contains(&Effect::Start), "a closed loop begins anew: {effects:?}");
    assert_eq!(desk.press(&[Key::Backspace]), Effect::Start);
    assert_eq!(desk.view.tuned, None);
    assert_eq!(desk.press(&[Key::Esc]), Effect::None);
    assert_eq!(desk.view.overlay, None);
}

/// What the learner made of the lab is no answer to the lesson's question.
#[test]
fn a_changed_lab_measures_no_prediction() {
    let mut desk = Desk::new(BATCHING).answered("1").runs(50);
    let before = desk.view.measured.clone();
    desk.press(&[Key::Char('+')]);
    let remembered = desk.view.measured.clone();
    assert_ne!(remembered, before, "measured before the change, that counts");
    desk.press(&[Key::Char('+'), Key::Right]);
    assert_eq!(desk.view.measured, remembered);
    assert_eq!(desk.view.tuned, None, "another step has its own lab");
}

/// Before a room, nothing is given away until the presenter says so.
#[test]
fn a_presenter_shows_the_answers_when_they_are_asked_for() {
    let mut desk = Desk::new(BATCHING).sized(60, 18);
    desk.view.present = Some(Default::default());
    assert_eq!(desk.press(&[Key::Enter]), Effect::Start, "nobody is asked to type");
    let mut desk = desk.runs(50);
    desk.press(&[Key::Char('t')]);
    let hidden = text(&desk.frame(Theme::DEFAULT));
    assert!(hidden.contains("v shows what the kernel says"), "{hidden}");
    desk.press(&[Key::Char('v')]);
    let shown = text(&desk.frame(Theme::DEFAULT));
    assert!(shown.contains("The kernel says"), "{shown}");
}

/// Where io_uring is refused and nothing was recorded, the reason stays on the screen and the lesson goes on.
#[test]
fn a_run_that_could_not_be_says_why_and_lets_the_learner_go_on() {
    let mut desk = Desk::new(BATCHING).answered("1").runs(0);
    desk.input(Input::Failed("this machine refuses io_uring; this lab has no recorded run".into()));
    desk.input(Input::Over);
    let shown = desk.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("this machine refuses io_uring"), "{shown}");
    let step = desk.view.step;
    desk.press(&[Key::Enter]);
    assert_eq!(desk.view.step, step + 1);
}
