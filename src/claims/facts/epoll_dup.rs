//! What an interest list watches is not the number.

use std::os::fd::{AsRawFd, BorrowedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::tools::{connected, send};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "epoll-dup-outlives-close",
    says: "A descriptor that is closed while a copy of it lives goes on giving events, and EPOLL_CTL_DEL on it answers EBADF.",
    source: "epoll(7), questions and answers: an open file description is watched, not a number",
    manual: None,
    io_uring: false,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let (ours, mut theirs) = connected()?;
    let copy = ours.try_clone().context("dup")?;
    let number = ours.as_raw_fd();
    epoll.add(&ours, EpollEvent::new(EpollFlags::EPOLLIN, 7)).context("epoll_ctl")?;
    drop(ours);
    send(&mut theirs)?;
    let mut events = [EpollEvent::empty()];
    let told = epoll.wait(&mut events, EpollTimeout::from(1_000_u16)).context("epoll_wait")?;
    // SAFETY: nothing is done with the number but to name it; whether it is open is the question.
    let deleted = epoll.delete(unsafe { BorrowedFd::borrow_raw(number) });
    drop(copy);
    let still = told == 1 && events[0].data() == 7;
    let answer = deleted.map_or_else(|errno| format!("{errno:?}"), |()| "success".to_owned());
    Ok(Observed::of(
        still && deleted == Err(Errno::EBADF),
        format!("{told} event after the close; EPOLL_CTL_DEL answered {answer}"),
    ))
}
