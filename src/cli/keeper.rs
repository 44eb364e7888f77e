//! `iolab keeper`: the process that holds one learner's program, started by iolab itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use crate::exercise::cage::{Limits, Network, Order, Stdout, keeper};

/// Holds one program in a cage; descriptor 3 is the socket over which iolab talks to it.
#[derive(Args, Debug)]
pub struct Arguments {
    #[arg(long)]
    directory: PathBuf,
    #[arg(long)]
    writable: Vec<PathBuf>,
    #[arg(long)]
    readable: Vec<PathBuf>,
    #[arg(long)]
    listener: bool,
    #[arg(long)]
    backends: usize,
    #[arg(long, value_enum)]
    network: Network,
    #[arg(long)]
    descriptors: u64,
    #[arg(long)]
    processes: u64,
    #[arg(long)]
    memory_bytes: u64,
    #[arg(long)]
    file_bytes: u64,
    #[arg(long)]
    cpu_s: u64,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let mut words = arguments.program.into_iter();
    let order = Order {
        program: words.next().unwrap_or_default().into(),
        arguments: words.collect(),
        // The keeper's own is the program's, and so are its input and its outputs.
        environment: Vec::new(),
        stdin: false,
        stdout: Stdout::Dropped,
        directory: arguments.directory,
        writable: arguments.writable,
        readable: arguments.readable,
        listener: arguments.listener,
        backends: arguments.backends,
        limits: Limits {
            descriptors: arguments.descriptors,
            processes: arguments.processes,
            memory_bytes: arguments.memory_bytes,
            file_bytes: arguments.file_bytes,
            cpu_s: arguments.cpu_s,
        },
        network: arguments.network,
    };
    keeper::run(&order)?;
    Ok(Exit::Done)
}
