//! A frame as a picture: an SVG that shows what a terminal shows, with text that can be selected and read
//! aloud.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::screen::Palette;

/// A cell of the picture, in SVG units.
const CELL: (f64, f64) = (8.4, 18.0);

/// The room around the cells.
const MARGIN: f64 = 12.0;

/// What a terminal is, that a palette is made for: the colour of its background, and of text that has none.
#[derive(Clone, Copy, Debug)]
struct Page {
    paper: &'static str,
    ink: &'static str,
}

impl Page {
    fn of(palette: Palette) -> Self {
        match palette {
            Palette::Ansi | Palette::Mono | Palette::Dark(_) => Self { paper: "#16181d", ink: "#d5d9e0" },
            Palette::Light(_) => Self { paper: "#ffffff", ink: "#1f2328" },
            Palette::Contrast(_) => Self { paper: "#000000", ink: "#ffffff" },
            Palette::ContrastLight(_) => Self { paper: "#ffffff", ink: "#000000" },
        }
    }
}

/// The picture of a frame that was drawn in a palette's colours. `title` names it for people who hear it.
pub fn svg(cells: &Buffer, title: &str, palette: Palette) -> String {
    described(cells, &Words { title, says: "" }, palette)
}

/// What people hear of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Words<'w> {
    /// Its name.
    pub title: &'w str,
    /// What is to be seen on it; empty where the text around it says so.
    pub says: &'w str,
}

/// The same with a description.
pub fn described(cells: &Buffer, words: &Words<'_>, palette: Palette) -> String {
    let page = Page::of(palette);
    let (columns, rows) = (cells.area.width, cells.area.height);
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\"{}>",
        if words.says.is_empty() { "" } else { LABELLED }
    );
    out.push_str(&heard(words));
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>", page.paper);
    for y in 0..rows {
        row(&mut out, cells, y, page);
    }
    out.push_str("</svg>\n");
    out
}

/// Where screen readers find the words: some read a title alone only by this.
const LABELLED: &str = " aria-labelledby=\"title\" aria-describedby=\"desc\"";

fn heard(words: &Words<'_>) -> String {
    let title = escaped(words.title);
    match words.says {
        "" => format!("<title>{title}</title>\n"),
        says => {
            format!("<title id=\"title\">{title}</title>\n<desc id=\"desc\">{}</desc>\n", escaped(says))
        }
    }
}

/// One row: a text element for each stretch of one style, placed by its column, so that a font of another
/// width shifts nothing.
fn row(out: &mut String, cells: &Buffer, y: u16, page: Page) {
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
            stretch(out, &text, style, (start, y), x - start, page);
        }
    }
}

fn stretch(out: &mut String, text: &str, style: Style, (x, y): (u16, u16), columns: u16, page: Page) {
    let left = MARGIN + f64::from(x) * CELL.0;
    let top = MARGIN + f64::from(y) * CELL.1;
    let wide = f64::from(columns) * CELL.0;
    let mut ink = colour(style.fg.unwrap_or_default(), page);
    if style.add_modifier.contains(Modifier::REVERSED) {
        let high = CELL.1;
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high}\" fill=\"{ink}\"/>"
        );
        ink = page.paper.into();
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

/// A colour as SVG writes it.
fn colour(colour: Color, page: Page) -> String {
    match colour {
        Color::Reset => page.ink.into(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Indexed(index) => indexed(index),
        named => ansi(named).into(),
    }
}

/// One of the 256 colours of xterm: the sixteen, a cube of 6 by 6 by 6, and a scale of 24 greys.
fn indexed(index: u8) -> String {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    /// What each step of the cube's edges stands for.
    const EDGE: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let [red, green, blue] = match index {
        0..16 => return ansi(NAMED[usize::from(index)]).into(),
        16..232 => [36, 6, 1].map(|step| EDGE[usize::from((index - 16) / step % 6)]),
        232.. => [8 + 10 * (index - 232); 3],
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The sixteen colours as a dark terminal shows them.
fn ansi(colour: Color) -> &'static str {
    match colour {
        Color::Black => "#3b4048",
        Color::Red | Color::LightRed => "#f47067",
        Color::Green | Color::LightGreen => "#57c07d",
        Color::Yellow | Color::LightYellow => "#e2c04b",
        Color::Blue | Color::LightBlue => "#6cb6ff",
        Color::Magenta | Color::LightMagenta => "#dc8cf0",
        Color::Cyan | Color::LightCyan => "#4fc9d9",
        Color::DarkGray => "#7d8590",
        Color::White => "#ffffff",
        _ => "#d5d9e0",
    }
}

/// Text as XML holds it. Most control characters may not stand in a document at all, not even escaped.
fn escaped(text: &str) -> String {
    let is_forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().map(|c| if is_forbidden(c) { '\u{fffd}' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_colours_are_those_of_xterm() {
        for (index, says) in [
            (16, "#000000"),
            (24, "#005f87"),
            (203, "#ff5f5f"),
            (231, "#ffffff"),
            (232, "#080808"),
            (255, "#eeeeee"),
        ] {
            assert_eq!(indexed(index), says, "{index}");
        }
        assert_eq!(indexed(8), ansi(Color::DarkGray));
    }

    #[test]
    fn a_light_palette_has_a_white_page_and_dark_text_on_it() {
        use crate::screen::Depth;
        let mut cells = Buffer::empty(ratatui::layout::Rect::new(0, 0, 4, 1));
        cells.set_string(0, 0, "a", Style::new());
        cells.set_string(2, 0, "b", Style::new().fg(Color::Rgb(0, 0x5a, 0x80)));
        let picture = svg(&cells, "two letters", Palette::Light(Depth::Full));
        let has = |part: &str| picture.lines().any(|line| line.contains(part));
        assert!(has("rx=\"8\" fill=\"#ffffff\"") && has("fill=\"#1f2328\">a"), "{picture}");
        assert!(has("fill=\"#005a80\">b"), "{picture}");
    }
}
