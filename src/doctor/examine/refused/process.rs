//! Who refuses to look into a child or at sockets.

use nix::errno::Errno;

use super::{Facts, Tried};
use crate::doctor::examine::facts::Capability;
use crate::doctor::version::Version;
use crate::trace::{Layer, Refusal};

/// Who refused ptrace(2) of an own child.
pub fn ptrace(tried: Tried, facts: &Facts) -> Refusal {
    look_into(tried, facts)
}

/// Who refused pidfd_open(2), pidfd_getfd(2) or a read of a child's memory.
pub fn ring(tried: Tried, facts: &Facts) -> Refusal {
    if tried.errno == Errno::ENOSYS && facts.version() < Version(5, 6) {
        return tried.refused_by_kernel(facts, "pidfd_getfd came with Linux 5.6");
    }
    look_into(tried, facts)
}

/// The questions of `ptrace_may_access()`, which all ways into another process share.
fn look_into(tried: Tried, facts: &Facts) -> Refusal {
    let privileged = facts.may(Capability::SysPtrace);
    match (tried.errno, facts.yama_scope) {
        (Errno::EPERM, _) if facts.tracer.is_some() => {
            let by = format!("process {} traces iolab already", facts.tracer.unwrap_or_default());
            tried.refused(Layer::Limit, &by, "run iolab outside of strace or a debugger")
        }
        (Errno::EPERM | Errno::EACCES, Some(3..)) => tried.refused(
            Layer::Lsm,
            "Yama: kernel.yama.ptrace_scope is 3, for nobody until the machine starts again",
            "remove the setting from /etc/sysctl.d and restart",
        ),
        (Errno::EPERM | Errno::EACCES, Some(2)) if !privileged => tried.refused(
            Layer::Lsm,
            "Yama: kernel.yama.ptrace_scope is 2, for CAP_SYS_PTRACE alone",
            super::on_host(facts, "sudo sysctl kernel.yama.ptrace_scope=1"),
        ),
        (Errno::EPERM | Errno::ENOSYS, _) if facts.seccomp_filter => {
            tried.refused_by_seccomp(facts, Some("SYS_PTRACE"))
        }
        (Errno::EPERM | Errno::EACCES, _) if !facts.dumpable && !privileged => tried.refused(
            Layer::Filesystem,
            &format!("user {} may run the iolab binary but not read it, so the kernel hides it", facts.uid),
            "`chmod a+r` on the binary",
        ),
        (Errno::EPERM | Errno::EACCES, _) => tried.refused_by_lsm(),
        (Errno::ENOSYS, _) => tried.refused_by_kernel(facts, "built without it"),
        _ if tried.is_limit() => tried.refused_by_limit(),
        _ => tried.refused_by_kernel(facts, &format!("Linux {}", facts.kernel)),
    }
}

/// Who refused sock_diag(7).
pub fn sock(tried: Tried, facts: &Facts) -> Refusal {
    match tried.errno {
        // The modules inet_diag and tcp_diag are loaded on demand, which a container may not.
        Errno::ENOENT | Errno::EPROTONOSUPPORT => {
            let try_this = super::on_host(facts, "sudo modprobe tcp_diag");
            tried.refused(Layer::Kernel, "module tcp_diag is not loaded", try_this)
        }
        _ if tried.is_limit() => tried.refused_by_limit(),
        _ if facts.seccomp_filter => tried.refused_by_seccomp(facts, None),
        Errno::EPERM | Errno::EACCES => tried.refused_by_lsm(),
        _ => tried.refused_by_kernel(facts, "built without CONFIG_INET_DIAG"),
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::super::{Facts, Tried, free};
    use super::{ptrace, ring, sock};
    use crate::trace::Layer;

    fn seize(errno: Errno) -> Tried {
        Tried { call: "ptrace", errno }
    }

    #[test]
    fn yama_refuses_by_scope() {
        let scope = |scope| Facts { yama_scope: Some(scope), ..free() };
        assert_eq!(ptrace(seize(Errno::EPERM), &scope(3)).layer, Layer::Lsm);
        let two = ptrace(seize(Errno::EPERM), &scope(2));
        assert_eq!(two.try_this, "`sudo sysctl kernel.yama.ptrace_scope=1`");
        assert!(!ptrace(seize(Errno::EPERM), &scope(1)).says.contains("Yama"));
    }

    #[test]
    fn under_strace_the_tracer_is_named() {
        let facts = Facts { tracer: Some(4711), ..free() };
        let refusal = ptrace(seize(Errno::EPERM), &facts);
        assert_eq!(refusal.says, "ptrace: EPERM (process 4711 traces iolab already)");
    }

    #[test]
    fn dockers_profile_wants_sys_ptrace_for_pidfd_getfd() {
        let facts = Facts { seccomp_filter: true, container: Some("docker".to_owned()), ..free() };
        let refusal = ring(Tried { call: "pidfd_getfd", errno: Errno::EPERM }, &facts);
        assert_eq!(refusal.layer, Layer::Seccomp);
        assert!(refusal.try_this.contains("--cap-add SYS_PTRACE"), "{}", refusal.try_this);
    }

    #[test]
    fn an_unreadable_binary_is_recognised() {
        let refusal = ptrace(seize(Errno::EPERM), &Facts { dumpable: false, ..free() });
        assert_eq!(refusal.layer, Layer::Filesystem);
        assert_eq!(refusal.try_this, "`chmod a+r` on the binary");
    }

    #[test]
    fn old_kernels_have_no_pidfd_getfd() {
        let facts = Facts { kernel: "5.4.0-150-generic".to_owned(), ..free() };
        let refusal = ring(Tried { call: "pidfd_getfd", errno: Errno::ENOSYS }, &facts);
        assert_eq!(refusal.layer, Layer::Kernel);
        assert!(refusal.says.contains("5.6"), "{refusal}");
    }

    #[test]
    fn a_limit_is_a_limit_whoever_was_asked() {
        let facts = Facts { seccomp_filter: true, ..free() };
        for errno in [Errno::EMFILE, Errno::ENFILE, Errno::EAGAIN] {
            assert_eq!(ptrace(seize(errno), &facts).layer, Layer::Limit);
            assert_eq!(ring(seize(errno), &facts).layer, Layer::Limit);
            assert_eq!(sock(seize(errno), &facts).layer, Layer::Limit);
        }
    }

    #[test]
    fn a_missing_module_is_named() {
        let refusal = sock(Tried { call: "sock_diag", errno: Errno::ENOENT }, &free());
        assert_eq!(refusal.try_this, "`sudo modprobe tcp_diag`");
    }
}
