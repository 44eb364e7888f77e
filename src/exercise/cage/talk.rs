//! What the caller, the keeper and the program's process say to each other, and how descriptors go along.
//!
//! ```text
//! caller                        keeper                       program's process
//!        ◀── control: Set up, [gate, end, backends…] ──
//!        ◀── gate: At the gate, what is held (SCM_CREDENTIALS: its pid) ────────
//!        ─── gate: Go ─────────────────────────────────────────────────────────▶ exec
//!        ◀── gate: Failed, or an end of file: the exec was done ────────────────
//!        ─── control: Sockets 200 ──▶
//!        ◀── control: Sent, [200 sockets] ──
//!        ─── control: End ─────────▶  kills, reaps
//!        ◀── control: Over ──
//! ```

use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::receive::receive;

/// The most descriptors in one message: below SCM_MAX_FD (253), and so few that they never meet the limit on
/// descriptors in flight.
pub const DESCRIPTORS_MAX: usize = 200;

/// The most bytes of one message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What the caller asks of the keeper.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Unconnected TCP sockets of the cage's network.
    Sockets(usize),
    /// Kill everything and say so.
    End,
}

/// What the keeper says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The cage stands, and the program's process is on its way to the gate.
    SetUp {
        /// Where the program listens.
        address: Option<SocketAddr>,
        /// Where the caller listens.
        backends: Vec<SocketAddr>,
    },
    /// The sockets that were asked for, as far as they could be made.
    Sent {
        /// Why there are fewer.
        failed: Option<String>,
    },
    /// Nobody is left but these.
    Over {
        /// Process ids, as the keeper sees them.
        left: Vec<u32>,
        /// What the program was ended for before.
        overrun: Option<Overrun>,
    },
    /// It could not be set up.
    Failed(String),
}

/// What the program's process says at the gate.
#[derive(Debug, Serialize, Deserialize)]
pub enum Gate {
    /// It waits there.
    Reached {
        /// What is held and what is not.
        held: Vec<Hold>,
    },
    /// It does not get there, or its exec failed.
    Failed(String),
}

/// What a program was ended for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overrun {
    /// It had more memory in use than it may.
    MemoryBytes(u64),
    /// It had more threads, all processes together, than it may.
    Processes(u64),
}

/// A message as it came.
pub struct Received<T> {
    /// What it says.
    pub message: T,
    /// What came along.
    pub descriptors: Vec<OwnedFd>,
    /// The sender's process id in our namespace, where the socket asks for it (SO_PASSCRED).
    pub sender: Option<u32>,
}

/// Two ends that keep messages apart, close-on-exec.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// Says something, and hands copies of descriptors over.
pub fn say(to: &OwnedFd, message: &impl Serialize, descriptors: &[RawFd]) -> anyhow::Result<()> {
    let text = serde_json::to_vec(message)?;
    let rights = [ControlMessage::ScmRights(descriptors)];
    let along = if descriptors.is_empty() { &[][..] } else { &rights[..] };
    loop {
        match sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(&text)], along, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("cannot talk across the cage"),
        }
    }
}

/// Waits for what is said; `None` when the other end is closed.
pub fn hear<T: DeserializeOwned>(from: &OwnedFd) -> anyhow::Result<Option<Received<T>>> {
    let mut text = vec![0; MESSAGE_BYTES_MAX];
    let came = loop {
        match receive(from, &mut text) {
            Ok(came) => break came,
            Err(Errno::EINTR) => {}
            // The other end is gone and had unread messages.
            Err(Errno::ECONNRESET) => return Ok(None),
            Err(errno) => return Err(errno).context("cannot hear across the cage"),
        }
    };
    if came.length == 0 {
        return Ok(None);
    }
    anyhow::ensure!(
        !came.cut,
        "this process has too few descriptors for what it asked (raise the limit: ulimit -n 65536)"
    );
    let message =
        serde_json::from_slice(&text[..came.length]).context("a message that nobody of us writes")?;
    Ok(Some(Received { message, descriptors: came.descriptors, sender: came.sender }))
}
