//! io_uring, tried with a ring of our own, and a look into a child's copy of it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use io_uring::{IoUring, Probe, opcode};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};

use super::child::Child;
use super::facts::Facts;
use super::refused::{self, Tried};
use super::{features, multishot, sys};
use crate::doctor::operations::OPERATIONS;
use crate::trace::{Allowed, Refusal};

/// What was found out about io_uring.
pub struct Uring {
    pub allowed: Allowed,
    pub operations: BTreeMap<String, bool>,
    pub features: BTreeMap<String, bool>,
    pub refusals: BTreeMap<String, Refusal>,
    /// The ring it was tried with, if there is one.
    ring: Option<IoUring>,
}

/// Makes a ring, has it answer a NOP, asks it for its operations and tries its features.
pub fn examine(facts: &Facts) -> Uring {
    let refused = |tried| Uring {
        allowed: Allowed::No(refused::io_uring(tried, facts)),
        operations: BTreeMap::new(),
        features: BTreeMap::new(),
        refusals: BTreeMap::new(),
        ring: None,
    };
    // Made by the bare call first: the crate's constructor also maps, and would mix the two errnos up.
    let mut parameters = sys::RingParameters::default();
    if let Err(errno) = sys::io_uring_setup(1, &mut parameters) {
        return refused(Tried { call: "io_uring_setup", errno });
    }
    let mut ring = match IoUring::new(8) {
        Ok(ring) => ring,
        Err(error) => return refused(Tried { call: "mmap of a ring", errno: errno(&error) }),
    };
    if let Err(errno) = answers(&mut ring) {
        return refused(Tried { call: "io_uring_enter", errno });
    }
    let mut probe = Probe::new();
    let (allowed, operations) = match ring.submitter().register_probe(&mut probe) {
        Ok(()) => (Allowed::Yes, operations(&probe)),
        // IORING_REGISTER_PROBE came with Linux 5.6; without it nothing is known, and nothing refused.
        Err(error) if errno(&error) == Errno::EINVAL => (Allowed::Yes, BTreeMap::new()),
        Err(error) => {
            let tried = Tried { call: "io_uring_register", errno: errno(&error) };
            (Allowed::Partly(refused::io_uring(tried, facts)), BTreeMap::new())
        }
    };
    let (mut features, refusals) = features::examine(parameters.features, facts);
    multishot::examine(&mut ring, &mut features);
    Uring { allowed, operations, features, refusals, ring: Some(ring) }
}

/// Sends a NOP through the ring.
fn answers(ring: &mut IoUring) -> Result<(), Errno> {
    let nop = opcode::Nop::new().build();
    // SAFETY: a NOP points to nothing.
    #[expect(unsafe_code, reason = "pushing an entry is unsafe for what entries may point to")]
    let pushed = unsafe { ring.submission().push(&nop) };
    pushed.map_err(|_| Errno::ENOSPC)?;
    ring.submit_and_wait(1).map_err(|error| errno(&error))?;
    match ring.completion().next() {
        Some(completion) if completion.result() >= 0 => Ok(()),
        Some(completion) => Err(Errno::from_raw(-completion.result())),
        None => Err(Errno::EIO),
    }
}

/// The probe's answer by name.
fn operations(probe: &Probe) -> BTreeMap<String, bool> {
    let numbered = (0..=u8::MAX).zip(OPERATIONS);
    numbered.map(|(number, row)| (row.name.to_owned(), probe.is_supported(number))).collect()
}

/// Whether a child's rings may be read: by taking its descriptor and mapping it, or else by its memory.
pub fn look_into(child: Result<&Child, &Errno>, uring: &Uring, facts: &Facts) -> Allowed {
    let Some(ring) = &uring.ring else {
        let refusal = uring.allowed.refusal().cloned();
        return refusal.map_or(Allowed::Yes, |refusal| {
            Allowed::No(Refusal { says: format!("there is no ring to read: {}", refusal.says), ..refusal })
        });
    };
    let child = match child {
        Ok(child) => child,
        Err(errno) => return Allowed::No(refused::ring(Tried { call: "fork", errno: *errno }, facts)),
    };
    let Err(tried) = take(child, ring) else { return Allowed::Yes };
    let refusal = refused::ring(tried, facts);
    match read_memory(child) {
        Ok(()) => {
            let says = format!("{}; its memory may be read instead, by process_vm_readv", refusal.says);
            Allowed::Partly(Refusal { says, ..refusal })
        }
        Err(_) => Allowed::No(refusal),
    }
}

/// Takes the child's copy of our ring and maps it, read-only.
fn take(child: &Child, ring: &IoUring) -> Result<(), Tried> {
    let tried = |call| move |errno| Tried { call, errno };
    let process = sys::pidfd_open(child.pid()).map_err(tried("pidfd_open"))?;
    let taken = sys::pidfd_getfd(process.as_fd(), ring.as_raw_fd()).map_err(tried("pidfd_getfd"))?;
    sys::map_to_read(taken.as_fd()).map_err(tried("mmap of a child's ring"))
}

/// Reads a variable from the child's memory: at the fork it was where ours is.
fn read_memory(child: &Child) -> Result<(), Errno> {
    static SAMPLE: u64 = 0x696f_6c61_6221;
    let mut seen = [0; size_of::<u64>()];
    let theirs = RemoteIoVec { base: std::ptr::from_ref(&SAMPLE).addr(), len: seen.len() };
    process_vm_readv(child.pid(), &mut [io::IoSliceMut::new(&mut seen)], &[theirs])?;
    if u64::from_ne_bytes(seen) == SAMPLE { Ok(()) } else { Err(Errno::EFAULT) }
}

/// The errno of an error that came from a system call.
fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
