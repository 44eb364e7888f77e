//! Finding out what this machine allows, by trying.
//!
//! Everything is tried on things of our own: throw-away rings, one forked child that sleeps, sockets without
//! a name. Nothing is mounted, set or written, and nothing outlives the examination. What a machine *says*
//! about itself ([`Facts`]) only explains a refusal that was met; it never stands for the attempt.
//!
//! [`examine`] takes a few milliseconds, for a lesson asks at its start. The one costly proof, counting with
//! a real tracepoint (the kernel takes 35 ms to let go of one), is left to [`examine_thoroughly`].

mod cgroup;
mod child;
mod container;
mod facts;
mod features;
mod machine;
mod multishot;
mod perf;
mod processors;
mod ptrace;
pub mod refused;
mod ring;
mod shared_ids;
mod sock;
mod sys;
mod terminal;
mod tracepoints;

pub use facts::{Capability, Facts};

use crate::trace::{Allowed, Capabilities, Rung, Surroundings};
use child::Child;
use tracepoints::Tracepoints;

/// What this machine allows, in a few milliseconds.
pub fn examine() -> Capabilities {
    let facts = Facts::read();
    examine_with(facts, &Tracepoints::find())
}

/// The same, and counts own system calls with real tracepoints, to prove that what was allowed works. Takes
/// about 0.1 s where it is.
pub fn examine_thoroughly() -> Capabilities {
    let facts = Facts::read();
    let tracepoints = Tracepoints::find();
    let mut capabilities = examine_with(facts.clone(), &tracepoints);
    perf::prove(&mut capabilities, &tracepoints, &facts);
    capabilities
}

fn examine_with(facts: Facts, tracepoints: &Tracepoints) -> Capabilities {
    let uring = ring::examine(&facts);
    // Forked while the ring is open, the child has a copy of its descriptor, for us to take.
    let child = Child::fork();
    let ptrace = ptrace::examine(child.as_ref(), &facts);
    let ring = ring::look_into(child.as_ref(), &uring, &facts);
    let (perf, perf_user) = (perf::kernel(tracepoints, &facts), perf::user(tracepoints, &facts));
    let sock = sock::examine(&facts);
    let processors = processors::examine();
    let rungs = rungs(&[
        (Rung::Sock, &sock),
        (Rung::Ring, &ring),
        (Rung::Perf, &perf),
        (Rung::PerfUser, &perf_user),
        (Rung::Ptrace, &ptrace),
    ]);
    Capabilities {
        machine: machine::examine(&facts, processors.as_ref(), uring.allowed.is_usable(), rungs),
        io_uring: uring.allowed,
        io_uring_operations: uring.operations,
        io_uring_features: uring.features,
        io_uring_refusals: uring.refusals,
        ring,
        perf,
        perf_user,
        tracefs: tracepoints.allowed(&facts),
        ptrace,
        sock,
        yama_scope: facts.yama_scope,
        perf_event_paranoid: facts.perf_event_paranoid,
        memlock_bytes: facts.memlock_bytes,
        nofile: facts.nofile,
        uid: facts.uid,
        around: Surroundings {
            container: facts.container,
            seccomp_filter: facts.seccomp_filter,
            processors,
            terminal: terminal::examine(),
        },
    }
}

/// The rungs there are: those that procfs gives to every user, and of the others those that are allowed.
fn rungs(tried: &[(Rung, &Allowed)]) -> Vec<Rung> {
    let mut rungs = vec![Rung::Proc, Rung::EpollSet];
    rungs.extend(tried.iter().filter(|(_, allowed)| allowed.is_usable()).map(|(rung, _)| *rung));
    rungs
}
