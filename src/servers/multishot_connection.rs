//! One connection of `uring-multishot`: what it holds, what is in flight for it,
//! and what it needs next.
//!
//! Nothing in here talks to the kernel, so all of it is tested without one. A connection
//! is told what has come ([`Connection::received`], [`Connection::sent_piece`],
//! [`Connection::sent_backlog`]), and [`Connection::next`] then says which operation to
//! start. That one function decides, because with a receive and a send in flight at the
//! same time results come in any order, and what follows depends on all of them.
//!
//! The rule behind it: whatever an SQE points to stays where it is until the CQE is there.
//! So a piece is given back only after its send, the backlog grows only while no send
//! reads from it, and the connection is dropped only when nothing of it is in flight.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use io_uring::types::Fd;
use io_uring::{opcode, squeue};
use nix::errno::Errno;

use super::buffer_ring::{BUFFER_BYTES, BufferRing, GROUP, Piece};
use super::uring_features::Receive;

/// One peer. It must not be dropped while an operation of it is in flight:
/// [`Next::Close`] says when.
pub struct Connection {
    socket: OwnedFd,
    peer: Peer,
    receiving: Receiving,
    /// Whether a send is in flight. There is never a second: one could overtake the other.
    sending: bool,
    /// Buffers of the ring with what is to be sent, oldest first.
    pieces: VecDeque<Piece>,
    /// Memory of its own with what is to be sent before all pieces: the peer is
    /// behind, unless this is empty.
    backlog: Vec<u8>,
    backlog_sent: usize,
}

/// What the peer has let us know about its end.
#[derive(PartialEq)]
enum Peer {
    Talking,
    /// Sends no more, and may still read.
    Finished,
    /// An error: there is nobody to send to.
    Gone,
}

/// Whether a receive is in flight.
#[derive(PartialEq)]
enum Receiving {
    No,
    Armed,
    /// In flight still, but the kernel was asked to end it.
    Cancelled,
    /// Ended because the ring was empty, and not to be started again before there are buffers.
    Starved,
}

/// What to do for a connection now. The connection takes it as done.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: what is in flight will come back, or it waits for buffers.
    Nothing,
    /// Start a receive.
    Receive,
    /// Ask the kernel to end the receive.
    CancelReceive,
    /// Send the oldest piece, without waiting ([`Connection::send_piece`]).
    SendPiece,
    /// Send the backlog, waiting for as long as it takes ([`Connection::send_backlog`]).
    SendBacklog,
    /// Drop it: nothing is in flight.
    Close,
}

impl Connection {
    /// A peer that has just come.
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            peer: Peer::Talking,
            receiving: Receiving::No,
            sending: false,
            pieces: VecDeque::new(),
            backlog: Vec::new(),
            backlog_sent: 0,
        }
    }

    /// The result of a receive. Without `more` the receive is over, whatever the result
    /// was: a multishot ends when the kernel likes, not only at the end of the stream.
    /// With `more` it stays on the socket, and the next arrival brings the next CQE.
    pub fn received(
        &mut self,
        result: nix::Result<usize>,
        more: bool,
        buffer: Option<u16>,
        pool: &mut BufferRing,
    ) {
        if !more {
            self.receiving = Receiving::No;
        }
        match (result, buffer) {
            // Bytes in a buffer of the ring, which is this connection's until it is given back.
            (Ok(bytes @ 1..), Some(id)) => return self.pieces.push_back(pool.take(id, bytes)),
            // SAFETY: the kernel has filled so much of the memory that `receive` reserved.
            (Ok(bytes @ 1..), None) => return unsafe { self.backlog.set_len(bytes) },
            // FIN. The peer may still read, so what is owed to it is sent first.
            (Ok(0), _) => self.peer = Peer::Finished,
            // No buffer was left. Nothing is lost, the bytes are in the socket, but
            // the receive is over.
            (Err(Errno::ENOBUFS), _) => self.receiving = Receiving::Starved,
            // The end that we asked for, or nothing happened.
            (Err(Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN), _) => {}
            // ECONNRESET, ETIMEDOUT: the end of this connection, and of nothing else.
            (Err(_), _) => self.peer = Peer::Gone,
        }
        // Some kernels hand over a buffer with nothing in it.
        if let Some(id) = buffer {
            let empty = pool.take(id, 0);
            pool.give_back(empty);
        }
    }

    /// The result of [`Next::SendPiece`]. The buffer goes back now, and not earlier.
    pub fn sent_piece(&mut self, result: nix::Result<usize>, pool: &mut BufferRing) {
        let mut piece = self.pieces.pop_front().expect("a piece stays until it was sent");
        piece.unsent.start += self.sent(result);
        // Mostly nothing is left of it. Otherwise the peer is behind from here on.
        self.backlog.extend_from_slice(pool.unsent(&piece));
        pool.give_back(piece);
    }

    /// The result of [`Next::SendBacklog`]. A short one is followed by another,
    /// from where it ended. The memory of a long backlog is not kept: most peers
    /// are behind once, if ever.
    pub fn sent_backlog(&mut self, result: nix::Result<usize>) {
        self.backlog_sent += self.sent(result);
        if self.backlog_sent == self.backlog.len() {
            self.backlog_sent = 0;
            self.backlog.clear();
            self.backlog.shrink_to(BUFFER_BYTES);
        }
    }

    /// How much a send has sent. Nothing is a possible answer, and no reason to give up.
    fn sent(&mut self, result: nix::Result<usize>) -> usize {
        self.sending = false;
        match result {
            Ok(bytes) => bytes,
            // The send buffer of the socket is full, or a signal came: nothing was sent.
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            // ECONNRESET, EPIPE.
            Err(_) => {
                self.peer = Peer::Gone;
                0
            }
        }
    }

    /// There are buffers again. A receive is not started as soon as one is back, or
    /// the whole crowd would run for one buffer: the server asks in turn. Says
    /// whether this connection was waiting for them.
    pub fn feed(&mut self) -> bool {
        let starved = self.receiving == Receiving::Starved;
        if starved {
            self.receiving = Receiving::No;
        }
        starved
    }

    /// What to start now: sends come first, and a new receive when nothing is left to
    /// send. A multishot that goes on by itself is no new receive: it fills buffers
    /// meanwhile, and their pieces queue up behind the one that is being sent.
    pub fn next(&mut self, pool: &mut BufferRing) -> Next {
        if self.sending {
            return Next::Nothing;
        }
        if self.peer == Peer::Gone || !self.backlog.is_empty() {
            // Whoever has to be waited for keeps no buffers from the others meanwhile.
            for piece in self.pieces.drain(..) {
                self.backlog.extend_from_slice(pool.unsent(&piece));
                pool.give_back(piece);
            }
            return self.next_without_pieces();
        }
        if !self.pieces.is_empty() {
            self.sending = true;
            return Next::SendPiece;
        }
        match (&self.peer, &self.receiving) {
            // Everything it sent is back with it, and nothing is in flight.
            (Peer::Finished, _) => Next::Close,
            (_, Receiving::No) => {
                self.receiving = Receiving::Armed;
                Next::Receive
            }
            (_, Receiving::Armed | Receiving::Cancelled | Receiving::Starved) => Next::Nothing,
        }
    }

    /// For a peer that is behind or gone: ends the receive first. This is the
    /// back-pressure: with no receive in flight the kernel's receive buffer fills,
    /// TCP announces a window of 0, and the peer has to wait.
    fn next_without_pieces(&mut self) -> Next {
        match self.receiving {
            Receiving::Armed => {
                self.receiving = Receiving::Cancelled;
                Next::CancelReceive
            }
            // Until its last result there may be more for the backlog, and memory
            // that grows may move: no send from it yet.
            Receiving::Cancelled => Next::Nothing,
            Receiving::No | Receiving::Starved if self.peer == Peer::Gone => Next::Close,
            Receiving::No | Receiving::Starved => {
                self.sending = true;
                Next::SendBacklog
            }
        }
    }

    /// The SQE of [`Next::Receive`].
    pub fn receive(&mut self, how: Receive) -> squeue::Entry {
        let (socket, length) = (Fd(self.socket.as_raw_fd()), BUFFER_BYTES as u32);
        match how {
            Receive::Multishot => opcode::RecvMulti::new(socket, GROUP).build(),
            // No address: the kernel takes a buffer of the group when there is
            // something to put there.
            Receive::Provided => opcode::Recv::new(socket, ptr::null_mut(), length)
                .buf_group(GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT),
            // The empty backlog: what is received there is what is to be sent. It
            // stays in place until `received`.
            Receive::Own => {
                self.backlog.reserve_exact(BUFFER_BYTES);
                opcode::Recv::new(socket, self.backlog.as_mut_ptr(), length).build()
            }
        }
    }

    /// The SQE of [`Next::SendPiece`]: the oldest piece. MSG_DONTWAIT makes it
    /// complete at once, with what there is room for or with EAGAIN; without it the
    /// kernel would keep the buffer until the peer reads.
    pub fn send_piece(&self, pool: &BufferRing) -> squeue::Entry {
        self.send(self.piece(pool), libc::MSG_DONTWAIT)
    }

    /// The SQE of [`Next::SendBacklog`], which may take as long as it likes: nobody
    /// else needs that memory.
    pub fn send_backlog(&self) -> squeue::Entry {
        self.send(self.unsent_backlog(), 0)
    }

    /// No MSG_NOSIGNAL: io_uring adds it to every send. A peer that is gone is an EPIPE.
    fn send(&self, bytes: &[u8], flags: i32) -> squeue::Entry {
        let socket = Fd(self.socket.as_raw_fd());
        opcode::Send::new(socket, bytes.as_ptr(), bytes.len() as u32).flags(flags).build()
    }

    /// The bytes of the oldest piece. They stay in place until [`Self::sent_piece`].
    fn piece<'a>(&self, pool: &'a BufferRing) -> &'a [u8] {
        self.pieces.front().map_or(&[], |piece| pool.unsent(piece))
    }

    /// Whether there is more to send after that piece.
    pub fn has_more_pieces(&self) -> bool {
        self.pieces.len() > 1
    }

    /// What is left of the backlog. It stays in place until [`Self::sent_backlog`].
    fn unsent_backlog(&self) -> &[u8] {
        &self.backlog[self.backlog_sent..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection with a receive in flight, and a pool of four buffers that no kernel knows of.
    fn receiving() -> (Connection, BufferRing) {
        let mut pool = BufferRing::new(4).unwrap();
        pool.offer_all();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::new(socket.into());
        assert_eq!(connection.next(&mut pool), Next::Receive);
        (connection, pool)
    }

    #[test]
    fn a_buffer_is_held_until_its_send_is_over() {
        let (mut connection, mut pool) = receiving();
        connection.received(Ok(64), true, Some(0), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        assert_eq!((connection.piece(&pool).len(), pool.offered()), (64, 3));
        connection.sent_piece(Ok(64), &mut pool);
        assert_eq!(pool.offered(), 4);
        assert_eq!(connection.next(&mut pool), Next::Nothing, "the multishot goes on by itself");
    }

    #[test]
    fn there_is_one_send_at_a_time_and_the_oldest_first() {
        let (mut connection, mut pool) = receiving();
        connection.received(Ok(10), true, Some(2), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        connection.received(Ok(20), true, Some(1), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::Nothing);
        assert_eq!(connection.piece(&pool).len(), 10);
        connection.sent_piece(Ok(10), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        assert_eq!(connection.piece(&pool).len(), 20);
    }

    #[test]
    fn a_peer_that_is_behind_holds_no_buffer_and_is_not_received_from() {
        let (mut connection, mut pool) = receiving();
        connection.received(Ok(100), true, Some(0), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        connection.received(Ok(100), true, Some(1), &mut pool);
        connection.sent_piece(Ok(30), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::CancelReceive);
        assert_eq!(pool.offered(), 4);
        // One more arrival was on its way when the cancellation was asked for.
        connection.received(Ok(5), true, Some(2), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::Nothing);
        connection.received(Err(Errno::ECANCELED), false, None, &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendBacklog);
        assert_eq!((connection.unsent_backlog().len(), pool.offered()), (70 + 100 + 5, 4));
        connection.sent_backlog(Ok(170));
        assert_eq!(connection.next(&mut pool), Next::SendBacklog);
        connection.sent_backlog(Ok(5));
        assert_eq!(connection.next(&mut pool), Next::Receive);
    }

    #[test]
    fn a_starved_receive_waits_for_buffers_and_a_finished_peer_gets_everything_first() {
        let (mut connection, mut pool) = receiving();
        connection.received(Err(Errno::ENOBUFS), false, None, &mut pool);
        assert_eq!(connection.next(&mut pool), Next::Nothing);
        assert!(connection.feed());
        assert_eq!(connection.next(&mut pool), Next::Receive);
        assert!(!connection.feed());
        connection.received(Ok(8), true, Some(3), &mut pool);
        connection.received(Ok(0), false, None, &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        connection.sent_piece(Ok(8), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::Close);
    }

    #[test]
    fn a_reset_waits_for_what_is_under_way() {
        let (mut connection, mut pool) = receiving();
        connection.received(Ok(8), true, Some(3), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::SendPiece);
        connection.sent_piece(Err(Errno::EPIPE), &mut pool);
        assert_eq!(connection.next(&mut pool), Next::CancelReceive);
        connection.received(Err(Errno::ECONNRESET), false, None, &mut pool);
        assert_eq!((connection.next(&mut pool), pool.offered()), (Next::Close, 4));
    }
}
