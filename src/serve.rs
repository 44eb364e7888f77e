//! What surrounds a server in its process: the listening socket, signals, the descriptor limit.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

use crate::servers::{Options, Server};

/// Serves until the process is ended; returns only with an error.
pub fn serve(server: &Server, listen: SocketAddr, options: &Options) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)?;
    let run = server.run.context("this build has no servers")?;
    run(listener, options)
}
