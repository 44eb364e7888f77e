//! Standard output, if it is a terminal.

use std::env;
use std::io::{IsTerminal as _, stdout};

use crate::trace::{Colours, Terminal};

/// The terminal, or `None` where standard output is none.
pub fn examine() -> Option<Terminal> {
    if !stdout().is_terminal() {
        return None;
    }
    // window_size() asks by ioctl alone; size() would run a program if that fails.
    let cells = crossterm::terminal::window_size().ok().map(|size| (size.columns, size.rows));
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let term: String = variable("TERM").chars().filter(char::is_ascii_graphic).take(40).collect();
    let declined = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Some(Terminal {
        cells: cells.filter(|(columns, rows)| *columns > 0 && *rows > 0),
        colours: Colours::of(&term, &variable("COLORTERM"), declined),
        term,
        utf8: utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(variable)),
    })
}

/// Whether a locale says UTF-8: the first of the three variables that is set decides, locale(7).
fn utf8(locales: [String; 3]) -> bool {
    let locale = locales.into_iter().find(|locale| !locale.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::utf8;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let locales = |all: &str, ctype: &str, lang: &str| [all, ctype, lang].map(str::to_owned);
        assert!(utf8(locales("", "", "en_US.UTF-8")));
        assert!(utf8(locales("", "C.utf8", "C")));
        assert!(!utf8(locales("C", "", "en_US.UTF-8")));
        assert!(!utf8(locales("", "", "")));
    }
}
