//! The filter that makes a program stop at each of its system calls: a seccomp(2) program whose only answer is
//! SECCOMP_RET_TRACE. The sixteen bits that such an answer may carry hold the number of the call, so the tracer
//! learns it from the event itself.

use std::io;

use nix::errno::Errno;

use super::super::call::ARCHITECTURE;

/// What the answer carries where the number does not say all: a call of another instruction set (32-bit, x32).
pub(super) const ASK: u64 = 0xffff;

/// Offsets in `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

/// Load a word of the call's data.
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const OR: u16 = (libc::BPF_ALU | libc::BPF_OR | libc::BPF_K) as u16;
const ANSWER: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const ANSWER_WHAT_WAS_LOADED: u16 = (libc::BPF_RET | libc::BPF_A) as u16;

static PROGRAM: [libc::sock_filter; 7] = [
    step(LOAD, 0, 0, ARCHITECTURE_AT),
    step(JUMP_IF_EQUAL, 0, 4, ARCHITECTURE),
    step(LOAD, 0, 0, NUMBER_AT),
    step(JUMP_IF_AT_LEAST, 2, 0, ASK as u32),
    step(OR, 0, 0, libc::SECCOMP_RET_TRACE),
    step(ANSWER_WHAT_WAS_LOADED, 0, 0, 0),
    step(ANSWER, 0, 0, libc::SECCOMP_RET_TRACE | ASK as u32),
];

const fn step(code: u16, if_so: u8, if_not: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: if_so, jf: if_not, k }
}

/// Has the calling process stop for its tracer at each system call from now on, in all that it becomes and all
/// that it starts. For the child between fork and exec, as the last thing before exec: two system calls at most,
/// no allocation, no lock.
///
/// Without a tracer each call would answer ENOSYS, so the tracer is there before and stays to the end. A process
/// that has no CAP_SYS_ADMIN must give up gaining privileges for it (PR_SET_NO_NEW_PRIVS): set-uid programs
/// and file capabilities then give it none.
///
/// # Errors
/// EINVAL or ENOSYS: this kernel has no seccomp filters; EPERM: a filter that is there already forbids it.
pub fn stop_at_each_call() -> io::Result<()> {
    match install() {
        Err(Errno::EACCES) => {
            // SAFETY: sets a flag of the calling thread and touches no memory.
            Errno::result(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
            install()
        }
        other => other,
    }
    .map_err(io::Error::from)
}

fn install() -> Result<(), Errno> {
    let program = libc::sock_fprog { len: PROGRAM.len() as u16, filter: PROGRAM.as_ptr().cast_mut() };
    // Kernels before 5.16 slow a filtered process down against speculation, which what is watched must not be.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel copies the program, which is a constant; it writes nothing.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    Errno::result(done).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program answers: the few instructions that it is made of, as bpf(4) has them.
    fn answer(architecture: u32, number: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = &PROGRAM[at];
            at += 1;
            match step.code {
                LOAD if step.k == NUMBER_AT => loaded = number,
                LOAD => loaded = architecture,
                JUMP_IF_EQUAL => at += usize::from(if loaded == step.k { step.jt } else { step.jf }),
                JUMP_IF_AT_LEAST => at += usize::from(if loaded >= step.k { step.jt } else { step.jf }),
                OR => loaded |= step.k,
                ANSWER => return step.k,
                ANSWER_WHAT_WAS_LOADED => return loaded,
                other => panic!("no such step: {other}"),
            }
        }
    }

    #[test]
    fn each_call_is_answered_with_a_stop_that_carries_its_number() {
        for number in [0, 1, 231, 511, 0xfffe] {
            assert_eq!(answer(ARCHITECTURE, number), libc::SECCOMP_RET_TRACE | number);
        }
    }

    #[test]
    fn of_what_sixteen_bits_do_not_tell_the_tracer_asks() {
        let ask = libc::SECCOMP_RET_TRACE | ASK as u32;
        for number in [0xffff, 0x1_0000, 0x4000_0001, u32::MAX] {
            assert_eq!(answer(ARCHITECTURE, number), ask, "{number:#x}");
        }
        assert_eq!(answer(0x4000_0003, 1), ask, "a call of another instruction set");
    }
}
