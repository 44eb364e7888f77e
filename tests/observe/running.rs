//! Processes that run already, in places where few are: each is looked at and let go of.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::program::iolab;
use super::{processes, remarks};

/// One of the programs in this binary, under way.
struct Wild(Child);

impl Wild {
    fn start(name: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("wild::{name}"), "--ignored"]).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn until(&self, is_so: impl Fn(u32) -> bool) {
        while !is_so(self.pid()) {
            std::thread::yield_now();
        }
    }

    /// What iolab says of it.
    fn observed(&self, options: &str) -> Value {
        let pid = format!("--pid={}", self.pid());
        iolab("observe --format json").and(options).with(pid).run().document(0)
    }

    fn tracer(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        status.lines().find(|line| line.starts_with("TracerPid:")).unwrap().to_owned()
    }
}

impl Drop for Wild {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn has_children(pid: u32) -> bool {
    !super::family::all_of(pid).is_empty()
}

fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// It stands still for nobody until its child has come to its exec.
#[test]
fn a_thread_that_cannot_be_stopped_is_given_up() {
    let wild = Wild::start("one_that_waits_in_vfork");
    wild.until(has_children);
    let document = wild.observed("--probe ptrace --yes --duration 0.3");
    assert_eq!(processes(&document)[0]["end"]["how"], "stopped", "{document}");
    assert_eq!(wild.tracer(), "TracerPid:\t0");
    // The child dies with its parent, and not before.
    assert!(has_children(wild.pid()));
}

#[test]
fn a_process_whose_first_thread_has_ended_is_no_zombie() {
    let wild = Wild::start("one_without_its_first_thread");
    wild.until(|pid| state(pid) == Some('Z'));
    let document = wild.observed("--duration 0.3");
    let process = &processes(&document)[0];
    assert_eq!(process["end"]["how"], "stopped", "{process}");
    assert!(process["exe"].as_str().is_some_and(|exe| exe.contains("observe-")), "{process}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_of_32_bits_has_no_name_of_64() {
    let wild = Wild::start("one_that_calls_by_int_80");
    let document = wild.observed("--probe ptrace --yes --duration 0.5");
    let names = &processes(&document)[0]["syscalls_by_name"];
    assert!(names["i386_syscall_20"]["value"].as_u64().unwrap() > 0, "{document}");
    assert_eq!(names["writev"], Value::Null, "what 64 bits call by that number: {document}");
}

#[test]
fn a_child_that_a_traced_process_starts_later_is_counted_from_then_on() {
    let wild = Wild::start("one_that_starts_a_child_when_it_is_traced");
    let document = wild.observed("--probe ptrace --yes --duration 3");
    let all = processes(&document);
    assert_eq!(all.len(), 2, "{document}");
    assert!(all[1]["syscalls_by_name"]["getppid"]["value"].as_u64().unwrap() > 0, "{document}");
    assert!(remarks(&all[1]).contains("attached to it when it was found"), "{document}");
    assert!(!remarks(&all[0]).contains("are counted"), "{document}");
}
