//! Grades as JUnit XML, as CI systems read it (the form that Jenkins' plugin and Ant's task write down:
//! `testsuites`, `testsuite`, `testcase` with `failure`, `error` or `skipped`).

use std::fmt::Write;

use super::{Graded, counts, told};
use crate::exercise::{Judged, State};

/// The XML of these grades: an exercise is a suite, a criterion a case.
pub fn junit(graded: &[Graded<'_>]) -> String {
    let all: Vec<&Judged> = graded.iter().flat_map(|of| &of.verdict.criteria).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"iolab\" {}>", counted(&all));
    for of in graded {
        let criteria: Vec<&Judged> = of.verdict.criteria.iter().collect();
        let name = escaped(&super::name(of));
        let _ = writeln!(out, "  <testsuite name=\"{name}\" {}>", counted(&criteria));
        out += "    <properties>\n";
        for (key, value) in [
            ("points", of.verdict.points.to_string()),
            ("points_max", of.verdict.points_max.to_string()),
            ("sources_sha256", of.sources_sha256.to_owned()),
        ] {
            let _ = writeln!(out, "      <property name=\"{key}\" value=\"{}\"/>", escaped(&value));
        }
        out += "    </properties>\n";
        criteria.iter().for_each(|judged| case(&name, judged, &mut out));
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn case(suite: &str, judged: &Judged, out: &mut String) {
    let name = escaped(&format!("{}: {}", judged.id, judged.what));
    let _ = write!(out, "    <testcase classname=\"iolab.{suite}\" name=\"{name}\"");
    let seen = escaped(&judged.seen);
    let _ = match judged.state {
        State::Pass => writeln!(out, "/>"),
        State::Skipped => writeln!(out, "><skipped message=\"{seen}\"/></testcase>"),
        state => {
            let tag = if state == State::Error { "error" } else { "failure" };
            let text = escaped(&told(judged));
            writeln!(out, "><{tag} type=\"{}\" message=\"{seen}\">{text}</{tag}></testcase>", state.word())
        }
    };
}

fn counted(criteria: &[&Judged]) -> String {
    let count = |is: fn(&Judged) -> bool| criteria.iter().filter(|judged| is(judged)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        criteria.len(),
        count(|judged| judged.state.is_failure()),
        count(|judged| judged.state == State::Error),
        count(|judged| !counts(judged)),
    )
}

/// Text for XML 1.0, which has no way at all to hold most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' => out += "&#10;",
            '\t' => out.push('\t'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graded, verdict};
    use super::*;

    #[test]
    fn each_state_is_what_ci_systems_call_it() {
        let verdict = verdict();
        insta::assert_snapshot!(junit(&[graded(&verdict)]));
    }

    #[test]
    fn no_text_can_leave_its_place() {
        assert_eq!(
            escaped("a\"><b>&\u{1b}\u{0}\u{ffff}\n"),
            "a&quot;&gt;&lt;b&gt;&amp;\u{fffd}\u{fffd}\u{fffd}&#10;"
        );
    }
}
