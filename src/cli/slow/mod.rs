//! Slow motion in lines: stop after stop, to be typed through on a terminal, or a few requests for a pipe.

mod command;
#[cfg(feature = "live")]
mod pipe;
mod talk;
mod told;

#[cfg(feature = "live")]
pub use self::pipe::pipe;
pub use self::talk::talk;
