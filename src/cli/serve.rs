//! `iolab serve SERVER`: one mini-server in the foreground.

use std::net::SocketAddr;

use anyhow::anyhow;
use clap::Args;

use super::Exit;
use super::server_name::{server_list, server_named};
use crate::refused::Refused;
use crate::serve::serve;
use crate::servers::{Options, Server};

/// Runs one mini-server in the foreground; prints "listening on ADDR".
///
/// The server echoes every byte it receives until SIGINT (Ctrl-C) or SIGTERM ends it, with status 0.
#[derive(Args, Debug)]
#[command(after_help = server_list(), after_long_help = format!("{EXAMPLES}\n\n{}", server_list()))]
pub struct Arguments {
    /// Which server; the names are listed below.
    #[arg(value_parser = server_named)]
    server: &'static Server,
    /// Where to listen; port 0 lets the kernel choose. Ignored when descriptor 3 is a listening socket
    /// (LISTEN_FDS=1).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Slots of the submission queue of an io_uring server, a power of two up to 32768.
    #[arg(long, value_name = "N", default_value_t = Options::default().sq_entries, value_parser = queue_slots)]
    sq_entries: u32,
    /// Slots of the completion queue, a power of two up to 65536 and not below the submission queue's; the
    /// kernel's choice is twice the submission queue.
    #[arg(long, value_name = "N", value_parser = completion_slots)]
    cq_entries: Option<u32>,
    /// Buffers in the provided buffer ring of uring-multishot, a power of two up to 32768.
    #[arg(long, value_name = "N", default_value_t = Options::default().buffers, value_parser = buffers)]
    buffers: u16,
    /// Milliseconds without work after which an SQPOLL thread goes to sleep.
    #[arg(long, value_name = "MS", default_value_t = Options::default().sqpoll_idle_ms)]
    sqpoll_idle_ms: u32,
}

/// What the long help shows.
const EXAMPLES: &str = "\
Examples:
  iolab serve epoll                          a free port of 127.0.0.1
  iolab serve epoll --listen 127.0.0.1:7000  then in another terminal: nc 127.0.0.1 7000
  strace -f -c iolab serve epoll             the system calls it makes, counted when it ends
  iolab serve uring --sq-entries 64          an io_uring server with a small ring";

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.cq_entries.is_some_and(|cq_entries| cq_entries < arguments.sq_entries) {
        // The kernel would say EINVAL, as it does for much else.
        super::complain(&anyhow!("--cq-entries must not be below --sq-entries ({})", arguments.sq_entries));
        return Ok(Exit::Usage);
    }
    let options = Options {
        sq_entries: arguments.sq_entries,
        cq_entries: arguments.cq_entries,
        buffers: arguments.buffers,
        sqpoll_idle_ms: arguments.sqpoll_idle_ms,
    };
    match serve(arguments.server, arguments.listen, &options) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.is::<Refused>() => {
            super::complain(&error);
            Ok(Exit::Refused)
        }
        Err(error) => Err(error),
    }
}

/// Slots of a submission queue; the kernel's limit is IORING_MAX_ENTRIES (io_uring/io_uring.h).
fn queue_slots(text: &str) -> Result<u32, String> {
    power_of_two(text, 32_768)
}

/// Slots of a completion queue; the kernel's limit is twice that of the submission queue.
fn completion_slots(text: &str) -> Result<u32, String> {
    power_of_two(text, 65_536)
}

/// Buffers of a ring of provided buffers; its tail is 16 bits wide (io_uring_register_buf_ring(3)).
fn buffers(text: &str) -> Result<u16, String> {
    power_of_two(text, 32_768).map(|buffers| buffers as u16)
}

fn power_of_two(text: &str, max: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(number) if number.is_power_of_two() && number <= max => Ok(number),
        _ => Err(format!("a power of two from 1 to {max} is needed")),
    }
}
