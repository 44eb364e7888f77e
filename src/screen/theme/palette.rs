//! Which colours a role has. Never a background: the terminal's owner chose that.
//!
//! The tuned palettes are made for one background each and keep the contrast that WCAG 2.2 asks for on it
//! (`tests/themes.rs`), also where only 256 colours can be shown and also for eyes that tell fewer colours
//! apart.

use ratatui::style::{Color, Modifier, Style};

use super::Role;

/// Which colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// The sixteen colours that the terminal's owner chose.
    Ansi,
    /// Tuned for black and dark grey.
    Dark(Depth),
    /// Tuned for white and paper.
    Light(Depth),
    /// As much contrast as there can be, on black.
    Contrast(Depth),
    /// As much contrast as there can be, on white. One palette cannot do both: no colour is seven times as
    /// bright as black and a seventh as bright as white.
    ContrastLight(Depth),
    /// None (`NO_COLOR`): bold, dim, underlined and reversed only.
    Mono,
}

/// How finely a terminal can show colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    Full,
    /// The 256 colours that begin with the owner's sixteen, which are not used.
    Indexed,
}

/// One colour, as it is meant and as the nearest one of the 256 that keeps the contrast.
#[derive(Clone, Copy, Debug)]
struct Ink(u32, u8);

/// The colours of one palette.
struct Inks {
    quiet: Ink,
    frame: Ink,
    title: Ink,
    code: Ink,
    key: Ink,
    good: Ink,
    warn: Ink,
    bad: Ink,
    submission: Ink,
    completion: Ink,
}

static DARK: Inks = Inks {
    quiet: Ink(0x9a_a2_ab, 247),
    frame: Ink(0x72_7a_84, 243),
    title: Ink(0x6f_d3_e8, 80),
    code: Ink(0x9f_d8_e0, 152),
    key: Ink(0xf2_cf_5b, 221),
    good: Ink(0x5f_e0_c0, 86),
    warn: Ink(0xf2_cf_5b, 221),
    bad: Ink(0xff_6b_60, 203),
    submission: Ink(0x5f_9f_ff, 69),
    completion: Ink(0xff_a8_d6, 218),
};

static LIGHT: Inks = Inks {
    quiet: Ink(0x60_60_60, 59),
    frame: Ink(0x76_76_76, 243),
    title: Ink(0x00_5a_80, 24),
    code: Ink(0x00_5f_6b, 23),
    key: Ink(0x85_55_00, 94),
    good: Ink(0x00_6a_66, 23),
    warn: Ink(0x8a_5c_00, 94),
    bad: Ink(0x7a_00_14, 52),
    submission: Ink(0x0b_4f_c4, 25),
    completion: Ink(0xb0_00_5c, 125),
};

static CONTRAST: Inks = Inks {
    quiet: Ink(0xc6_c6_c6, 251),
    frame: Ink(0xb2_b2_b2, 249),
    title: Ink(0x87_ff_ff, 123),
    code: Ink(0xaf_ff_ff, 159),
    key: Ink(0xff_ff_5f, 227),
    good: Ink(0x5f_ff_ff, 87),
    warn: Ink(0xff_ff_00, 226),
    bad: Ink(0xff_87_5f, 209),
    submission: Ink(0x5f_af_ff, 75),
    completion: Ink(0xff_af_d7, 218),
};

static CONTRAST_LIGHT: Inks = Inks {
    quiet: Ink(0x4a_4a_4a, 239),
    frame: Ink(0x50_50_50, 239),
    title: Ink(0x00_3f_66, 17),
    code: Ink(0x00_4a_55, 23),
    key: Ink(0x5f_38_00, 52),
    good: Ink(0x00_56_4f, 23),
    warn: Ink(0x6e_4a_00, 58),
    bad: Ink(0x5c_00_08, 52),
    submission: Ink(0x00_3a_9e, 19),
    completion: Ink(0x95_00_4f, 89),
};

impl Palette {
    /// The style of a role.
    pub(super) fn style(self, role: Role) -> Style {
        match self {
            Self::Ansi => ansi(role),
            Self::Dark(depth) => tuned(role, &DARK, depth),
            Self::Light(depth) => tuned(role, &LIGHT, depth),
            Self::Contrast(depth) => tuned(role, &CONTRAST, depth),
            Self::ContrastLight(depth) => tuned(role, &CONTRAST_LIGHT, depth),
            Self::Mono => mono(role),
        }
    }
}

impl Ink {
    fn colour(self, depth: Depth) -> Color {
        match depth {
            Depth::Full => Color::from_u32(self.0),
            Depth::Indexed => Color::Indexed(self.1),
        }
    }
}

fn ansi(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Plain => style,
        Role::Quiet => style.add_modifier(Modifier::DIM),
        Role::Frame => style.fg(Color::DarkGray),
        Role::Title => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::Strong | Role::Number => style.add_modifier(Modifier::BOLD),
        Role::Code => style.fg(Color::Cyan),
        Role::Key => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
        Role::Own => style.fg(Color::Yellow),
        Role::Good => style.fg(Color::Green),
        Role::Warn => style.fg(Color::Yellow),
        Role::Bad => style.fg(Color::LightRed).add_modifier(Modifier::BOLD),
        Role::Submission => style.fg(Color::LightBlue),
        Role::Completion => style.fg(Color::LightMagenta),
        Role::Focus => style.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
    }
}

/// Running text keeps the terminal's own colour, which its owner can read.
fn tuned(role: Role, inks: &Inks, depth: Depth) -> Style {
    let style = Style::new();
    let ink = |ink: Ink| style.fg(ink.colour(depth));
    match role {
        Role::Plain => style,
        Role::Quiet => ink(inks.quiet),
        Role::Frame => ink(inks.frame),
        Role::Title => ink(inks.title).add_modifier(Modifier::BOLD),
        Role::Strong | Role::Number => style.add_modifier(Modifier::BOLD),
        Role::Code => ink(inks.code),
        Role::Key => ink(inks.key).add_modifier(Modifier::BOLD),
        Role::Own => ink(inks.key).add_modifier(Modifier::UNDERLINED),
        Role::Good => ink(inks.good),
        Role::Warn => ink(inks.warn),
        Role::Bad => ink(inks.bad).add_modifier(Modifier::BOLD),
        Role::Submission => ink(inks.submission),
        Role::Completion => ink(inks.completion),
        Role::Focus => style.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
    }
}

fn mono(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Plain | Role::Frame | Role::Submission | Role::Completion | Role::Good => style,
        Role::Quiet => style.add_modifier(Modifier::DIM),
        Role::Own => style.add_modifier(Modifier::UNDERLINED),
        Role::Title | Role::Strong | Role::Number | Role::Code | Role::Key | Role::Warn | Role::Bad => {
            style.add_modifier(Modifier::BOLD)
        }
        Role::Focus => style.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
    }
}
