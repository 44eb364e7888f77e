//! Which processors server and client run on.

use nix::sched::CpuSet;

use crate::trace::Pace;

/// Where server and client stand to each other in a closed loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Each on processors of its own: speed is measured, and neither takes the other's time.
    #[default]
    Apart,
    /// Both on one processor, where they take turns: whatever the client could send is there when the server looks.
    /// Apart the quicker of the two always waits for the other, and how much it finds at a time says which it is.
    Together,
}

/// Which processors server and client may use.
pub struct Cpus {
    /// Of the server; `None` leaves it where it is.
    pub server: Option<CpuSet>,
    /// Of the client, likewise.
    pub client: Option<CpuSet>,
}

impl Cpus {
    /// In a closed loop the client gets the last processor for itself and the server the others, so that
    /// what is measured is not their struggle for one, unless they are wanted together; a pace leaves time for both
    /// anywhere.
    pub fn of(pace: Pace, placement: Placement) -> Self {
        let none = Self { server: None, client: None };
        if pace != Pace::Max {
            return none;
        }
        let Ok(allowed) = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)) else { return none };
        let cpus: Vec<_> = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true)).collect();
        let Some((last, others)) = cpus.split_last().filter(|(_, others)| !others.is_empty()) else {
            return none;
        };
        let (mut server, mut client) = (CpuSet::new(), CpuSet::new());
        let _ = client.set(*last);
        if placement == Placement::Together {
            return Self { server: Some(client), client: Some(client) };
        }
        others.iter().for_each(|cpu| {
            let _ = server.set(*cpu);
        });
        Self { server: Some(server), client: Some(client) }
    }
}
