//! Where each lane stands, for those who tell lanes what to do and wait until they have done it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where a lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What its thread does.
    pub state: State,
    /// Which request was sent last.
    pub request: u64,
    /// Whether that was answered and the server is about to wait for the next.
    pub done: bool,
}

/// What a lane's thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It starts its server, or carries an order out.
    Busy,
    /// It waits for an order.
    Rests,
    /// Its server runs untraced until it is stopped again.
    Free,
    /// It is over.
    Over,
}

/// All of them.
#[derive(Debug)]
pub struct Standings {
    lanes: Mutex<Vec<Standing>>,
    changed: Condvar,
}

impl Standings {
    /// So many lanes that begin.
    pub fn new(lanes: usize) -> Self {
        let begins = Standing { state: State::Busy, request: 0, done: false };
        Self { lanes: Mutex::new(vec![begins; lanes]), changed: Condvar::new() }
    }

    /// Notes where a lane stands now.
    pub fn set(&self, lane: usize, standing: Standing) {
        self.lock()[lane] = standing;
        self.changed.notify_all();
    }

    /// Marks a lane that is given an order; `false` where it has one already, or is over.
    pub fn take(&self, lane: usize) -> bool {
        let mut lanes = self.lock();
        let rests = lanes[lane].state == State::Rests;
        if rests {
            lanes[lane].state = State::Busy;
        }
        rests
    }

    /// Where they stand.
    pub fn all(&self) -> Vec<Standing> {
        self.lock().clone()
    }

    /// Waits until none is busy.
    pub fn settle(&self) -> Vec<Standing> {
        let busy = |lanes: &mut Vec<Standing>| lanes.iter().any(|lane| lane.state == State::Busy);
        let lanes = self.changed.wait_while(self.lock(), busy);
        lanes.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
