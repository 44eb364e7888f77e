//! Servers that are wrong on purpose, each the mistake of a real person: break-it steps and the tests of
//! insights run them. Each is a small difference from its correct neighbour.

pub mod edge_once;
pub mod epoll_armed;
pub mod epoll_rewrite;
pub mod poll_armed;
pub mod recv_spin;
pub mod uring_async;
