//! A prediction: a number that the learner says before the kernel does, and what is said afterwards.

use std::fmt;

use serde::Deserialize;

use super::answer;

/// A number to predict.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Its id, unique in the lesson; the journal keeps the answer under it.
    pub id: String,
    /// The question.
    pub ask: String,
    /// The server whose number it is.
    pub server: String,
    /// Id of the metric in the catalogue.
    pub metric: String,
    /// Unit of the answer in words, where the question leaves it open.
    pub unit: Option<String>,
    /// Why the measurement is what it is: shown after it, never before.
    pub because: String,
    /// How far off still counts as close.
    #[serde(default)]
    pub within: Within,
}

/// How far from the measurement a prediction may be to count as close: whichever of the two is wider.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Within {
    /// As a share of the measurement: 0.1 is a tenth.
    pub relative: f64,
    /// In the metric's own unit.
    pub absolute: f64,
}

impl Default for Within {
    fn default() -> Self {
        Self { relative: 0.1, absolute: 0.0 }
    }
}

/// What there is to say about an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The answer is not a number; the sentence says what would be.
    Unreadable(String),
    /// A number, and nothing measured yet to hold against it.
    Waiting {
        /// What the learner said.
        predicted: f64,
    },
    /// Both numbers are there.
    Judged {
        /// What the learner said.
        predicted: f64,
        /// What the kernel said.
        measured: f64,
        /// How far apart they are.
        closeness: Closeness,
    },
}

/// How far a prediction is from the measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Closeness {
    /// Within the prediction's tolerance.
    Close,
    /// Too high; so many times, unless 0 was measured.
    TooHigh(Option<f64>),
    /// Too low; so many times, unless 0 was predicted.
    TooLow(Option<f64>),
}

impl Prediction {
    /// Holds an answer against a measurement. `measured` is `None` as long as there is none; a measurement
    /// that is not finite or below 0 counts as none.
    pub fn judge(&self, answer: &str, measured: Option<f64>) -> Verdict {
        let predicted = match answer::number(answer) {
            Ok(predicted) => predicted,
            Err(says) => return Verdict::Unreadable(says),
        };
        match measured.filter(|value| value.is_finite() && *value >= 0.0) {
            None => Verdict::Waiting { predicted },
            Some(measured) => {
                let closeness = self.within.closeness(predicted, measured);
                Verdict::Judged { predicted, measured, closeness }
            }
        }
    }
}

impl Within {
    /// How far from a measurement a prediction may be to count as close, in the metric's own unit.
    pub fn allowed(self, measured: f64) -> f64 {
        // A hair more than allowed is rounding: 0.06 against 0.08 within 0.02.
        (self.relative * measured).max(self.absolute) * (1.0 + 1e-9)
    }

    fn closeness(self, predicted: f64, measured: f64) -> Closeness {
        if (predicted - measured).abs() <= self.allowed(measured) {
            Closeness::Close
        } else if predicted > measured {
            Closeness::TooHigh((measured > 0.0).then(|| predicted / measured))
        } else {
            Closeness::TooLow((predicted > 0.0).then(|| measured / predicted))
        }
    }
}

/// One or two sentences, the same on every face.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(says) => f.write_str(says),
            Self::Waiting { predicted } => write!(f, "You say {}. Now run it.", short(*predicted)),
            Self::Judged { predicted, measured, closeness } => {
                write!(f, "You said {}, the kernel says {}: ", short(*predicted), short(*measured))?;
                match closeness {
                    Closeness::Close => f.write_str("close."),
                    Closeness::TooHigh(Some(times)) => write!(f, "{} times too high.", short(*times)),
                    Closeness::TooHigh(None) => f.write_str("too high."),
                    Closeness::TooLow(Some(times)) => write!(f, "{} times too low.", short(*times)),
                    Closeness::TooLow(None) => f.write_str("too low."),
                }
            }
        }
    }
}

/// Three significant digits, or all digits before the point; no trailing zeros, no exponent down to 1e-9.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor().clamp(-9.0, 300.0) as i32;
    let decimals = usize::try_from(2 - magnitude).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(within: Within) -> Prediction {
        Prediction {
            id: "batched".into(),
            ask: "How many?".into(),
            server: "uring".into(),
            metric: "syscalls_per_request".into(),
            unit: None,
            because: "two for each burst".into(),
            within,
        }
    }

    #[test]
    fn close_is_what_either_tolerance_allows() {
        let ten_percent = asked(Within { relative: 0.1, absolute: 0.0 });
        assert_eq!(ten_percent.judge("2", Some(2.1)).to_string(), "You said 2, the kernel says 2.1: close.");
        let wide = asked(Within { relative: 0.1, absolute: 0.02 });
        assert!(wide.judge("0.06", Some(0.0399)).to_string().contains("too high"));
        assert!(wide.judge("0.06", Some(0.08)).to_string().ends_with("close."));
        assert!(wide.judge("0", Some(0.0)).to_string().ends_with("close."));
    }

    #[test]
    fn far_off_is_said_in_times() {
        let asked = asked(Within::default());
        assert_eq!(
            asked.judge("0.5", Some(0.04)),
            Verdict::Judged { predicted: 0.5, measured: 0.04, closeness: Closeness::TooHigh(Some(12.5)) }
        );
        assert_eq!(
            asked.judge("1/16", Some(2.0)).to_string(),
            "You said 0.0625, the kernel says 2: 32 times too low."
        );
        assert_eq!(asked.judge("0", Some(2.0)).to_string(), "You said 0, the kernel says 2: too low.");
        assert_eq!(asked.judge("2", Some(0.0)).to_string(), "You said 2, the kernel says 0: too high.");
    }

    #[test]
    fn without_a_measurement_it_waits() {
        let asked = asked(Within::default());
        for measured in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            assert_eq!(asked.judge("~2", measured), Verdict::Waiting { predicted: 2.0 });
        }
        assert!(matches!(asked.judge("many", Some(2.0)), Verdict::Unreadable(_)));
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (2.0, "2"),
            (2.0311, "2.03"),
            (0.03125, "0.0312"),
            (1234.5, "1234"),
            (0.001, "0.001"),
            (100.0, "100"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!(short(1e-320), "0");
    }
}
