//! A lab by itself: its parts, without text, keys and window, for a page.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::lab;
use super::paint::Paint;
use super::theme::Theme;
use super::view::{Playhead, Run, State, View};
use crate::lesson::Lesson;
use crate::world::World;

/// Rows that a figure may take. What a lab shows beyond them is left out, as on a screen of that height.
const ROWS_MAX: u16 = 60;

/// Columns that a figure may take.
const COLUMNS_MAX: u16 = 96;

/// What the lab of a step shows of a world, `columns` wide and as high as it comes out; nothing is hidden, as if every
/// prediction had been answered. A step without a lab has no rows.
pub fn figure(world: &World<'_>, lesson: &Lesson, step: usize, columns: u16, theme: Theme) -> Buffer {
    trimmed(draw(world, lesson, step, columns, theme).0)
}

/// How many columns the lab of a step needs for a column of each server in its tables and for every word: `least`, or as many more
/// as it takes.
pub fn columns(world: &World<'_>, lesson: &Lesson, step: usize, least: u16) -> u16 {
    let mut best = ((usize::MAX, usize::MAX), COLUMNS_MAX);
    for columns in (least..=COLUMNS_MAX).step_by(4) {
        let (cells, beside) = draw(world, lesson, step, columns, Theme::DEFAULT);
        let lacks = (beside, cut(&cells));
        if lacks < best.0 {
            best = (lacks, columns);
        }
        if lacks == (0, 0) {
            break;
        }
    }
    best.1
}

/// How many texts were cut for want of room.
fn cut(cells: &Buffer) -> usize {
    let mark = Theme::DEFAULT.glyphs().ellipsis;
    cells.content.iter().filter(|cell| cell.symbol() == mark).count()
}

/// The lab's parts, and how many servers have no column in its tables.
fn draw(world: &World<'_>, lesson: &Lesson, step: usize, columns: u16, theme: Theme) -> (Buffer, usize) {
    let mut view = View::new(step);
    view.run = Run::Some { step, state: State::Over, recorded: None };
    view.playhead = Playhead::End(world.t_ns);
    view.passed_over = view.step(lesson).predictions().map(|asked| asked.id.clone()).collect();
    let servers = world.servers();
    let mut paint = Paint::new(Rect::new(0, 0, columns, ROWS_MAX), theme);
    let beside = lab::draw_whole(&mut paint, &view, lesson, &servers, world.trace());
    (paint.done().buffer, beside)
}

/// The cells up to the last row that has something in it.
fn trimmed(cells: Buffer) -> Buffer {
    let area = cells.area;
    let is_blank = |y: u16| (0..area.width).all(|x| cells[(x, y)].symbol().trim().is_empty());
    let rows = (0..area.height).rev().find(|&y| !is_blank(y)).map_or(0, |y| y + 1);
    let mut kept = Buffer::empty(Rect { height: rows, ..area });
    for y in 0..rows {
        for x in 0..area.width {
            kept[(x, y)] = cells[(x, y)].clone();
        }
    }
    kept
}
