//! The other faces of a world: documents for scripts, pictures for texts.

pub mod claims;
pub mod exercises;
pub mod grade;
pub mod home;
pub mod json;
pub mod observe;
pub mod perfetto;
pub mod picture;
pub mod svg;
