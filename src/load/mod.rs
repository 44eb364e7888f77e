//! The client: opens connections, sends requests, checks every byte, measures latency. It runs as a process
//! of its own, so that its processor time and the screen's are told apart, and knows nothing of which server
//! it talks to.

//!
//! `session` is the loop; `traffic` decides who sends what and what became of it; an
//! `engine` moves the bytes. Two more threads sleep on stdin and stdout, one opens connections and ends.
//! No waiting is ever done by spinning, and no request waits for a lab that is slow to listen.

mod clock;
mod connection;
mod dial;
mod engine;
mod limits;
mod lines;
mod notebook;
mod pattern;
mod phase;
mod pool;
pub mod protocol;
mod schedule;
mod session;
mod tally;
mod traffic;

pub use engine::Choice;
pub use limits::stay_on;
pub use session::run;
