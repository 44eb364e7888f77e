//! Programs with rings that are hard to see. They are tests only to be found in this binary, and run by others.

// Rings by hand: what the usual ways hide is what these are about.
#![allow(unsafe_code)]

use nix::libc;

/// NOPs that each of them puts through its ring.
pub const NOPS: u32 = 100;

/// How long a program lives after its last entry, for somebody to look, milliseconds.
const LINGER_MS: u16 = 600;

const NO_MMAP: u32 = 1 << 14;
const NO_SQARRAY: u32 = 1 << 16;
const SINGLE_ISSUER: u32 = 1 << 12;
const DEFER_TASKRUN: u32 = 1 << 13;
const REGISTER_RESIZE_RINGS: u32 = 33;
const REGISTER_RING_FDS: u32 = 20;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_REGISTERED_RING: u32 = 1 << 4;
const ENTRIES: u32 = 8;
const PAGE_BYTES: usize = 4096;

/// `struct io_uring_params` as words: flags are word 2, the offsets of the SQ begin at word 10, of the CQ at 20.
#[derive(Default)]
#[repr(C, align(8))]
struct Params([u32; 30]);

fn setup(params: &mut Params) -> i32 {
    // SAFETY: `params` has the size of the kernel's struct and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, ENTRIES, &raw mut *params) };
    assert!(fd >= 0, "io_uring_setup: {}", std::io::Error::last_os_error());
    fd as i32
}

/// A page of memory for a ring.
fn page(fd: i32, offset: i64) -> *mut u8 {
    let (protection, anonymous) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_ANONYMOUS | libc::MAP_PRIVATE);
    let flags = if fd < 0 { anonymous } else { libc::MAP_SHARED | libc::MAP_POPULATE };
    // SAFETY: a fresh mapping at an address of the kernel's choosing.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE_BYTES, protection, flags, fd, offset) };
    assert_ne!(page, libc::MAP_FAILED);
    page.cast()
}

/// Puts NOPs through a ring, and waits for somebody to look.
fn nops(fd: i32, ring: *mut u8, params: &Params, flags: u32) {
    put_nops(fd, ring, params, flags);
    nix::poll::poll(&mut [], LINGER_MS).unwrap();
}

/// Puts NOPs through a ring, one by one, and waits for each.
fn put_nops(fd: i32, ring: *mut u8, params: &Params, flags: u32) {
    let word = |at: usize| {
        // SAFETY: inside the page, aligned, and written atomically by the kernel.
        unsafe { std::sync::atomic::AtomicU32::from_ptr(ring.add(params.0[at] as usize).cast()) }
    };
    let order = std::sync::atomic::Ordering::SeqCst;
    for _ in 0..NOPS {
        word(11).fetch_add(1, order);
        // SAFETY: no argument points to anything.
        let entered =
            unsafe { libc::syscall(libc::SYS_io_uring_enter, fd, 1, 1, ENTER_GETEVENTS | flags, 0, 0) };
        assert_eq!(entered, 1, "{}", std::io::Error::last_os_error());
        word(20).fetch_add(1, order);
    }
}

/// Its ring lies in memory of its own.
#[test]
#[ignore = "a program for others to look at"]
fn a_ring_in_memory_of_its_own() {
    let (ring, sqes) = (page(-1, 0), page(-1, 0));
    let mut params = Params::default();
    params.0[2] = NO_MMAP | NO_SQARRAY;
    for (word, address) in [(18, sqes as u64), (28, ring as u64)] {
        (params.0[word], params.0[word + 1]) = (address as u32, (address >> 32) as u32);
    }
    let fd = setup(&mut params);
    nops(fd, ring, &params, 0);
}

/// Its ring has no descriptor.
#[test]
#[ignore = "a program for others to look at"]
fn a_ring_without_a_descriptor() {
    let mut params = Params::default();
    params.0[2] = NO_SQARRAY;
    let fd = setup(&mut params);
    let ring = page(fd, 0);
    // struct io_uring_rsrc_update: offset u32::MAX asks for any place.
    let mut update = [u32::MAX, 0, fd as u32, 0];
    // SAFETY: one struct of 16 bytes, which outlives the call.
    let registered =
        unsafe { libc::syscall(libc::SYS_io_uring_register, fd, REGISTER_RING_FDS, &raw mut update, 1) };
    assert_eq!(registered, 1, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor is this function's.
    assert_eq!(unsafe { libc::close(fd) }, 0);
    nops(update[0] as i32, ring, &params, ENTER_REGISTERED_RING);
}

/// It is resized, used and closed within less than a look, where this kernel resizes rings (6.13).
#[test]
#[ignore = "a program for others to look at"]
fn a_ring_that_is_resized_and_closed() {
    let mut params = Params::default();
    params.0[2] = NO_SQARRAY | SINGLE_ISSUER | DEFER_TASKRUN;
    let fd = setup(&mut params);
    let before = page(fd, 0);
    nops(fd, before, &params, 0);
    let mut larger = Params::default();
    (larger.0[0], larger.0[1]) = (4 * ENTRIES, 8 * ENTRIES);
    // SAFETY: the struct has the kernel's size and outlives the call.
    let resized =
        unsafe { libc::syscall(libc::SYS_io_uring_register, fd, REGISTER_RESIZE_RINGS, &raw mut larger, 1) };
    let after = page(fd, 0);
    if resized == 0 {
        put_nops(fd, after, &larger, 0);
    }
    // SAFETY: mappings and descriptor are this function's, and nobody uses them any more.
    unsafe {
        for page in [before, after] {
            assert_eq!(libc::munmap(page.cast(), PAGE_BYTES), 0);
        }
        assert_eq!(libc::close(fd), 0);
    }
    nix::poll::poll(&mut [], LINGER_MS).unwrap();
}
