//! What has begun and not ended yet: calls, times on a processor, ring entries, requests. Each kind is bounded, so
//! that a foreign trace in which nothing ends does not fill the memory.

use std::collections::BTreeMap;

/// So many of a kind are remembered; of more that begin, the end is not looked for.
const OPEN_MAX: usize = 1 << 16;

/// What is open of one kind.
#[derive(Debug)]
pub(super) struct Open<K, V> {
    open: BTreeMap<K, V>,
}

impl<K: Ord, V> Default for Open<K, V> {
    fn default() -> Self {
        Self { open: BTreeMap::new() }
    }
}

impl<K: Ord, V> Open<K, V> {
    /// Something begins. Answers what was open under this key and has not been seen to end.
    pub fn begin(&mut self, key: K, value: V) -> Option<V> {
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&key) {
            self.open.pop_first();
        }
        self.open.insert(key, value)
    }

    /// What is open under this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.open.get(key)
    }

    /// It ends; `None` where its beginning was not seen.
    pub fn end(&mut self, key: &K) -> Option<V> {
        self.open.remove(key)
    }

    /// What is still open.
    pub fn drain(&mut self) -> impl Iterator<Item = (K, V)> + use<K, V> {
        std::mem::take(&mut self.open).into_iter()
    }
}
