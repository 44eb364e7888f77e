//! Readiness is a promise, not a result.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::world::Measured;

pub const CLAIM: Claim = Claim {
    id: "possible-not-done",
    says: "epoll says that I/O is possible, not that it is done.",
    rests_on: RestsOn::Counts,
    needs: &["epoll@64"],
    authority: "epoll(7): events tell of descriptors that are ready; reading is the program's business",
    would_change: "an event that carried the bytes with it: that is what a completion of io_uring does",
    rule,
};

/// Calls that fetch bytes.
const READS: [&str; 4] = ["read", "recvfrom", "recvmsg", "readv"];

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let reads = evidence.view("epoll@64", "epoll@64", |view| {
        let by_name = view.syscalls_by_name();
        let told = READS.iter().filter_map(|name| by_name.get(*name));
        let known: Vec<_> = told.filter_map(|count| Some((count.value()?, count.rung()?))).collect();
        let Some(&(_, rung)) = known.first() else {
            let why = view.refusal_of(crate::trace::Rung::Ptrace).cloned();
            let unknown = || Untestable::because("which calls it made is not known here");
            return match by_name.is_empty() {
                true => Err(why.map_or_else(unknown, Into::into)),
                false => Ok(Measured::known(0.0, crate::trace::Rung::Ptrace)),
            };
        };
        Ok(Measured::known(known.iter().map(|(each, _)| each).sum(), rung))
    })?;
    let each = reads.value().unwrap_or_default();
    let number =
        Number { name: "epoll@64: calls that read".into(), unit: "per echo".into(), measured: reads };
    let (verdict, so) = match each {
        each if each >= 0.9 => (Verdict::Holds, "to fetch what it had only been told of"),
        each if each < 0.1 => (Verdict::Fails, "that read: the bytes came without being asked for"),
        _ => (Verdict::Partly, "that read: some of the bytes came without being asked for"),
    };
    let says = format!(
        "After epoll_wait had told which sockets were readable the server made {each:.2} calls a message {so}."
    );
    ruling(verdict, says, vec![number])
}
