//! The interest lists of a process: `/proc/PID/fdinfo/EPFD`, proc_pid_fdinfo(5).
//!
//! The *ready* list is not exported by the kernel; whoever shows one derives it (interest and queues) and
//! must say so.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::descriptors;
use super::refuse::{errno, looking_into};
use crate::trace::{EpollSet, Interest, Refusal};

/// The link of an epoll descriptor under `/proc/PID/fd`.
const EPOLL: &[u8] = b"anon_inode:[eventpoll]";

/// Room that is offered for each part of a list: some 800 entries.
const CHUNK_BYTES: usize = 64 * 1024;

/// After so many readings the descriptors are searched anew even if their number did not change.
const SEARCH_EVERY: u32 = 16;

/// The interest lists of one process; remembers which descriptors are epoll's.
#[derive(Debug)]
pub struct EpollSets {
    pid: u32,
    known: Vec<Known>,
    descriptors: Option<u64>,
    readings: u32,
    text: Vec<u8>,
}

/// An epoll descriptor of the process.
#[derive(Debug)]
struct Known {
    fd: i32,
    /// Its fdinfo, kept open: the kernel prints a long list several times over until it has found out how
    /// much room it needs, holding the list's lock, and remembers that for an open file only.
    fdinfo: File,
}

impl EpollSets {
    /// Gets ready to read the interest lists of process `pid`; it need not have any yet.
    ///
    /// # Errors
    /// The process has ended, or may not be looked into.
    pub fn open(pid: u32) -> Result<Self, Refusal> {
        let mut sets = Self { pid, known: Vec::new(), descriptors: None, readings: 0, text: Vec::new() };
        sets.search()?;
        Ok(sets)
    }

    /// The interest lists as they are now, in the order of their descriptors. A few µs a list, and 0.3 µs
    /// an entry; searching for new descriptors happens only when their number changed, or at times.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(&mut self) -> Result<Vec<EpollSet>, Refusal> {
        self.readings = self.readings.wrapping_add(1);
        let changed = descriptors::count(self.pid).is_none_or(|count| Some(count) != self.descriptors);
        if changed || self.readings.is_multiple_of(SEARCH_EVERY) {
            self.search()?;
        }
        let mut sets = Vec::with_capacity(self.known.len());
        for Known { fd, fdinfo } in &self.known {
            // The number may stand for another file by now; then the next reading searches.
            let same = descriptors::link(self.pid, *fd).is_some_and(|link| link == EPOLL);
            if same && read_whole(fdinfo, &mut self.text).is_ok() {
                sets.push(EpollSet { fd: *fd, interest: parse(&String::from_utf8_lossy(&self.text)) });
            } else {
                self.descriptors = None;
            }
        }
        Ok(sets)
    }

    fn search(&mut self) -> Result<(), Refusal> {
        let pid = self.pid;
        let mut found = Vec::new();
        descriptors::links(pid, |fd, link| {
            if link == EPOLL {
                found.push(fd);
            }
        })?;
        self.known.retain(|known| found.contains(&known.fd));
        for fd in found {
            if self.known.iter().any(|known| known.fd == fd) {
                continue;
            }
            let path = format!("/proc/{pid}/fdinfo/{fd}");
            match File::open(&path) {
                Ok(fdinfo) => self.known.push(Known { fd, fdinfo }),
                // Closed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(looking_into(pid, &path, errno(&error))),
            }
        }
        self.known.sort_unstable_by_key(|known| known.fd);
        self.descriptors = descriptors::count(pid);
        Ok(())
    }
}

/// Reads a file of `/proc` from its start to its end.
fn read_whole(file: &File, text: &mut Vec<u8>) -> io::Result<()> {
    let mut length = 0;
    loop {
        if text.len() - length < CHUNK_BYTES {
            text.resize(length + CHUNK_BYTES, 0);
        }
        match file.read_at(&mut text[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    text.truncate(length);
    Ok(())
}

/// The interest lists of process `pid`, once. [`EpollSets`] is cheaper for a second look.
///
/// # Errors
/// The process has ended, or may not be looked into.
pub fn read(pid: u32) -> Result<Vec<EpollSet>, Refusal> {
    EpollSets::open(pid)?.read()
}

/// What the entries of one interest list carry back in a report: descriptor and datum. Empty where the list cannot
/// be read.
pub fn carried(pid: u32, epoll: i32) -> Vec<(i32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{epoll}")).unwrap_or_default();
    let datum = |line: &str| {
        let mut words = line.split_whitespace();
        words.find(|word| *word == "data:")?;
        u64::from_str_radix(words.next()?, 16).ok()
    };
    text.lines().filter_map(|line| Some((entry(line)?.fd, datum(line)?))).collect()
}

/// Entries of an epoll descriptor's fdinfo: `tfd:        7 events: c0000019 data: 2a …`.
fn parse(text: &str) -> Vec<Interest> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Interest> {
    let mut words = line.strip_prefix("tfd:")?.split_whitespace();
    let fd = words.next()?.parse().ok()?;
    let events = words.find(|word| *word == "events:").and_then(|_| words.next())?;
    Some(Interest { fd, events: u32::from_str_radix(events, 16).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_all_their_bits() {
        let text = "pos:\t0\nflags:\t02\nmnt_id:\t16\nino:\t1057\n\
                    tfd:        7 events: c0000019 data:               2a  pos:0 ino:1 sdev:8\n\
                    tfd:       12 events:     2019 data:                0  pos:0 ino:2 sdev:8\n";
        let interest = parse(text);
        assert_eq!(interest, [Interest { fd: 7, events: 0xc000_0019 }, Interest { fd: 12, events: 0x2019 }]);
        assert_ne!(interest[0].events & Interest::ET, 0);
        assert_ne!(interest[0].events & Interest::ONESHOT, 0);
        assert_eq!(interest[1].events & Interest::ET, 0);
    }

    #[test]
    fn a_list_of_nobody_carries_nothing() {
        assert!(carried(std::process::id(), -1).is_empty());
    }

    #[test]
    fn damaged_lines_are_left_out() {
        assert!(parse("tfd: x events: 1\ntfd: 7\ntfd: 7 events: zz\n").is_empty());
    }
}
