//! Counting system calls at full speed.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use iolab::probe::perf::tracefs::Tracefs;
use iolab::probe::perf::{Counters, Kind};
use iolab::probe::tracepoint_ids::{self, TracepointIds};
use iolab::trace::{Layer, Refusal, Rung};

use super::child::{Kid, NOBODY, is_root};

/// What each order costs beside the calls that it asks for: the answer's write, and the next read.
const OVERHEAD: u64 = 2;

/// Whether this machine lets us count; if not, the refusal must say which layer it was.
fn or_explained(opened: Result<Counters, Refusal>) -> Option<Counters> {
    match opened {
        Ok(counters) => Some(counters),
        Err(refusal) => {
            assert!(!is_root() || refusal.layer != Layer::Sysctl, "root is not bound by it: {refusal:?}");
            let known = ["perf_event_paranoid", "tracefs", "tracing", "seccomp"];
            assert!(known.iter().any(|word| refusal.says.contains(word)), "{refusal:?}");
            assert!(!refusal.try_this.is_empty(), "{refusal:?}");
            None
        }
    }
}

#[test]
fn every_system_call_is_counted() {
    let mut kid = Kid::start("plain");
    kid.ask("getppid 1");
    kid.settle();
    let Some(mut counters) = or_explained(Counters::open(kid.pid(), Kind::Perf)) else { return };
    assert_eq!(counters.totals().unwrap().total, 0, "it counts from now on");
    for calls in [0, 1, 100_000] {
        let before = counters.totals().unwrap().total;
        kid.ask(&format!("getppid {calls}"));
        kid.settle();
        let after = counters.totals().unwrap();
        assert_eq!((after.total - before, after.rung), (calls + OVERHEAD, Rung::Perf));
    }
}

#[test]
fn threads_that_start_later_count_and_stay_counted() {
    let mut kid = Kid::start("plain");
    kid.ask("thread 1");
    kid.settle();
    let Some(mut counters) = or_explained(Counters::open(kid.pid(), Kind::Perf)) else { return };
    kid.ask("thread 0");
    kid.settle();
    let empty = counters.totals().unwrap().total;
    kid.ask("thread 5000");
    kid.settle();
    let full = counters.totals().unwrap().total - empty;
    // Starting and joining a thread takes a few calls more or less, as the two race.
    assert!(full.abs_diff(5000 + empty) <= 4, "{full} calls, {empty} without the 5000");
}

#[test]
fn names_are_counted_without_the_kernels_side() {
    let mut kid = Kid::start("plain");
    kid.ask("sched_yield 1");
    kid.settle();
    let Some(mut counters) = or_explained(Counters::open(kid.pid(), Kind::PerfUser)) else { return };
    let before = counters.totals().unwrap();
    assert_eq!((before.rung, before.total), (Rung::PerfUser, 0));
    kid.ask("sched_yield 1234");
    kid.settle();
    let after = counters.totals().unwrap();
    assert_eq!(after.by_name.get("sched_yield"), Some(&1234), "{after:?}");
    assert_eq!(after.total, after.by_name.values().sum::<u64>());
}

#[test]
fn without_privileges_the_refusal_names_the_setting() {
    let mut kid = Kid::start_as("plain", Some(NOBODY));
    let said = kid.ask("perf");
    match iolab::probe::perf::paranoid() {
        // The kernel's side may be counted; the numbers of tracepoints are still root's.
        Some(..=1) => assert!(said == "None" || said.contains("trac"), "{said}"),
        _ => {
            assert!(said.contains("layer: Sysctl") || said.contains("layer: Seccomp"), "{said}");
            assert!(said.contains("perf_event_open: E") && said.contains("perf_event_paranoid"), "{said}");
        }
    }
}

/// Part of a child: counts its own calls by the numbers that were shared in `folder`.
pub fn count_as_child(folder: &str) -> String {
    let own = std::process::id();
    let known = match tracepoint_ids::load_from(Path::new(folder)) {
        Ok(Some(known)) => known,
        other => return format!("{other:?}"),
    };
    match Counters::open_by_name(own, known) {
        Ok(mut counters) => {
            for _ in 0..4321 {
                nix::sched::sched_yield().unwrap();
            }
            format!("{:?}", counters.totals().unwrap().by_name.get("sched_yield"))
        }
        Err(refusal) => format!("{refusal:?}"),
    }
}

#[test]
fn shared_numbers_let_an_ordinary_user_count() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let Ok(tracefs) = Tracefs::open() else {
        assert!(tracepoint_ids::share().is_err(), "there is nothing to share");
        return;
    };
    let ids = TracepointIds::from_tracefs(&tracefs).unwrap();
    tracepoint_ids::share_in(folder.path(), &ids).unwrap();
    assert_eq!(tracepoint_ids::load_from(folder.path()).unwrap(), Some(ids));
    let mut kid = Kid::start_as("plain", Some(NOBODY));
    let said = kid.ask(&format!("perf-user {}", folder.path().display()));
    match iolab::probe::perf::paranoid() {
        Some(..=2) => assert_eq!(said, "Some(4321)"),
        _ => assert!(said.contains("perf_event_paranoid"), "{said}"),
    }
}

#[test]
fn numbers_that_root_did_not_write_are_not_believed() {
    if !is_root() {
        assert!(tracepoint_ids::share().is_err(), "only root may share");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, mode) = (folder.path(), std::fs::Permissions::from_mode);
    assert_eq!(tracepoint_ids::load_from(path).unwrap(), None, "nothing there is no error");
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned();
    let ids = TracepointIds { boot_id, ids: [("read".to_owned(), 7)].into(), records: None };
    let file = tracepoint_ids::share_in(path, &ids).unwrap();
    assert_eq!(tracepoint_ids::load_from(path).unwrap(), Some(ids.clone()));
    let refused = |why: &str| {
        let error = format!("{:#}", tracepoint_ids::load_from(path).unwrap_err());
        assert!(error.contains(why), "{error}");
    };
    std::fs::set_permissions(&file, mode(0o666)).unwrap();
    refused("others than root may write it");
    std::fs::set_permissions(&file, mode(0o644)).unwrap();
    std::os::unix::fs::chown(&file, Some(NOBODY), None).unwrap();
    refused("belongs to user 65534");
    let elsewhere = path.join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    refused("cannot open");
    std::fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    refused("no regular file");
    tracepoint_ids::share_in(path, &TracepointIds { boot_id: "0-1".to_owned(), ..ids }).unwrap();
    std::fs::rename(path.join("tracepoint-ids-0-1.json"), &file).unwrap();
    refused("another boot");
    std::fs::set_permissions(path, mode(0o777)).unwrap();
    refused("only root may write to");
}
