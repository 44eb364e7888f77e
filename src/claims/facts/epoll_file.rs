//! epoll and regular files.

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "epoll-file-eperm",
    says: "epoll_ctl refuses a regular file with EPERM.",
    source: "epoll_ctl(2), ERRORS",
    manual: None,
    io_uring: false,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let file = std::fs::File::open("/proc/self/exe").context("open the program's own file")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let added = epoll.add(&file, EpollEvent::new(EpollFlags::EPOLLIN, 1));
    Ok(match added {
        Ok(()) => Observed::of(false, "epoll_ctl took it"),
        Err(errno) => Observed::of(errno == Errno::EPERM, format!("epoll_ctl answered {errno:?}")),
    })
}
