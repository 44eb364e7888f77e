//! The client: opens connections, sends requests, checks every byte, measures latency. It runs as a process
//! of its own, so that its processor time and the screen's are told apart, and knows nothing of which server
//! it talks to.

pub mod protocol;
