//! Who refuses to count, and who keeps the tracepoints' ids.

use nix::errno::Errno;

use super::{Facts, Tried, on_host};
use crate::trace::{Layer, Refusal};

/// Who refused perf_event_open(2) of an event that happens in the kernel.
pub fn perf(tried: Tried, facts: &Facts) -> Refusal {
    // perf_allow_kernel(): above 1, CAP_PERFMON is wanted.
    open(tried, facts, 1)
}

/// Who refused perf_event_open(2) of an event with `exclude_kernel`.
pub fn perf_user(tried: Tried, facts: &Facts) -> Refusal {
    // Debian and Ubuntu add levels 3 and 4, at which perf is for root alone.
    open(tried, facts, 2)
}

/// Who refused, where `paranoid_most` is the highest `perf_event_paranoid` that allows the event.
fn open(tried: Tried, facts: &Facts, paranoid_most: i32) -> Refusal {
    let paranoid = facts.perf_event_paranoid.filter(|level| *level > paranoid_most && !facts.may_perfmon());
    match (tried.errno, paranoid) {
        // Docker's default profile answers EPERM unless there is CAP_PERFMON; the sysctl answers EACCES.
        (Errno::EPERM | Errno::ENOSYS, _) if facts.seccomp_filter => {
            tried.refused_by_seccomp(facts, Some("PERFMON"))
        }
        (Errno::EACCES | Errno::EPERM, Some(level)) => {
            let sysctl = on_host(facts, &format!("sudo sysctl kernel.perf_event_paranoid={paranoid_most}"));
            let try_this = match facts.container.as_deref() {
                Some(manager @ ("docker" | "podman")) => {
                    format!("`{manager} run --cap-add PERFMON …` and root in it, or {sysctl}")
                }
                _ => format!("{sysctl}, or `sudo iolab …`"),
            };
            tried.refused(Layer::Sysctl, &format!("perf_event_paranoid {level}"), try_this)
        }
        (Errno::EACCES | Errno::EPERM, None) => tried.refused_by_lsm(),
        (Errno::ENOSYS, _) => tried.refused_by_kernel(facts, "built without CONFIG_PERF_EVENTS"),
        _ if tried.is_limit() => tried.refused_by_limit(),
        _ => tried.refused_by_kernel(facts, &format!("Linux {}", facts.kernel)),
    }
}

/// Why the tracepoints' ids are not known, for who may count in the kernel.
pub fn tracepoints(tried: Tried, facts: &Facts) -> Refusal {
    let share = "`sudo iolab doctor --share-ids` lets perf-user count, until the machine starts again";
    match tried.errno {
        Errno::ENODEV => {
            let kernel = "a kernel built with CONFIG_FTRACE_SYSCALLS";
            tried.refused(Layer::Kernel, "this kernel has no such tracepoints", kernel)
        }
        Errno::ENOENT => {
            let try_this = match facts.container.as_deref() {
                Some(manager @ ("docker" | "podman")) => {
                    format!("`{manager} run -v /sys/kernel/tracing:/sys/kernel/tracing:ro …`")
                }
                _ => share.to_owned(),
            };
            tried.refused(Layer::Filesystem, "tracefs is not mounted", try_this)
        }
        _ if tried.is_limit() => tried.refused_by_limit(),
        _ => tried.refused(Layer::Filesystem, "tracefs is readable by root alone", share),
    }
}

/// The same for who may count own system calls by name.
pub fn user_tracepoints(tried: Tried, facts: &Facts) -> Refusal {
    let refusal = tracepoints(tried, facts);
    Refusal {
        says: format!("counting is allowed, but tracepoints have no known ids: {}", refusal.says),
        ..refusal
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::super::{Facts, Tried, free};
    use super::{perf, perf_user, user_tracepoints};
    use crate::trace::Layer;

    fn tried(errno: Errno) -> Tried {
        Tried { call: "perf_event_open", errno }
    }

    #[test]
    fn paranoid_two_refuses_the_kernels_events() {
        let refusal = perf(tried(Errno::EACCES), &free());
        assert_eq!(refusal.layer, Layer::Sysctl);
        assert_eq!(refusal.says, "perf_event_open: EACCES (perf_event_paranoid 2)");
        assert_eq!(refusal.try_this, "`sudo sysctl kernel.perf_event_paranoid=1`, or `sudo iolab …`");
    }

    #[test]
    fn ubuntus_level_four_refuses_own_events_too() {
        let facts = Facts { perf_event_paranoid: Some(4), ..free() };
        let refusal = perf_user(tried(Errno::EACCES), &facts);
        assert_eq!(refusal.layer, Layer::Sysctl);
        assert!(refusal.try_this.contains("perf_event_paranoid=2"), "{}", refusal.try_this);
    }

    #[test]
    fn docker_wants_perfmon() {
        let container = Some("docker".to_owned());
        let facts = Facts { seccomp_filter: true, uid: 0, container, ..free() };
        let refusal = perf(tried(Errno::EPERM), &facts);
        assert_eq!(refusal.layer, Layer::Seccomp);
        assert!(refusal.try_this.starts_with("`docker run --cap-add PERFMON …`"), "{}", refusal.try_this);
    }

    #[test]
    fn root_that_is_refused_met_a_security_module() {
        let facts = Facts { uid: 0, capabilities: u64::MAX, ..free() };
        assert_eq!(perf(tried(Errno::EACCES), &facts).layer, Layer::Lsm);
    }

    #[test]
    fn unknown_ids_lead_to_sharing_them() {
        let open = Tried { call: "open /sys/kernel/tracing", errno: Errno::EACCES };
        let refusal = user_tracepoints(open, &free());
        assert_eq!(refusal.layer, Layer::Filesystem);
        assert!(refusal.try_this.contains("sudo iolab doctor --share-ids"), "{}", refusal.try_this);
    }
}
