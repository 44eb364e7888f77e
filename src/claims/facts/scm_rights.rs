//! A ring cannot be handed over.

use std::io::IoSlice;
use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::IoUring;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socketpair,
};

use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "scm-rights-einval",
    says: "A ring's descriptor cannot be sent to another process over a socket: EINVAL.",
    source: "net/core/scm.c, scm_fp_copy: descriptors of io_uring are refused since Linux 6.7",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let ring = IoUring::new(4).context("io_uring_setup")?;
    let (one, _other) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let fds = [ring.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    let bytes = [IoSlice::new(b"x")];
    let sent = sendmsg::<UnixAddr>(one.as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None);
    Ok(match sent {
        Ok(_) => Observed::of(false, "sendmsg took it"),
        Err(errno) => Observed::of(errno == Errno::EINVAL, format!("sendmsg answered {errno:?}")),
    })
}
