//! sock_diag(7): a netlink socket that lists the TCP sockets of a network namespace.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::Listed;
use crate::probe::refuse::{OUTSIDE_CONTAINER, refusal, seccomp_filtered};
use crate::trace::{Layer, Refusal};

/// netlink(7): length u32, type u16, flags u16, sequence u32, port u32.
const HEADER_BYTES: usize = 16;
/// `struct inet_diag_req_v2`.
const REQUEST_BYTES: usize = 56;
/// `struct inet_diag_msg`.
const MESSAGE_BYTES: usize = 72;
/// A dump comes in parts of at most this size.
const PART_BYTES: usize = 64 * 1024;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;
/// All states in which a socket belongs to a descriptor: not SYN_RECV 3, TIME_WAIT 6, CLOSE 7,
/// NEW_SYN_RECV 12. A machine under load has thousands in TIME_WAIT.
const STATES: u32 = 0xfff & !(1 << 0 | 1 << 3 | 1 << 6 | 1 << 7);

/// A netlink socket for questions to sock_diag.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
    sequence: u32,
    part: Vec<u8>,
}

impl Diag {
    /// Opens the netlink socket; no privilege is needed.
    pub(super) fn open() -> Result<Self, Errno> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkSockDiag,
        )?;
        // The kernel answers at once; an answer that does not come must not hold up a probe for good.
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(1))?;
        Ok(Self { socket, sequence: 0, part: vec![0; PART_BYTES] })
    }

    /// All TCP sockets of the namespace that somebody has open.
    pub(super) fn list(&mut self) -> Result<Vec<Listed>, Errno> {
        let mut listed = Vec::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            match self.dump(family as u8, &mut listed) {
                // A kernel without IPv6.
                Err(Errno::ENOENT) if family == libc::AF_INET6 => {}
                other => other?,
            }
        }
        Ok(listed)
    }

    fn dump(&mut self, family: u8, listed: &mut Vec<Listed>) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        send(self.socket.as_raw_fd(), &request(family, self.sequence), MsgFlags::empty())?;
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut self.part, MsgFlags::empty())?;
            if parse(&self.part[..length], self.sequence, listed)? == Dump::Done {
                return Ok(());
            }
        }
    }
}

/// Why sock_diag cannot be used.
pub(super) fn refused(errno: Errno) -> Refusal {
    let says = format!("sock_diag: {errno:?}");
    match errno {
        Errno::EPERM | Errno::EACCES | Errno::EAFNOSUPPORT if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter is at work)"), OUTSIDE_CONTAINER)
        }
        Errno::EMFILE | Errno::ENFILE => crate::probe::refuse::limit(&says),
        _ => refusal(
            Layer::Kernel,
            format!("{says} (the kernel lacks CONFIG_INET_DIAG; /proc/PID/net/tcp serves instead)"),
            "sudo modprobe tcp_diag",
        ),
    }
}

/// Whether a dump goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dump {
    More,
    Done,
}

fn request(family: u8, sequence: u32) -> [u8; HEADER_BYTES + REQUEST_BYTES] {
    const BYTES: usize = HEADER_BYTES + REQUEST_BYTES;
    let mut bytes = [0; BYTES];
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    bytes[0..4].copy_from_slice(&(BYTES as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
    bytes[HEADER_BYTES] = family;
    bytes[HEADER_BYTES + 1] = libc::IPPROTO_TCP as u8;
    bytes[HEADER_BYTES + 4..HEADER_BYTES + 8].copy_from_slice(&STATES.to_ne_bytes());
    bytes
}

/// Takes the sockets out of one part of an answer.
fn parse(mut part: &[u8], sequence: u32, listed: &mut Vec<Listed>) -> Result<Dump, Errno> {
    while part.len() >= HEADER_BYTES {
        let length = u32_at(part, 0) as usize;
        if length < HEADER_BYTES || length > part.len() {
            return Err(Errno::EBADMSG);
        }
        let (message, kind) = (&part[HEADER_BYTES..length], u16_at(part, 4));
        // What belongs to an earlier question that timed out is left alone.
        if u32_at(part, 8) == sequence {
            match i32::from(kind) {
                libc::NLMSG_DONE => return Ok(Dump::Done),
                libc::NLMSG_ERROR => return Err(Errno::from_raw(-u32_at(message, 0).cast_signed())),
                _ if kind == SOCK_DIAG_BY_FAMILY && message.len() >= MESSAGE_BYTES => {
                    listed.extend(socket_of(message));
                }
                _ => {}
            }
        }
        part = part.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Dump::More)
}

/// One `struct inet_diag_msg`; sockets that no descriptor stands for any more have inode 0.
fn socket_of(message: &[u8]) -> Option<Listed> {
    let inode = u64::from(u32_at(message, 68));
    let listening = message[1] == LISTEN;
    (inode != 0).then(|| Listed {
        inode,
        peer_port: u16::from_be_bytes([message[6], message[7]]),
        receive_queue_bytes: u32_at(message, 56),
        // A listener reports the length of its backlog here, which is no bytes to send.
        send_queue_bytes: if listening { 0 } else { u32_at(message, 60) },
        listening,
        peer_done: message[1] == CLOSE_WAIT,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_impossible_length_is_an_error_and_no_endless_loop() {
        let mut part = [0; HEADER_BYTES];
        assert_eq!(parse(&part, 1, &mut Vec::new()), Err(Errno::EBADMSG));
        part[0..4].copy_from_slice(&1000u32.to_ne_bytes());
        assert_eq!(parse(&part, 1, &mut Vec::new()), Err(Errno::EBADMSG));
    }

    #[test]
    fn the_end_of_a_dump_and_its_errors_are_seen() {
        let mut done = [0; HEADER_BYTES + 4];
        done[0..4].copy_from_slice(&20u32.to_ne_bytes());
        done[4..6].copy_from_slice(&(libc::NLMSG_DONE as u16).to_ne_bytes());
        done[8..12].copy_from_slice(&7u32.to_ne_bytes());
        assert_eq!(parse(&done, 7, &mut Vec::new()), Ok(Dump::Done));
        assert_eq!(parse(&done, 8, &mut Vec::new()), Ok(Dump::More), "an answer to an earlier question");
        done[4..6].copy_from_slice(&(libc::NLMSG_ERROR as u16).to_ne_bytes());
        done[16..20].copy_from_slice(&(-libc::ENOENT).to_ne_bytes());
        assert_eq!(parse(&done, 7, &mut Vec::new()), Err(Errno::ENOENT));
    }
}
