//! Where keys go: each row of the table of keys holds in some contexts.

use super::view::{Focus, Overlay, View};

/// Where the keys go: which rows of the table hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Reading a step.
    Text,
    /// Typing an answer.
    Typing,
    /// Going from number to number.
    Numbers,
    /// Something lies over the screen.
    Overlay,
    /// Changing what the lab runs.
    Controls,
    /// Choosing what the run is to stop at.
    Triggers,
    /// Typing a note for a mark.
    Noting,
    /// Looking at servers in slow motion.
    Slow,
    /// Choosing a lesson.
    Home,
    /// Typing what is looked for.
    Search,
}

impl Context {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Text,
        Self::Typing,
        Self::Numbers,
        Self::Overlay,
        Self::Controls,
        Self::Triggers,
        Self::Noting,
        Self::Slow,
        Self::Home,
        Self::Search,
    ];

    /// Where that is, for people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Text => "reading",
            Self::Typing => "typing an answer",
            Self::Numbers => "among the numbers",
            Self::Overlay => "in a window",
            Self::Controls => "among the controls",
            Self::Triggers => "among the triggers",
            Self::Noting => "writing a note",
            Self::Slow => "in slow motion",
            Self::Home => "at home",
            Self::Search => "searching",
        }
    }

    /// Where keys go now.
    pub fn of(view: &View) -> Self {
        match (&view.overlay, &view.focus) {
            (Some(Overlay::Controls { .. }), _) => Self::Controls,
            (Some(Overlay::Triggers { .. }), _) => Self::Triggers,
            (Some(_), _) => Self::Overlay,
            (None, _) if view.noting.is_some() => Self::Noting,
            (None, _) if view.slow.is_some() => Self::Slow,
            (None, Focus::Text) => Self::Text,
            (None, Focus::Typing { .. }) => Self::Typing,
            (None, Focus::Number { .. } | Focus::Panel(_)) => Self::Numbers,
        }
    }
}
