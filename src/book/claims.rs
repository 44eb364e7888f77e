//! The chapter on the claims court, from the document that `iolab claims --format json` printed on one machine.

use serde_json::Value;

use super::Fault;
use super::html::{block, escaped, slug};

/// The documents that can be read.
const SCHEMA: &str = "iolab.claims/1";

/// The chapter, or what is said where no verdicts were recorded.
///
/// # Errors
/// A document that is something else.
pub(super) fn chapter(document: Option<&str>) -> Result<String, Fault> {
    let Some(document) = document else {
        return Ok(block(
            "<p>No verdicts were recorded for this edition. On your own machine: <code>iolab claims</code></p>",
        ));
    };
    let document: Value = serde_json::from_str(document)
        .map_err(|error| Fault::new(format!("book/claims.json is not JSON: {error}")))?;
    if document["schema"] != SCHEMA {
        return Err(Fault::new(format!("book/claims.json is not of the schema {SCHEMA}")));
    }
    let claims = document["claims"].as_array().filter(|claims| !claims.is_empty());
    let claims = claims.ok_or_else(|| Fault::new("book/claims.json holds no claims"))?;
    let mut out = machine(&document["machine"]);
    out += &table(claims);
    for claim in claims {
        out += &one(claim)?;
    }
    Ok(out)
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
    let id = text(claim, "id");
    if id.is_empty() {
        return Err(Fault::new("book/claims.json holds a claim without an id"));
    }
    let mut html =
        format!("<p class=\"io-claim\">“{}” {}</p>\n", escaped(text(claim, "claim")), verdict(claim));
    html += &format!("<p>{}</p>\n", escaped(text(claim, "says")));
    html += &evidence(&claim["evidence"]);
    let facts = [
        ("confidence", "how far to trust it"),
        ("authority", "who says so"),
        ("would_change", "what would change it"),
    ];
    let facts: String = facts
        .iter()
        .filter(|(key, _)| !text(claim, key).is_empty())
        .map(|(key, name)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(text(claim, key))))
        .collect();
    if !facts.is_empty() {
        html += &format!("<dl class=\"io-facts\">\n{facts}</dl>");
    }
    Ok(format!("## {} {{#{}}}\n\n{}", id.replace('-', "\\-"), slug(id), block(&html)))
}

/// The numbers that a verdict was computed from, by their names.
fn evidence(evidence: &Value) -> String {
    let numbers = evidence.as_object().into_iter().flatten();
    let rows: String = numbers
        .map(|(name, number)| {
            let (unit, rung) = (escaped(text(number, "unit")), escaped(text(number, "rung")));
            format!("<tr><td>{}</td><td>{} {unit}</td><td>{rung}</td></tr>\n", escaped(name), value(number))
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

/// A number, or why there is none.
fn value(number: &Value) -> String {
    match number["value"].as_f64() {
        Some(value) => crate::screen::rounded(value),
        None => escaped(text(number, "why")),
    }
}

fn verdict(claim: &Value) -> String {
    let verdict = text(claim, "verdict");
    let word = match verdict {
        "holds" => "holds",
        "partly" => "holds in part",
        "fails" => "does not hold",
        _ => "cannot be tested there",
    };
    format!("<strong class=\"io-verdict-{}\">{word}</strong>", slug(verdict))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
        "schema": "iolab.claims/1",
        "machine": {"kernel": "6.18.44", "cpus": 2},
        "claims": [
            {"id": "sqpoll-zero", "claim": "SQPOLL needs no system calls", "verdict": "partly",
             "says": "It waits by a call: 2.0 for an echo.", "confidence": "high", "authority": "io_uring_setup(2)",
             "would_change": "a server that never waits",
             "evidence": {"sqpoll: syscalls": {"name": "sqpoll: syscalls", "unit": "per echo", "value": 2.0, "rung": "perf"},
                          "epoll: syscalls": {"unit": "per echo", "value": null, "why": "no counter <allowed>"}}},
            {"id": "one-per-batch", "claim": "one call per batch", "verdict": "untestable", "says": "io_uring is refused"}
        ]
    }"#;

    #[test]
    fn a_verdict_stands_with_its_evidence_and_what_would_change_it() {
        let chapter = chapter(Some(DOCUMENT)).unwrap();
        for says in [
            "Linux 6.18.44",
            "## sqpoll\\-zero {#sqpoll-zero}",
            "“SQPOLL needs no system calls” <strong class=\"io-verdict-partly\">holds in part</strong>",
            "It waits by a call",
            "<td>sqpoll: syscalls</td><td>2 per echo</td><td>perf</td>",
            "no counter &lt;allowed&gt;",
            "a server that never waits",
            "<a href=\"#one-per-batch\">",
            "cannot be tested there",
        ] {
            assert!(chapter.contains(says), "{says} is not in\n{chapter}");
        }
    }

    #[test]
    fn without_a_document_the_chapter_says_so_and_another_document_is_refused() {
        assert!(chapter(None).unwrap().contains("iolab claims"));
        for document in
            ["", "{}", r#"{"schema": "iolab.claims/2"}"#, r#"{"schema": "iolab.claims/1", "claims": []}"#]
        {
            assert!(chapter(Some(document)).is_err(), "{document}");
        }
    }
}
