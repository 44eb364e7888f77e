//! Features and set-up flags of io_uring: each flag tried with a ring of its own.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::facts::Facts;
use super::refused::{self, Tried};
use super::sys::{self, RingParameters};
use crate::trace::Refusal;

/// Set-up flags, `IORING_SETUP_…` of linux/io_uring.h, with the flags that they need beside them.
const FLAGS: &[(&str, u32)] = &[
    ("SQPOLL", 1 << 1),
    ("CQSIZE", 1 << 3),
    ("CLAMP", 1 << 4),
    ("R_DISABLED", 1 << 6),
    ("SUBMIT_ALL", 1 << 7),
    ("COOP_TASKRUN", 1 << 8),
    // TASKRUN_FLAG only beside COOP_TASKRUN or DEFER_TASKRUN.
    ("TASKRUN_FLAG", 1 << 9 | 1 << 8),
    ("SINGLE_ISSUER", 1 << 12),
    // DEFER_TASKRUN only beside SINGLE_ISSUER.
    ("DEFER_TASKRUN", 1 << 13 | 1 << 12),
    ("NO_SQARRAY", 1 << 16),
];

/// Features that the kernel tells in `params.features`, `IORING_FEAT_…`.
const TOLD: &[(&str, u32)] = &[
    ("SINGLE_MMAP", 1 << 0),
    ("NODROP", 1 << 1),
    ("SUBMIT_STABLE", 1 << 2),
    ("FAST_POLL", 1 << 5),
    ("SQPOLL_NONFIXED", 1 << 7),
    ("EXT_ARG", 1 << 8),
    ("NATIVE_WORKERS", 1 << 9),
    ("RSRC_TAGS", 1 << 10),
    ("CQE_SKIP", 1 << 11),
    ("RECVSEND_BUNDLE", 1 << 14),
    ("MIN_TIMEOUT", 1 << 15),
];

/// Features by name, and why one is refused for another reason than that the kernel lacks it.
pub fn examine(told: u32, facts: &Facts) -> (BTreeMap<String, bool>, BTreeMap<String, Refusal>) {
    let mut features: BTreeMap<String, bool> =
        TOLD.iter().map(|(name, bit)| ((*name).to_owned(), told & bit != 0)).collect();
    let mut refusals = BTreeMap::new();
    for (name, flags) in FLAGS {
        let mut parameters = RingParameters::new(*flags, 8);
        let tried = sys::io_uring_setup(1, &mut parameters);
        features.insert((*name).to_owned(), tried.is_ok());
        let refusal = match tried {
            Ok(_) | Err(Errno::EINVAL) => None,
            Err(errno) if *name == "SQPOLL" => {
                refused::sqpoll(Tried { call: "io_uring_setup with SQPOLL", errno }, facts)
            }
            Err(errno) => Some(refused::io_uring(Tried { call: "io_uring_setup", errno }, facts)),
        };
        if let Some(refusal) = refusal {
            refusals.insert((*name).to_owned(), refusal);
        }
    }
    (features, refusals)
}

#[cfg(test)]
mod tests {
    use super::{FLAGS, TOLD};
    use crate::doctor::features::FEATURES;

    /// One table says what a feature means, another how it is tried: neither may forget a row.
    #[test]
    fn every_feature_is_tried() {
        let by_hand = ["PBUF_RING", "MULTISHOT_ACCEPT", "MULTISHOT_RECV"];
        for feature in FEATURES {
            let tried = FLAGS.iter().chain(TOLD).any(|(name, _)| *name == feature.name);
            assert!(tried != by_hand.contains(&feature.name), "{}", feature.name);
        }
        assert_eq!(FEATURES.len(), FLAGS.len() + TOLD.len() + by_hand.len());
    }
}
