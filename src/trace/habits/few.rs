//! A few things by number: bounded, so that no story can fill the memory.

use serde::{Deserialize, Serialize};

/// More are not remembered; the one that was remembered first is forgotten.
const MOST: usize = 256;

/// Things by descriptor, thread or name, in the order they were remembered. A trace tells them as pairs, as maps by
/// number have no place in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V> Few<K, V> {
    /// What is remembered of it.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Remembers it, in place of what was known of it.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if let Some(known) = self.get_mut(&key) {
            *known = value;
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((key, value));
    }

    /// Forgets it.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    /// Keeps those of which this is true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(key, value));
    }

    /// All that is remembered.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Likewise.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_where_there_are_too_many() {
        let mut few = Few::default();
        for fd in 0..=MOST {
            few.insert(fd, ());
        }
        assert_eq!(few.iter().count(), MOST);
        assert_eq!((few.remove(&0), few.remove(&MOST)), (None, Some(())));
        few.insert(1, ());
        assert_eq!(few.iter().count(), MOST - 1, "it was known");
    }
}
