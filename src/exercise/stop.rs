//! Ending what is under way: a build, or a check.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A wish to end, seen by whoever works on; a build's processes are ended at once.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    /// The process group to end; there while its leader has not been waited for, so that the number is its own.
    group: Mutex<Option<Pid>>,
}

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        self.asked.store(true, Ordering::SeqCst);
        end(*group);
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// From now on these processes end when asked.
    pub(super) fn hold(&self, leader: u32) {
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        *group = i32::try_from(leader).ok().map(Pid::from_raw);
        if self.is_asked() {
            end(*group);
        }
    }

    /// Their leader is about to be waited for.
    pub(super) fn let_go(&self) {
        *self.group.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn end(group: Option<Pid>) {
    if let Some(group) = group {
        // It fails when all of them have ended already.
        let _ = killpg(group, Signal::SIGKILL);
    }
}
