//! What a number has to be: `<= 5`, `>= 1`, `= 65`, `900..1100`.

use std::fmt;
use std::str::FromStr;

/// A relation that a number holds or does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
    /// Exactly so much.
    Exactly(f64),
    /// From the first to the second, both included.
    Between(f64, f64),
}

impl Relation {
    /// Whether `number` holds it. What is not a number holds none.
    pub fn holds(self, number: f64) -> bool {
        match self {
            Self::AtMost(most) => number <= most,
            Self::AtLeast(least) => number >= least,
            Self::Exactly(wanted) => number == wanted,
            Self::Between(least, most) => (least..=most).contains(&number),
        }
    }
}

impl FromStr for Relation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            let number = part.trim().replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite());
            number.ok_or_else(|| {
                format!("{text:?} is no relation; write \"<= 5\", \">= 1\", \"= 65\" or \"900..1100\"")
            })
        };
        if let Some(most) = text.strip_prefix("<=") {
            Ok(Self::AtMost(number(most)?))
        } else if let Some(least) = text.strip_prefix(">=") {
            Ok(Self::AtLeast(number(least)?))
        } else if let Some(wanted) = text.strip_prefix('=') {
            Ok(Self::Exactly(number(wanted)?))
        } else if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (number(least)?, number(most)?);
            if least > most {
                Err(format!("{text:?} holds no number"))
            } else {
                Ok(Self::Between(least, most))
            }
        } else {
            number("").map(Self::Exactly)
        }
    }
}

/// In words: `at most 5`.
impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) if *most == 0.0 => out.write_str("no"),
            Self::AtMost(most) => write!(out, "at most {most}"),
            Self::AtLeast(least) => write!(out, "at least {least}"),
            Self::Exactly(wanted) if *wanted == 0.0 => out.write_str("no"),
            Self::Exactly(wanted) => write!(out, "exactly {wanted}"),
            Self::Between(least, most) => write!(out, "{least} to {most}"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Relation {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(text: &str) -> Relation {
        text.parse().unwrap()
    }

    #[test]
    fn each_form_says_what_holds_it() {
        assert!(relation("<= 0.2").holds(0.2) && !relation("<= 0.2").holds(0.21));
        assert!(relation(">= 16").holds(16.0) && !relation(">=16").holds(15.9));
        assert!(relation("= 65").holds(65.0) && !relation("= 65").holds(64.0));
        assert!(relation("900..1100").holds(1100.0) && !relation("900..1100").holds(899.0));
        assert!(relation("= 100_000").holds(100_000.0));
        assert!(!relation("<= 5").holds(f64::NAN), "what is no number holds nothing");
    }

    #[test]
    fn what_is_no_relation_is_told_the_forms() {
        for text in ["", "5", "<5", "<= x", "3..1", "<= inf", "..", "about 5"] {
            let why = text.parse::<Relation>().unwrap_err();
            assert!(why.contains("900..1100") || why.contains("holds no number"), "{text}: {why}");
        }
    }

    #[test]
    fn relations_are_told_in_words() {
        let words = ["<= 5", "<= 0", ">= 1", "= 65", "= 0", "0..3"].map(|text| relation(text).to_string());
        assert_eq!(words, ["at most 5", "no", "at least 1", "exactly 65", "no", "0 to 3"]);
    }
}
