//! Where batching begins.

use crate::claims::judge::{ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "thousands-threshold",
    says: "Below a few thousand connections epoll is the right choice.",
    rests_on: RestsOn::Counts,
    needs: &["epoll@64", "uring@1", "uring@8", "uring@64", "uring@512"],
    authority: "none is known for the number; what a ring spares follows from the completions that one io_uring_enter brings back",
    would_change: "a load in which few connections have something at the same time, however many there are",
    rule,
};

/// A gain, and a gain to speak of: times fewer calls than with one connection.
const SOME: f64 = 2.0;
const MUCH: f64 = 8.0;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let calls = |column| evidence.number(column, MetricId::SyscallsPerRequest);
    let epoll = calls("epoll@64")?;
    let (one, eight, many, crowd) =
        (calls("uring@1")?, calls("uring@8")?, calls("uring@64")?, calls("uring@512")?);
    let (verdict, so) = match (times(&one, &many), times(&one, &crowd)) {
        (at_64, _) if at_64 >= MUCH => (
            Verdict::Fails,
            "What a ring spares is there long before thousands: what counts is how many have something at each wake-up.",
        ),
        (_, at_512) if at_512 < SOME => {
            (Verdict::Holds, "Up to 512 connections a ring spared next to nothing.")
        }
        _ => (Verdict::Partly, "It begins somewhere between."),
    };
    let says = format!(
        "{:.2} calls an echo with 1 connection, {:.2} with 8, {:.3} with 64, {:.3} with 512; epoll with 64 makes {:.2}. {so}",
        one.value(),
        eight.value(),
        many.value(),
        crowd.value(),
        epoll.value()
    );
    ruling(verdict, says, vec![one, eight, many, crowd, epoll])
}
