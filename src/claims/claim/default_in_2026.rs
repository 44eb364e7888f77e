//! What programs wait with.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::trace::Rung;
use crate::world::Measured;

pub const CLAIM: Claim = Claim {
    id: "default-in-2026",
    says: "epoll is the default in practice.",
    rests_on: RestsOn::Reference,
    needs: &["machine"],
    authority: "the event loops that most servers stand on wait with epoll on Linux: libuv, libevent, mio (tokio), netty's native \
                transport, Go's netpoller",
    would_change: "those loops taking up io_uring by default",
    rule,
};

/// From so many processes on they say something about the machine.
const MANY: u64 = 20;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let host = evidence.host.as_ref().ok_or_else(|| Untestable::because("nobody looked at the machine"))?;
    let (verdict, so) = match host.readable >= MANY && host.with_ring > host.with_epoll {
        true => (Verdict::Partly, ": not on this machine, then"),
        false => (Verdict::Holds, ""),
    };
    let processes = match host.readable {
        1 => "1 process".to_owned(),
        n => format!("{n} processes"),
    };
    let says = format!(
        "The loops that most programs are written on wait with epoll. Of {processes} here whose descriptors this user may \
         read, iolab's own left out, {} hold an epoll descriptor and {} a ring{so}.",
        host.with_epoll, host.with_ring
    );
    let number = |name: &str, count: u64| Number {
        name: name.into(),
        unit: format!("of {processes}"),
        measured: Measured::known(count as f64, Rung::Proc),
    };
    let numbers =
        vec![number("with an epoll descriptor", host.with_epoll), number("with a ring", host.with_ring)];
    ruling(verdict, says, numbers)
}
