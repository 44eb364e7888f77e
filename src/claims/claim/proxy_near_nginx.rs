//! What nginx and haproxy are built on.

use crate::claims::host::Proxy;
use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::trace::Rung;
use crate::world::Measured;

pub const CLAIM: Claim = Claim {
    id: "proxy-near-nginx",
    says: "An io_uring proxy approaches nginx and haproxy, which beat what epoll can do.",
    rests_on: RestsOn::Reference,
    needs: &["machine"],
    authority: "ngx_epoll_module.c of nginx, ev_epoll.c of haproxy: both wait with epoll on Linux",
    would_change: "a proxy of that rank that waits by other means",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let host = evidence.host.as_ref().ok_or_else(|| Untestable::because("nobody looked at the machine"))?;
    let by_other_means = host.proxies.iter().any(|proxy| proxy.io_uring && !proxy.epoll);
    let verdict = if by_other_means { Verdict::Partly } else { Verdict::Fails };
    let here = match &host.proxies[..] {
        [] => "Neither is installed here; their sources say so.".to_owned(),
        proxies => {
            let one = |proxy: &Proxy| {
                let waits = match (proxy.epoll, proxy.io_uring) {
                    (true, false) => "epoll",
                    (true, true) => "epoll and io_uring",
                    (false, true) => "io_uring",
                    (false, false) => "neither; a library may wait for it",
                };
                format!("{} as installed here names {waits}", proxy.name)
            };
            let said: Vec<_> = proxies.iter().map(one).collect();
            format!("{}.", said.join("; "))
        }
    };
    let says = format!(
        "nginx and haproxy are epoll programs themselves, so they cannot beat what epoll can do. {here} How near an \
         io_uring proxy comes to them was not measured: this verdict is about the second half of the claim."
    );
    let number = Number {
        name: "proxies here that wait with epoll".into(),
        unit: format!("of {}", host.proxies.len()),
        measured: Measured::known(host.proxies.iter().filter(|proxy| proxy.epoll).count() as f64, Rung::Proc),
    };
    ruling(verdict, says, vec![number])
}
