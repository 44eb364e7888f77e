//! Processors: what one or two of them mean for lessons in which something polls.

use super::started_with;
use crate::doctor::check::Check;
use crate::trace::{Capabilities, Layer};

/// Processors that a poller, the polled server and the client need to not starve each other.
const ENOUGH: u32 = 3;

/// How many processors there are for us: affinity and cgroup quota, not what is plugged in.
pub fn cpus(capabilities: &Capabilities) -> Check {
    let cpus = capabilities.machine.cpus;
    let mut says = match cpus {
        1 => "1 processor: server and client take turns on it".to_owned(),
        2 => "2 processors: one for the server, one for the client".to_owned(),
        more => format!("{more} processors"),
    };
    let mut quota = false;
    if let Some(processors) = &capabilities.around.processors {
        if processors.affinity < processors.online {
            says.push_str(&format!("; affinity allows {} of {}", processors.affinity, processors.online));
        }
        if let Some(millicpus) = processors.quota_millicpus {
            quota = millicpus < u64::from(processors.affinity) * 1000;
            if quota {
                let (whole, thousandths) = (millicpus / 1000, millicpus % 1000);
                says.push_str(&format!("; a cgroup quota of {whole}.{thousandths:03} stops it when used up"));
            }
        }
    }
    let why = if cpus >= ENOUGH && !quota {
        "an SQPOLL thread or a spinning server keeps a processor busy for itself; there are enough"
    } else if cpus >= ENOUGH {
        "throttling by the quota shows up as latency, in steps of 100 ms, that no server causes"
    } else {
        "two pollers would starve each other and the client: lessons let pollers take turns here"
    };
    let check = Check::ok("cpus", says, why);
    if cpus >= ENOUGH && !quota {
        return check;
    }
    let same = "nothing need be changed: the counts are the same";
    let try_this = match (started_with(capabilities, "--cpus 4"), quota) {
        (Some(command), _) => format!("{command}; or {same}"),
        (None, true) => format!("`systemctl set-property UNIT CPUQuota=` lifts it; or {same}"),
        (None, false) => format!("{same}; times need {ENOUGH} processors"),
    };
    check.limited(Layer::Cpus, try_this)
}
