//! The ready list of an epoll set, derived: nobody outside of the kernel can read it, but what makes a descriptor
//! ready can be read.

use std::collections::BTreeSet;

use super::RunWorld;
use super::run::ROOM_BYTES_MAX;
use crate::trace::{EpollSet, Interest, Socket};

/// One watched descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The descriptor, and what it is watched for.
    pub interest: Interest,
    /// What it is ready for.
    pub ready: Ready,
}

/// What a watched descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Nothing that it is watched for.
    No,
    /// So many bytes can be read.
    Read {
        /// Received and not yet read.
        bytes: u32,
    },
    /// So many connections can be accepted.
    Accept {
        /// Waiting at the listener.
        connections: u32,
    },
    /// It is watched for EPOLLOUT and has room.
    Write,
    /// It is no TCP socket whose queues were read (a timer, a signal, an eventfd), so it cannot be told.
    NotKnown,
}

impl Ready {
    /// Whether epoll_wait would tell of it.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Read { .. } | Self::Accept { .. } | Self::Write)
    }
}

/// The watched descriptors of all sets of a run, with what each is ready for, as of the last reading.
///
/// Queues and interest lists are read one after the other. An edge-triggered entry with bytes unread counts as
/// ready though it may have been told already, and will not be told again before more comes; one with room does
/// not count, as nearly always it has room and was told so long ago.
pub fn watched(run: &RunWorld) -> Vec<Watched> {
    run.epoll_sets.iter().flat_map(|set| of_set(set, &run.sockets)).collect()
}

/// The same for one set.
pub fn of_set(set: &EpollSet, sockets: &[Socket]) -> Vec<Watched> {
    let of = |interest: &Interest| {
        let socket = sockets.iter().find(|socket| socket.fd == interest.fd && socket.fd >= 0);
        Watched {
            interest: *interest,
            ready: socket.map_or(Ready::NotKnown, |socket| ready(*interest, socket)),
        }
    };
    set.interest.iter().map(of).collect()
}

/// So many readings in a row have to find bytes before they are called unread: one finds them in passing.
const READINGS_MIN: u64 = 2;

/// Descriptors whose bytes nobody fetches.
pub fn unread(run: &RunWorld) -> BTreeSet<i32> {
    run.unread.since(READINGS_MIN).map(|(fd, _)| fd).collect()
}

fn ready(interest: Interest, socket: &Socket) -> Ready {
    let asks = |bit| interest.events & bit != 0;
    match socket.receive_queue_bytes {
        connections @ 1.. if asks(Interest::IN) && socket.listening => Ready::Accept { connections },
        bytes @ 1.. if asks(Interest::IN) => Ready::Read { bytes },
        _ if asks(Interest::OUT)
            && !asks(Interest::ET)
            && !socket.listening
            && socket.send_queue_bytes <= ROOM_BYTES_MAX =>
        {
            Ready::Write
        }
        _ => Ready::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(events: u32, socket: Socket) -> Ready {
        let set = EpollSet { fd: 3, interest: vec![Interest { fd: 5, events }] };
        of_set(&set, &[Socket { fd: 9, receive_queue_bytes: 9, ..Socket::default() }, socket])[0].ready
    }

    fn socket(receive_queue_bytes: u32, send_queue_bytes: u32) -> Socket {
        Socket { fd: 5, peer_port: 7, receive_queue_bytes, send_queue_bytes, ..Socket::default() }
    }

    #[test]
    fn ready_is_what_is_watched_for_and_possible() {
        let listener = Socket { listening: true, peer_port: 0, ..socket(2, 0) };
        for (events, socket, expected) in [
            (Interest::IN, socket(64, 0), Ready::Read { bytes: 64 }),
            (Interest::IN | Interest::ET, socket(3, 0), Ready::Read { bytes: 3 }),
            (Interest::IN, socket(0, 0), Ready::No),
            (Interest::IN, listener, Ready::Accept { connections: 2 }),
            (Interest::OUT, listener, Ready::No),
            (Interest::OUT, socket(64, 0), Ready::Write),
            (Interest::OUT | Interest::ET, socket(0, 0), Ready::No),
            (Interest::IN | Interest::OUT, socket(0, u32::MAX), Ready::No),
            // EPOLLONESHOT that has fired: the kernel has cleared what it was watched for.
            (Interest::ONESHOT, socket(64, 0), Ready::No),
            (u32::MAX, socket(u32::MAX, u32::MAX), Ready::Read { bytes: u32::MAX }),
        ] {
            assert_eq!(one(events, socket), expected, "{events:#x} {socket:?}");
        }
    }

    #[test]
    fn what_has_no_queues_cannot_be_told() {
        let set =
            EpollSet { fd: 3, interest: vec![Interest { fd: -1, events: 1 }, Interest { fd: 6, events: 1 }] };
        let unknown = Socket { fd: -1, receive_queue_bytes: 1, ..Socket::default() };
        let told = of_set(&set, &[unknown]);
        assert!(told.iter().all(|watched| watched.ready == Ready::NotKnown && !watched.ready.is_ready()));
    }
}
