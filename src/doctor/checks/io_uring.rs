//! io_uring: whether it may be used at all, and which parts of it are there.

use crate::doctor::check::Check;
use crate::doctor::features::FEATURES;
use crate::doctor::operations::{OPERATIONS, Operation};
use crate::doctor::version::Version;
use crate::trace::{Allowed, Capabilities, Layer};

/// Whether io_uring_setup(2), io_uring_enter(2) and io_uring_register(2) are allowed.
pub fn io_uring(capabilities: &Capabilities) -> Check {
    let works = format!("a ring was made and answered a NOP (uid {})", capabilities.uid);
    let why = "lessons 3 to 7 run io_uring servers; refused, they open on their recorded runs";
    Check::of("io_uring", &capabilities.io_uring, works, why)
}

/// The operations, by IORING_REGISTER_PROBE.
pub fn operations(capabilities: &Capabilities) -> Check {
    let why = "an operation that is missing answers EINVAL; its lesson then shows the recorded run";
    if let Some(check) = unknown("operations", why, capabilities) {
        return check;
    }
    if capabilities.io_uring_operations.is_empty() {
        let says = "not known: IORING_REGISTER_PROBE came with Linux 5.6, as did RECV and SEND";
        return Check::ok("operations", says, why).refused(Layer::Kernel, "Linux 5.6 or later");
    }
    let has = |name: &str| capabilities.io_uring_operations.get(name) == Some(&true);
    let (used, others): (Vec<&Operation>, Vec<&Operation>) =
        OPERATIONS.iter().partition(|row| !row.lessons.is_empty());
    let here = others.iter().filter(|row| has(row.name)).count();
    let missing: Vec<Part> =
        used.iter().filter(|row| !has(row.name)).map(|row| Part::new(row.name, row.since)).collect();
    let (all, others) = (used.len(), others.len());
    if missing.is_empty() {
        let names: Vec<_> = used.iter().map(|row| row.name).collect();
        let says = format!("all {all} that the lessons use ({}); {here} of {others} others", names.join(" "));
        return Check::ok("operations", says, why);
    }
    let says = format!("{} of {all} that the lessons use; {here} of {others} others", all - missing.len());
    lacking(Check::ok("operations", says, why), &missing, capabilities)
}

/// Features and set-up flags, each tried.
pub fn features(capabilities: &Capabilities) -> Check {
    let why =
        "servers use what is there and fall back one feature at a time; a later lesson shows what each buys";
    if let Some(check) = unknown("features", why, capabilities) {
        return check;
    }
    let has = |name: &str| capabilities.io_uring_features.get(name) == Some(&true);
    let here: Vec<_> = FEATURES.iter().map(|row| row.name).filter(|name| has(name)).collect();
    let says = format!("{} of {}", here.len(), FEATURES.len());
    // SQPOLL has a check of its own.
    let missing: Vec<Part> = FEATURES
        .iter()
        .filter(|row| !row.lessons.is_empty() && !has(row.name) && row.name != "SQPOLL")
        .map(|row| Part::new(row.name, row.since))
        .collect();
    if missing.is_empty() {
        return Check::ok("features", format!("{says}: {}", here.join(" ")), why);
    }
    lacking(Check::ok("features", says, why), &missing, capabilities)
}

/// SQPOLL without privileges: lesson 4 stands on it.
pub fn sqpoll(capabilities: &Capabilities) -> Check {
    let why = "lesson 4 lets a kernel thread poll the submission queue; until 5.13 that took a capability";
    if let Some(check) = unknown("sqpoll", why, capabilities) {
        return check;
    }
    if capabilities.io_uring_features.get("SQPOLL") == Some(&true) {
        let who = if capabilities.uid == 0 { "as root" } else { "without privileges" };
        return Check::ok("sqpoll", format!("a ring with SQPOLL was made {who}"), why);
    }
    match capabilities.io_uring_refusals.get("SQPOLL") {
        Some(refusal) => Check::ok("sqpoll", &refusal.says, why).refused(refusal.layer, &refusal.try_this),
        None => {
            let says = "this kernel was built without SQPOLL (io_uring_setup: EINVAL)";
            Check::ok("sqpoll", says, why).refused(Layer::Kernel, "")
        }
    }
}

/// The answer to every question about the parts of io_uring where io_uring itself is refused.
fn unknown(id: &str, why: &str, capabilities: &Capabilities) -> Option<Check> {
    let Allowed::No(refusal) = &capabilities.io_uring else { return None };
    Some(Check::ok(id, "not known, because io_uring itself is refused", why).refused(refusal.layer, ""))
}

/// Something of io_uring, and the kernel that brought it.
struct Part {
    name: &'static str,
    since: Version,
}

impl Part {
    fn new(name: &'static str, since: Version) -> Self {
        Self { name, since }
    }
}

/// Adds to a check what is missing, and the kernel that has all of it.
fn lacking(check: Check, missing: &[Part], capabilities: &Capabilities) -> Check {
    let names: Vec<_> = missing.iter().map(|part| format!("{} ({})", part.name, part.since)).collect();
    let says = format!("{}; missing {}", check.says, names.join(", "));
    let check = Check { says, ..check };
    // A reason that was met when trying beats the guess that the kernel is too old.
    let told = missing.iter().find_map(|part| capabilities.io_uring_refusals.get(part.name));
    if let Some(refusal) = told {
        let says = format!("{} ({})", check.says, refusal.says);
        return Check { says, ..check }.limited(refusal.layer, &refusal.try_this);
    }
    let newest = missing.iter().map(|part| part.since).max().unwrap_or(Version(0, 0));
    let try_this = if newest > Version::of(&capabilities.machine.kernel) {
        format!("Linux {newest} or later")
    } else {
        format!("a kernel built with it: Linux has it since {newest}, this one was configured without")
    };
    check.limited(Layer::Kernel, try_this)
}
