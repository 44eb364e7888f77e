//! A step's text as lines: prose, predictions with their answers, what the lab is for.

use unicode_width::UnicodeWidthStr;

use super::keys::{self, Action};
use super::paint::{Paint, width, wrap};
use super::theme::Role;
use super::view::{Focus, View};
use crate::lesson::{Block, Insight, Lesson, Prediction, Verdict, prose, wrap as prose_wrap};
use crate::world::{MetricId, ServerView, insight};

/// One line: pieces of text with their roles.
pub type Line = Vec<(String, Role)>;

/// Lines, and where the answer is typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// The lines.
    pub lines: Vec<Line>,
    /// Line and column of the cursor.
    pub prompt: Option<(usize, u16)>,
    /// The line that the first prediction begins at.
    pub prediction: Option<usize>,
}

/// What is known of the measurements.
#[derive(Debug)]
pub enum Told<'w> {
    /// What these servers' runs say, and what earlier runs said.
    By(&'w [ServerView<'w>]),
    /// Suppose that all is known: the most lines that there can be.
    AtMost,
}

/// The lines of the step.
pub fn lines(view: &View, lesson: &Lesson, columns: u16, told: &Told<'_>) -> Lines {
    let mut out = Lines::default();
    let mut asked = 0;
    for block in &view.step(lesson).blocks {
        if matches!(block, Block::Insight(named) if !has_fired(view, lesson, named, told)) {
            continue;
        }
        if !out.lines.is_empty() {
            out.lines.push(Line::new());
        }
        match block {
            Block::Prose(block) => add_prose(&mut out, block, columns),
            Block::Predict(prediction) => {
                out.prediction.get_or_insert(out.lines.len());
                add_prediction(&mut out, view, prediction, asked, columns, told);
                asked += 1;
            }
            Block::Lab(lab) => add_marked(&mut out, "▸ ", Role::Key, &lab.why, Role::Plain, columns),
            Block::Insight(named) => {
                if let Some(row) = insight::by_id(&named.id) {
                    add_marked(
                        &mut out,
                        "! ",
                        Role::Warn,
                        &format!("{}: {}", named.server, row.title),
                        Role::Strong,
                        columns,
                    );
                }
            }
        }
    }
    if view.step == 0 && !lesson.objectives.is_empty() {
        out.lines.push(Line::new());
        out.lines.push(vec![("When you are through, you can".into(), Role::Quiet)]);
        for goal in &lesson.objectives {
            add_marked(&mut out, "- ", Role::Quiet, &goal.says, Role::Quiet, columns);
        }
    }
    if let Some(exercises) = view.exercises.as_ref().filter(|_| view.step + 1 >= lesson.steps.len()) {
        out.lines.push(Line::new());
        let key = keys::of(Action::Home).name();
        let says = format!("exercises of this lesson: {exercises}; {key}, home, tells of them");
        add_marked(&mut out, "▸ ", Role::Key, &says, Role::Plain, columns);
    }
    out
}

/// Whether a rule's finding may be told: it holds in what ran, and no prediction is still to be made that it
/// would give away.
fn has_fired(view: &View, lesson: &Lesson, named: &Insight, told: &Told<'_>) -> bool {
    match told {
        Told::AtMost => true,
        Told::By(servers) => {
            view.unasked(lesson).is_none()
                && servers
                    .iter()
                    .filter(|server| server.name == named.server)
                    .any(|server| server.insights().iter().any(|finding| finding.id == named.id))
        }
    }
}

/// The line from which the text is shown when a run begins: its prediction is what matters then. A text that
/// fits stays where it is.
pub fn prediction_line(view: &View, lesson: &Lesson, size: ratatui::layout::Size) -> u16 {
    let area = super::layout::areas(size, view, lesson).text;
    let lines = lines(view, lesson, area.width, &Told::AtMost);
    match lines.prediction {
        Some(line) if lines.lines.len() > usize::from(area.height) => u16::try_from(line).unwrap_or(0),
        _ => view.scroll,
    }
}

/// Draws lines from `scroll` on, so that the prompt can be seen; says how far it scrolled.
pub fn draw(paint: &mut Paint, area: ratatui::layout::Rect, lines: &Lines, scroll: u16) -> u16 {
    let count = u16::try_from(lines.lines.len()).unwrap_or(u16::MAX);
    let mut from = scroll.min(count.saturating_sub(area.height));
    if let Some((line, _)) = lines.prompt {
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        // One more line, so that an answer to a bad input has room below.
        from = from.max(line.saturating_add(2).saturating_sub(area.height)).min(line);
    }
    for (row, line) in lines.lines.iter().skip(usize::from(from)).take(usize::from(area.height)).enumerate() {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let mut column = 0;
        for (text, role) in line {
            column = paint.text(area, column, row, text, *role);
        }
    }
    if let Some((line, column)) = lines.prompt {
        let row = u16::try_from(line).unwrap_or(u16::MAX).saturating_sub(from);
        paint.cursor(area, column, row);
    }
    from
}

fn add_prose(out: &mut Lines, block: &prose::Block, columns: u16) {
    for line in prose_wrap::lines(std::slice::from_ref(block), usize::from(columns)) {
        out.lines.push(line.into_iter().map(|span| (span.text, role(&span.style))).collect());
    }
}

fn role(style: &prose::Style) -> Role {
    match style {
        prose::Style::Plain => Role::Plain,
        prose::Style::Strong | prose::Style::Emphasis => Role::Strong,
        prose::Style::Code => Role::Code,
        prose::Style::Link(_) | prose::Style::Judged(prose::Tone::Open) => Role::Quiet,
        prose::Style::Judged(prose::Tone::Good) => Role::Good,
        prose::Style::Judged(prose::Tone::Mixed) => Role::Warn,
        prose::Style::Judged(prose::Tone::Bad) => Role::Bad,
    }
}

/// Text behind a mark, its later lines indented.
fn add_marked(out: &mut Lines, mark: &str, mark_role: Role, text: &str, role: Role, columns: u16) {
    let indent = " ".repeat(mark.width());
    for (index, line) in wrap(text, columns.saturating_sub(width(mark))).into_iter().enumerate() {
        let first = if index == 0 { (mark.to_owned(), mark_role) } else { (indent.clone(), role) };
        out.lines.push(vec![first, (line, role)]);
    }
}

fn add_prediction(
    out: &mut Lines,
    view: &View,
    asked: &Prediction,
    index: usize,
    columns: u16,
    told: &Told<'_>,
) {
    add_marked(out, "? ", Role::Key, &asked.ask, Role::Strong, columns);
    let answer = view.answers.get(&asked.id);
    if let Focus::Typing { prediction, text, .. } = &view.focus
        && *prediction == index
    {
        let label = "  your answer: ";
        out.prompt = Some((out.lines.len(), width(label).saturating_add(width(text))));
        let mut line: Line =
            vec![(label.into(), Role::Plain), (text.clone(), Role::Own), ("_".into(), Role::Own)];
        let unit = asked.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let answer = width(label).saturating_add(width(text)).saturating_add(1);
        let fits = answer.saturating_add(width(&unit)) <= columns;
        if fits {
            line.push((unit.clone(), Role::Quiet));
        }
        out.lines.push(line);
        if !fits {
            add_marked(out, "  ", Role::Quiet, unit.trim(), Role::Quiet, columns);
        }
        return;
    }
    if !view.is_settled(asked) && view.present.is_some() {
        out.lines.push(vec![
            ("  ".into(), Role::Quiet),
            (keys::of(Action::Reveal).name(), Role::Key),
            (" shows what the kernel says".into(), Role::Quiet),
        ]);
        return;
    }
    if !view.is_settled(asked) {
        out.lines.push(vec![
            ("  type a number; ".into(), Role::Quiet),
            ("Enter".into(), Role::Key),
            (" stores it".into(), Role::Quiet),
        ]);
        return;
    }
    let measured = measured(view, asked, told);
    let (says, role) = match (answer, measured) {
        (Some(answer), measured) => {
            let verdict = asked.judge(answer, measured);
            let role = if matches!(verdict, Verdict::Judged { .. }) { Role::Strong } else { Role::Own };
            (verdict.to_string(), role)
        }
        (None, Some(measured)) => (format!("The kernel says {}.", rounded(measured)), Role::Strong),
        (None, None) => ("Passed over. Run it and see.".into(), Role::Quiet),
    };
    add_marked(out, "  ", role, &says, role, columns);
    if measured.is_some() {
        add_marked(out, "  ", Role::Plain, &asked.because, Role::Plain, columns);
    }
}

/// What is known of a prediction's number: what the run says, else what an earlier run said.
pub(super) fn measured(view: &View, asked: &Prediction, told: &Told<'_>) -> Option<f64> {
    let now = match told {
        Told::AtMost => return Some(9.99),
        Told::By(servers) => *servers,
    };
    // What the learner made of the lab is not what was asked about.
    let now = if view.tuned.is_some() { &[] } else { now };
    let live = now
        .iter()
        .find(|server| server.name == asked.server)
        .and_then(|server| server.metric(MetricId::by_key(&asked.metric)?)?.value());
    live.or_else(|| view.measured.get(&asked.id).copied())
}

/// As many digits as a prediction needs.
pub fn rounded(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 0.1 => format!("{value:.2}"),
        small if small >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}
