//! `iolab serve SERVER`: one mini-server in the foreground.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;

use super::Exit;
use crate::servers::{self, Options};

/// Runs one mini-server in the foreground; prints "listening on ADDR".
#[derive(Args, Debug)]
pub struct Arguments {
    /// Which server: threads, select, poll, epoll, …
    server: String,
    /// Where to listen; port 0 lets the kernel choose. Ignored when descriptor 3 is a listening socket
    /// (LISTEN_FDS=1).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Slots of the submission queue of an io_uring server, a power of two.
    #[arg(long, value_name = "N", default_value_t = Options::default().sq_entries)]
    sq_entries: u32,
    /// Slots of the completion queue; the kernel's choice is twice the submission queue.
    #[arg(long, value_name = "N")]
    cq_entries: Option<u32>,
    /// Buffers in the provided buffer ring of uring-multishot, a power of two.
    #[arg(long, value_name = "N", default_value_t = Options::default().buffers)]
    buffers: u16,
    /// Milliseconds without work after which an SQPOLL thread goes to sleep.
    #[arg(long, value_name = "MS", default_value_t = Options::default().sqpoll_idle_ms)]
    sqpoll_idle_ms: u32,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let server = servers::by_name(&arguments.server)
        .with_context(|| format!("there is no server called {:?}", arguments.server))?;
    let options = Options {
        sq_entries: arguments.sq_entries,
        cq_entries: arguments.cq_entries,
        buffers: arguments.buffers,
        sqpoll_idle_ms: arguments.sqpoll_idle_ms,
    };
    crate::serve::serve(server, arguments.listen, &options)?;
    Ok(Exit::Done)
}
