//! The claims court: popular statements about epoll and io_uring, each put to the test on the reader's machine.
//!
//! Pure but for [`hear`](self::hear()): a [`Claim`] names the experiments that it needs, and its judge is a
//! function of the [`Evidence`] that they gave. To add a claim: a file in `claim/` and a row of [`CLAIMS`].
//!
//! Verdicts rest on counts where they can. Those that rest on times are given on a quiet machine only.

mod claim;
mod evidence;
mod experiment;
#[cfg(feature = "live")]
pub mod facts;
#[cfg(feature = "live")]
mod hear;
mod host;
mod judge;
#[cfg(feature = "live")]
mod look;
mod pages;
mod quiet;

pub use self::claim::CLAIMS;
pub use self::evidence::{Evidence, Number, Untestable};
pub use self::experiment::{Asks, EXPERIMENTS, Experiment, experiment};
#[cfg(feature = "live")]
pub use self::hear::{Hearing, hear};
pub use self::host::{Host, Proxy};
pub use self::judge::{Judged, judge};
pub use self::pages::pages;
pub use self::quiet::Quiet;

use serde::{Deserialize, Serialize};

/// One row of [`CLAIMS`].
#[derive(Debug)]
pub struct Claim {
    /// Its name, as it is typed.
    pub id: &'static str,
    /// The statement, as people make it.
    pub says: &'static str,
    /// What its verdict rests on.
    pub rests_on: RestsOn,
    /// The experiments that it needs, by their ids in [`EXPERIMENTS`].
    pub needs: &'static [&'static str],
    /// Who says so, for and against: sources that can be looked up.
    pub authority: &'static str,
    /// What would make the verdict another one.
    pub would_change: &'static str,
    /// The verdict that the evidence gives; what it cannot judge it says.
    pub rule: fn(&Evidence) -> Result<Ruling, Untestable>,
}

/// What comes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so.
    Holds,
    /// It is so under conditions that the statement leaves out.
    Partly,
    /// It is not so.
    Fails,
    /// This machine cannot tell, and why is said.
    Untestable,
}

impl Verdict {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Partly => "holds in part",
            Self::Fails => "does not hold",
            Self::Untestable => "cannot be tested here",
        }
    }
}

/// What a verdict rests on: how far to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestsOn {
    /// Counts and states.
    Counts,
    /// Times, taken side by side.
    Times,
    /// What others have published, beside a look at this machine.
    Reference,
}

impl RestsOn {
    /// How far to trust it, as a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Counts => "high: it rests on counts and states, which come out the same on a busy machine",
            Self::Times => {
                "for this machine as it is now: it rests on times, taken side by side while nothing else ran"
            }
            Self::Reference => "as good as the sources: the look at this machine only illustrates them",
        }
    }
}

/// A verdict and what it was computed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence or two with the numbers of this run.
    pub says: String,
    /// The numbers.
    pub numbers: Vec<Number>,
}

/// The claim of that id.
pub fn by_id(id: &str) -> Option<&'static Claim> {
    CLAIMS.iter().find(|claim| claim.id == id)
}
