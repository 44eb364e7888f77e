//! Verdicts for machines: `iolab.claims/1`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::claims::{Judged, Number, Verdict};
use crate::trace::{Machine, Refusal};

/// Name and version of the document; later versions only grow. `schemas/iolab.claims-1.schema.json` says what is
/// in it.
pub const SCHEMA: &str = "iolab.claims/1";

/// The document.
#[derive(Debug, Serialize)]
pub struct Document<'j> {
    schema: &'static str,
    machine: &'j Machine,
    claims: Vec<Claim<'j>>,
}

#[derive(Debug, Serialize)]
struct Claim<'j> {
    id: &'static str,
    claim: &'static str,
    verdict: Verdict,
    /// Why.
    says: &'j str,
    /// By what each number is.
    evidence: BTreeMap<&'j str, &'j Number>,
    /// `counts`, `times` or `reference`.
    rests_on: crate::claims::RestsOn,
    /// Nothing that was not judged has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'static str>,
    authority: &'static str,
    would_change: &'static str,
    /// How long its own experiments took.
    seconds: f64,
    /// The layer that kept evidence back.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'j Refusal>,
}

/// The document of these verdicts.
pub fn document<'j>(machine: &'j Machine, judged: &'j [Judged]) -> Document<'j> {
    let claim = |judged: &'j Judged| Claim {
        id: judged.claim.id,
        claim: judged.claim.says,
        verdict: judged.ruling.verdict,
        says: &judged.ruling.says,
        evidence: judged.ruling.numbers.iter().map(|number| (number.name.as_str(), number)).collect(),
        rests_on: judged.claim.rests_on,
        confidence: (judged.ruling.verdict != Verdict::Untestable).then(|| judged.claim.rests_on.says()),
        authority: judged.claim.authority,
        would_change: judged.claim.would_change,
        seconds: (judged.seconds * 1000.0).round() / 1000.0,
        refusal: judged.refusal.as_ref(),
    };
    Document { schema: SCHEMA, machine, claims: judged.iter().map(claim).collect() }
}

/// The document of kernel facts, of the same schema.
#[cfg(feature = "live")]
#[derive(Debug, Serialize)]
pub struct Facts<'t> {
    schema: &'static str,
    machine: &'t Machine,
    facts: Vec<FactTried<'t>>,
}

/// One statement.
#[cfg(feature = "live")]
#[derive(Debug, Serialize)]
struct FactTried<'t> {
    id: &'static str,
    fact: &'static str,
    verdict: crate::claims::facts::Standing,
    saw: &'t str,
    source: &'static str,
    /// Which manual page says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    manual: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'t Refusal>,
}

/// The document of statements that were tried.
#[cfg(feature = "live")]
pub fn facts<'t>(machine: &'t Machine, tried: &'t [crate::claims::facts::Tried]) -> Facts<'t> {
    let fact = |tried: &'t crate::claims::facts::Tried| FactTried {
        id: tried.fact.id,
        fact: tried.fact.says,
        verdict: tried.observed.standing,
        saw: &tried.observed.saw,
        source: tried.fact.source,
        manual: tried.fact.manual,
        refusal: tried.refusal.as_ref(),
    };
    Facts { schema: SCHEMA, machine, facts: tried.iter().map(fact).collect() }
}
