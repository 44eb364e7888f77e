//! What this machine allows, found out by trying, as one value.
//!
//! [`Capabilities`]: crate::trace::Capabilities
