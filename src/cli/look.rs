//! How a screen looks: what was asked for, as far as the terminal can show it.

use std::env;

use clap::{Args, ValueEnum};

use crate::screen::{Depth, Palette, Theme};
use crate::trace::Colours;

/// The environment variable that stands in for `--theme`.
const VARIABLE: &str = "IOLAB_THEME";

/// Options of every command that opens a screen.
#[derive(Args, Clone, Debug, Default)]
pub struct LookArguments {
    /// The colours of the screen, `ansi` when left out; the environment variable IOLAB_THEME says it for good,
    /// and NO_COLOR means mono.
    #[arg(long, value_enum, value_name = "THEME")]
    theme: Option<Named>,
    /// Draw with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
}

/// A theme by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Named {
    /// The sixteen colours that your terminal is set to.
    Ansi,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// High contrast, for a black background.
    Contrast,
    /// High contrast, for a white background.
    ContrastLight,
    /// No colour: bold, dim, underlined and reversed text only.
    Mono,
}

impl LookArguments {
    /// The look, for this process's terminal.
    ///
    /// # Errors
    /// `IOLAB_THEME` names no theme.
    pub fn theme(&self) -> anyhow::Result<Theme> {
        let variable = |name: &str| env::var(name).unwrap_or_default();
        let declined = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = Colours::of(&variable("TERM"), &variable("COLORTERM"), declined);
        let named = match self.theme {
            Some(named) => named,
            None => by_name(&variable(VARIABLE))?,
        };
        Ok(Theme { palette: palette(named, colours), ascii: self.ascii || !speaks_utf8() })
    }
}

impl Named {
    /// Its colours where every colour can be shown, as in a file.
    pub fn palette(self) -> Palette {
        palette(self, Colours::True)
    }
}

fn by_name(name: &str) -> anyhow::Result<Named> {
    if name.is_empty() {
        return Ok(Named::Ansi);
    }
    Named::from_str(name, true).map_err(|_| {
        let names: Vec<_> = Named::value_variants()
            .iter()
            .filter_map(|named| Some(named.to_possible_value()?.get_name().to_owned()))
            .collect();
        anyhow::anyhow!("{VARIABLE} is {name:?}, which is no theme; there are {}", names.join(", "))
    })
}

/// What can be shown of a theme: tuned colours need more than sixteen.
fn palette(named: Named, colours: Colours) -> Palette {
    let depth = match colours {
        Colours::None | Colours::Declined => return Palette::Mono,
        Colours::Sixteen => None,
        Colours::TwoHundredFiftySix => Some(Depth::Indexed),
        Colours::True => Some(Depth::Full),
    };
    match (named, depth) {
        (Named::Mono, _) => Palette::Mono,
        (Named::Ansi, _) | (Named::Dark | Named::Light, None) => Palette::Ansi,
        // Of sixteen colours that somebody else chose, none is sure to have the contrast.
        (Named::Contrast | Named::ContrastLight, None) => Palette::Mono,
        (Named::Dark, Some(depth)) => Palette::Dark(depth),
        (Named::Light, Some(depth)) => Palette::Light(depth),
        (Named::Contrast, Some(depth)) => Palette::Contrast(depth),
        (Named::ContrastLight, Some(depth)) => Palette::ContrastLight(depth),
    }
}

/// Whether the locale says that the terminal takes more than ASCII. The Linux console's font lacks most
/// block characters.
pub(super) fn speaks_utf8() -> bool {
    if env::var("TERM").is_ok_and(|term| term == "linux") {
        return false;
    }
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| env::var(name).ok());
    // Unset everywhere says nothing about the terminal; those of today take UTF-8.
    named.into_iter().find(|value| !value.is_empty()).is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8") || locale == "c" || locale == "posix"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_shown_as_well_as_the_terminal_can() {
        let cases = [
            (Named::Ansi, Colours::True, Palette::Ansi),
            (Named::Dark, Colours::True, Palette::Dark(Depth::Full)),
            (Named::Light, Colours::TwoHundredFiftySix, Palette::Light(Depth::Indexed)),
            (Named::Dark, Colours::Sixteen, Palette::Ansi),
            (Named::Contrast, Colours::Sixteen, Palette::Mono),
            (Named::ContrastLight, Colours::True, Palette::ContrastLight(Depth::Full)),
            (Named::Mono, Colours::True, Palette::Mono),
            (Named::Dark, Colours::Declined, Palette::Mono),
            (Named::Light, Colours::None, Palette::Mono),
        ];
        for (named, colours, shown) in cases {
            assert_eq!(palette(named, colours), shown, "{named:?} with {colours:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_option() {
        assert_eq!(by_name("").unwrap(), Named::Ansi);
        assert_eq!(by_name("contrast-light").unwrap(), Named::ContrastLight);
        let complaint = by_name("solarized").unwrap_err().to_string();
        assert!(complaint.contains("IOLAB_THEME") && complaint.contains("ansi, dark, light"), "{complaint}");
    }
}
