//! The colours of figures: the screen's own palettes for a dark and a light page, as variables that a page's theme
//! chooses from.

use std::fmt::Write;

use ratatui::style::{Color, Modifier, Style};

use crate::screen::{Depth, Palette, Role, Theme};

/// The look that figures are drawn in. Which colours they have is decided in the page, by the letters of [`letters`].
pub(super) const DRAWN: Theme = Theme { palette: Palette::Dark(Depth::Full), ascii: false };

const LIGHT: Theme = Theme { palette: Palette::Light(Depth::Full), ascii: false };

/// The roles that have a colour of their own, with the letter that stands for it. Others look like one of them.
const LETTERS: [(char, Role); 9] = [
    ('q', Role::Quiet),
    ('f', Role::Frame),
    ('t', Role::Title),
    ('c', Role::Code),
    ('k', Role::Key),
    ('g', Role::Good),
    ('b', Role::Bad),
    ('s', Role::Submission),
    ('m', Role::Completion),
];

/// Running text.
const PLAIN: char = 'p';

/// The letters of a style, which are its classes in a page: its colour, then `x` for bold and `u` for underlined.
pub(super) fn letters(style: Style) -> String {
    let colour = |role: Role| DRAWN.style(role).fg;
    let of = LETTERS.iter().find(|(_, role)| style.fg.is_some() && colour(*role) == style.fg);
    let mut out = String::from(of.map_or(PLAIN, |(letter, _)| *letter));
    for (modifier, letter) in [(Modifier::BOLD, 'x'), (Modifier::UNDERLINED, 'u')] {
        if style.add_modifier.contains(modifier) {
            out.push(letter);
        }
    }
    out
}

/// The variables of the colours for a dark page, then for a light one, as declarations of CSS.
pub fn variables() -> [String; 2] {
    [DRAWN, LIGHT].map(|theme| {
        let mut out = String::new();
        for (letter, role) in LETTERS {
            if let Some(Color::Rgb(red, green, blue)) = theme.style(role).fg {
                let _ = write!(out, "--io-{letter}: #{red:02x}{green:02x}{blue:02x}; ");
            }
        }
        out.trim_end().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_letters_and_every_colour_both_pages() {
        for role in Role::ALL {
            let letters = letters(DRAWN.style(role));
            let coloured = DRAWN.style(role).fg.is_some();
            assert_eq!(letters.starts_with(PLAIN), !coloured, "{role:?}: {letters}");
        }
        for of_page in variables() {
            assert_eq!(of_page.matches("--io-").count(), LETTERS.len(), "{of_page}");
        }
    }
}
