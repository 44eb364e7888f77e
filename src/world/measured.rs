//! A number that says where it came from.

use serde::{Deserialize, Serialize};

use crate::trace::Rung;

/// A measured number, or the reason why there is none. Never 0 for "not known".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// It was measured.
    Known {
        /// The number, in the metric's unit.
        value: f64,
        /// Who measured.
        rung: Rung,
        /// Half the distance between the smallest and the largest of several rounds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
    },
    /// It was not.
    Unknown {
        /// Always null: scripts find the key they look for.
        value: (),
        /// Why.
        why: String,
    },
}

impl Measured {
    /// A number from one rung.
    pub fn known(value: f64, rung: Rung) -> Self {
        Self::Known { value, rung, spread: None }
    }

    /// No number, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { value: (), why: why.into() }
    }

    /// The number, if there is one.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Known { value, .. } => Some(*value),
            Self::Unknown { .. } => None,
        }
    }

    /// Half the distance between the smallest and the largest of several rounds, if there were several.
    pub fn spread(&self) -> Option<f64> {
        match self {
            Self::Known { spread, .. } => *spread,
            Self::Unknown { .. } => None,
        }
    }

    /// The rung, if there is a number.
    pub fn rung(&self) -> Option<Rung> {
        match self {
            Self::Known { rung, .. } => Some(*rung),
            Self::Unknown { .. } => None,
        }
    }

    /// With the spread of several rounds.
    pub fn with_spread_of(self, rounds: &[f64]) -> Self {
        match self {
            Self::Known { value, rung, .. } if rounds.len() > 1 => {
                let low = rounds.iter().copied().fold(f64::INFINITY, f64::min);
                let high = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Self::Known { value, rung, spread: Some((high - low) / 2.0) }
            }
            other => other,
        }
    }
}
