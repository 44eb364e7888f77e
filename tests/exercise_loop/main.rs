//! The learner's loop as learners use it: the real program, a workspace in a folder of its own, a journal of its own,
//! and no network.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![allow(clippy::disallowed_methods, reason = "a bound against hanging reads the clock")]

mod bundle;
mod check;
mod documents;
mod init;
mod keep;
mod lock;
mod room;
#[path = "../common/schema.rs"]
mod schema;
mod speed;
mod watch;

#[path = "../common/program.rs"]
mod program;
