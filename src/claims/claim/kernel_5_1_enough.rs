//! What came when.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::doctor::Version;
use crate::doctor::features::FEATURES;
use crate::doctor::operations::OPERATIONS;
use crate::trace::Rung;
use crate::world::Measured;

pub const CLAIM: Claim = Claim {
    id: "kernel-5.1-enough",
    says: "Any kernel from 5.1 on will do for io_uring.",
    rests_on: RestsOn::Counts,
    needs: &[],
    authority: "io_uring_setup(2), io_uring_enter(2), io_uring_register(2): each names the first kernel of what it describes",
    would_change: "what is to be done: reads and writes of files were there from the beginning",
    rule,
};

/// The first kernel with io_uring.
const FIRST: Version = Version(5, 1);

/// The lessons about the network.
const NETWORK: [u8; 3] = [3, 4, 5];

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let (operations, features) =
        (&evidence.capabilities.io_uring_operations, &evidence.capabilities.io_uring_features);
    // The probe of operations came with 5.6: where it is not there nothing can be said of them.
    if operations.is_empty() || features.is_empty() {
        let silent = || Untestable::because("this kernel does not say which operations and features it has");
        return Err(evidence.capabilities.io_uring.refusal().cloned().map_or_else(silent, Into::into));
    }
    let used = |lessons: &[u8]| lessons.iter().any(|lesson| NETWORK.contains(lesson));
    let has = |told: &std::collections::BTreeMap<String, bool>, name: &str| told.get(name) == Some(&true);
    let rows = OPERATIONS
        .iter()
        .filter(|row| used(row.lessons))
        .map(|row| (row.name, row.since, has(operations, row.name)));
    let more = FEATURES
        .iter()
        .filter(|row| used(row.lessons))
        .map(|row| (row.name, row.since, has(features, row.name)));
    let wanted: Vec<(&str, Version, bool)> = rows.chain(more).collect();
    let first = wanted.iter().filter(|(_, since, _)| *since <= FIRST).count();
    let here = wanted.iter().filter(|(.., here)| *here).count();
    let verdict = match first {
        first if first == wanted.len() => Verdict::Holds,
        0 => Verdict::Fails,
        _ => Verdict::Partly,
    };
    let kernel = &evidence.capabilities.machine.kernel;
    let latest = wanted.iter().max_by_key(|(_, since, _)| *since);
    let latest = latest.map_or(String::new(), |(name, since, _)| format!("; {name} came with {since}"));
    let says = format!(
        "Of {} operations and features that the lessons about the network use, {first} were in 5.1; this {kernel} says that \
         it has {here}{latest}. And a policy may refuse all of them on any kernel.",
        wanted.len()
    );
    let number = Number {
        name: "operations and features on this kernel".into(),
        unit: format!("of {}", wanted.len()),
        measured: Measured::known(here as f64, Rung::Ring),
    };
    ruling(verdict, says, vec![number])
}
