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
        colours: colours(&term, &variable("COLORTERM"), declined),
        term,
        utf8: utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(variable)),
    })
}

/// How many colours, by the conventions that terminals keep.
fn colours(term: &str, colorterm: &str, declined: bool) -> Colours {
    match term {
        _ if declined => Colours::Declined,
        "" | "dumb" => Colours::None,
        _ if matches!(colorterm, "truecolor" | "24bit") => Colours::True,
        _ if term.ends_with("-direct") => Colours::True,
        _ if term.contains("256color") => Colours::TwoHundredFiftySix,
        _ => Colours::Sixteen,
    }
}

/// Whether a locale says UTF-8: the first of the three variables that is set decides, locale(7).
fn utf8(locales: [String; 3]) -> bool {
    let locale = locales.into_iter().find(|locale| !locale.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::{colours, utf8};
    use crate::trace::Colours;

    #[test]
    fn colours_follow_the_conventions() {
        assert_eq!(colours("xterm", "", false), Colours::Sixteen);
        assert_eq!(colours("xterm-256color", "", false), Colours::TwoHundredFiftySix);
        assert_eq!(colours("xterm-256color", "truecolor", false), Colours::True);
        assert_eq!(colours("dumb", "truecolor", false), Colours::None);
        assert_eq!(colours("", "", false), Colours::None);
        assert_eq!(colours("xterm-256color", "truecolor", true), Colours::Declined);
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let locales = |all: &str, ctype: &str, lang: &str| [all, ctype, lang].map(str::to_owned);
        assert!(utf8(locales("", "", "en_US.UTF-8")));
        assert!(utf8(locales("", "C.utf8", "C")));
        assert!(!utf8(locales("C", "", "en_US.UTF-8")));
        assert!(!utf8(locales("", "", "")));
    }
}
