//! The chapters on the claims court and on kernel facts, from the documents that `iolab claims --format json` and `iolab claims
//! --facts --format json` printed on one machine.

use serde_json::Value;

use super::Fault;
use super::html::{block, escaped, slug};
use super::lesson::heading;
use super::number::number;
use crate::claims::CLAIMS;

/// The documents that can be read.
const SCHEMA: &str = "iolab.claims/1";

/// The chapter on the claims, or what there is to say of them where no verdicts were recorded.
///
/// # Errors
/// A document that is something else, or older than the table of claims.
pub(super) fn chapter(document: Option<&str>) -> Result<String, Fault> {
    let Some(document) = document else { return Ok(unheard()) };
    let document = read(document, "claims")?;
    let claims = rows(&document, "claims")?;
    if let Some(missing) = CLAIMS.iter().find(|row| claims.iter().all(|claim| text(claim, "id") != row.id)) {
        return Err(Fault::new(format!(
            "book/claims.json has no verdict on {}; record it anew: iolab claims --format json > book/claims.json",
            missing.id
        )));
    }
    let mut out = machine(&document["machine"], "iolab claims");
    out += &table("claim", claims.iter().map(|claim| (claim, text(claim, "claim"))));
    for claim in claims {
        out += &one(claim)?;
    }
    Ok(out)
}

/// The chapter on kernel facts.
///
/// # Errors
/// A document that is something else.
pub(super) fn facts(document: Option<&str>) -> Result<String, Fault> {
    let Some(document) = document else {
        return Ok(block("<p>On your own machine: <code>iolab claims --facts</code></p>"));
    };
    let document = read(document, "facts")?;
    let facts = rows(&document, "facts")?;
    let mut out = machine(&document["machine"], "iolab claims --facts");
    // Where a manual page is wrong comes first: that is what nobody can look up.
    let (wrong, right): (Vec<_>, Vec<_>) = facts.iter().partition(|fact| !text(fact, "manual").is_empty());
    out += &table("fact", wrong.into_iter().chain(right).map(|fact| (fact, text(fact, "fact"))));
    for fact in facts {
        let mut html = standing(fact, "");
        html += &definitions(
            fact,
            &[("saw", "what was seen"), ("source", "where it stands"), ("manual", "what a manual says")],
        );
        out += &(section(fact, "fact")? + &block(&html));
    }
    Ok(out)
}

/// A document of the schema.
fn read(document: &str, name: &str) -> Result<Value, Fault> {
    let document: Value = serde_json::from_str(document)
        .map_err(|error| Fault::new(format!("book/{name}.json is not JSON: {error}")))?;
    match document["schema"] == SCHEMA {
        true => Ok(document),
        false => Err(Fault::new(format!("book/{name}.json is not of the schema {SCHEMA}"))),
    }
}

fn rows<'d>(document: &'d Value, name: &str) -> Result<&'d [Value], Fault> {
    let rows = document[name].as_array().filter(|rows| !rows.is_empty());
    rows.map(Vec::as_slice).ok_or_else(|| Fault::new(format!("book/{name}.json holds no {name}")))
}

/// A heading that says what a row says, at a place with the row's id.
fn section(row: &Value, key: &str) -> Result<String, Fault> {
    match (text(row, "id"), text(row, key)) {
        ("", _) | (_, "") => Err(Fault::new(format!("book/{key}s.json: a row without an id or a {key}"))),
        (id, says) => {
            let says = spans(says, heading, |code| format!("`{code}`"));
            Ok(format!("## {says} {{#{}}}\n\n", slug(id)))
        }
    }
}

/// The verdict on a row, and its id, with the command that hears it again where there is one.
fn standing(row: &Value, command: &str) -> String {
    let id = escaped(text(row, "id"));
    format!(
        "<p class=\"io-claim\">{} <span class=\"io-also\"><code>{command}{id}</code></span></p>\n",
        verdict(row)
    )
}

/// What a document says, with the code that it marks as code.
fn in_html(text: &str) -> String {
    spans(text, escaped, |code| format!("<code>{}</code>", escaped(code)))
}

/// A text whose code stands between backticks; one without its fellow is none.
fn spans(text: &str, plain: fn(&str) -> String, code: fn(&str) -> String) -> String {
    if text.matches('`').count() % 2 == 1 {
        return plain(text);
    }
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { plain(part) } else { code(part) }).collect()
}

/// The claims without verdicts: what is said, by whom, and what the verdict rests on.
fn unheard() -> String {
    let mut out = block(
        "<p class=\"io-meta\">No verdicts were recorded for this edition. Yours are one command away: <code>iolab claims</code></p>",
    );
    for claim in CLAIMS {
        let facts = [
            ("how far to trust a verdict", claim.rests_on.says()),
            ("who says so", claim.authority),
            ("what would change it", claim.would_change),
        ];
        let facts: String =
            facts.iter().map(|(name, says)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(says))).collect();
        out += &format!("## {} {{#{}}}\n\n", heading(claim.says), slug(claim.id));
        out += &block(&format!(
            "<p class=\"io-also\"><code>iolab claims {}</code></p>\n<dl class=\"io-facts\">\n{facts}</dl>",
            claim.id
        ));
    }
    out
}

/// Where the verdicts are from, and the command for those of one's own machine.
fn machine(machine: &Value, command: &str) -> String {
    let (Some(kernel), Some(cpus)) = (machine["kernel"].as_str(), machine["cpus"].as_u64()) else {
        return String::new();
    };
    block(&format!(
        "<p class=\"io-meta\">The verdicts below are of one machine: Linux {}, {cpus} CPUs. Yours may differ: \
         <code>{command}</code></p>",
        escaped(kernel)
    ))
}

/// All rows at a glance: what each says, with a link to it, and its verdict.
fn table<'v>(name: &str, rows: impl Iterator<Item = (&'v Value, &'v str)>) -> String {
    let rows: String = rows
        .map(|(row, says)| {
            let wrong =
                if text(row, "manual").is_empty() { "" } else { ", and a manual page says otherwise" };
            format!(
                "<tr><td><a href=\"#{}\">{}</a></td><td>{}{wrong}</td></tr>\n",
                slug(text(row, "id")),
                in_html(says),
                verdict(row)
            )
        })
        .collect();
    block(&format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th>{name}</th><th>verdict</th></tr></thead>\n<tbody>\n{rows}</tbody>\
         </table></div>"
    ))
}

/// A claim on its own: what is said, what was found, how far to trust it.
fn one(claim: &Value) -> Result<String, Fault> {
    let mut html = standing(claim, "iolab claims ");
    html += &format!("<p>{}</p>\n", in_html(text(claim, "says")));
    html += &evidence(&claim["evidence"]);
    html += &definitions(
        claim,
        &[
            ("confidence", "how far to trust it"),
            ("authority", "who says so"),
            ("would_change", "what would change it"),
        ],
    );
    Ok(section(claim, "claim")? + &block(&html))
}

/// What a row says under these keys, as far as it says something.
fn definitions(row: &Value, keys: &[(&str, &str)]) -> String {
    let told = keys.iter().filter(|(key, _)| !text(row, key).is_empty());
    let told: String =
        told.map(|(key, name)| format!("<dt>{name}</dt><dd>{}</dd>\n", in_html(text(row, key)))).collect();
    if told.is_empty() { told } else { format!("<dl class=\"io-facts\">\n{told}</dl>") }
}

/// The numbers that a verdict was computed from, by their names.
fn evidence(evidence: &Value) -> String {
    let numbers = evidence.as_object().into_iter().flatten();
    let rows: String = numbers
        .map(|(name, number)| {
            let (unit, rung) = (escaped(text(number, "unit")), escaped(text(number, "rung")));
            format!("<tr><td>{}</td><td>{}</td><td>{rung}</td></tr>\n", escaped(name), value(number, &unit))
        })
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th>evidence</th><th></th><th>seen by</th></tr></thead>\n<tbody>\n\
         {rows}</tbody></table></div>\n"
    )
}

/// A number with its unit, or why there is none.
fn value(evidence: &Value, unit: &str) -> String {
    match evidence["value"].as_f64() {
        Some(value) => number(value, unit, evidence["spread"].as_f64()),
        None => escaped(text(evidence, "why")),
    }
}

fn verdict(claim: &Value) -> String {
    let verdict = text(claim, "verdict");
    let word = match verdict {
        "holds" => "holds",
        "partly" => "holds in part",
        "fails" => "does not hold",
        _ => "could not be tested there",
    };
    format!("<strong class=\"io-verdict-{}\">{word}</strong>", slug(verdict))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document that has something to say of every claim.
    fn document() -> String {
        let claims: Vec<Value> = CLAIMS
            .iter()
            .map(|row| {
                serde_json::json!({
                    "id": row.id, "claim": row.says, "verdict": "partly", "says": "Two for an echo <here>.",
                    "confidence": "high", "authority": row.authority, "would_change": row.would_change,
                    "evidence": {
                        "sqpoll: syscalls": {"unit": "per echo", "value": 2.0, "rung": "perf"},
                        "epoll: syscalls": {"unit": "per echo", "value": null, "why": "no counter"},
                    },
                })
            })
            .collect();
        let machine = serde_json::json!({"kernel": "6.18.44", "cpus": 2});
        serde_json::json!({"schema": SCHEMA, "machine": machine, "claims": claims}).to_string()
    }

    #[test]
    fn a_verdict_stands_with_its_evidence_and_what_would_change_it() {
        let chapter = chapter(Some(&document())).unwrap();
        for says in [
            "Linux 6.18.44",
            "{#sqpoll-zero}\n\n",
            "<code>iolab claims sqpoll-zero</code>",
            "<strong class=\"io-verdict-partly\">holds in part</strong>",
            "Two for an echo &lt;here&gt;.",
            "<td>sqpoll: syscalls</td><td>2 per echo</td><td>perf</td>",
            "<td>epoll: syscalls</td><td>no counter</td>",
            "<a href=\"#one-per-batch\">",
        ] {
            assert!(chapter.contains(says), "{says} is not in\n{chapter}");
        }
    }

    #[test]
    fn without_a_document_the_claims_are_told_and_another_document_is_refused() {
        let without = chapter(None).unwrap();
        assert!(CLAIMS.iter().all(|claim| without.contains(&heading(claim.says))));
        let old = document().replace("sqpoll-zero", "sqpoll-nought");
        for document in [
            "",
            "{}",
            r#"{"schema": "iolab.claims/2"}"#,
            r#"{"schema": "iolab.claims/1", "claims": []}"#,
            &old,
        ] {
            assert!(chapter(Some(document)).is_err(), "{document}");
        }
    }

    #[test]
    fn a_fact_stands_with_what_was_seen() {
        let document = r#"{"schema": "iolab.claims/1", "machine": {"kernel": "6.18.44", "cpus": 2}, "facts": [
            {"id": "idle-zero", "fact": "0 means a second", "verdict": "holds", "saw": "1.0 s", "source": "io_uring/sqpoll.c"},
            {"id": "wrong", "fact": "A manual errs", "verdict": "holds", "saw": "it", "source": "here", "manual": "something else"}]}"#;
        let chapter = facts(Some(document)).unwrap();
        assert_eq!(in_html("the `CQ` & one ` more"), "the `CQ` &amp; one ` more");
        assert_eq!(in_html("the `CQ` &"), "the <code>CQ</code> &amp;");
        for says in [
            "## 0 means a second {#idle-zero}",
            ">holds</strong>",
            "1.0 s",
            "io_uring/sqpoll.c",
            "<code>iolab claims --facts</code>",
            "<code>idle-zero</code>",
        ] {
            assert!(chapter.contains(says), "{says} is not in\n{chapter}");
        }
        let at = |says: &str| chapter.find(says).unwrap();
        assert!(
            at("#wrong\">A manual errs") < at("#idle-zero\">0 means"),
            "where a manual is wrong comes first"
        );
        assert!(facts(Some("{}")).is_err() && facts(None).is_ok());
    }
}
