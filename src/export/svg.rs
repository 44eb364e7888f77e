//! A frame as a picture: an SVG that shows what a terminal shows, with text that can be selected and read
//! aloud.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// A cell of the picture, in SVG units.
const CELL: (f64, f64) = (8.4, 18.0);

/// The room around the cells.
const MARGIN: f64 = 12.0;

/// The picture of a frame. `title` names it for people who hear it.
pub fn svg(cells: &Buffer, title: &str) -> String {
    let (columns, rows) = (cells.area.width, cells.area.height);
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(title));
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>");
    for y in 0..rows {
        row(&mut out, cells, y);
    }
    out.push_str("</svg>\n");
    out
}

/// One row: a text element for each stretch of one style, placed by its column, so that a font of another
/// width shifts nothing.
fn row(out: &mut String, cells: &Buffer, y: u16) {
    let mut x = 0;
    while x < cells.area.width {
        let start = x;
        let style = cells[(x, y)].style();
        let mut text = String::new();
        while x < cells.area.width && cells[(x, y)].style() == style {
            let symbol = cells[(x, y)].symbol();
            text.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        if !text.trim().is_empty() || style.add_modifier.contains(Modifier::REVERSED) {
            stretch(out, &text, style, start, y, x - start);
        }
    }
}

fn stretch(out: &mut String, text: &str, style: Style, x: u16, y: u16, columns: u16) {
    let left = MARGIN + f64::from(x) * CELL.0;
    let top = MARGIN + f64::from(y) * CELL.1;
    let wide = f64::from(columns) * CELL.0;
    let (mut ink, paper) = (colour(style.fg), "#16181d");
    if style.add_modifier.contains(Modifier::REVERSED) {
        let high = CELL.1;
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high}\" fill=\"{ink}\"/>"
        );
        ink = paper;
    }
    let mut attributes = String::new();
    if style.add_modifier.contains(Modifier::BOLD) {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if style.add_modifier.contains(Modifier::DIM) {
        attributes.push_str(" opacity=\"0.65\"");
    }
    if style.add_modifier.contains(Modifier::UNDERLINED) {
        attributes.push_str(" text-decoration=\"underline\"");
    }
    let baseline = top + CELL.1 * 0.75;
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{baseline:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\" fill=\"{ink}\"{attributes}>{}</text>",
        escaped(text)
    );
}

/// The sixteen colours as a dark terminal shows them.
fn colour(colour: Option<Color>) -> &'static str {
    match colour {
        Some(Color::Black) => "#3b4048",
        Some(Color::Red | Color::LightRed) => "#f47067",
        Some(Color::Green | Color::LightGreen) => "#57c07d",
        Some(Color::Yellow | Color::LightYellow) => "#e2c04b",
        Some(Color::Blue | Color::LightBlue) => "#6cb6ff",
        Some(Color::Magenta | Color::LightMagenta) => "#dc8cf0",
        Some(Color::Cyan | Color::LightCyan) => "#4fc9d9",
        Some(Color::DarkGray) => "#7d8590",
        Some(Color::White) => "#ffffff",
        _ => "#d5d9e0",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
