//! Cells of a screen as rows of runs: what is drawn in a page, as a still and frame by frame.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::html::escaped;
use super::palette::letters;

/// Width and height of a cell in the units of a figure. The width is what a monospaced letter of size 10 takes.
pub(super) const CELL: (usize, usize) = (6, 14);

/// Where the letters of a row stand, below its upper edge.
const BASELINE: usize = 11;

/// A stretch of one style: its first column, the letters of the style, its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Run(pub usize, pub String, pub String);

/// A row: its runs, from left to right. Blank cells between them are not drawn.
pub type Row = Vec<Run>;

/// The rows of a screen.
pub(super) fn rows(cells: &Buffer) -> Vec<Row> {
    (0..cells.area.height).map(|y| row(cells, y)).collect()
}

fn row(cells: &Buffer, y: u16) -> Row {
    let mut runs: Row = Vec::new();
    // Blanks since the last letter: one belongs to the text, more are room between two runs.
    let mut blanks = usize::MAX;
    let mut x = 0;
    while x < cells.area.width {
        let cell = &cells[(x, y)];
        let symbol = cell.symbol();
        let at = usize::from(x);
        x += (symbol.width() as u16).max(1);
        if symbol.trim().is_empty() {
            blanks = blanks.saturating_add(1);
            continue;
        }
        let style = letters(cell.style());
        match runs.last_mut() {
            Some(run) if run.1 == style && blanks <= 1 => {
                run.2.push_str(&" ".repeat(blanks));
                run.2.push_str(symbol);
            }
            _ => runs.push(Run(at, style, symbol.to_owned())),
        }
        blanks = 0;
    }
    runs
}

/// The rows as text elements of SVG.
pub(super) fn svg(rows: &[Row]) -> String {
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
        let _ = write!(out, "<text y=\"{}\">", index * CELL.1 + BASELINE);
        for Run(column, style, text) in row {
            let classes: Vec<String> = style.chars().map(String::from).collect();
            let (x, classes, text) = (column * CELL.0, classes.join(" "), escaped(text));
            let _ = write!(out, "<tspan x=\"{x}\" class=\"{classes}\">{text}</tspan>");
        }
        out.push_str("</text>");
    }
    out
}
