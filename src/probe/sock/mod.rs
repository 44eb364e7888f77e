//! TCP sockets of a process with their queues. From these the ready list of an epoll set is derived, too.
//!
//! sock_diag(7) lists the sockets of a network namespace by inode; `/proc/PID/fd` says which inodes are the
//! process's own. Which is which is remembered, so descriptors are searched only when an inode turns up that
//! nobody has asked about.

mod diag;
mod table;

use std::collections::{HashMap, HashSet};
use std::fs;

use self::diag::Diag;
use super::descriptors;
use super::refuse::{errno, looking_into};
use crate::trace::{Refusal, Socket};

/// One TCP socket of the network namespace, whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed {
    inode: u64,
    peer_port: u16,
    receive_queue_bytes: u32,
    send_queue_bytes: u32,
    listening: bool,
    peer_done: bool,
}

/// Where sockets are listed.
#[derive(Debug)]
enum Source {
    /// sock_diag(7): about 1 µs a socket of the namespace.
    Diag(Diag),
    /// `/proc/PID/net/tcp` and `tcp6`: several times that, but they are the process's own namespace.
    Table,
}

/// The TCP sockets of one process.
#[derive(Debug)]
pub struct Sockets {
    pid: u32,
    source: Source,
    /// The process's sockets: descriptor by inode.
    own: HashMap<u64, i32>,
    /// Inodes that are known to be somebody else's.
    foreign: HashSet<u64>,
}

impl Sockets {
    /// Gets ready to read the sockets of process `pid`: by sock_diag(7), or by `/proc/PID/net/tcp` where that
    /// is refused or the process lives in another network namespace.
    ///
    /// # Errors
    /// The process has ended, or may not be looked into.
    pub fn open(pid: u32) -> Result<Self, Refusal> {
        let diag = if shares_namespace(pid) { Diag::open().map(Source::Diag).ok() } else { None };
        Self::open_by(pid, diag.unwrap_or(Source::Table))
    }

    /// The same by `/proc/PID/net/tcp` only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_tables(pid: u32) -> Result<Self, Refusal> {
        Self::open_by(pid, Source::Table)
    }

    fn open_by(pid: u32, source: Source) -> Result<Self, Refusal> {
        let mut sockets = Self { pid, source, own: HashMap::new(), foreign: HashSet::new() };
        sockets.search()?;
        Ok(sockets)
    }

    /// The sockets as they are now, in the order of their descriptors. Unix sockets and UDP are no part of it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(&mut self) -> Result<Vec<Socket>, Refusal> {
        let listed = self.list()?;
        if listed.iter().any(|one| !self.own.contains_key(&one.inode) && !self.foreign.contains(&one.inode)) {
            self.search()?;
            // What is not the process's own after a search was somebody else's. Inodes of sockets that are
            // closed are forgotten along the way.
            let strangers = listed.iter().map(|one| one.inode).filter(|inode| !self.own.contains_key(inode));
            self.foreign = strangers.collect();
        }
        let mut sockets: Vec<Socket> = listed
            .iter()
            .filter_map(|one| {
                Some(Socket {
                    fd: *self.own.get(&one.inode)?,
                    peer_port: one.peer_port,
                    receive_queue_bytes: one.receive_queue_bytes,
                    send_queue_bytes: one.send_queue_bytes,
                    listening: one.listening,
                    peer_done: one.peer_done,
                })
            })
            .collect();
        sockets.sort_unstable_by_key(|socket| socket.fd);
        Ok(sockets)
    }

    /// Whether sock_diag(7) is in use, rather than the tables under `/proc`.
    pub fn by_diag(&self) -> bool {
        matches!(self.source, Source::Diag(_))
    }

    fn list(&mut self) -> Result<Vec<Listed>, Refusal> {
        if let Source::Diag(diag) = &mut self.source {
            match diag.list() {
                Ok(listed) => return Ok(listed),
                // No tcp_diag in this kernel, or a filter that lets the socket be made but not used.
                Err(_) => self.source = Source::Table,
            }
        }
        table::list(self.pid)
            .map_err(|error| looking_into(self.pid, &format!("/proc/{}/net/tcp", self.pid), errno(&error)))
    }

    fn search(&mut self) -> Result<(), Refusal> {
        self.own.clear();
        let own = &mut self.own;
        descriptors::links(self.pid, |fd, link| {
            if let Some(inode) = descriptors::socket_inode(link) {
                // A socket with several descriptors goes by the lowest.
                own.entry(inode).and_modify(|known| *known = fd.min(*known)).or_insert(fd);
            }
        })
    }
}

/// The TCP sockets of process `pid`, once. [`Sockets`] is cheaper for a second look.
///
/// # Errors
/// The process has ended, or may not be looked into.
pub fn read(pid: u32) -> Result<Vec<Socket>, Refusal> {
    Sockets::open(pid)?.read()
}

/// Whether sock_diag(7) can be used here at all; the reason if not.
///
/// # Errors
/// The kernel was built without it, or a seccomp filter refuses netlink sockets.
pub fn check() -> Result<(), Refusal> {
    let diag = Diag::open().and_then(|mut diag| diag.list());
    diag.map(drop).map_err(diag::refused)
}

fn shares_namespace(pid: u32) -> bool {
    let theirs = fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    theirs.is_some() && theirs == fs::read_link("/proc/self/ns/net").ok()
}
