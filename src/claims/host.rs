//! What else runs on the machine, and how it waits.

use serde::{Deserialize, Serialize};

/// What a look at the machine found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Processes whose descriptors could be read; iolab's own, and threads of the kernel, not counted.
    pub readable: u64,
    /// Of these, those that hold an epoll descriptor.
    pub with_epoll: u64,
    /// Of these, those that hold a ring.
    pub with_ring: u64,
    /// Proxies that are installed here, and the calls for waiting that their files name.
    pub proxies: Vec<Proxy>,
}

/// An installed proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// Whether its file names epoll_wait(2) or its relatives.
    pub epoll: bool,
    /// Whether it names io_uring_setup(2).
    pub io_uring: bool,
}
