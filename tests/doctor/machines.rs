//! Machines that nobody has at hand, and what the doctor says of them.
//!
//! A machine is written down as what it says about itself and what it answers; who refused is then worked
//! out by the doctor's own rules.

use iolab::doctor::examine::Facts;
use iolab::doctor::examine::refused::{self, Tried};
use iolab::doctor::features::FEATURES;
use iolab::doctor::operations::OPERATIONS;
use iolab::doctor::{Report, State, Version, lessons};
use iolab::trace::{
    Allowed, Capabilities, Colours, Machine, Processors, Refusal, Rung, Surroundings, Terminal,
};
use nix::errno::Errno;

/// A machine of today that allows everything.
pub fn roomy() -> Capabilities {
    kernel("6.18.44")
}

/// The same machine with another kernel: it has what kernels of that age have.
pub fn kernel(release: &str) -> Capabilities {
    let version = Version::of(release);
    Capabilities {
        machine: Machine {
            kernel: release.to_owned(),
            cpus: 8,
            cpu: "a processor".to_owned(),
            is_virtual: Some(false),
            io_uring: true,
            rungs: vec![Rung::Proc, Rung::EpollSet, Rung::Sock, Rung::Ring, Rung::Perf, Rung::Ptrace],
        },
        io_uring: Allowed::Yes,
        io_uring_operations: OPERATIONS
            .iter()
            .map(|row| (row.name.to_owned(), row.since <= version))
            .collect(),
        io_uring_features: FEATURES.iter().map(|row| (row.name.to_owned(), row.since <= version)).collect(),
        io_uring_refusals: Default::default(),
        ring: Allowed::Yes,
        perf: Allowed::Yes,
        perf_user: Allowed::Yes,
        tracefs: Allowed::Yes,
        ptrace: Allowed::Yes,
        sock: Allowed::Yes,
        yama_scope: Some(1),
        perf_event_paranoid: Some(1),
        memlock_bytes: Some(8 << 20),
        nofile: (1024, 1 << 20),
        uid: 1000,
        around: Surroundings {
            container: None,
            seccomp_filter: false,
            processors: Some(Processors { online: 8, affinity: 8, quota_millicpus: None }),
            terminal: Some(Terminal {
                cells: Some((120, 36)),
                term: "xterm-256color".to_owned(),
                colours: Colours::True,
                utf8: true,
            }),
        },
    }
}

/// What the roomy machine says about itself to user 1000.
pub fn facts() -> Facts {
    Facts {
        kernel: "6.18.44".to_owned(),
        uid: 1000,
        groups: vec![1000],
        capabilities: 0,
        seccomp_filter: false,
        tracer: None,
        dumpable: true,
        io_uring_disabled: Some(0),
        io_uring_group: Some(-1),
        perf_event_paranoid: Some(2),
        yama_scope: Some(1),
        memlock_bytes: Some(8 << 20),
        nofile: (1024, 1 << 20),
        container: None,
    }
}

/// The machine, with io_uring refused.
pub fn without_io_uring(machine: Capabilities, refusal: Refusal) -> Capabilities {
    Capabilities {
        machine: Machine { io_uring: false, ..machine.machine },
        io_uring: Allowed::No(refusal),
        io_uring_operations: Default::default(),
        io_uring_features: Default::default(),
        ..machine
    }
}

/// Docker with its default profile, root in the container.
pub fn docker() -> Capabilities {
    let container = Some("docker".to_owned());
    let facts = Facts { uid: 0, seccomp_filter: true, container: container.clone(), ..facts() };
    let eperm = |call| Tried { call, errno: Errno::EPERM };
    let machine = roomy();
    let machine = Capabilities {
        perf: Allowed::No(refused::perf(eperm("perf_event_open"), &facts)),
        perf_user: Allowed::No(refused::perf_user(eperm("perf_event_open"), &facts)),
        ring: Allowed::Partly(refused::ring(eperm("pidfd_getfd"), &facts)),
        uid: 0,
        around: Surroundings { container, seccomp_filter: true, ..machine.around },
        ..machine
    };
    without_io_uring(machine, refused::io_uring(eperm("io_uring_setup"), &facts))
}

/// One line for each check that is not ok, and the verdict below.
pub fn complaints(machine: &Capabilities) -> Vec<String> {
    let report = Report::of(machine, &lessons());
    let mut lines: Vec<String> = Vec::new();
    for check in report.checks.iter().filter(|check| check.state != State::Ok) {
        let layer = check.layer.map(|layer| format!("{layer:?}").to_lowercase()).unwrap_or_default();
        let (state, id) = (check.state.word(), &check.id);
        let line = format!("{id} {state} by {layer}: {} -> {}", check.says, check.try_this);
        lines.push(line.trim_end_matches(" -> ").to_owned());
    }
    lines.push(report.verdict);
    lines
}

#[test]
fn a_machine_that_allows_everything_gives_no_complaint() {
    assert_eq!(complaints(&roomy()), ["lessons 0 to 4: live; system calls counted by perf"]);
}

#[test]
fn linux_5_15_lacks_multishot_and_defer_taskrun() {
    assert_eq!(
        complaints(&kernel("5.15.0-119-generic")),
        [
            "kernel limited by kernel: Linux 5.15.0-119-generic -> a distribution with Linux 6.10 or later",
            "operations limited by kernel: 12 of 13 that the lessons use; 28 of 50 others; missing SEND_ZC (6.0) -> Linux 6.0 or later",
            "features limited by kernel: 12 of 24; missing COOP_TASKRUN (5.19), PBUF_RING (5.19), MULTISHOT_ACCEPT (5.19), SINGLE_ISSUER (6.0), MULTISHOT_RECV (6.0), DEFER_TASKRUN (6.1), RECVSEND_BUNDLE (6.10) -> Linux 6.10 or later",
            "lessons 0 to 4: live; system calls counted by perf",
        ]
    );
}

#[test]
fn a_container_refuses_by_seccomp() {
    assert_eq!(
        complaints(&docker()),
        [
            "io_uring refused by seccomp: io_uring_setup: EPERM (seccomp filter) -> `docker run --security-opt seccomp=unconfined …`",
            "operations refused by seccomp: not known, because io_uring itself is refused",
            "features refused by seccomp: not known, because io_uring itself is refused",
            "sqpoll refused by seccomp: not known, because io_uring itself is refused",
            "ring limited by seccomp: pidfd_getfd: EPERM (seccomp filter) -> `docker run --cap-add SYS_PTRACE …`, or `docker run --security-opt seccomp=unconfined …`",
            "perf refused by seccomp: perf_event_open: EPERM (seccomp filter) -> `docker run --cap-add PERFMON …`, or `docker run --security-opt seccomp=unconfined …`",
            "perf-user refused by seccomp: perf_event_open: EPERM (seccomp filter) -> `docker run --cap-add PERFMON …`, or `docker run --security-opt seccomp=unconfined …`",
            "lessons 0 to 2: live; lessons 3 to 4: from the recorded run (io_uring refused by seccomp); system calls sampled by ptrace",
        ]
    );
}

#[test]
fn wsl_2_is_told_how_to_get_a_newer_kernel() {
    let machine = kernel("5.15.167.4-microsoft-standard-WSL2");
    let machine = Capabilities { machine: Machine { is_virtual: Some(true), ..machine.machine }, ..machine };
    assert_eq!(
        complaints(&machine),
        [
            "kernel limited by kernel: Linux 5.15.167.4-microsoft-standard-WSL2, the kernel that comes with WSL 2 -> in PowerShell: `wsl --update`, then `wsl --shutdown`",
            "operations limited by kernel: 12 of 13 that the lessons use; 28 of 50 others; missing SEND_ZC (6.0) -> Linux 6.0 or later",
            "features limited by kernel: 12 of 24; missing COOP_TASKRUN (5.19), PBUF_RING (5.19), MULTISHOT_ACCEPT (5.19), SINGLE_ISSUER (6.0), MULTISHOT_RECV (6.0), DEFER_TASKRUN (6.1), RECVSEND_BUNDLE (6.10) -> Linux 6.10 or later",
            "lessons 0 to 4: live; system calls counted by perf",
        ]
    );
}

#[test]
fn a_sysctl_refuses_io_uring() {
    let facts = Facts { io_uring_disabled: Some(2), ..facts() };
    let refusal = refused::io_uring(Tried { call: "io_uring_setup", errno: Errno::EPERM }, &facts);
    assert_eq!(
        complaints(&without_io_uring(roomy(), refusal)),
        [
            "io_uring refused by sysctl: io_uring_setup: EPERM (kernel.io_uring_disabled is 2: for nobody) -> `sudo sysctl kernel.io_uring_disabled=0`",
            "operations refused by sysctl: not known, because io_uring itself is refused",
            "features refused by sysctl: not known, because io_uring itself is refused",
            "sqpoll refused by sysctl: not known, because io_uring itself is refused",
            "lessons 0 to 2: live; lessons 3 to 4: from the recorded run (io_uring refused by sysctl); system calls counted by perf",
        ]
    );
}

#[test]
fn an_old_kernel_charges_rings_to_locked_memory() {
    let memlock_bytes = Some(64 << 10);
    let facts = Facts { kernel: "5.10.0-28-amd64".to_owned(), memlock_bytes, ..facts() };
    let refusal = refused::io_uring(Tried { call: "io_uring_setup", errno: Errno::ENOMEM }, &facts);
    let machine = Capabilities { memlock_bytes, ..kernel(&facts.kernel) };
    assert_eq!(
        complaints(&without_io_uring(machine, refusal)),
        [
            "kernel limited by kernel: Linux 5.10.0-28-amd64 -> a distribution with Linux 6.10 or later",
            "io_uring refused by memlock: io_uring_setup: ENOMEM (rings are charged to RLIMIT_MEMLOCK here, which is 64 KiB) -> `sudo prlimit --pid $$ --memlock=8388608:8388608`",
            "operations refused by memlock: not known, because io_uring itself is refused",
            "features refused by memlock: not known, because io_uring itself is refused",
            "sqpoll refused by memlock: not known, because io_uring itself is refused",
            "memlock limited by memlock: 64 KiB of locked memory -> `sudo prlimit --pid $$ --memlock=8388608:8388608`, or a line `* - memlock 8192` in /etc/security/limits.conf and a new login",
            "lessons 0 to 2: live; lessons 3 to 4: from the recorded run (io_uring refused by the limit on locked memory); system calls counted by perf",
        ]
    );
}

#[test]
fn sqpoll_without_privileges_is_refused_by_a_capability_on_old_kernels() {
    let facts = Facts { kernel: "5.10.0-28-amd64".to_owned(), ..facts() };
    let tried = Tried { call: "io_uring_setup with SQPOLL", errno: Errno::EPERM };
    let mut machine = kernel(&facts.kernel);
    machine.io_uring_features.insert("SQPOLL".to_owned(), false);
    let refusal = refused::sqpoll(tried, &facts).unwrap();
    machine.io_uring_refusals.insert("SQPOLL".to_owned(), refusal);
    let complaints = complaints(&machine);
    let line = complaints.iter().find(|line| line.starts_with("sqpoll")).unwrap();
    assert_eq!(
        line,
        "sqpoll refused by capability: io_uring_setup with SQPOLL: EPERM (in Linux 5.10, SQPOLL takes CAP_SYS_ADMIN) -> `sudo iolab …`, or Linux 5.13 or later"
    );
}

#[test]
fn few_processors_make_pollers_take_turns() {
    let mut machine = roomy();
    machine.machine.cpus = 1;
    machine.around.processors = Some(Processors { online: 4, affinity: 4, quota_millicpus: Some(500) });
    assert_eq!(
        complaints(&machine),
        [
            "cpus limited by cpus: 1 processor: server and client take turns on it; a cgroup quota of 0.500 stops it when used up -> `systemctl set-property UNIT CPUQuota=` lifts it; or nothing need be changed: the counts are the same",
            "lessons 0 to 4: live; system calls counted by perf",
        ]
    );
}
