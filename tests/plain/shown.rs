//! A step as both faces show it.

use iolab::lesson::{Lesson, Step};
use iolab::plain;
use iolab::screen::{Palette, Run, State, Theme, View, frame};
use iolab::trace::Trace;
use iolab::world::World;
use ratatui::layout::Size;

/// What stands between words on the screen and says nothing: lines, bars, bullets, glyphs beside a word.
pub const DECORATION: &[char] = &[
    '─', '│', '┌', '┐', '└', '┘', '├', '┤', '┬', '┴', '█', '▉', '▊', '▋', '▌', '▍', '▎', '▏', '▲', '▼', '·',
    '●', '◐', '○', '■', '▶', '‖', '✓', '✗', '▸', '▮', '▯', '↑', '↓',
];

/// What is answered to each prediction, and why the run is a recorded one.
pub const ANSWER: &str = "1";
pub const WHY: &str = "this test plays it";

/// A step as both faces show it.
pub struct Shown {
    pub lesson: Lesson,
    pub step: usize,
    pub trace: Option<Trace>,
    /// The text, its white space made one space each.
    pub plain: String,
    /// The same with what stands apart set apart by a semicolon: `225  253` are two numbers.
    pub apart: String,
}

impl Shown {
    pub fn new(lesson: &Lesson, step: usize, trace: Option<Trace>) -> Self {
        let text = text(lesson, &lesson.steps[step], step, trace.as_ref());
        let apart = text.replace('\n', "  ").split("  ").map(str::trim).collect::<Vec<_>>().join("; ");
        Self { lesson: lesson.clone(), step, trace, plain: squeezed(&text), apart }
    }

    /// The screen when all predictions are answered and the run is over.
    pub fn view(&self) -> View {
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
    pub fn rows(&self, view: &View, size: Size) -> Vec<String> {
        let world = self.trace.as_ref().map(|trace| World::at(trace, view.t_ns()));
        let theme = Theme { palette: Palette::Mono, ascii: false };
        let drawn = frame(world.as_ref(), view, &self.lesson, size, theme).buffer;
        let row = |y| (0..size.width).map(|x| drawn[(x, y)].symbol()).collect();
        (1..size.height.saturating_sub(1)).map(row).collect()
    }

    pub fn where_it_is(&self) -> String {
        format!("lesson {}, step {}", self.lesson.number, self.step + 1)
    }

    /// Looks for all that a row says.
    pub fn assert_told(&self, row: &str) {
        // Where somebody stands in a run is the screen's own business, as the page of a text is: the text tells the
        // whole run, and at its prompt time is asked for.
        let is_scrubber = row.contains(['┃', '┆']) || row.contains("▒ window");
        if is_scrubber {
            return;
        }
        for part in row.split('│') {
            let tokens = tokens(part);
            let label = tokens.first().cloned().unwrap_or_default();
            // How much of a story has no room is the screen's own business: the text has the lines themselves.
            let is_cut = |token: &&String| {
                let before = token.starts_with('…') && token.ends_with("before");
                before || (token.starts_with('+') && token.contains(" line"))
            };
            for token in tokens.iter().filter(|token| !is_cut(token)) {
                assert!(
                    self.tells(token, &label),
                    "{}: the screen says {token:?} and the text does not:\n{row}\n\n{}",
                    self.where_it_is(),
                    self.plain
                );
            }
        }
    }
}

/// The plain edition of a step with this run.
pub fn text(lesson: &Lesson, step: &Step, index: usize, trace: Option<&Trace>) -> String {
    let mut out = plain::lesson::opening(lesson) + &plain::lesson::heading(lesson, index);
    out += &plain::lesson::prose(step);
    out.extend(step.predictions().map(plain::lesson::question));
    let (Some(lab), Some(trace)) = (step.lab(), trace) else { return out };
    let world = World::at(trace, u64::MAX);
    out += &plain::lesson::running(lab, Some(WHY));
    out += &plain::lab_of_step(lab, &world);
    out.extend(step.predictions().map(|asked| plain::lesson::answer(asked, Some(ANSWER), &world)));
    out
}

/// One space for each stretch of white space.
pub fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands apart in a row: at least two spaces, or decoration, lie between.
pub fn tokens(row: &str) -> Vec<String> {
    let row: String = row.chars().map(|c| if DECORATION.contains(&c) { ' ' } else { c }).collect();
    let trimmed = row.trim_start().trim_start_matches(['?', '!', '•']).to_owned();
    trimmed.split("  ").map(squeezed).filter(|token| !token.is_empty()).collect()
}
