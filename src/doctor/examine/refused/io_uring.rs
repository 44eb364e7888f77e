//! Who refuses io_uring.

use nix::errno::Errno;

use super::{Facts, Tried, on_host};
use crate::doctor::examine::facts::Capability;
use crate::doctor::version::Version;
use crate::trace::{Layer, Refusal};

/// io_uring came with it.
const FIRST: Version = Version(5, 1);
/// From here on rings are charged to the memory cgroup and no longer to RLIMIT_MEMLOCK.
const NOT_LOCKED: Version = Version(5, 12);

/// Who refused io_uring_setup(2), io_uring_enter(2) or io_uring_register(2).
pub fn io_uring(tried: Tried, facts: &Facts) -> Refusal {
    match tried.errno {
        Errno::EPERM => forbidden(tried, facts),
        Errno::EACCES => tried.refused_by_lsm(),
        // A filter may answer ENOSYS too, to look like an old kernel: the version gives it away.
        Errno::ENOSYS if facts.version() < FIRST => tried
            .refused_by_kernel(facts, &format!("Linux {} has no io_uring: it came with 5.1", facts.kernel)),
        Errno::ENOSYS if facts.seccomp_filter => tried.refused_by_seccomp(facts, None),
        Errno::ENOSYS => tried.refused_by_kernel(facts, "this kernel was built without CONFIG_IO_URING"),
        Errno::ENOMEM => no_memory(tried, facts),
        _ if tried.is_limit() => tried.refused_by_limit(),
        _ => tried.refused_by_kernel(facts, &format!("Linux {}", facts.kernel)),
    }
}

/// EPERM, in the order in which the kernel asks: the filter at the entry of the system call, then
/// `io_uring_allowed()`. The sysctl is asked first here all the same: where it forbids, it is known to,
/// whereas a filter's rules cannot be read.
fn forbidden(tried: Tried, facts: &Facts) -> Refusal {
    let in_group = facts
        .io_uring_group
        .is_some_and(|allowed| u32::try_from(allowed).is_ok_and(|allowed| facts.groups.contains(&allowed)));
    match facts.io_uring_disabled {
        Some(2..) => {
            let try_this = on_host(facts, "sudo sysctl kernel.io_uring_disabled=0");
            tried.refused(Layer::Sysctl, "kernel.io_uring_disabled is 2: for nobody", try_this)
        }
        Some(1) if !facts.may(Capability::SysAdmin) && !in_group => {
            let all = on_host(facts, "sudo sysctl kernel.io_uring_disabled=0");
            let gid = facts.groups.last().copied().unwrap_or(facts.uid);
            let try_this =
                format!("{all}, or for your group alone `sudo sysctl kernel.io_uring_group={gid}`");
            let by = match facts.io_uring_group {
                Some(group @ 0..) => {
                    format!("kernel.io_uring_disabled is 1: for root and group {group} alone")
                }
                _ => "kernel.io_uring_disabled is 1: for root alone".to_owned(),
            };
            tried.refused(Layer::Sysctl, &by, try_this)
        }
        _ if facts.seccomp_filter => tried.refused_by_seccomp(facts, None),
        _ => tried.refused_by_lsm(),
    }
}

/// ENOMEM: locked memory on old kernels, a memory cgroup on later ones.
fn no_memory(tried: Tried, facts: &Facts) -> Refusal {
    match facts.memlock_bytes {
        Some(limit_bytes) if facts.version() < NOT_LOCKED => {
            let by = format!("rings are charged to RLIMIT_MEMLOCK here, which is {} KiB", limit_bytes >> 10);
            let try_this = match facts.container.as_deref() {
                Some(manager @ ("docker" | "podman")) => {
                    format!("`{manager} run --ulimit memlock=8388608:8388608 …`")
                }
                _ => "`sudo prlimit --pid $$ --memlock=8388608:8388608`".to_owned(),
            };
            tried.refused(Layer::Memlock, &by, try_this)
        }
        _ => {
            let by = "no memory, or none that the memory cgroup allows";
            let try_this = "`cat /proc/self/cgroup` names the cgroup; raise its memory.max";
            tried.refused(Layer::Limit, by, try_this)
        }
    }
}

/// Who refused a ring with SQPOLL where one without is allowed; `None` where the kernel just lacks it.
pub fn sqpoll(tried: Tried, facts: &Facts) -> Option<Refusal> {
    let needs = match facts.version() {
        old if old < Version(5, 11) => Some(("CAP_SYS_ADMIN", Capability::SysAdmin)),
        old if old < Version(5, 13) => Some(("CAP_SYS_NICE", Capability::SysNice)),
        _ => None,
    };
    match (tried.errno, needs) {
        (Errno::EPERM, Some((name, capability))) if !facts.may(capability) => {
            let by = format!("in Linux {}, SQPOLL takes {name}", facts.version());
            Some(tried.refused(Layer::Capability, &by, "`sudo iolab …`, or Linux 5.13 or later"))
        }
        (Errno::EINVAL, _) => None,
        _ => Some(io_uring(tried, facts)),
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::super::{Facts, Tried, free};
    use super::{io_uring, sqpoll};
    use crate::trace::Layer;

    fn refused(errno: Errno, facts: &Facts) -> (Layer, String, String) {
        let refusal = io_uring(Tried { call: "io_uring_setup", errno }, facts);
        (refusal.layer, refusal.says, refusal.try_this)
    }

    #[test]
    fn eperm_by_sysctl_for_everyone() {
        let facts = Facts { io_uring_disabled: Some(2), uid: 0, capabilities: u64::MAX, ..free() };
        let (layer, says, try_this) = refused(Errno::EPERM, &facts);
        assert_eq!(layer, Layer::Sysctl);
        assert_eq!(says, "io_uring_setup: EPERM (kernel.io_uring_disabled is 2: for nobody)");
        assert_eq!(try_this, "`sudo sysctl kernel.io_uring_disabled=0`");
    }

    #[test]
    fn eperm_by_sysctl_names_the_group_that_may() {
        let facts = Facts { io_uring_disabled: Some(1), io_uring_group: Some(985), ..free() };
        let (layer, says, try_this) = refused(Errno::EPERM, &facts);
        assert_eq!(layer, Layer::Sysctl);
        assert!(says.contains("for root and group 985 alone"), "{says}");
        assert!(try_this.contains("kernel.io_uring_group=1000"), "{try_this}");
    }

    /// Who is in the group is not refused by the sysctl, so the filter did it.
    #[test]
    fn eperm_for_a_member_of_the_group_is_the_filters() {
        let facts = Facts {
            io_uring_disabled: Some(1),
            io_uring_group: Some(1000),
            seccomp_filter: true,
            container: Some("docker".to_owned()),
            ..free()
        };
        let (layer, says, try_this) = refused(Errno::EPERM, &facts);
        assert_eq!(layer, Layer::Seccomp);
        assert_eq!(says, "io_uring_setup: EPERM (seccomp filter)");
        assert_eq!(try_this, "`docker run --security-opt seccomp=unconfined …`");
    }

    #[test]
    fn enosys_is_told_apart_by_the_version_and_the_filter() {
        let old = Facts { kernel: "4.18.0-553.el8".to_owned(), seccomp_filter: true, ..free() };
        assert_eq!(refused(Errno::ENOSYS, &old).0, Layer::Kernel);
        let filtered = Facts { seccomp_filter: true, ..free() };
        assert_eq!(refused(Errno::ENOSYS, &filtered).0, Layer::Seccomp);
        let (layer, says, _) = refused(Errno::ENOSYS, &free());
        assert_eq!(layer, Layer::Kernel);
        assert!(says.contains("CONFIG_IO_URING"), "{says}");
    }

    #[test]
    fn enomem_is_locked_memory_on_old_kernels_only() {
        let old = Facts { kernel: "5.10.0-28-amd64".to_owned(), memlock_bytes: Some(64 << 10), ..free() };
        let (layer, says, _) = refused(Errno::ENOMEM, &old);
        assert_eq!(layer, Layer::Memlock);
        assert!(says.contains("64 KiB"), "{says}");
        assert_eq!(refused(Errno::ENOMEM, &free()).0, Layer::Limit);
    }

    #[test]
    fn what_nobody_else_did_was_a_security_module() {
        assert_eq!(refused(Errno::EPERM, &free()).0, Layer::Lsm);
        assert_eq!(refused(Errno::EACCES, &free()).0, Layer::Lsm);
    }

    #[test]
    fn sqpoll_took_a_capability_until_5_13() {
        let tried = |errno| Tried { call: "io_uring_setup with SQPOLL", errno };
        let old = Facts { kernel: "5.10.0-28-amd64".to_owned(), ..free() };
        let refusal = sqpoll(tried(Errno::EPERM), &old).unwrap();
        assert_eq!(refusal.layer, Layer::Capability);
        assert!(refusal.says.contains("CAP_SYS_ADMIN"), "{refusal}");
        let later = Facts { kernel: "5.12.1".to_owned(), ..free() };
        assert!(sqpoll(tried(Errno::EPERM), &later).unwrap().says.contains("CAP_SYS_NICE"));
        assert_eq!(sqpoll(tried(Errno::EINVAL), &free()), None);
    }
}
