//! What a program may leave behind: processes and listening sockets, read from /proc.

use std::fs;
use std::time::Instant;

use super::PATIENCE;

/// A socket that somebody listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// It never comes again while the machine runs; a port does.
    inode: String,
    port: u16,
}

pub fn kill(pid: u32, signal: i32) {
    // SAFETY: a signal to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
}

/// Field `index` of `/proc/PID/stat` behind the name, from 0: state, ppid, pgrp, session.
pub fn stat(pid: u32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(index).map(str::to_owned)
}

/// Living processes of a session.
pub fn processes(id: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        stat(*pid, 3) == Some(id.to_string()) && stat(*pid, 0).is_some_and(|state| state != "Z")
    })
    .collect()
}

/// Whether a process is one of iolab's servers.
pub fn is_server(pid: &u32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| word == b"serve")
}

/// All listening TCP sockets of the machine (proc_net(5): state 0A).
fn all_listeners() -> Vec<Listener> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let row = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (*fields.get(3)? == "0A").then_some(Listener { inode: (*fields.get(9)?).to_owned(), port })
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// Those that one of these processes holds.
pub fn listeners(pids: &[u32]) -> Vec<Listener> {
    let open = |pid: &u32| {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        links
            .filter_map(|link| Some(fs::read_link(link.path()).ok()?.to_str()?.to_owned()))
            .collect::<Vec<_>>()
    };
    let held: Vec<String> = pids.iter().flat_map(open).collect();
    let is_held = |listener: &Listener| held.contains(&format!("socket:[{}]", listener.inode));
    all_listeners().into_iter().filter(is_held).collect()
}

/// Waits until no process of the session and none of these sockets is left. The kernel ends a child a moment
/// after its parent.
pub fn assert_gone(id: u32, listeners: &[Listener]) {
    let end = Instant::now() + PATIENCE;
    loop {
        let (processes, sockets) = (processes(id), all_listeners());
        let open: Vec<_> = listeners.iter().filter(|listener| sockets.contains(listener)).collect();
        if processes.is_empty() && open.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: processes {processes:?}, sockets {open:?}");
        std::thread::yield_now();
    }
}
