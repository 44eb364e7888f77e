//! The entries that stand in a ring's queues: SQEs and CQEs, decoded.

use super::layout::{CQE_BYTES, Layout, SQE_BYTES};
use super::memory;

/// Operations of io_uring by number, as io_uring_enter(2) names them behind `IORING_OP_`.
pub const OPERATIONS: [&str; 63] = [
    "NOP",
    "READV",
    "WRITEV",
    "FSYNC",
    "READ_FIXED",
    "WRITE_FIXED",
    "POLL_ADD",
    "POLL_REMOVE",
    "SYNC_FILE_RANGE",
    "SENDMSG",
    "RECVMSG",
    "TIMEOUT",
    "TIMEOUT_REMOVE",
    "ACCEPT",
    "ASYNC_CANCEL",
    "LINK_TIMEOUT",
    "CONNECT",
    "FALLOCATE",
    "OPENAT",
    "CLOSE",
    "FILES_UPDATE",
    "STATX",
    "READ",
    "WRITE",
    "FADVISE",
    "MADVISE",
    "SEND",
    "RECV",
    "OPENAT2",
    "EPOLL_CTL",
    "SPLICE",
    "PROVIDE_BUFFERS",
    "REMOVE_BUFFERS",
    "TEE",
    "SHUTDOWN",
    "RENAMEAT",
    "UNLINKAT",
    "MKDIRAT",
    "SYMLINKAT",
    "LINKAT",
    "MSG_RING",
    "FSETXATTR",
    "SETXATTR",
    "FGETXATTR",
    "GETXATTR",
    "SOCKET",
    "URING_CMD",
    "SEND_ZC",
    "SENDMSG_ZC",
    "READ_MULTISHOT",
    "WAITID",
    "FUTEX_WAIT",
    "FUTEX_WAKE",
    "FUTEX_WAITV",
    "FIXED_FD_INSTALL",
    "FTRUNCATE",
    "BIND",
    "LISTEN",
    "RECV_ZC",
    "EPOLL_WAIT",
    "READV_FIXED",
    "WRITEV_FIXED",
    "PIPE",
];

/// What stands in one ring's queues at one instant, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The ring's descriptor in the process.
    pub fd: i32,
    /// SQEs between head and tail: published, not taken by the kernel.
    pub sqes: Vec<Sqe>,
    /// CQEs between head and tail: published, not taken by the program.
    pub cqes: Vec<Cqe>,
}

/// A submission queue entry, `struct io_uring_sqe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sqe {
    /// The operation: `RECV`, or `op N` where iolab has no name.
    pub operation: String,
    /// IOSQE_ flags: FIXED_FILE 1, IO_DRAIN 2, IO_LINK 4, IO_HARDLINK 8, ASYNC 16, BUFFER_SELECT 32,
    /// CQE_SKIP_SUCCESS 64.
    pub flags: u8,
    /// The descriptor it is about, or an index with FIXED_FILE.
    pub fd: i32,
    /// Length of its buffer, in bytes for most operations.
    pub len: u32,
    /// What its CQE will carry back.
    pub user_data: u64,
}

/// A completion queue entry, `struct io_uring_cqe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cqe {
    /// From its SQE.
    pub user_data: u64,
    /// The result; −errno on failure.
    pub res: i32,
    /// IORING_CQE_F_ flags: BUFFER 1, MORE 2, SOCK_NONEMPTY 4, NOTIF 8; the buffer id in the upper 16 bits.
    pub flags: u32,
}

/// Heads and tails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub sq: (u32, u32),
    pub cq: (u32, u32),
}

/// Where both mappings of a ring stand, in which process.
#[derive(Debug)]
pub(super) struct Places {
    pub pid: u32,
    pub queues: usize,
    pub sqes: usize,
}

/// Room for the SQ array behind the CQEs: it begins at the next cache line.
pub(super) fn array_bytes(sq_entries: u32) -> usize {
    CACHE_LINE_BYTES + sq_entries as usize * size_of::<u32>()
}

/// Where the SQ array begins in the ring's memory, if there is one.
pub(super) fn array_at(layout: &Layout, cq_entries: u32) -> usize {
    (layout.cqes + cq_entries as usize * CQE_BYTES).next_multiple_of(CACHE_LINE_BYTES)
}

/// SMP_CACHE_BYTES of the processors that iolab runs on.
const CACHE_LINE_BYTES: usize = 64;

/// Reads the entries between heads and tails; `None` where the memory cannot be copied. Entries are taken to
/// be of the usual sizes (no SQE128, no CQE32): outside nobody can tell.
pub(super) fn read(
    fd: i32,
    at: &Places,
    layout: &Layout,
    ends: Ends,
    sq_entries: u32,
    cq_entries: u32,
) -> Option<Pending> {
    let mut cqes = vec![0; cq_entries as usize * CQE_BYTES];
    memory::copy(at.pid, at.queues + layout.cqes, &mut cqes).ok()?;
    let mut sqes = vec![0; sq_entries as usize * SQE_BYTES];
    memory::copy(at.pid, at.sqes, &mut sqes).ok()?;
    let array = read_array(at, layout, sq_entries, cq_entries);
    Some(Pending {
        fd,
        sqes: slots(ends.sq, sq_entries)
            .filter_map(|slot| sqe(sqes.chunks_exact(SQE_BYTES).nth(array[slot] as usize)?))
            .collect(),
        cqes: slots(ends.cq, cq_entries)
            .filter_map(|slot| cqe(cqes.chunks_exact(CQE_BYTES).nth(slot)?))
            .collect(),
    })
}

/// Which SQE each slot of the SQ stands for. Rings without that array (NO_SQARRAY) go in order; they are
/// known by an array that is not there or was never filled.
fn read_array(at: &Places, layout: &Layout, sq_entries: u32, cq_entries: u32) -> Vec<u32> {
    let mut bytes = vec![0; sq_entries as usize * size_of::<u32>()];
    let copied = memory::copy(at.pid, at.queues + array_at(layout, cq_entries), &mut bytes);
    let array: Vec<u32> =
        (0..sq_entries as usize).map(|slot| word(&bytes, slot * size_of::<u32>())).collect();
    let filled = array.iter().any(|&index| index != 0) && array.iter().all(|&index| index < sq_entries);
    if copied.is_ok() && filled { array } else { (0..sq_entries).collect() }
}

/// The slots between head and tail, never more than the queue has.
fn slots((head, tail): (u32, u32), entries: u32) -> impl Iterator<Item = usize> {
    let waiting = tail.wrapping_sub(head).min(entries);
    (0..waiting)
        .map(move |n| (head.wrapping_add(n) & entries.wrapping_sub(1)) as usize)
        .filter(move |&slot| slot < entries as usize)
}

/// Decodes an SQE.
pub(super) fn sqe(bytes: &[u8]) -> Option<Sqe> {
    let opcode = *bytes.first()?;
    let operation =
        OPERATIONS.get(usize::from(opcode)).map_or_else(|| format!("op {opcode}"), |name| (*name).to_owned());
    Some(Sqe {
        operation,
        flags: bytes[1],
        fd: word(bytes, 4).cast_signed(),
        len: word(bytes, 24),
        user_data: long(bytes, 32),
    })
}

/// Decodes a CQE.
pub(super) fn cqe(bytes: &[u8]) -> Option<Cqe> {
    (bytes.len() == CQE_BYTES).then(|| Cqe {
        user_data: long(bytes, 0),
        res: word(bytes, 8).cast_signed(),
        flags: word(bytes, 12),
    })
}

/// The u32 at `at`; 0 beyond the end.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_around_the_queue_and_past_the_end_of_u32() {
        assert_eq!(slots((6, 9), 8).collect::<Vec<_>>(), [6, 7, 0]);
        assert_eq!(slots((u32::MAX, 1), 8).collect::<Vec<_>>(), [7, 0]);
        assert_eq!(slots((0, u32::MAX), 4).count(), 4, "a tail that was scribbled over is no endless list");
        assert_eq!(slots((0, 5), 0).count(), 0);
    }

    #[test]
    fn operations_keep_their_places() {
        assert_eq!((OPERATIONS[13], OPERATIONS[27], OPERATIONS[47]), ("ACCEPT", "RECV", "SEND_ZC"));
        assert_eq!((OPERATIONS[58], OPERATIONS[62]), ("RECV_ZC", "PIPE"));
    }
}
