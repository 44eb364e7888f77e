//! One line on the terminal that is written over: what is going on meanwhile. Silent where nobody could see it.

use std::io::{IsTerminal, Write};

use unicode_width::UnicodeWidthChar;

/// Puts a text into the line, in place of the one before; an empty one takes it away.
pub fn say(text: &str) {
    if is_possible() {
        // What does not fit would begin another line, and that could not be taken away.
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns).max(2);
        let _ = write!(std::io::stderr(), "\r\x1b[2K{}", first_columns(text, columns as usize - 1));
        let _ = std::io::stderr().flush();
    }
}

/// Takes the line away.
pub fn clear() {
    say("");
}

/// Whether standard error is a terminal that can go back to the beginning of a line.
fn is_possible() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn first_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > columns
    });
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::first_columns;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(first_columns("12 µs, all", 5), "12 µs");
        assert_eq!(first_columns("short", 79), "short");
        assert_eq!(first_columns("漢字", 3), "漢");
        assert_eq!(first_columns("x", 0), "");
    }
}
