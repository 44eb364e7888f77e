//! 300 000 system calls that have nothing to wait for.
//!
//! A system call is a switch of mode: the processor goes on in the kernel's code
//! with more rights, on behalf of the same thread, and comes back. A context switch
//! is another thing: the processor is given to another thread. The two are easily
//! taken for one, because a call that has to wait causes both.
//!
//! getppid(2) asks for the number of the parent process. The kernel has the answer
//! at hand, so the call never waits.
//!
//! Seen from outside: 300 000 system calls and no voluntary switch. There may be a
//! few involuntary ones, if somebody else wants this processor.

use std::hint::black_box;

/// How often it asks: long enough to be seen, and a tenth of a second at most.
pub const TIMES: usize = 300_000;

/// Asks, and asks again.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    for _ in 0..TIMES {
        // By number: a library could remember the answer and spare the call, as
        // glibc once did with getpid(2).
        // SAFETY: it has no arguments and cannot fail.
        let parent = unsafe { libc::syscall(libc::SYS_getppid) };
        // Nobody needs it; this keeps the compiler from seeing that.
        black_box(parent);
    }
    // ANCHOR_END: point
    Ok(())
}
