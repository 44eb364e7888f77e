//! How home is drawn: a row for each lesson, with as many columns as there is room for.

use ratatui::layout::Rect;

use super::row::{self, Row};
use super::{HomeView, context, key_lines};
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

/// Rows first; what remains is for what is said around them.
fn draw_body(paint: &mut Paint, body: Rect, view: &HomeView, setting: &Setting<'_>) {
    let rows = row::rows(setting);
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
    let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let mut spare = area.height.saturating_sub(count);
    let machine = machine_lines(setting, area.width);
    let notes = u16::try_from(machine.len()).unwrap_or(u16::MAX).min(spare);
    spare -= notes;
    // All of it or nothing, and only where so much is left.
    let mut take = |wanted: u16, from: u16| {
        let taken = if spare >= wanted.max(from) { wanted } else { 0 };
        spare -= taken;
        taken
    };
    let head = take(1, 1);
    let chosen = rows.get(view.chosen.min(rows.len().saturating_sub(1))).copied();
    let says = chosen.map(|row| row::says(setting.course, setting.progress, row)).unwrap_or_default();
    let says = wrap(&says, area.width);
    let detail = take(u16::try_from(says.len()).unwrap_or(u16::MAX).saturating_add(1), 1);
    let above = take(1, 3);
    let goes_on = matches!(rows.first(), Some(Row::Continue(_)));
    let between = if goes_on { take(1, 2) } else { 0 };
    let apart = take(1, 1);
    // On a high screen each lesson has air around it.
    let air = take(count, count.saturating_add(6)) > 0;

    let (_, area) = top(area, above);
    let stride = if air { 2 } else { 1 };
    let lessons = count.saturating_sub(u16::from(goes_on)).saturating_mul(stride).saturating_sub(stride - 1);
    let above = u16::from(goes_on).saturating_add(between).saturating_add(head);
    let (list, rest) = top(area, above.saturating_add(lessons));
    draw_rows(paint, list, &rows, view, setting, Rows { head: head > 0, between, stride });
    let (detail, rest) = top(rest, detail);
    for (row, line) in (1..detail.height).zip(&says) {
        paint.text(detail, 0, row, line, Role::Plain);
    }
    let (_, rest) = top(rest, apart);
    for (row, (text, role)) in (0..notes).zip(&machine) {
        paint.text(rest, 0, row, text, *role);
    }
}

/// What this machine allows, and what there is not.
fn machine_lines(setting: &Setting<'_>, columns: u16) -> Vec<(String, Role)> {
    let (says, role) = match setting.machine {
        Some(says) => (format!("this machine: {says}"), Role::Plain),
        None => ("this machine: being examined".to_owned(), Role::Quiet),
    };
    let mut lines: Vec<_> = wrap(&says, columns).into_iter().map(|line| (line, role)).collect();
    lines.push(("exercises: none in this version".to_owned(), Role::Quiet));
    lines
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

/// How the rows stand.
struct Rows {
    /// Whether the columns have a head.
    head: bool,
    /// Rows free between going on and the rest.
    between: u16,
    /// Rows from one lesson to the next.
    stride: u16,
}

fn draw_rows(
    paint: &mut Paint,
    area: Rect,
    rows: &[Row],
    view: &HomeView,
    setting: &Setting<'_>,
    stand: Rows,
) {
    let columns = Columns::fit(setting, area.width);
    let chosen = view.chosen.min(rows.len().saturating_sub(1));
    // To go on stands above the table's head, apart from the lessons.
    let goes_on = matches!(rows.first(), Some(Row::Continue(_)));
    let first = if goes_on { stand.between.saturating_add(1) } else { 0 };
    if stand.head {
        draw_head(paint, area, first, &columns);
    }
    let extra = u16::from(stand.head).saturating_add(stand.between);
    // Only where all have room do they have air.
    let shown = if stand.stride > 1 { rows.len() } else { area.height.saturating_sub(extra).into() };
    let from = (chosen + 1).saturating_sub(shown);
    for (index, row) in rows.iter().enumerate().skip(from).take(shown) {
        let nth = u16::try_from(index - from).unwrap_or(u16::MAX);
        let at = match row {
            Row::Continue(_) => 0,
            // Air is between lessons only.
            Row::Lesson(_) if goes_on && from == 0 => {
                nth.saturating_sub(1).saturating_mul(stand.stride).saturating_add(extra).saturating_add(1)
            }
            Row::Lesson(_) => nth.saturating_mul(stand.stride).saturating_add(extra),
        };
        draw_row(paint, area, at, *row, index == chosen, &columns, setting);
        let zone = Rect { y: area.y.saturating_add(at), height: 1, ..area };
        paint.zone(zone.intersection(area), Click::Choose(index));
        if index == chosen {
            paint.cursor(area, 0, at);
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
    columns: &Columns,
    setting: &Setting<'_>,
) {
    let role = if on { Role::Focus } else { Role::Plain };
    paint.text(area, 0, at, if on { paint.glyphs().ask } else { " " }, Role::Key);
    let index = match row {
        Row::Continue(place) => {
            let text = row::goes_on(setting.course, place);
            let text = shorten(&text, area.width.saturating_sub(2), paint.glyphs());
            paint.text(area, 2, at, &text, if on { Role::Focus } else { Role::Strong });
            return;
        }
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
