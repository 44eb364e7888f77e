//! `iolab lesson 3` in a real terminal: it is a guest there. Whatever ends it, the terminal is as before and
//! nothing is left behind.

#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // Helpers of tests are tests; patience needs a clock.

mod ends;
mod look;
mod plain;
mod playground;
mod rest;
#[path = "../common/session.rs"]
mod session;
mod slow;
