//! Programs that do what few do: they are tests only to be found in this binary, and run by others.

// Processes by hand: what the usual ways hide is what these are about.
#![allow(unsafe_code)]

use nix::libc;

/// How long a program lives after the last thing it did, for somebody to look, milliseconds.
const LINGER_MS: u16 = 600;

/// What the child of [`a_child_with_a_name_of_any_bytes`] calls itself.
pub const NAME: &std::ffi::CStr = c"\xff\xfename";

fn linger() {
    nix::poll::poll(&mut [], LINGER_MS).unwrap();
}

/// The calling process in two; whether this is the child, which may only make system calls.
fn is_child() -> bool {
    // SAFETY: the child of a process with several threads makes system calls only, until it ends.
    let made = unsafe { libc::fork() };
    assert!(made >= 0, "{}", std::io::Error::last_os_error());
    made == 0
}

#[test]
#[ignore = "a program for others to look at"]
fn a_child_with_a_name_of_any_bytes() {
    if is_child() {
        // SAFETY: see `is_child`; the name ends with a 0.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, NAME.as_ptr(), 0, 0, 0);
            loop {
                libc::pause();
            }
        }
    }
    linger();
}

/// It leaves one child uncollected, and starts others meanwhile: each is a reason to search.
#[test]
#[ignore = "a program for others to look at"]
fn a_child_that_nobody_collects() {
    for _ in 0..8 {
        if is_child() {
            // SAFETY: see `is_child`.
            unsafe { libc::_exit(0) };
        }
        nix::poll::poll(&mut [], 50_u16).unwrap();
    }
}

/// It takes the rights of the owner of its file for good, and does not want to end.
#[test]
#[ignore = "a program for others to look at"]
fn one_that_changes_its_user() {
    // SAFETY: takes three numbers, and ignores signals.
    unsafe {
        assert_eq!(libc::setresuid(0, 0, 0), 0, "{}", std::io::Error::last_os_error());
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        libc::poll(std::ptr::null_mut(), 0, 60_000);
    }
}

/// Its first thread ends; another goes on, calls, and ends the process.
#[test]
#[ignore = "a program for others to look at"]
fn one_without_its_first_thread() {
    // Tests run in a thread of their own: the first one is ended from its own signal handler.
    extern "C" fn end(_: libc::c_int) {
        // SAFETY: ends the calling thread and nothing else.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    // SAFETY: a handler that makes one system call; the signal goes to the first thread.
    unsafe {
        libc::signal(libc::SIGUSR1, end as *const () as libc::sighandler_t);
        let own = libc::getpid();
        libc::syscall(libc::SYS_tgkill, own, own, libc::SIGUSR1);
    }
    for _ in 0..200 {
        nix::poll::poll(&mut [], 50_u16).unwrap();
    }
    std::process::exit(7);
}

/// Half of its calls are 32-bit ones.
#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "a program for others to look at"]
fn one_that_calls_by_int_80() {
    /// getpid(2) of 32 bits; of 64 it is writev(2).
    const GETPID: i64 = 20;
    loop {
        // SAFETY: getpid(2) has no arguments and touches no memory.
        unsafe {
            std::arch::asm!("int 0x80", inout("rax") GETPID => _,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        nix::poll::poll(&mut [], 10_u16).unwrap();
    }
}

/// One of its threads is in vfork(2) for as long as it lives.
#[test]
#[ignore = "a program for others to look at"]
fn one_that_waits_in_vfork() {
    let flags = libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: like fork(2), the parent standing still meanwhile; the child makes system calls only.
    unsafe {
        if libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        }
    }
}

/// It starts a child when it is traced, which calls for as long as it lives.
#[test]
#[ignore = "a program for others to look at"]
fn one_that_starts_a_child_when_it_is_traced() {
    let is_traced =
        || !std::fs::read_to_string("/proc/thread-self/status").unwrap().contains("TracerPid:\t0");
    while !is_traced() {
        nix::poll::poll(&mut [], 10_u16).unwrap();
    }
    // Whoever traces it has looked for its children before this.
    linger();
    if is_child() {
        // SAFETY: see `is_child`.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::getppid();
                libc::poll(std::ptr::null_mut(), 0, 10);
            }
        }
    }
    nix::poll::poll(&mut [], 60_000_u16).unwrap();
}
