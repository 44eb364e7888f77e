//! A ring of provided buffers (io_uring_register(2), IORING_REGISTER_PBUF_RING): memory that the kernel
//! takes for a receive only at the moment when there is something to receive.

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use nix::libc;

/// IOU_PBUF_RING_INC (Linux 6.12): a receive uses up only as much of a buffer as it fills, the next one goes
/// on behind it. Small messages then lie side by side, and one ring suits messages of every size.
const PBUF_RING_INC: u16 = 2;

/// How a ring of buffers is cut.
#[derive(Clone, Copy, Debug)]
struct Shape {
    flags: u16,
    /// A power of two.
    buffers: u16,
    buffer_bytes: u32,
}

/// Shared buffers in the second-level cache's size: what is received is compared at once.
const SHARED: Shape = Shape { flags: PBUF_RING_INC, buffers: 32, buffer_bytes: 32 << 10 };

/// For older kernels, where each receive takes a whole buffer.
const WHOLE: Shape = Shape { flags: 0, buffers: 1024, buffer_bytes: 16 << 10 };

/// The buffers and the ring that names them. The mapping is never undone: a ring that is closed cancels its
/// receives later, at a time of the kernel's choosing, and until then they may write here. A process makes
/// one.
pub struct Buffers {
    shape: Shape,
    /// Entries, then the buffers: one mapping, page-aligned as the kernel demands.
    entries: *mut BufRingEntry,
    memory: *mut u8,
    /// Entries ever put into the ring.
    tail: u16,
    /// Bytes of each buffer that receives have used up.
    used_bytes: Vec<u32>,
}

impl Buffers {
    /// Registers buffers as group `group` of `ring`.
    ///
    /// # Errors
    ///
    /// EINVAL on kernels before 5.19, ENOMEM beyond RLIMIT_MEMLOCK on some.
    pub fn register(ring: &IoUring, group: u16) -> io::Result<Self> {
        Self::register_shape(ring, group, SHARED).or_else(|_| Self::register_shape(ring, group, WHOLE))
    }

    fn register_shape(ring: &IoUring, group: u16, shape: Shape) -> io::Result<Self> {
        let entry_bytes = usize::from(shape.buffers) * size_of::<BufRingEntry>();
        // Buffers begin on a page of their own.
        let entry_bytes = entry_bytes.next_multiple_of(4096);
        let mapped_bytes = entry_bytes + usize::from(shape.buffers) * shape.buffer_bytes as usize;
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new anonymous mapping touches no memory of anybody else.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), mapped_bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut buffers = Self {
            shape,
            entries: start.cast(),
            // SAFETY: `entry_bytes` is less than the mapping's length.
            memory: unsafe { start.cast::<u8>().add(entry_bytes) },
            tail: 0,
            used_bytes: vec![0; usize::from(shape.buffers)],
        };
        // SAFETY: the mapping holds `shape.buffers` entries, is zeroed, and is never unmapped.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(start as u64, shape.buffers, group, shape.flags)?;
        }
        for id in 0..shape.buffers {
            buffers.put(id);
        }
        Ok(buffers)
    }

    /// Takes `bytes` that a receive left in buffer `id`, hands them to `see`, and gives the buffer back to
    /// the kernel when it is used up. `more` is what the completion says (IORING_CQE_F_BUF_MORE).
    pub fn take(&mut self, id: u16, bytes: u32, more: bool, see: impl FnOnce(&[u8])) {
        let used_bytes = self.used_bytes[usize::from(id)];
        assert!(used_bytes + bytes <= self.shape.buffer_bytes, "the kernel wrote within the buffer");
        let offset = usize::from(id) * self.shape.buffer_bytes as usize + used_bytes as usize;
        // SAFETY: within the mapping, as asserted. The kernel writes to this part again only after the
        // buffer is put back, and completions of one buffer come in the order of its bytes.
        see(unsafe { std::slice::from_raw_parts(self.memory.add(offset), bytes as usize) });
        if more {
            self.used_bytes[usize::from(id)] = used_bytes + bytes;
        } else {
            self.used_bytes[usize::from(id)] = 0;
            self.put(id);
        }
    }

    /// Gives a whole buffer to the kernel.
    fn put(&mut self, id: u16) {
        let index = usize::from(self.tail & (self.shape.buffers - 1));
        let address = self.memory as u64 + u64::from(id) * u64::from(self.shape.buffer_bytes);
        // SAFETY: `index` is within the ring. The slot is the program's until the tail passes it, because
        // there are as many slots as buffers.
        let entry = unsafe { &mut *self.entries.add(index) };
        entry.set_addr(address);
        entry.set_len(self.shape.buffer_bytes);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail lies in the first entry's reserved field (io_uring_setup(2)), is aligned, and is
        // written by this thread alone. Release: the kernel sees the entry before it sees the tail.
        unsafe {
            AtomicU16::from_ptr(BufRingEntry::tail(self.entries).cast_mut())
                .store(self.tail, Ordering::Release);
        }
    }
}
