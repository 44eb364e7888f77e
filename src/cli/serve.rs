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
#[command(after_help = server_list())]
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
