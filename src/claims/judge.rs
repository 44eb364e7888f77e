//! From evidence to a verdict: what every claim is asked before its own rule.

use super::evidence::{Evidence, Number, Untestable};
use super::experiment::experiment;
use super::{Claim, Quiet, RestsOn, Ruling, Verdict};
use crate::trace::Refusal;
use crate::world::{Measured, MetricId};

/// A claim and what came of it.
#[derive(Debug)]
pub struct Judged {
    /// The claim.
    pub claim: &'static Claim,
    /// What came of it.
    pub ruling: Ruling,
    /// The layer that kept evidence back, where one did.
    pub refusal: Option<Refusal>,
    /// How long its own experiments took, seconds; what another claim had run before is not counted.
    pub seconds: f64,
}

/// Judges a claim by the evidence.
pub fn judge(claim: &'static Claim, evidence: &Evidence) -> Judged {
    let ruled = guards(claim, evidence).and_then(|()| (claim.rule)(evidence));
    let (ruling, refusal) = match ruled {
        Ok(ruling) => (ruling, None),
        Err(Untestable { says, refusal }) => {
            (Ruling { verdict: Verdict::Untestable, says, numbers: Vec::new() }, refusal)
        }
    };
    Judged { claim, ruling, refusal, seconds: 0.0 }
}

/// What makes any rule idle: a ring that is forbidden, neighbours that take the processors that times are
/// measured on, pollers without a processor to spare.
fn guards(claim: &Claim, evidence: &Evidence) -> Result<(), Untestable> {
    let needs = || claim.needs.iter().filter_map(|id| experiment(id));
    let io_uring = &evidence.capabilities.io_uring;
    if needs().any(|needed| needed.io_uring()) && !io_uring.is_usable() {
        let refused = io_uring.refusal().cloned();
        return Err(refused.map_or_else(|| Untestable::because("io_uring is refused"), Into::into));
    }
    if claim.rests_on != RestsOn::Times {
        return Ok(());
    }
    if needs().any(|needed| needed.polls()) && evidence.capabilities.machine.cpus < 2 {
        return Err(Untestable::because(
            "whoever polls keeps the only processor from everybody else: it takes two to compare",
        ));
    }
    let loudest = claim.needs.iter().filter_map(|id| evidence.quiet.get(*id)).copied();
    let loudest = loudest.reduce(Quiet::busier).unwrap_or_default();
    match loudest.is_quiet() {
        true => Ok(()),
        false => Err(Untestable::because(format!(
            "others took or wanted {:.1} of {} processors, and this verdict rests on times: try again when the machine has \
             nothing else to do",
            loudest.others,
            loudest.processors.max(1)
        ))),
    }
}

/// A ruling from its parts.
pub(super) fn ruling(verdict: Verdict, says: String, numbers: Vec<Number>) -> Result<Ruling, Untestable> {
    Ok(Ruling { verdict, says, numbers })
}

/// All context switches of an echo, whoever wanted them: on a single processor a client that wakes takes it before
/// the server could go to sleep, and what would have been a voluntary switch is an involuntary one.
pub(super) fn switches(evidence: &Evidence, column: &str) -> Result<Number, Untestable> {
    switches_in(evidence, column, column)
}

/// The same of a server that runs in an experiment of several.
pub(super) fn switches_in(evidence: &Evidence, experiment: &str, server: &str) -> Result<Number, Untestable> {
    let slept = evidence.number_in(experiment, server, MetricId::VoluntarySwitchesPerRequest)?;
    let displaced = evidence.number_in(experiment, server, MetricId::InvoluntarySwitchesPerRequest)?;
    let measured = match slept.measured.rung() {
        Some(rung) => Measured::known(slept.value() + displaced.value(), rung),
        None => slept.measured,
    };
    let name = slept.name.replace("voluntary switches", "context switches");
    Ok(Number { name, unit: slept.unit, measured })
}

/// How many times one number is another.
pub(super) fn times(one: &Number, other: &Number) -> f64 {
    one.value() / other.value().max(f64::MIN_POSITIVE)
}

/// Times that point neither way.
pub(super) fn between(says: String) -> Untestable {
    let says = says.trim_end_matches('.');
    Untestable::because(format!("{says}. That lies between the answers, and may be noise: try again"))
}
