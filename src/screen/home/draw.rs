//! How home is drawn: a row for each lesson and each exercise, with as many columns as there is room for.

use ratatui::layout::Rect;

use super::row::{self, Row};
use super::{HomeView, context, exercise, key_lines, ladder};
use crate::lesson::Lesson;
use crate::screen::app::Setting;
use crate::screen::keys;
use crate::screen::layout::{bottom, top};
use crate::screen::paint::{Click, Frame, Paint, shorten, width, wrap};
use crate::screen::theme::{Role, Theme};
use crate::screen::{footer, overlay};

/// Wider than this a row is hard to follow.
const COLUMNS_MAX: u16 = 112;

/// Columns between two columns.
const GAP: u16 = 3;

/// The head of the last column.
const PREDICTIONS: &str = "predictions made";

/// Draws home.
pub fn frame(view: &HomeView, setting: &Setting<'_>, theme: Theme) -> Frame {
    let size = setting.size;
    let screen = Rect::new(0, 0, size.width, size.height);
    let mut paint = Paint::new(screen, theme);
    let (header, rest) = top(screen, 1);
    let (body, last) = bottom(rest, u16::from(rest.height > 1));
    draw_header(&mut paint, header, setting);
    draw_body(&mut paint, body, view, setting);
    match &view.notice {
        Some(notice) => footer::draw_notice(&mut paint, last, notice),
        None => {
            let can = |binding: &&keys::Binding| {
                binding.footer.is_some() && super::why_not(binding.action, view, setting).is_none()
            };
            let rows = keys::here(context(view)).filter(can);
            footer::draw_keys(&mut paint, last, rows, |binding| Some(binding.footer?.0));
        }
    }
    if let Some((index, scroll)) = view.exercise {
        overlay::window(&mut paint, size, "exercise", &exercise::lines(index, setting, theme), scroll);
    }
    if let Some(scroll) = view.keys {
        overlay::window(&mut paint, size, "keys", &key_lines(view, setting, theme), scroll);
    }
    paint.done()
}

fn draw_header(paint: &mut Paint, area: Rect, setting: &Setting<'_>) {
    let column = paint.text(area, u16::from(area.width >= 40), 0, "iolab", Role::Title);
    let column = column.saturating_add(2);
    let about = ["Linux I/O: the kernel is the teacher", "Linux I/O"];
    let room = area.width.saturating_sub(column);
    let about = about.into_iter().find(|about| width(about) <= room).unwrap_or_default();
    let after = paint.text(area, column, 0, about, Role::Strong);
    let (done, all) = (setting.progress.lessons_done(setting.course), setting.course.lessons.len());
    let says = format!("{done} of {all} lessons done");
    let end = area.width.saturating_sub(1);
    if done > 0 && after.saturating_add(width(&says)).saturating_add(GAP) <= end {
        paint.right(area, end, 0, &says, Role::Quiet);
    }
}

/// A line of what is scrolled where there is not room for all of it.
#[derive(Clone, Debug)]
enum Item {
    /// Nothing; air.
    Blank,
    /// Nothing, between lessons and exercises: a line across where home has a frame.
    Between,
    /// The names of the columns of lessons.
    Lessons,
    /// The names of the columns of exercises.
    Exercises,
    /// How many of them were passed, where there is no room for more.
    Summary(String),
    /// A row that can be chosen: its index.
    Row(usize),
    /// What is said below the rows.
    Note(String, Role),
}

/// Rows first; what remains is for what is said around them.
fn draw_body(paint: &mut Paint, body: Rect, view: &HomeView, setting: &Setting<'_>) {
    let rows = row::rows(setting.course, setting.progress);
    let framed = body.width >= 100 && body.height >= 12;
    let area = if framed {
        paint.frame(body);
        paint.title(
            Rect { x: body.x + 1, width: body.width - 2, height: 1, ..body },
            0,
            "lessons",
            "",
            false,
        );
        Rect { x: body.x + 3, y: body.y + 1, width: body.width - 6, height: body.height - 2 }
    } else {
        let by = u16::from(body.width >= 40);
        Rect { x: body.x + by, width: body.width.saturating_sub(by * 2), ..body }
    };
    let area = Rect { width: area.width.min(COLUMNS_MAX), ..area };
    let chosen = view.chosen.min(rows.len().saturating_sub(1));
    let items = items(&rows, chosen, area, setting);
    let line = items.iter().position(|item| matches!(item, Item::Row(index) if *index == chosen));
    let height = usize::from(area.height);
    // The chosen row is in sight, and what comes next where there is room; at the last row all that follows.
    let last = if chosen + 1 == rows.len() { items.len() } else { line.map_or(0, |line| line + 2) };
    let from = last.saturating_sub(height).min(line.unwrap_or(0));
    let columns = (Columns::fit(setting, area.width), ladder::Columns::fit(setting, area.width));
    for (at, item) in (0..area.height).zip(items.iter().skip(from)) {
        match item {
            Item::Blank => {}
            Item::Between if framed => draw_between(paint, body, area.y.saturating_add(at)),
            Item::Between => {}
            Item::Lessons => draw_head(paint, area, at, &columns.0),
            Item::Summary(text) => {
                paint.text(area, if area.width >= 33 { 5 } else { 0 }, at, text, Role::Quiet);
            }
            Item::Exercises => ladder::draw_head(paint, area, at, &columns.1),
            Item::Note(text, role) => {
                paint.text(area, 0, at, text, *role);
            }
            Item::Row(index) => {
                let on = *index == chosen;
                draw_row(paint, area, at, rows[*index], on, &columns, setting);
                let zone = Rect { y: area.y.saturating_add(at), height: 1, ..area };
                paint.zone(zone.intersection(area), Click::Choose(*index));
                if on {
                    paint.cursor(area, 0, at);
                }
            }
        }
    }
}

/// The line between lessons and exercises, joined to the frame.
fn draw_between(paint: &mut Paint, body: Rect, y: u16) {
    let row = Rect { y, height: 1, ..body };
    let lines = paint.glyphs().lines;
    let inner = Rect { x: row.x.saturating_add(1), width: row.width.saturating_sub(2), ..row };
    paint.text(row, 0, 0, lines[6], Role::Frame);
    paint.rule(inner, 0, "exercises", "", false);
    paint.text(row, row.width.saturating_sub(1), 0, lines[7], Role::Frame);
}

/// What stands on home, from above; where it does not fit, the rows and what names them only, notes last.
fn items(rows: &[Row], chosen: usize, area: Rect, setting: &Setting<'_>) -> Vec<Item> {
    let count = |of: fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count();
    let goes_on = count(|row| matches!(row, Row::Continue(_)));
    let lessons = count(|row| matches!(row, Row::Lesson(_)));
    let exercises = count(|row| matches!(row, Row::Exercise(_)));
    let mut notes = machine_lines(setting, area.width);
    let titled = usize::from(exercises > 0);
    let mut spare = usize::from(area.height).saturating_sub(rows.len() + titled);
    let has_notes = spare >= notes.len();
    spare = if has_notes { spare - notes.len() } else { 0 };
    // Where notes have no room, the exercises are headed by what the last of them says.
    let summary = if has_notes { None } else { summary(setting) };
    notes.truncate(notes.len() - usize::from(summary.is_some()));
    // All of it or nothing, and only where so much is left.
    let mut take = |wanted: usize, from: usize| {
        let taken = spare >= wanted.max(from) && wanted > 0;
        spare -= if taken { wanted } else { 0 };
        taken
    };
    let head = take(1, 1);
    let parted = take(titled, 1);
    let says = rows.get(chosen).map(|row| row::says(setting.course, setting.progress, *row));
    let says = wrap(&says.unwrap_or_default(), area.width);
    // The longest of them, so that choosing moves nothing.
    let longest = rows.iter().map(|row| wrap(&row::says(setting.course, setting.progress, *row), area.width));
    let longest = longest.map(|lines| lines.len()).max().unwrap_or(0);
    let detail = take(longest + 1, 1);
    let above = take(1, 3);
    let between = take(goes_on, 2);
    let apart = take(1, 1);
    // On a high screen each lesson has air around it.
    let airy = take(lessons, lessons + 6);

    let mut items = Vec::new();
    let mut add = |wanted: bool, item: Item| items.extend(wanted.then_some(item));
    add(above, Item::Blank);
    for (index, row) in rows.iter().enumerate() {
        match row {
            Row::Lesson(lesson) => {
                add(head && *lesson == 0, Item::Lessons);
                add(airy && *lesson > 0, Item::Blank);
            }
            Row::Exercise(0) => {
                add(parted, Item::Between);
                add(true, summary.clone().map_or(Item::Exercises, Item::Summary));
            }
            Row::Exercise(_) | Row::Continue(_) => {}
        }
        add(true, Item::Row(index));
        add(between && matches!(row, Row::Continue(_)), Item::Blank);
    }
    if detail {
        add(true, Item::Blank);
        for nth in 0..longest {
            let line = says.get(nth).cloned();
            add(true, line.map_or(Item::Blank, |line| Item::Note(line, Role::Plain)));
        }
    }
    add(apart, Item::Blank);
    items.extend(notes.into_iter().map(|(text, role)| Item::Note(text, role)));
    items
}

/// What this machine allows, and how many exercises were passed.
fn machine_lines(setting: &Setting<'_>, columns: u16) -> Vec<(String, Role)> {
    let (says, role) = match setting.machine {
        Some(says) => (format!("this machine: {says}"), Role::Plain),
        None => ("this machine: being examined".to_owned(), Role::Quiet),
    };
    let mut lines: Vec<_> = wrap(&says, columns).into_iter().map(|line| (line, role)).collect();
    lines.extend(summary(setting).map(|says| (says, Role::Quiet)));
    lines
}

/// How many exercises were passed; nothing where there are none.
fn summary(setting: &Setting<'_>) -> Option<String> {
    let all = setting.course.exercises.len();
    let passed = setting.progress.exercises_passed(setting.course);
    (all > 0).then(|| format!("exercises: {passed} of {all} passed"))
}

/// The columns of the table; those without room are left out.
struct Columns {
    title: u16,
    minutes: bool,
    bar: u16,
    steps: u16,
    predictions: bool,
}

impl Columns {
    fn fit(setting: &Setting<'_>, columns: u16) -> Self {
        let lessons = &setting.course.lessons;
        let known = |lesson: &Lesson| setting.progress.lesson(&lesson.name).clone();
        let widest = |of: &dyn Fn(&Lesson) -> u16| lessons.iter().map(of).max().unwrap_or(0);
        let titles = widest(&|lesson| width(&lesson.title));
        let steps = widest(&|lesson| width(&row::steps(lesson, &known(lesson))));
        let predictions =
            widest(&|lesson| width(&row::predictions(lesson, &known(lesson)))).max(width(PREDICTIONS));
        // The mark, the number and the title's gap.
        let mut left = columns.saturating_sub(6).saturating_sub(titles);
        let mut take = |wanted: u16| {
            let wanted = wanted.saturating_add(GAP);
            let fits = wanted <= left;
            left -= if fits { wanted } else { 0 };
            fits
        };
        let has_steps = take(steps);
        let has_minutes = has_steps && take(6);
        let has_predictions = has_minutes && take(predictions);
        let bar = if has_steps && take(6) { 6u16.saturating_add(left).min(18) } else { 0 };
        let used = if has_steps { 0 } else { steps.saturating_add(1) };
        Self {
            title: if has_steps { titles } else { columns.saturating_sub(5).saturating_sub(used) },
            minutes: has_minutes,
            bar,
            steps,
            predictions: has_predictions,
        }
    }
}

fn draw_head(paint: &mut Paint, area: Rect, row: u16, columns: &Columns) {
    let mut column = 5u16.saturating_add(columns.title).saturating_add(GAP);
    paint.text(area, 5, row, "lesson", Role::Quiet);
    if columns.minutes {
        paint.text(area, column, row, "time", Role::Quiet);
        column = column.saturating_add(6 + GAP);
    }
    // Alone it stands at the right edge, as its numbers do.
    let alone = columns.bar == 0 && !columns.minutes;
    let steps =
        if alone { area.width.min(column.saturating_add(columns.steps)).saturating_sub(5) } else { column };
    paint.text(area, steps, row, "steps", Role::Quiet);
    column = column.saturating_add(columns.steps).saturating_add(GAP);
    column = column.saturating_add(if columns.bar > 0 { columns.bar.saturating_add(GAP) } else { 0 });
    if columns.predictions {
        paint.text(area, column, row, PREDICTIONS, Role::Quiet);
    }
}

fn draw_row(
    paint: &mut Paint,
    area: Rect,
    at: u16,
    row: Row,
    on: bool,
    (columns, of_exercises): &(Columns, ladder::Columns),
    setting: &Setting<'_>,
) {
    let role = if on { Role::Focus } else { Role::Plain };
    paint.text(area, 0, at, if on { paint.glyphs().ask } else { " " }, Role::Key);
    let index = match row {
        Row::Continue(to) => {
            let text = row::goes_on(setting.course, setting.progress, to);
            let text = shorten(&text, area.width.saturating_sub(2), paint.glyphs());
            paint.text(area, 2, at, &text, if on { Role::Focus } else { Role::Strong });
            return;
        }
        Row::Exercise(index) => return ladder::draw_row(paint, area, at, index, on, of_exercises, setting),
        Row::Lesson(index) => index,
    };
    let lesson = &setting.course.lessons[index];
    let known = setting.progress.lesson(&lesson.name);
    paint.text(area, 2, at, &format!("{:>2}", lesson.number), Role::Quiet);
    let title = shorten(&lesson.title, columns.title, paint.glyphs());
    paint.text(area, 5, at, &title, role);
    let mut column = 5u16.saturating_add(columns.title).saturating_add(GAP);
    if columns.minutes {
        paint.right(area, column.saturating_add(6), at, &format!("{} min", lesson.minutes), Role::Quiet);
        column = column.saturating_add(6 + GAP);
    }
    let steps = row::steps(lesson, known);
    if columns.bar > 0 {
        column = draw_bar(paint, area, column, at, columns.bar, lesson, setting).saturating_add(GAP);
    }
    let end = area.width.min(column.saturating_add(columns.steps));
    let steps_role = if known.completed { Role::Good } else { Role::Plain };
    let start = if columns.bar > 0 || columns.minutes { column } else { end.saturating_sub(width(&steps)) };
    paint.text(area, start, at, &steps, steps_role);
    if columns.predictions {
        let text = row::predictions(lesson, known);
        paint.text(area, column.saturating_add(columns.steps).saturating_add(GAP), at, &text, Role::Plain);
    }
}

/// A bar of the steps seen; returns the column after it.
fn draw_bar(
    paint: &mut Paint,
    area: Rect,
    column: u16,
    at: u16,
    cells: u16,
    lesson: &Lesson,
    setting: &Setting<'_>,
) -> u16 {
    let seen = setting.progress.lesson(&lesson.name).steps_seen(lesson);
    let all = lesson.steps.len().max(1);
    // One step seen is a beginning; full is only what is done.
    let filled = (seen * usize::from(cells)).checked_div(all).unwrap_or(0).max(usize::from(seen > 0));
    let glyphs = paint.glyphs();
    let after = paint.text(area, column, at, &glyphs.done.repeat(filled), Role::Good);
    paint.text(area, after, at, &glyphs.open.repeat(usize::from(cells).saturating_sub(filled)), Role::Frame)
}
