//! Where numbers come from: each probe is one way to see a process from outside, one file each.
//!
//! A probe says what it needs, what it costs the observed process, and why it is refused ([`Refusal`]). It
//! knows nothing of screens or lessons and fills the plain values of [`crate::trace`].
//!
//! [`Refusal`]: crate::trace::Refusal
