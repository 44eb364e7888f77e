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

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let host = evidence.host.as_ref().ok_or_else(|| Untestable::because("nobody looked at the machine"))?;
    let verdict = if host.with_ring > host.with_epoll { Verdict::Partly } else { Verdict::Holds };
    let says = format!(
        "The loops that most programs are written on wait with epoll. Of {} processes here whose descriptors this user may read, {} \
         hold an epoll descriptor and {} a ring.",
        host.readable, host.with_epoll, host.with_ring
    );
    let number = |name: &str, count: u64| Number {
        name: name.into(),
        unit: format!("of {} processes", host.readable),
        measured: Measured::known(count as f64, Rung::Proc),
    };
    let numbers =
        vec![number("with an epoll descriptor", host.with_epoll), number("with a ring", host.with_ring)];
    ruling(verdict, says, numbers)
}
