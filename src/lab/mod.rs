//! The lab: starts servers and their clients as child processes, drives load and probes, and turns what they
//! see into trace entries. Owns every thread and process of a run and ends them all, on every path.
//!
//! ```text
//! Session ── a lane a server ──┬─ server process   (iolab serve NAME, listening socket as descriptor 3)
//!    │                         ├─ client process   (iolab load)
//!    │                         ├─ observer thread  (probes: totals every 20 ms, rings every 4 ms)
//!    │                         └─ windows thread   (the story, 200 ms of each second)
//!    └─▶ Recorder ──▶ Entry… (a file, a screen, a document)
//! ```

// Children are prepared between fork and exec, where only raw calls are allowed (spawn.rs).
#![allow(unsafe_code)]

mod cage;
mod cast;
mod client;
mod cpus;
mod entries;
mod lane;
mod observer;
mod plan;
mod recorder;
mod runner;
mod session;
pub mod slow;
pub(crate) mod spawn;
mod tracer;
mod trial;
mod windows;

pub use cpus::Placement;
pub use plan::{Length, OpenWindows, Plan};
pub use recorder::Recorder;
pub use runner::{Live, capabilities};
pub use session::{Control, Session};
pub use slow::{Slow, SlowPlan};
pub use trial::{TrialPlan, Trials};
