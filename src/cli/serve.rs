//! `iolab serve SERVER`: one mini-server in the foreground.

use std::net::SocketAddr;

use clap::Args;

use super::Exit;
use super::server_name::{server_list, server_named};
use super::server_options::ServerOptions;
use crate::refused::Refused;
use crate::serve::serve;
use crate::servers::Server;

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
    #[command(flatten)]
    options: ServerOptions,
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
    let options = match arguments.options.options() {
        Ok(options) => options,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
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
