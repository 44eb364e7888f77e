//! iolab: a workbook for Linux I/O in which the kernel is the teacher.
//!
//! The map is in `ARCHITECTURE.md`. One flow: the lab starts servers and load, probes watch them from
//! outside, everything they see goes into a [`trace`], a [`world`] is that trace folded up to a time, and
//! every face (terminal, plain text, JSON) is a pure function of a world.

// The documentation is a map for readers of the sources, who see private rooms too.
#![allow(rustdoc::private_intra_doc_links)]

pub mod book;
pub mod claims;
pub mod cli;
pub mod doctor;
pub mod exercise;
pub mod export;
#[cfg(feature = "live")]
pub mod lab;
pub mod lesson;
#[cfg(feature = "live")]
pub mod load;
#[cfg(feature = "live")]
pub mod observe;
pub mod plain;
#[cfg(feature = "live")]
pub mod probe;
pub mod progress;
#[cfg(feature = "live")]
pub mod refused;
pub mod screen;
#[cfg(feature = "live")]
pub mod serve;
pub mod servers;
pub mod trace;
pub mod trials;
pub mod tui;
pub mod world;
