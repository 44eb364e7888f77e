//! A provided buffer ring: receive buffers that belong to nobody until bytes arrive.
//!
//! A receive that is armed on an idle connection needs no buffer. When bytes come,
//! the kernel takes the next one from this ring, and the CQE says which (its buffer
//! id). The program gives it back when it is done with the bytes: until then nobody
//! else writes there.
//!
//! The ring is the mirror image of the submission queue: an array of entries (address,
//! length, id) in shared memory, of which the program moves the tail and the kernel
//! the head. Giving back is therefore a few stores in memory and no system call.
//!
//! The ring in use is seen from outside as memory: buffers times 4 KiB, however
//! many connections there are. When it is empty, a receive that has bytes to put
//! somewhere ends with ENOBUFS, and they stay in the socket.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, ensure};
use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// The size of each buffer: a page, and as much as a connection of `uring` has for
/// itself. A longer message takes several buffers, and a CQE for each.
pub const BUFFER_BYTES: usize = 4096;

/// The name of this ring among the buffer groups that an SQE can choose from.
pub const GROUP: u16 = 0;

/// The buffers and the ring that offers them. The memory is mapped once and never
/// unmapped: the kernel may write there for as long as the io_uring lives, whatever
/// happens to this value.
pub struct BufferRing {
    entries: NonNull<BufRingEntry>,
    bytes: NonNull<u8>,
    count: u16,
    /// Where the next entry goes. Like every index of io_uring it runs freely and is masked at use.
    tail: u16,
    /// Buffers offered and, as far as CQEs have told, not taken.
    offered: usize,
}

/// What one CQE received: a buffer that is ours for now, and the bytes in it that
/// wait to be sent back.
pub struct Piece {
    id: u16,
    /// Which part of it.
    pub unsent: Range<usize>,
}

impl BufferRing {
    /// Maps memory for `count` buffers, a power of two; the kernel knows nothing of
    /// it yet. The entries are a mapping of their own, because the kernel wants
    /// them to begin at a page. No page takes memory before it is written to.
    pub fn new(count: u16) -> anyhow::Result<Self> {
        ensure!(count.is_power_of_two(), "--buffers {count}: a ring has a power of two of them, like 256");
        let count_bytes = usize::from(count) * BUFFER_BYTES;
        let entries = map(usize::from(count) * size_of::<BufRingEntry>())?.cast();
        Ok(Self { entries, bytes: map(count_bytes)?, count, tail: 0, offered: 0 })
    }

    /// Tells the kernel where the ring is and offers all buffers. EINVAL: a kernel before 5.19.
    pub fn register(&mut self, ring: &IoUring) -> io::Result<()> {
        // SAFETY: the mapping begins at a page, has room for `count` entries, and
        // is never unmapped.
        unsafe {
            let address = self.entries.as_ptr() as u64;
            ring.submitter().register_buf_ring_with_flags(address, self.count, GROUP, 0)?;
        }
        self.offer_all();
        Ok(())
    }

    /// Offers every buffer, the first time.
    pub fn offer_all(&mut self) {
        (0..self.count).for_each(|id| self.offer(id));
    }

    /// How many buffers a receive armed now would find. It is a guess on the high
    /// side: the kernel may have taken some for CQEs that nobody has looked at yet.
    pub fn offered(&self) -> usize {
        self.offered
    }

    /// Takes note that a CQE has brought a buffer.
    pub fn take(&mut self, id: u16, bytes: usize) -> Piece {
        self.offered -= 1;
        Piece { id, unsent: 0..bytes }
    }

    /// Offers a buffer to the kernel again. A send from it must be over, or the
    /// kernel would send what it receives there next.
    pub fn give_back(&mut self, piece: Piece) {
        self.offer(piece.id);
    }

    /// Fills the entry at the tail in, then moves the tail. In that order: the
    /// kernel may read the entry as soon as the tail has passed it, and in general
    /// it does so on another processor.
    fn offer(&mut self, id: u16) {
        let slot = usize::from(self.tail & (self.count - 1));
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: `slot` is below `count`. The kernel reads no entry from the tail
        // on until the tail has moved, and there is an entry free, because there
        // are as many entries as buffers.
        unsafe {
            let entry = &mut *self.entries.as_ptr().add(slot);
            entry.set_addr(self.start_of(id) as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(id);
            // The tail lies in a field of the first entry that has no other use:
            // the kernel's io_uring_buf_ring is a union of the two. Release:
            // whoever sees the new tail sees the entry, too. An x86 processor keeps
            // that order by itself, an ARM processor does not.
            let tail = BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
        self.offered += 1;
    }

    /// The bytes of a piece. They stay where they are until the buffer is given back.
    pub fn unsent(&self, piece: &Piece) -> &[u8] {
        // SAFETY: the kernel said that it has filled this part, and does not write
        // there before give_back.
        unsafe {
            let start = self.start_of(piece.id).add(piece.unsent.start);
            std::slice::from_raw_parts(start, piece.unsent.len())
        }
    }

    fn start_of(&self, id: u16) -> *mut u8 {
        assert!(id < self.count, "the kernel named a buffer that it was never given");
        // SAFETY: the mapping has room for `count` buffers.
        unsafe { self.bytes.as_ptr().add(usize::from(id) * BUFFER_BYTES) }
    }
}

/// Zeroed memory that begins at a page. It is private to this process; the kernel
/// finds it by its address here.
fn map(bytes: usize) -> anyhow::Result<NonNull<u8>> {
    let bytes = NonZeroUsize::new(bytes).context("a mapping of no bytes")?;
    // SAFETY: the kernel chooses an address where nothing else is.
    let start = unsafe {
        mmap_anonymous(None, bytes, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE)
    };
    Ok(start.context("mmap of the receive buffers; fewer --buffers need less memory")?.cast())
}
