//! What is computed from the rest of a value, once: a frame asks for it many times, and most of what it asks
//! about has not moved since the last frame.

use std::sync::OnceLock;

/// A place for it. It says nothing that its owner does not say, so all memos are equal.
#[derive(Debug)]
pub(super) struct Memo<T>(OnceLock<T>);

impl<T> Memo<T> {
    /// What stands there, computed if nobody has asked before.
    pub fn get(&self, compute: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(compute)
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

/// Whoever copies the owner does so to change it.
impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Memo<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
