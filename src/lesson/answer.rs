//! Reading the number that a learner types.

/// Longest answer that is read, in characters; no number that anyone means is longer.
const CHARACTERS_MAX: usize = 40;

/// The number in an answer such as `0.5`, `.06`, `2,03`, `1/16`, `~2`, `6e-2` or `about 3 calls`.
///
/// # Errors
/// What could not be read and what would be, as a sentence for the learner.
pub(super) fn number(answer: &str) -> Result<f64, String> {
    let answer = answer.trim();
    if answer.is_empty() {
        return Err("Any number will do, a rough one too: 2, 0.5 or 1/16.".to_owned());
    }
    if answer.chars().count() > CHARACTERS_MAX {
        return Err("That is long for a number. One like 2, 0.5 or 1/16 will do.".to_owned());
    }
    let digits = without_unit(without_hedge(answer));
    let value = match digits.split_once('/') {
        Some((above, below)) => quotient(plain(above)?, plain(below)?)?,
        None => plain(digits)?,
    };
    if value.is_sign_negative() && value != 0.0 {
        return Err("It is a count, so it cannot be below 0.".to_owned());
    }
    // -0 is 0.
    Ok(value.abs())
}

/// What follows "about", "~" and the like.
fn without_hedge(answer: &str) -> &str {
    let mut rest = answer;
    for hedge in ["about", "around", "roughly", "approximately", "ca.", "circa", "~", "≈", "="] {
        let starts = rest.get(..hedge.len()).is_some_and(|start| start.eq_ignore_ascii_case(hedge));
        if starts {
            rest = rest[hedge.len()..].trim_start();
        }
    }
    rest
}

/// What precedes a unit such as "calls per echo": words without a digit, after a space.
fn without_unit(answer: &str) -> &str {
    match answer.find(|c: char| c.is_alphabetic()) {
        Some(at) if answer[..at].ends_with(' ') && !answer[at..].contains(|c: char| c.is_ascii_digit()) => {
            answer[..at].trim_end()
        }
        _ => answer,
    }
}

fn quotient(above: f64, below: f64) -> Result<f64, String> {
    if below == 0.0 {
        return Err("Nothing can be divided by 0. If you mean none at all, write 0.".to_owned());
    }
    let value = above / below;
    if value.is_finite() { Ok(value) } else { Err("That is larger than anything here.".to_owned()) }
}

/// A decimal number, with a point or a comma.
fn plain(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let unreadable = || format!("\"{text}\" is not a number I can read. Write it like 2, 0.5 or 1/16.");
    let decimal = match text.split_once(',') {
        Some((whole, part)) if is_thousands(whole, part) => {
            return Err(format!(
                "\"{text}\" can be read in two ways. Write {whole}{part} or {whole}.{part}, whichever you mean."
            ));
        }
        Some((whole, part)) => format!("{whole}.{part}"),
        None => text.to_owned(),
    };
    // Rust's own parser also takes "inf", "nan" and "infinity"; a prediction has digits.
    if !decimal.contains(|c: char| c.is_ascii_digit()) {
        return Err(unreadable());
    }
    match decimal.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err("That is larger than anything here.".to_owned()),
        Err(_) => Err(unreadable()),
    }
}

/// `1,000` is a thousand to some and one to others; `0,062` and `,125` are not.
fn is_thousands(whole: &str, part: &str) -> bool {
    let has_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    part.len() == 3 && has_digits(part) && has_digits(whole) && !whole.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_as_people_write_them() {
        let cases = [
            ("0.5", 0.5),
            (".06", 0.06),
            ("2,03", 2.03),
            (",125", 0.125),
            ("0,062", 0.062),
            ("1/16", 0.0625),
            (" 2 / 64 ", 0.03125),
            ("~2", 2.0),
            ("≈ 0.06", 0.06),
            ("about 3", 3.0),
            ("ca. 2", 2.0),
            ("About ~2 syscalls per echo", 2.0),
            ("6e-2", 0.06),
            ("+2", 2.0),
            ("0", 0.0),
            ("-0", 0.0),
            ("2.", 2.0),
            ("1/16 calls", 0.0625),
        ];
        for (answer, value) in cases {
            assert_eq!(number(answer), Ok(value), "{answer}");
        }
        assert!(number("-0").unwrap().is_sign_positive());
    }

    #[test]
    fn nonsense_is_answered_with_a_sentence() {
        let cases = [
            ("", "rough"),
            ("   ", "rough"),
            ("two", "not a number"),
            ("nan", "not a number"),
            ("inf", "not a number"),
            ("infinity", "not a number"),
            ("1/0", "divided by 0"),
            ("1/0,0", "divided by 0"),
            ("/", "not a number"),
            ("1/2/3", "not a number"),
            ("1,000", "two ways"),
            ("1.2.3", "not a number"),
            ("1,2,3", "not a number"),
            ("2x", "not a number"),
            ("6%", "not a number"),
            ("between 2 and 3", "not a number"),
            ("-1", "below 0"),
            ("1e999", "larger"),
            ("1e308/1e-308", "larger"),
            ("≈", "not a number"),
            ("é", "not a number"),
            ("\u{1b}[2J", "not a number"),
        ];
        for (answer, expected) in cases {
            let says = number(answer).unwrap_err();
            assert!(says.contains(expected), "{answer:?} was answered: {says}");
        }
        assert!(number(&"9".repeat(10_000)).unwrap_err().contains("long"));
    }
}
