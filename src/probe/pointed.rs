//! What the pointers of a call point to, read while its thread stands still: process_vm_readv(2).

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::epoll_set;
use crate::trace::{Edge, Pointed, Polled, Report};

/// Events, array entries and descriptors that are told at most.
const TOLD_MAX: usize = 16;

/// Entries of poll's array that are looked at.
const POLLED_MAX: usize = 1024;

/// Bytes of a message that are told.
const BYTES_MAX: usize = 24;

/// `struct epoll_event` is packed on x86-64 and nowhere else.
const EPOLL_EVENT_BYTES: usize = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
const EPOLL_DATA_AT: usize = EPOLL_EVENT_BYTES - 8;

/// `struct pollfd`.
const POLLFD_BYTES: usize = 8;

/// FD_SETSIZE descriptors, a bit each.
const FD_SET_BYTES: usize = 128;

/// What the call `name` points to at an edge; nothing where it points to nothing that is told, or where the memory
/// cannot be read.
pub fn read(pid: u32, name: &str, args: &[u64; 6], edge: Edge) -> Pointed {
    let result = if let Edge::Exit { result } = edge { Some(result) } else { None };
    match (name, result) {
        ("epoll_ctl", _) => watch(pid, args),
        ("epoll_wait" | "epoll_pwait" | "epoll_pwait2", Some(n @ 1..)) => reports(pid, args, n as usize),
        ("poll" | "ppoll", result) => polled(pid, args, result.unwrap_or(0) > 0),
        ("select" | "pselect6", None | Some(1..)) => selected(pid, args),
        ("sendto" | "send" | "write", None) => bytes(pid, args[1], args[2] as usize),
        ("recvfrom" | "recv" | "read", Some(n @ 1..)) => bytes(pid, args[1], n as usize),
        _ => None,
    }
    .unwrap_or_default()
}

fn watch(pid: u32, args: &[u64; 6]) -> Option<Pointed> {
    let bytes = copy(pid, args[3], EPOLL_EVENT_BYTES)?;
    Some(Pointed::Watch { events: u32_at(&bytes, 0)?, data: u64_at(&bytes, EPOLL_DATA_AT)? })
}

fn reports(pid: u32, args: &[u64; 6], count: usize) -> Option<Pointed> {
    let bytes = copy(pid, args[1], count.min(TOLD_MAX) * EPOLL_EVENT_BYTES)?;
    let carried = epoll_set::carried(pid, args[0] as i32);
    let report = |event: &[u8]| {
        let data = u64_at(event, EPOLL_DATA_AT)?;
        let fd = carried.iter().find(|(_, carries)| *carries == data).map_or(-1, |(fd, _)| *fd);
        Some(Report { fd, events: u32_at(event, 0)? })
    };
    Some(Pointed::Reports { reports: bytes.chunks_exact(EPOLL_EVENT_BYTES).filter_map(report).collect() })
}

fn polled(pid: u32, args: &[u64; 6], any: bool) -> Option<Pointed> {
    let length = args[1];
    let bytes = copy(pid, args[0], (length as usize).min(POLLED_MAX) * POLLFD_BYTES)?;
    let entry = |entry: &[u8]| {
        let short = |at: usize| Some(i16::from_ne_bytes(entry.get(at..at + 2)?.try_into().ok()?));
        Some(Polled { fd: u32_at(entry, 0)? as i32, events: short(4)?, revents: short(6)? })
    };
    let all = bytes.chunks_exact(POLLFD_BYTES).filter_map(entry);
    // Before the call the answers of the last one still stand there.
    let told = all.filter(|entry| !any || entry.revents != 0);
    let told = told.map(|entry| if any { entry } else { Polled { revents: 0, ..entry } });
    Some(Pointed::Polled { polled: told.take(TOLD_MAX).collect(), length })
}

fn selected(pid: u32, args: &[u64; 6]) -> Option<Pointed> {
    let set = |pointer: u64| {
        let bytes = if pointer == 0 { Vec::new() } else { copy(pid, pointer, FD_SET_BYTES)? };
        let below = (args[0] as usize).min(FD_SET_BYTES * 8);
        let is_in = |fd: &usize| bytes.get(fd / 8).is_some_and(|byte| byte >> (fd % 8) & 1 == 1);
        Some((0..below).filter(is_in).take(TOLD_MAX).map(|fd| fd as i32).collect())
    };
    Some(Pointed::Selected { read: set(args[1])?, write: set(args[2])? })
}

fn bytes(pid: u32, pointer: u64, length: usize) -> Option<Pointed> {
    let bytes = copy(pid, pointer, length.min(BYTES_MAX))?;
    let letter = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    Some(Pointed::Bytes { text: bytes.iter().map(letter).collect() })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// So many bytes of a process's memory, or none.
pub(crate) fn copy(pid: u32, address: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let there = RemoteIoVec { base: usize::try_from(address).ok()?, len: length };
    let read = process_vm_readv(Pid::from_raw(pid as i32), &mut [IoSliceMut::new(&mut bytes)], &[there]);
    (length > 0 && read == Ok(length)).then_some(bytes)
}
