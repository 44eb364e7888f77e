//! The chapters on the claims court and on kernel facts, from the documents that `iolab claims --format json` and `iolab claims
//! --facts --format json` printed on one machine.

use serde_json::Value;

use super::Fault;
use super::html::{block, escaped, slug};
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
    let mut out = machine(&document["machine"]);
    out += &table(claims);
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
    let mut out = machine(&document["machine"]);
    for fact in rows(&document, "facts")? {
        let mut html =
            format!("<p class=\"io-claim\">“{}” {}</p>\n", escaped(text(fact, "fact")), verdict(fact));
        html += &definitions(
            fact,
            &[("saw", "what was seen"), ("source", "where it stands"), ("manual", "what a manual says")],
        );
        out += &format!("## {} {{#{}}}\n\n{}", heading(fact, "facts")?, slug(text(fact, "id")), block(&html));
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

/// The id of a row as a heading.
fn heading(row: &Value, name: &str) -> Result<String, Fault> {
    match text(row, "id") {
        "" => Err(Fault::new(format!("book/{name}.json: a row without an id"))),
        id => Ok(id.replace('-', "\\-")),
    }
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
        out += &format!("## {} {{#{}}}\n\n", claim.id.replace('-', "\\-"), slug(claim.id));
        out += &block(&format!(
            "<p class=\"io-claim\">“{}”</p>\n<dl class=\"io-facts\">\n{facts}</dl>",
            escaped(claim.says)
        ));
    }
    out
}

/// Where the verdicts are from.
fn machine(machine: &Value) -> String {
    let (Some(kernel), Some(cpus)) = (machine["kernel"].as_str(), machine["cpus"].as_u64()) else {
        return String::new();
    };
    block(&format!(
        "<p class=\"io-meta\">The verdicts below are of one machine: Linux {}, {cpus} CPUs. Yours may differ: <code>iolab \
         claims</code></p>",
        escaped(kernel)
    ))
}

fn table(claims: &[Value]) -> String {
    let rows: String = claims
        .iter()
        .map(|claim| {
            let id = text(claim, "id");
            format!(
                "<tr><td><a href=\"#{}\">{}</a></td><td>{}</td></tr>\n",
                slug(id),
                escaped(text(claim, "claim")),
                verdict(claim)
            )
        })
        .collect();
    block(&format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th>claim</th><th>verdict</th></tr></thead>\n<tbody>\n{rows}</tbody>\
         </table></div>"
    ))
}

/// A claim on its own: what is said, what was found, how far to trust it.
fn one(claim: &Value) -> Result<String, Fault> {
    let mut html =
        format!("<p class=\"io-claim\">“{}” {}</p>\n", escaped(text(claim, "claim")), verdict(claim));
    html += &format!("<p>{}</p>\n", escaped(text(claim, "says")));
    html += &evidence(&claim["evidence"]);
    html += &definitions(
        claim,
        &[
            ("confidence", "how far to trust it"),
            ("authority", "who says so"),
            ("would_change", "what would change it"),
        ],
    );
    Ok(format!("## {} {{#{}}}\n\n{}", heading(claim, "claims")?, slug(text(claim, "id")), block(&html)))
}

/// What a row says under these keys, as far as it says something.
fn definitions(row: &Value, keys: &[(&str, &str)]) -> String {
    let said = keys.iter().filter(|(key, _)| !text(row, key).is_empty());
    let said: String =
        said.map(|(key, name)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(text(row, key)))).collect();
    if said.is_empty() { said } else { format!("<dl class=\"io-facts\">\n{said}</dl>") }
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
            "## sqpoll\\-zero {#sqpoll-zero}",
            "<strong class=\"io-verdict-partly\">holds in part</strong>",
            "Two for an echo &lt;here&gt;.",
            "<td>sqpoll: syscalls</td><td>2.00 per echo</td><td>perf</td>",
            "<td>epoll: syscalls</td><td>no counter</td>",
            "<a href=\"#one-per-batch\">",
        ] {
            assert!(chapter.contains(says), "{says} is not in\n{chapter}");
        }
    }

    #[test]
    fn without_a_document_the_claims_are_told_and_another_document_is_refused() {
        let without = chapter(None).unwrap();
        assert!(CLAIMS.iter().all(|claim| without.contains(&escaped(claim.says))));
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
            {"id": "idle-zero", "fact": "0 means a second", "verdict": "holds", "saw": "1.0 s", "source": "io_uring/sqpoll.c"}]}"#;
        let chapter = facts(Some(document)).unwrap();
        for says in ["“0 means a second”", ">holds</strong>", "1.0 s", "io_uring/sqpoll.c"] {
            assert!(chapter.contains(says), "{says} is not in\n{chapter}");
        }
        assert!(facts(Some("{}")).is_err() && facts(None).is_ok());
    }
}
