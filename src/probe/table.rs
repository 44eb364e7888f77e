//! The probes in short, one row each: help, `doctor` and the book read it.

use crate::trace::Rung;

/// What is to be said of a probe before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The rung that its numbers carry.
    pub rung: Rung,
    /// What it sees.
    pub sees: &'static str,
    /// What it needs.
    pub needs: &'static str,
    /// What it costs the observed process.
    pub costs: &'static str,
}

/// All probes, the ones that are always on first.
pub const PROBES: [Probe; 7] = [
    Probe {
        rung: Rung::Proc,
        sees: "each thread's context switches, processor time and name, kernel helpers of io_uring among them",
        needs: "the same user",
        costs: "nothing to the server; 0.4 to 5 µs of iolab's time a thread and look, within a budget",
    },
    Probe {
        rung: Rung::EpollSet,
        sees: "the interest list of each epoll descriptor with all its bits (not the ready list: that is derived)",
        needs: "the same user",
        costs: "some µs a list; the list is locked meanwhile",
    },
    Probe {
        rung: Rung::Sock,
        sees: "the receive and send queue of each TCP connection, a listener's backlog",
        needs: "the same user",
        costs: "about 1 µs a connection of the machine",
    },
    Probe {
        rung: Rung::Ring,
        sees: "heads, tails, flags and entries of each io_uring ring, at any rate",
        needs: "the right to trace: an own child, or root; a container may forbid pidfd_getfd",
        costs: "nothing: a read-only mapping, some nanoseconds of iolab's time a look",
    },
    Probe {
        rung: Rung::Perf,
        sees: "every system call of all threads, counted, at full speed; in windows each in order, with switches and \
               what happens inside io_uring",
        needs: "CAP_PERFMON or perf_event_paranoid -1, and tracefs",
        costs: "31 ns a call: 2 to 5 % of a server that makes two system calls a request; more while a window is open",
    },
    Probe {
        rung: Rung::PerfUser,
        sees: "system calls by name, counted, at full speed; in windows each in order, and switches",
        needs: "perf_event_paranoid 2 or less, and once per boot: sudo iolab doctor --share-ids",
        costs: "35 ns a call that it counts, 4 µs a context switch; more while a window is open",
    },
    Probe {
        rung: Rung::Ptrace,
        sees: "every system call in order, with arguments and result, for a while; or counted by name, of a program \
               that iolab starts, from its exec to its end",
        needs: "an own child (also in a container), or root",
        costs: "severe: two stops a system call, a server keeps a fifth of its speed; counted it is one, and a quarter",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rung_that_looks_at_a_process_has_one_row() {
        let mut rungs: Vec<Rung> = PROBES.iter().map(|probe| probe.rung).collect();
        rungs.dedup();
        assert_eq!(rungs.len(), PROBES.len());
        assert!(!rungs.contains(&Rung::Client), "the client observes itself");
    }
}
