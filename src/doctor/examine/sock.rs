//! sock_diag(7), tried by listing sockets that listen.

use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use super::facts::Facts;
use super::refused::{self, Tried};
use crate::trace::{Allowed, Refusal};

/// `SOCK_DIAG_BY_FAMILY`, linux/sock_diag.h.
const BY_FAMILY: u16 = 20;
/// `TCP_LISTEN` as a bit of `idiag_states`.
const LISTENING: u32 = 1 << 10;
/// `struct nlmsghdr` and `struct inet_diag_req_v2`, linux/inet_diag.h.
const REQUEST_BYTES: usize = 16 + 56;

/// Whether TCP sockets may be listed, or else read from `/proc/net/tcp`.
pub fn examine(facts: &Facts) -> Allowed {
    let Err(tried) = list() else { return Allowed::Yes };
    let refusal = refused::sock(tried, facts);
    match std::fs::File::open("/proc/self/net/tcp") {
        Ok(_) => {
            let says = format!("{}; /proc/PID/net/tcp may be read instead", refusal.says);
            Allowed::Partly(Refusal { says, ..refusal })
        }
        Err(_) => Allowed::No(refusal),
    }
}

/// Asks for all listening TCP sockets and looks at the head of the answer.
fn list() -> Result<(), Tried> {
    let tried = |call| move |errno| Tried { call, errno };
    let flags = SockFlag::SOCK_CLOEXEC;
    let diag = socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkSockDiag)
        .map_err(tried("socket of sock_diag"))?;
    send(diag.as_raw_fd(), &request(), MsgFlags::empty()).map_err(tried("send to sock_diag"))?;
    let mut answer = [0; 4096];
    // The kernel answers within the send, so there is nothing to wait for.
    let answer_bytes =
        recv(diag.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT).map_err(tried("recv from sock_diag"))?;
    refusal(&answer[..answer_bytes]).map_or(Ok(()), |errno| Err(Tried { call: "sock_diag", errno }))
}

/// A dump request for TCP over IPv4, netlink(7).
fn request() -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    request[0..4].copy_from_slice(&(REQUEST_BYTES as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    request[16] = libc::AF_INET as u8;
    request[17] = libc::IPPROTO_TCP as u8;
    request[20..24].copy_from_slice(&LISTENING.to_ne_bytes());
    request
}

/// The errno of an answer that is an error, `struct nlmsgerr`.
fn refusal(answer: &[u8]) -> Option<Errno> {
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    if kind != Some(libc::NLMSG_ERROR as u16) {
        return kind.is_none().then_some(Errno::EPROTO);
    }
    let error = answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    Some(Errno::from_raw(-error.unwrap_or(-libc::EPROTO)))
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::refusal;

    /// A message of this kind with `tail` behind its header.
    fn message(kind: u16, tail: &[u8]) -> Vec<u8> {
        let mut message = vec![0; 16];
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(tail);
        message
    }

    #[test]
    fn answers_are_told_from_errors() {
        assert_eq!(refusal(&message(20, &[0; 56])), None, "a socket");
        assert_eq!(refusal(&message(3, &[0; 4])), None, "the end of an empty list");
        assert_eq!(refusal(&message(2, &(-2_i32).to_ne_bytes())), Some(Errno::ENOENT));
        assert_eq!(refusal(&message(2, &[])), Some(Errno::EPROTO), "an error cut short");
        assert_eq!(refusal(b"?"), Some(Errno::EPROTO), "no message at all");
    }
}
