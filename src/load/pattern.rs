//! What messages say. Every message is a stretch of one buffer of random bytes, read at a place that depends
//! on its connection and ordinal: nothing is generated while a run is on, a comparison is one `memcmp`, and
//! an echo that comes from the wrong connection, the wrong request or the wrong offset differs.

/// Longest message in bytes (1 MiB).
pub const MESSAGE_BYTES_MAX: u32 = 1 << 20;

/// Number of places a message may begin at. A prime, so that steps of any size visit all of them; small, so
/// that short messages stay in the processor's cache.
const PLACES: u64 = 4093;

/// The buffer. It is never freed: the kernel may read from it for as long as a send is under way, and a
/// send outlives whatever started it.
#[derive(Clone, Copy, Debug)]
pub struct Pattern(&'static [u8]);

impl Pattern {
    /// Fills the buffer. The same in every process: a message's bytes follow from its ids.
    pub fn new() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            // xorshift64 (Marsaglia, "Xorshift RNGs", 2003): no period that a message could line up with.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take((MESSAGE_BYTES_MAX as usize + PLACES as usize).div_ceil(8))
        .flatten()
        .collect();
        Self(Box::leak(bytes.into_boxed_slice()))
    }

    /// The bytes of one message. `bytes` beyond [`MESSAGE_BYTES_MAX`] panics: the face refuses such loads.
    #[inline]
    pub fn message(self, connection: u32, ordinal: u64, bytes: u32) -> &'static [u8] {
        // Both factors differ from 0 modulo PLACES, so neighbouring ordinals and neighbouring connections
        // begin elsewhere.
        let place = (u64::from(connection).wrapping_mul(1597) + (ordinal % PLACES) * 2011) % PLACES;
        &self.0[place as usize..place as usize + bytes as usize]
    }
}

/// How many bytes of `seen` are not those of `expected`. Slices are of equal length.
pub fn differences(expected: &[u8], seen: &[u8]) -> u64 {
    if expected == seen {
        return 0;
    }
    expected.iter().zip(seen).filter(|(a, b)| a != b).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ() {
        let pattern = Pattern::new();
        let here = pattern.message(7, 41, 64);
        for (connection, ordinal) in [(7, 40), (7, 42), (6, 41), (8, 41), (0, 0)] {
            assert!(differences(here, pattern.message(connection, ordinal, 64)) > 48);
        }
        assert_eq!(here, Pattern::new().message(7, 41, 64));
    }

    #[test]
    fn the_longest_message_fits_at_every_place() {
        let pattern = Pattern::new();
        for ordinal in 0..PLACES {
            assert_eq!(pattern.message(u32::MAX, ordinal, MESSAGE_BYTES_MAX).len(), 1 << 20);
        }
    }

    #[test]
    fn every_wrong_byte_counts() {
        assert_eq!(differences(b"abcdef", b"abcdef"), 0);
        assert_eq!(differences(b"abcdef", b"axcdxf"), 2);
    }
}
