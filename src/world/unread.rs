//! Bytes that have come and that nobody fetches: edge-triggered descriptors whose receive queues hold
//! something, reading after reading, while the server has nothing else to do.

use std::collections::BTreeMap;

use crate::trace::{EpollSet, Interest, Socket};

/// A server that was on a processor for less than this share of the time between two readings could have
/// fetched what was there.
const ASLEEP_SHARE_MAX: f64 = 0.05;

/// The descriptors with unread bytes, folded from reading to reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unread {
    by_fd: BTreeMap<i32, Left>,
    /// When the last reading was, and the server's processor time until then, both nanoseconds.
    last: Option<(u64, u64)>,
}

/// What is left unread on one descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Readings in a row that found bytes there, the server asleep in between.
    pub readings: u64,
    /// Bytes at the last one.
    pub bytes: u32,
}

impl Unread {
    /// The descriptors that at least so many readings in a row found with unread bytes.
    pub fn since(&self, readings: u64) -> impl Iterator<Item = (i32, Left)> {
        self.by_fd.iter().filter(move |(_, left)| left.readings >= readings).map(|(fd, left)| (*fd, *left))
    }

    /// Folds a reading in; the server had used `cpu_ns` until then. `has_room` says whether a socket's send
    /// queue has room: who cannot send what it has received does right to receive no more.
    pub(super) fn read(
        &mut self,
        (t_ns, cpu_ns): (u64, u64),
        sets: &[EpollSet],
        sockets: &[Socket],
        has_room: impl Fn(&Socket) -> bool,
    ) {
        let asleep = self.last.is_some_and(|(before_ns, cpu_before_ns)| {
            let used_ns = cpu_ns.saturating_sub(cpu_before_ns);
            (used_ns as f64) < ASLEEP_SHARE_MAX * t_ns.saturating_sub(before_ns) as f64
        });
        self.last = Some((t_ns, cpu_ns));
        let before = std::mem::take(&mut self.by_fd);
        let interest = sets.iter().flat_map(|set| &set.interest);
        let edges: Vec<i32> = interest.filter(|entry| is_edge(entry)).map(|entry| entry.fd).collect();
        for socket in sockets {
            let bytes = socket.receive_queue_bytes;
            if socket.listening || bytes == 0 || !has_room(socket) || !edges.contains(&socket.fd) {
                continue;
            }
            let earlier = before.get(&socket.fd).filter(|_| asleep).map_or(0, |left| left.readings);
            self.by_fd.insert(socket.fd, Left { readings: earlier.saturating_add(1), bytes });
        }
    }
}

/// Whether an entry asks to hear of bytes once.
fn is_edge(entry: &Interest) -> bool {
    const EDGE: u32 = Interest::IN | Interest::ET;
    entry.events & EDGE == EDGE
}
