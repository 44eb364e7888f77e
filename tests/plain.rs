//! The plain edition is a whole edition: every fact that the screen shows of a step occurs in its text.
//!
//! Both are drawn from the same run, and everything that stands on the screen is looked for in the text: prose,
//! questions, verdicts and findings word for word, numbers as numbers (the faces round them each in its way).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{LESSONS, Lesson, Source, Step};
use iolab::plain;
use iolab::screen::{Focus, Overlay, Palette, Pane, Run, State, Theme, View, frame};
use iolab::trace::{Trace, file};
use iolab::world::World;
use ratatui::layout::Size;

/// What stands between words on the screen and says nothing: lines, bars, bullets, glyphs beside a word.
const DECORATION: &[char] = &[
    '─', '│', '┌', '┐', '└', '┘', '├', '┤', '┬', '┴', '█', '▉', '▊', '▋', '▌', '▍', '▎', '▏', '▲', '▼', '·',
    '●', '◐', '○', '■', '▶', '‖', '✓', '✗', '▸', '▮', '▯', '↑', '↓',
];

/// A step as both faces show it.
struct Shown {
    lesson: Lesson,
    step: usize,
    trace: Option<Trace>,
    /// The text, its white space made one space each.
    plain: String,
    /// The same with what stands apart set apart by a semicolon: `225  253` are two numbers.
    apart: String,
}

impl Shown {
    fn new(lesson: &Lesson, step: usize, trace: Option<Trace>) -> Self {
        let text = text(lesson, &lesson.steps[step], step, trace.as_ref());
        let apart = text.replace('\n', "  ").split("  ").map(str::trim).collect::<Vec<_>>().join("; ");
        Self { lesson: lesson.clone(), step, trace, plain: squeezed(&text), apart }
    }

    /// The screen when all predictions are answered and the run is over.
    fn view(&self) -> View {
        let mut view = View::new(self.step);
        for asked in self.lesson.steps[self.step].predictions() {
            view.answers.insert(asked.id.clone(), ANSWER.into());
        }
        if self.trace.is_some() {
            view.run = Run::Some { step: self.step, state: State::Over, recorded: Some(WHY.into()) };
        }
        view
    }

    /// The rows of the screen between its header and its footer.
    fn rows(&self, view: &View, size: Size) -> Vec<String> {
        let world = self.trace.as_ref().map(|trace| World::at(trace, view.t_ns()));
        let theme = Theme { palette: Palette::Mono, ascii: false };
        let drawn = frame(world.as_ref(), view, &self.lesson, size, theme).buffer;
        let row = |y| (0..size.width).map(|x| drawn[(x, y)].symbol()).collect();
        (1..size.height.saturating_sub(1)).map(row).collect()
    }

    fn where_it_is(&self) -> String {
        format!("lesson {}, step {}", self.lesson.number, self.step + 1)
    }

    /// Looks for all that a row says.
    fn assert_told(&self, row: &str) {
        for part in row.split('│') {
            let tokens = tokens(part);
            let label = tokens.first().cloned().unwrap_or_default();
            for token in &tokens {
                assert!(
                    self.tells(token, &label),
                    "{}: the screen says {token:?} and the text does not:\n{row}\n\n{}",
                    self.where_it_is(),
                    self.plain
                );
            }
        }
    }

    /// Whether the text tells this, which stands in a row of that label.
    fn tells(&self, token: &str, label: &str) -> bool {
        let halves = || token.split_once(": ").is_some_and(|(a, b)| self.says(a) && self.says(b));
        self.says(token)
            || self.is_about_the_screen(token)
            || self.tells_number(token, label)
            || self.tells_share(token, label)
            || self.tells_interest(token)
            || self.tells_depth(token)
            || halves()
    }

    /// A word that is longer than a line, such as an address, is cut: its pieces count as one.
    fn says(&self, words: &str) -> bool {
        let joined = |text: &str| text.replace(' ', "");
        self.plain.contains(&squeezed(words))
            || words.contains("://") && joined(&self.plain).contains(&joined(words))
    }

    /// What the screen says of itself: how much of it is out of sight.
    fn is_about_the_screen(&self, token: &str) -> bool {
        let hints = ["per echo", "SQEs", "depth", "a recorded run: ", "space runs"];
        hints.iter().any(|hint| token.starts_with(hint))
            || token == "end"
            || token.ends_with("more")
            || token.strip_prefix('+').is_some_and(|more| more.parse::<u64>().is_ok())
            // Where the load is named: its numbers are looked for.
            || token.contains(" B, ") && numbers(token).iter().all(|n| self.numbers().contains(n))
    }

    /// A number beside its label: in the text it follows the same label.
    fn tells_number(&self, token: &str, label: &str) -> bool {
        let [shown] = written(token)[..] else { return token == "not known" };
        self.apart.match_indices(label).any(|(at, _)| {
            let after: String = self.apart[at + label.len()..].chars().take(90).collect();
            written(&after).iter().any(|told| (told.value - shown.value).abs() <= told.off + shown.off)
        })
    }

    /// A row of a histogram: its label is a value or a range, its shares stand in the text behind either.
    fn tells_share(&self, token: &str, label: &str) -> bool {
        if token == label {
            // A bucket; empty ones between others are drawn, too.
            return numbers(&token.replace('-', " to ")).len() <= 2
                && token.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+'));
        }
        let (Some(share), [low, high]) = (token.strip_suffix(" %"), range(label)) else { return false };
        let of_range = format!("{low} to {high}: {share} %");
        self.says(&of_range)
            || (low..=high.min(low + 65_536)).any(|value| self.says(&format!("{value}: {share} %")))
    }

    /// `fd7 IN|ET`: the text joins neighbours, as in `fd 7 to 68 IN|ET`.
    fn tells_interest(&self, token: &str) -> bool {
        let Some((fd, flags)) = token.strip_prefix("fd").and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let Ok(fd) = fd.parse::<u64>() else { return false };
        self.plain.split(&format!(" {flags}")).any(|before| {
            let Some((_, fds)) = before.rsplit_once("fd ") else { return false };
            match fds.split_once(" to ") {
                Some((first, last)) => {
                    (first.parse().unwrap_or(u64::MAX)..=last.parse().unwrap_or(0)).contains(&fd)
                }
                None => fds.parse() == Ok(fd),
            }
        })
    }

    /// `SQ 3 of 256`: the text says how many slots there are and how many entries wait.
    fn tells_depth(&self, token: &str) -> bool {
        let Some((depth, slots)) = token.split_once(" of ") else { return false };
        ["queued", "waiting"].iter().any(|word| self.says(&format!("{depth} {word}")))
            && self.says(&format!("{slots} slots"))
    }

    fn numbers(&self) -> Vec<f64> {
        numbers(&self.plain)
    }
}

/// What is answered to each prediction, and why the run is a recorded one.
const ANSWER: &str = "1";
const WHY: &str = "this test plays it";

/// The plain edition of a step with this run.
fn text(lesson: &Lesson, step: &Step, index: usize, trace: Option<&Trace>) -> String {
    let mut out = plain::lesson::opening(lesson) + &plain::lesson::heading(lesson, index);
    out += &plain::lesson::prose(step);
    out.extend(step.predictions().map(plain::lesson::question));
    let (Some(lab), Some(trace)) = (step.lab(), trace) else { return out };
    let world = World::at(trace, u64::MAX);
    out += &plain::lesson::running(lab, Some(WHY));
    out += &plain::lab(&world);
    out.extend(step.predictions().map(|asked| plain::lesson::answer(asked, Some(ANSWER), &world)));
    out
}

/// One space for each stretch of white space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands apart in a row: at least two spaces, or decoration, lie between.
fn tokens(row: &str) -> Vec<String> {
    let row: String = row.chars().map(|c| if DECORATION.contains(&c) { ' ' } else { c }).collect();
    let trimmed = row.trim_start().trim_start_matches(['?', '!', '•']).to_owned();
    trimmed.split("  ").map(squeezed).filter(|token| !token.is_empty()).collect()
}

/// A number as it is written, and how far off it may be: half a unit of its last digit.
#[derive(Clone, Copy, Debug)]
struct Written {
    value: f64,
    off: f64,
}

/// The values of the numbers in a text.
fn numbers(text: &str) -> Vec<f64> {
    written(text).into_iter().map(|number| number.value).collect()
}

/// The numbers in a text; thousands may stand apart.
fn written(text: &str) -> Vec<Written> {
    let number = |digits: &str| {
        let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let off = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap()) + 1e-9;
        digits.parse().ok().map(|value| Written { value, off })
    };
    let mut found = Vec::new();
    let mut digits = String::new();
    let chars: Vec<char> = text.chars().chain([' ', ' ']).collect();
    for (at, c) in chars.iter().enumerate() {
        let next_is_group =
            || chars.get(at + 1..at + 4).is_some_and(|next| next.iter().all(char::is_ascii_digit));
        let ends = |at: usize| chars.get(at).is_none_or(|c| !c.is_ascii_digit());
        match c {
            c if c.is_ascii_digit() => digits.push(*c),
            '.' if !digits.is_empty() && !ends(at + 1) => digits.push('.'),
            ' ' if !digits.is_empty() && next_is_group() && ends(at + 4) => {}
            _ => found.extend(number(&std::mem::take(&mut digits))),
        }
    }
    found
}

/// The first and the last value of a histogram's row.
fn range(label: &str) -> [u64; 2] {
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    match label.split_once('-') {
        Some((low, high)) => [number(low), number(high)],
        None => [number(label.trim_end_matches('+')); 2],
    }
}

/// The run of a step: as it was recorded, and as the fixture makes one up.
fn runs(source: &Source, step: &Step) -> Vec<Option<Trace>> {
    let Some(lab) = step.lab() else { return vec![None] };
    let recorded = lab.recording.as_deref().map(|name| {
        let bytes = source.recording(name).unwrap_or_else(|| panic!("{name} is missing"));
        file::read(bytes).unwrap().trace
    });
    let made = fixture::trace(&lab.servers, &lab.load, 60);
    recorded.into_iter().chain([made]).map(Some).collect()
}

/// Every step of every lesson, with every run.
fn all() -> Vec<Shown> {
    let mut all = Vec::new();
    for source in LESSONS {
        let lesson = source.read().unwrap();
        for (index, step) in lesson.steps.iter().enumerate() {
            all.extend(runs(source, step).into_iter().map(|trace| Shown::new(&lesson, index, trace)));
        }
    }
    assert!(all.len() > LESSONS.len());
    all
}

#[test]
fn every_fact_of_the_screen_is_in_the_text() {
    for shown in all() {
        let mut view = shown.view();
        // Side by side as it is mostly seen, then each half with room for all that it has.
        for (pane, size) in [
            (Pane::Both, Size::new(200, 60)),
            (Pane::Text, Size::new(120, 300)),
            (Pane::Lab, Size::new(200, 300)),
        ] {
            view.pane = pane;
            for row in shown.rows(&view, size) {
                shown.assert_told(&row);
            }
        }
        // Before the run: who will be seen.
        let waiting = View { pane: Pane::Lab, ..View::new(shown.step) };
        for row in shown.rows(&waiting, Size::new(200, 60)) {
            shown.assert_told(&row);
        }
        assert!(shown.says(&shown.lesson.title) && shown.says(&format!("Step {} of", shown.step + 1)));
    }
}

#[test]
fn why_says_all_that_the_screen_says_of_a_number() {
    for shown in all() {
        let Some(lab) = shown.lesson.steps[shown.step].lab() else { continue };
        let world = World::at(shown.trace.as_ref().unwrap(), u64::MAX);
        let servers = world.servers();
        let topics = plain::why::topics(lab);
        let last =
            servers.iter().position(|server| Some(server.name) == lab.servers.last().map(String::as_str));
        for (row, topic) in topics.iter().take(lab.metrics.len()).enumerate() {
            let mut view = shown.view();
            view.focus = Focus::Number { row, column: last.unwrap() };
            view.overlay = Some(Overlay::Info { back_to_text: true });
            let text = squeezed(&topic.explain(&servers, |_, _| false));
            let rows = shown.rows(&view, Size::new(200, 60));
            let window = rows.iter().skip_while(|row| !row.contains("what is this?")).skip(1);
            let window: Vec<_> = window.take_while(|row| !row.contains("└─")).collect();
            assert!(window.len() > 5, "{rows:?}");
            for row in window {
                let inside: String = row.chars().skip(60).take(80).collect();
                for token in tokens(inside.trim_matches(|c| DECORATION.contains(&c) || c == ' ')) {
                    let label = ["value", "rung", "means", "measured", "error", "check it", "of"];
                    let token = token.trim_start_matches("of ").to_owned();
                    assert!(
                        label.contains(&token.as_str()) || text.contains(&token),
                        "{}: {token:?} is not in\n{text}",
                        shown.where_it_is()
                    );
                }
            }
        }
    }
}
