//! Engines: how bytes get into the kernel and back. One thread, one engine, chosen at start: an io_uring
//! loop where the machine allows it, else epoll. They make the same traffic; they differ in what it costs.

// An engine is where descriptors, rings and shared memory are touched; each block says why it is sound.
#![allow(unsafe_code)]

mod buffers;
mod epoll;
mod uring;

use std::io;
use std::sync::Arc;

use nix::sys::eventfd::EventFd;

use super::pool::Token;
use super::traffic::Traffic;

/// Moves the bytes of [`Traffic`].
pub trait Engine {
    /// `io_uring` or `epoll`.
    fn name(&self) -> &'static str;

    /// Receives on this connection of the pool from now on, until it is closed.
    fn watch(&mut self, traffic: &mut Traffic, token: Token) -> io::Result<()>;

    /// Sends what there is to send, then waits until something happened or `until_ns` (CLOCK_MONOTONIC) has
    /// come, and tells the traffic. Says whether the lab has something to say. An error means that the
    /// engine is broken; errors of connections go to the traffic.
    fn turn(&mut self, traffic: &mut Traffic, until_ns: Option<u64>) -> io::Result<bool>;
}

/// Which engine is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// io_uring where it is allowed, else epoll.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll.
    Epoll,
}

/// Makes the engine. `wake` becomes readable when the lab has said something.
///
/// # Errors
///
/// The kernel's refusal: only an explicit [`Choice::Uring`] fails where io_uring is not allowed.
pub fn make(choice: Choice, wake: Arc<EventFd>) -> anyhow::Result<Box<dyn Engine>> {
    let epoll = |wake| -> anyhow::Result<Box<dyn Engine>> { Ok(Box::new(epoll::Epoll::new(wake)?)) };
    match choice {
        Choice::Epoll => epoll(wake),
        Choice::Uring => Ok(Box::new(uring::Uring::new(wake)?)),
        Choice::Auto => match uring::Uring::new(Arc::clone(&wake)) {
            Ok(uring) => Ok(Box::new(uring)),
            Err(_) => epoll(wake),
        },
    }
}
