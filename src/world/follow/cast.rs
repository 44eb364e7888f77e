//! Who takes part in a run: its process's threads by name, its connections by descriptor and port.

use std::collections::BTreeMap;

use crate::trace::{Purpose, Record, Run, Socket, Story, ThreadTotals, Trace};
use crate::world::Helper;

/// The threads and the connections of a run's process, as far as any of its runs has read them.
#[derive(Clone, Debug, Default)]
pub struct Cast<'t> {
    threads: Vec<&'t ThreadTotals>,
    sockets: Vec<&'t Socket>,
}

impl<'t> Cast<'t> {
    /// Those of a run's process. A window reads neither; the measured run of the same process does.
    pub fn of(trace: &'t Trace, run: &'t Run) -> Self {
        let same = || trace.runs().iter().filter(|other| other.start.pid == run.start.pid);
        let totals = same().filter_map(|run| run.process_totals().next_back());
        let sockets = same().filter_map(|run| {
            run.readings().rev().find_map(|(_, record)| match record {
                Record::Sockets { sockets } => Some(sockets),
                _ => None,
            })
        });
        let known = |socket: &&Socket| !socket.listening && socket.fd >= 0;
        Self {
            threads: totals.flat_map(|(_, totals)| &totals.threads).collect(),
            sockets: sockets.flatten().filter(known).collect(),
        }
    }

    /// A thread's name, if it was read.
    pub fn comm(&self, tid: u32) -> Option<&'t str> {
        self.threads.iter().find(|thread| thread.tid == tid).map(|thread| thread.comm.as_str())
    }

    /// Whether a thread is the kernel's own.
    pub fn is_helper(&self, tid: u32) -> bool {
        self.comm(tid).and_then(Helper::of).is_some()
    }

    /// Whether a thread of the kernel polls its submission queue.
    pub fn has_poller(&self) -> bool {
        self.threads.iter().any(|thread| Helper::of(&thread.comm) == Some(Helper::Poller))
    }

    /// Which descriptor the entries of each name were about, as windows of the same process told that name them. The
    /// kernel's own records leave the descriptor out.
    pub fn fds_by_name(trace: &Trace, run: &Run) -> BTreeMap<u64, i32> {
        /// Windows are short; a foreign file need not be.
        const READ_MAX: usize = 65_536;
        let same = trace.runs().iter().filter(|other| other.start.pid == run.start.pid);
        let windows = same.filter(|other| other.start.purpose == Purpose::Window);
        let records = windows.flat_map(|run| run.records.iter().take(READ_MAX));
        let named = records.filter_map(|(_, record)| match record {
            Record::Story(Story::Sqe { user_data, fd: fd @ 0.., .. }) => Some((*user_data, *fd)),
            _ => None,
        });
        named.collect()
    }

    /// The server's descriptor of the connection from that port.
    pub fn fd(&self, port: u16) -> Option<i32> {
        self.sockets.iter().find(|socket| socket.peer_port == port).map(|socket| socket.fd)
    }

    /// The port at the other end of a descriptor.
    pub fn port(&self, fd: i32) -> Option<u16> {
        self.sockets.iter().find(|socket| socket.fd == fd).map(|socket| socket.peer_port)
    }
}
