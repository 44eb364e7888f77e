//! Where server and client run.

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

/// Where a process may run, and how it gives way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seat {
    /// The processors; `None` leaves it where it is.
    pub cpus: Option<CpuSet>,
    /// Whether it waits for its turn when it is woken, and takes no processor from who runs there (SCHED_BATCH).
    pub waits: bool,
}

/// The seats of server and client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seats {
    /// Of the server.
    pub server: Seat,
    /// Of the client.
    pub client: Seat,
}

impl Seats {
    /// In a closed loop the client gets the last processor for itself and the server the others, so that
    /// what is measured is not their struggle for one, unless they are wanted together; a pace leaves time for both
    /// anywhere.
    pub fn of(pace: Pace, placement: Placement) -> Self {
        if pace != Pace::Max {
            return Self::default();
        }
        let allowed = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap_or_default();
        let cpus: Vec<_> = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true)).collect();
        let Some((last, others)) = cpus.split_last() else { return Self::default() };
        let seat = |cpus| Seat { cpus: Some(cpus), waits: placement == Placement::Together };
        let client = seat(set(&[*last]));
        match placement {
            Placement::Together => Self { server: client, client },
            Placement::Apart if others.is_empty() => Self::default(),
            Placement::Apart => Self { server: seat(set(others)), client },
        }
    }
}

fn set(cpus: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for cpu in cpus {
        // Each of them is in a set that the kernel gave.
        let _ = set.set(*cpu);
    }
    set
}
