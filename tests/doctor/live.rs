//! The program on this machine: as it is, as an ordinary user, and with things taken away from it.
//!
//! What a test expects is worked out from the machine's own files, so that each asserts something on any
//! machine, whoever runs it.

// Things are taken away between fork and exec.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::libc;
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::Value;

/// Programs start one at a time: a child that is forked while another thread writes the copy of the binary
/// would hold it open for writing, and starting it would answer ETXTBSY.
static STARTING: Mutex<()> = Mutex::new(());

/// Starts a program and collects what it says.
fn output(command: &mut Command) -> Output {
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(starting);
    child.wait_with_output().unwrap()
}

/// A copy of the binary where every user may read it; the build's own folder may be closed to others.
fn readable_binary() -> (tempfile::TempDir, PathBuf) {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("iolab");
    fs::copy(env!("CARGO_BIN_EXE_iolab"), &binary).unwrap();
    for path in [folder.path(), &binary] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (folder, binary)
}

/// Runs `iolab doctor --format json` after `prepare`.
fn doctor(prepare: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> (Value, Output) {
    let (_folder, binary) = readable_binary();
    let mut command = Command::new(&binary);
    command.args(["doctor", "--format", "json"]).current_dir("/");
    // SAFETY: what the tests do there are plain system calls on values made before the fork.
    unsafe { command.pre_exec(prepare) };
    let output = output(&mut command);
    let document =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (document, output)
}

/// Becomes a user without any privilege, where the tests run as root.
fn become_nobody() -> io::Result<()> {
    if geteuid().is_root() {
        setgroups(&[])?;
        setgid(Gid::from_raw(65534))?;
        setuid(Uid::from_raw(65534))?;
    }
    Ok(())
}

/// A filter that answers `errno` to these system calls and allows all others.
fn filter(calls: &[libc::c_long], errno: libc::c_int) -> BpfProgram {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(errno as u32);
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture).unwrap().try_into().unwrap()
}

/// Runs the doctor under such a filter.
fn doctor_under(calls: &[libc::c_long], errno: libc::c_int) -> (Value, Output) {
    let program = filter(calls, errno);
    doctor(move || seccompiler::apply_filter(&program).map_err(io::Error::other))
}

fn check<'a>(document: &'a Value, id: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id} in {document}"))
}

/// What a check says.
fn says<'a>(document: &'a Value, id: &str) -> &'a str {
    check(document, id)["says"].as_str().unwrap()
}

/// A number under /proc/sys.
fn sysctl(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}

/// Whether a filter is on the tests themselves already.
fn filtered_already() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line == "Seccomp:\t2")
}

/// Whether a sysctl forbids io_uring to this user, by io_uring_disabled(2 in proc_sys_kernel).
fn forbidden_by_sysctl() -> bool {
    match sysctl("io_uring_disabled").unwrap_or(0) {
        0 => false,
        1 => !geteuid().is_root(),
        _ => true,
    }
}

#[test]
fn this_machine_is_examined_and_all_agrees() {
    let (document, output) = doctor(|| Ok(()));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(document["schema"], "iolab.doctor/1");
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(document["machine"]["kernel"], release.trim());
    // Whether a ring can be made is asked once more, by another way.
    let ring = io_uring::IoUring::new(2);
    assert_eq!(document["machine"]["io_uring"], ring.is_ok());
    assert_eq!(check(&document, "io_uring")["state"] == "refused", ring.is_err());
    if let Ok(ring) = ring {
        let mut probe = io_uring::Probe::new();
        ring.submitter().register_probe(&mut probe).unwrap();
        let operations = &document["io_uring_operations"];
        assert_eq!(operations["RECV"], probe.is_supported(io_uring::opcode::Recv::CODE));
        assert_eq!(operations["SEND_ZC"], probe.is_supported(io_uring::opcode::SendZc::CODE));
        let features = &document["io_uring_features"];
        assert_eq!(features["NODROP"], ring.params().is_feature_nodrop());
        assert_eq!(features["DEFER_TASKRUN"], defers());
    }
    let rungs = document["machine"]["rungs"].as_array().unwrap();
    for (id, rung) in [("perf", "perf"), ("perf-user", "perf-user"), ("ptrace", "ptrace"), ("ring", "ring")] {
        let usable = check(&document, id)["state"] != "refused";
        assert_eq!(rungs.iter().any(|name| name == rung), usable, "{id}");
    }
}

/// Whether a ring with DEFER_TASKRUN can be made.
fn defers() -> bool {
    let mut builder = io_uring::IoUring::builder();
    let ring: io::Result<io_uring::IoUring> = builder.setup_single_issuer().setup_defer_taskrun().build(2);
    ring.is_ok()
}

/// Multishot came in one release with flags that can be asked for: the trial must agree with them.
#[test]
fn multishot_is_there_where_flags_of_the_same_age_are() {
    let (document, _) = doctor(|| Ok(()));
    let features = &document["io_uring_features"];
    assert_eq!(features["MULTISHOT_ACCEPT"], features["COOP_TASKRUN"], "both 5.19: {features}");
    assert_eq!(features["PBUF_RING"], features["COOP_TASKRUN"], "both 5.19: {features}");
    assert_eq!(features["MULTISHOT_RECV"], features["SINGLE_ISSUER"], "both 6.0: {features}");
}

#[test]
fn an_ordinary_user_is_told_what_refuses_perf() {
    let (document, output) = doctor(become_nobody);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let perf = check(&document, "perf");
    let paranoid = sysctl("perf_event_paranoid").unwrap();
    if says(&document, "perf").contains("EPERM") {
        assert!(filtered_already(), "EPERM is a filter's answer, and there is none: {perf}");
        assert_eq!(perf["layer"], "seccomp", "{perf}");
    } else if paranoid >= 2 {
        assert_eq!((&perf["state"], &perf["layer"]), (&"refused".into(), &"sysctl".into()), "{perf}");
        let expected = format!("perf_event_open: EACCES (perf_event_paranoid {paranoid})");
        assert_eq!(says(&document, "perf"), expected);
        assert!(perf["try"].as_str().unwrap().contains("sudo sysctl kernel.perf_event_paranoid=1"), "{perf}");
    } else {
        assert_ne!(perf["layer"], "capability", "{perf}");
        assert!(!says(&document, "perf").contains("EACCES (perf_event_paranoid"), "{perf}");
    }
}

/// Own children may be looked into by everybody, unless Yama or a filter says otherwise.
#[test]
fn an_ordinary_user_may_trace_and_read_own_children() {
    let (document, _) = doctor(become_nobody);
    let yama = sysctl("yama/ptrace_scope").unwrap_or(0);
    let ptrace = check(&document, "ptrace");
    if yama >= 2 {
        assert_eq!(ptrace["layer"], "lsm", "{ptrace}");
    } else if !filtered_already() {
        assert_eq!(ptrace["state"], "ok", "{ptrace}");
        let ring = check(&document, "ring");
        assert_eq!(ring["state"] == "ok", check(&document, "io_uring")["state"] == "ok", "{ring}");
    } else {
        assert!(ptrace["state"] == "ok" || ptrace["layer"] == "seccomp", "{ptrace}");
    }
}

#[test]
fn a_filter_that_answers_eperm_is_named() {
    let (document, output) = doctor_under(&[libc::SYS_io_uring_setup], libc::EPERM);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let io_uring = check(&document, "io_uring");
    assert_eq!(io_uring["state"], "refused", "{io_uring}");
    // A sysctl that forbids it anyway is named first: taking the filter away would not help.
    let layer = if forbidden_by_sysctl() { "sysctl" } else { "seccomp" };
    assert_eq!(io_uring["layer"], layer, "{io_uring}");
    assert!(says(&document, "io_uring").starts_with("io_uring_setup: EPERM"), "{io_uring}");
    let verdict = document["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with(
            "lessons 0 to 2: live; lessons 3 to 4: from the recorded run (io_uring refused by s"
        ),
        "{verdict}"
    );
    assert_eq!(document["io_uring_operations"], serde_json::json!({}));
}

/// Some filters answer ENOSYS, so that programs fall back as on an old kernel.
#[test]
fn a_filter_that_plays_an_old_kernel_is_seen_through() {
    let (document, output) = doctor_under(&[libc::SYS_io_uring_setup], libc::ENOSYS);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(check(&document, "io_uring")["layer"], "seccomp", "{document}");
    assert_eq!(says(&document, "io_uring"), "io_uring_setup: ENOSYS (seccomp filter)");
}

/// A filter may let rings be made and refuse to use them.
#[test]
fn a_ring_that_cannot_be_entered_is_no_ring() {
    if forbidden_by_sysctl() {
        let (document, _) = doctor(|| Ok(()));
        assert_eq!(check(&document, "io_uring")["layer"], "sysctl");
        return;
    }
    let (document, _) = doctor_under(&[libc::SYS_io_uring_enter], libc::EPERM);
    let expected = if filtered_already() { "io_uring_" } else { "io_uring_enter: EPERM (seccomp filter)" };
    assert!(says(&document, "io_uring").starts_with(expected), "{document}");
    assert_eq!(check(&document, "io_uring")["layer"], "seccomp");
}

/// What Docker's default profile refuses.
#[test]
fn in_a_container_each_rung_says_who_refused() {
    let calls = [
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_perf_event_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_ptrace,
    ];
    let (document, output) = doctor_under(&calls, libc::EPERM);
    assert_eq!(output.status.code(), Some(0), "socket queues can still be read: {output:?}");
    for id in ["perf", "perf-user", "ptrace"] {
        let check = check(&document, id);
        assert_eq!((&check["state"], &check["layer"]), (&"refused".into(), &"seccomp".into()), "{check}");
        assert!(!check["try"].as_str().unwrap().is_empty(), "{check}");
    }
    assert!(!document["verdict"].as_str().unwrap().contains("counted by"), "{document}");
}

/// Where pidfd_getfd is refused, a ring can be read through the child's memory.
#[test]
fn without_pidfd_getfd_memory_is_read() {
    let (document, _) = doctor_under(&[libc::SYS_pidfd_getfd], libc::EPERM);
    let ring = check(&document, "ring");
    if check(&document, "io_uring")["state"] == "refused" {
        assert!(says(&document, "ring").starts_with("there is no ring to read"), "{ring}");
    } else {
        assert_eq!((&ring["state"], &ring["layer"]), (&"limited".into(), &"seccomp".into()), "{ring}");
        assert!(says(&document, "ring").contains("process_vm_readv"), "{ring}");
    }
}

/// Sets a limit, soft and hard.
fn limit(resource: nix::sys::resource::Resource, most: u64) -> io::Result<()> {
    Ok(nix::sys::resource::setrlimit(resource, most, most)?)
}

#[test]
fn limits_are_seen() {
    let (document, _) = doctor(|| {
        limit(nix::sys::resource::Resource::RLIMIT_MEMLOCK, 4096)?;
        limit(nix::sys::resource::Resource::RLIMIT_NOFILE, 100)
    });
    let memlock = check(&document, "memlock");
    assert_eq!((&memlock["state"], &memlock["layer"]), (&"limited".into(), &"memlock".into()), "{memlock}");
    assert_eq!(says(&document, "memlock"), "4 KiB of locked memory");
    let nofile = check(&document, "nofile");
    assert_eq!((&nofile["state"], &nofile["layer"]), (&"limited".into(), &"limit".into()), "{nofile}");
    assert!(says(&document, "nofile").contains("up to 84 connections"), "{nofile}");
}

/// However few descriptors there are, the examination completes, and blames nobody but the limit.
#[test]
fn without_descriptors_the_limit_is_named() {
    for descriptors in 4..=9 {
        let (document, output) =
            doctor(move || limit(nix::sys::resource::Resource::RLIMIT_NOFILE, descriptors));
        assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
        assert_eq!(check(&document, "nofile")["state"], "refused");
        for check in document["checks"].as_array().unwrap() {
            if check["says"].as_str().unwrap().contains("EMFILE") {
                assert_eq!(check["layer"], "limit", "{check}");
            }
        }
    }
}

#[test]
fn one_processor_is_one_processor() {
    let (document, _) = doctor(|| {
        let mine = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0))?;
        let first = (0..nix::sched::CpuSet::count()).find(|cpu| mine.is_set(*cpu).unwrap_or(false));
        let mut one = nix::sched::CpuSet::new();
        one.set(first.unwrap_or(0))?;
        Ok(nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &one)?)
    });
    assert_eq!(document["machine"]["cpus"], 1);
    let cpus = check(&document, "cpus");
    assert_eq!((&cpus["state"], &cpus["layer"]), (&"limited".into(), &"cpus".into()), "{cpus}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let child = command.arg("doctor").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(starting);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn piped_lines_have_no_escape_codes() {
    let output = output(Command::new(env!("CARGO_BIN_EXE_iolab")).arg("doctor"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b'));
    assert!(text.lines().last().unwrap().starts_with("lessons 0 to "), "{text}");
}

#[test]
fn an_unknown_format_is_wrong_usage() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let output = output(command.args(["doctor", "--format", "xml"]));
    assert_eq!(output.status.code(), Some(2));
    let says = String::from_utf8(output.stderr).unwrap();
    assert!(says.contains("plain") && says.contains("json"), "{says}");
}

/// What root shares, every user counts with. Where it is shared to is a file system of the test's own.
#[test]
fn ids_that_root_shares_let_everybody_count_by_name() {
    let (_folder, binary) = readable_binary();
    let share = ["doctor", "--share-ids", "--format", "json"];
    if !may_mount() {
        let refused = output(Command::new(&binary).args(share));
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let says = String::from_utf8(refused.stderr).unwrap();
        assert!(says.contains("sudo iolab doctor --share-ids"), "{says}");
        return;
    }
    let script = r#"
        mount --make-rprivate / && mount -t tmpfs none /run || exit 99
        "$0" doctor --share-ids --format json >/dev/null || exit 98
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" doctor --format json
    "#;
    let shared = output(Command::new("unshare").args(["--mount", "sh", "-c", script]).arg(&binary));
    let document: Value =
        serde_json::from_slice(&shared.stdout).unwrap_or_else(|error| panic!("{error}: {shared:?}"));
    let perf_user = check(&document, "perf-user");
    match sysctl("perf_event_paranoid").unwrap() {
        ..=2 => assert_eq!(perf_user["state"], "ok", "{perf_user}"),
        _ => assert_eq!(perf_user["layer"], "sysctl", "{perf_user}"),
    }
}

/// Whether the tests may mount file systems of their own: CAP_SYS_ADMIN, which a container's root lacks.
fn may_mount() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() & 1 << 21 != 0
}
