//! The requests of ptrace(2) that windows and counts need, with signal numbers as they are: `nix` knows no real-time
//! signals, and a tracer that cannot pass one on has swallowed it.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::call::Call;

/// Bits beside the signal in a stop's status.
const SYSCALL_STOP: i32 = libc::SIGTRAP | 0x80;

/// What waitid(2) reported, nothing consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// A tracee stands still.
    Stop { tid: i32, why: Why },
    /// A thread or process has ended.
    Ended { pid: i32 },
}

/// Why a tracee stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// At the entry or the exit of a system call.
    Syscall,
    /// A signal is about to be delivered.
    Signal(i32),
    /// A group-stop (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU): job control stopped the whole process.
    Group,
    /// PTRACE_EVENT_STOP otherwise: interrupted, a new thread, or continued after a group-stop.
    Interrupted,
    /// PTRACE_EVENT_CLONE.
    Cloned,
    /// PTRACE_EVENT_EXEC.
    Exec,
    /// PTRACE_EVENT_SECCOMP: a filter has answered SECCOMP_RET_TRACE.
    Filtered,
    /// Another event, of no interest.
    Other,
}

/// Of whom a report is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Any tracee or child of the calling thread.
    Anyone,
    /// One of them.
    One(i32),
}

/// Waits for the next report. It is only looked at, not taken: a stop is over when the tracee is resumed
/// anyway, and the end of the process belongs to whoever started it.
pub(super) fn wait(of: Of) -> Result<Report, Errno> {
    // Without WNOHANG there is a report, or an error.
    report(of, 0).and_then(|report| report.ok_or(Errno::ECHILD))
}

/// The report that is there now, looked at in the same way; `None` while there is none.
pub(super) fn look(of: Of) -> Result<Option<Report>, Errno> {
    report(of, libc::WNOHANG)
}

fn report(of: Of, how: libc::c_int) -> Result<Option<Report>, Errno> {
    let (kind, id) = match of {
        Of::Anyone => (libc::P_ALL, 0),
        Of::One(tid) => (libc::P_PID, tid as libc::id_t),
    };
    // SAFETY: an all-zero siginfo_t is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let which = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD | how;
    // SAFETY: `info` outlives the call.
    Errno::result(unsafe { libc::waitid(kind, id, &mut info, which) })?;
    // SAFETY: waitid succeeded, so these fields are filled in (SIGCHLD's part of the union), or all are 0 still.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(match info.si_code {
        _ if pid == 0 => None,
        libc::CLD_TRAPPED | libc::CLD_STOPPED => Some(Report::Stop { tid: pid, why: why(status) }),
        _ => Some(Report::Ended { pid }),
    })
}

fn why(status: i32) -> Why {
    let (signal, event) = (status & 0xff, status >> 8);
    match event {
        0 if status == SYSCALL_STOP => Why::Syscall,
        0 => Why::Signal(signal),
        libc::PTRACE_EVENT_STOP => match signal {
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Why::Group,
            _ => Why::Interrupted,
        },
        libc::PTRACE_EVENT_CLONE => Why::Cloned,
        libc::PTRACE_EVENT_EXEC => Why::Exec,
        libc::PTRACE_EVENT_SECCOMP => Why::Filtered,
        _ => Why::Other,
    }
}

/// What wait4(2) handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A tracee stands before a system call, by a filter's answer.
    Filtered { tid: i32 },
    /// A tracee stands still for another reason.
    Stop { tid: i32, why: Why },
    /// A thread or process has ended and is no more; `status` as wait(2) has it.
    Ended { tid: i32, status: i32 },
}

/// Waits for the next report of any tracee of the calling thread and takes it.
pub(super) fn take() -> Result<Taken, Errno> {
    /// The status of [`Taken::Filtered`], by far the most frequent one.
    const FILTERED: i32 = (libc::SIGTRAP | libc::PTRACE_EVENT_SECCOMP << 8) << 8 | 0x7f;
    let mut status = 0;
    let which = libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: `status` outlives the call.
    let tid = Errno::result(unsafe { libc::waitpid(-1, &raw mut status, which) })?;
    Ok(match status {
        FILTERED => Taken::Filtered { tid },
        _ if libc::WIFSTOPPED(status) => Taken::Stop { tid, why: why(status >> 8) },
        _ => Taken::Ended { tid, status },
    })
}

/// Collects the process behind a descriptor, if it has ended and nobody has collected it.
pub(super) fn collect_ended(process: &OwnedFd) {
    // SAFETY: an all-zero siginfo_t is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let which = libc::WEXITED | libc::WNOHANG | libc::__WALL;
    // SAFETY: `info` outlives the call.
    let _ = unsafe { libc::waitid(libc::P_PIDFD, process.as_raw_fd() as libc::id_t, &raw mut info, which) };
}

/// SIGKILL for a process that has not been collected yet.
pub(super) fn kill(pid: i32) {
    // SAFETY: takes two numbers.
    let _ = unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Takes a report: an ended thread vanishes with it.
pub(super) fn collect(tid: i32) {
    // SAFETY: asks for no status.
    let _ = unsafe { libc::waitpid(tid, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) };
}

/// PTRACE_SEIZE of a process that is traced to its end, with all that it starts, and ends with its tracer: it stops
/// where a filter answers so.
pub(super) fn seize_for_life(pid: i32) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACESECCOMP
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    plain(libc::PTRACE_SEIZE, pid, options as usize)
}

/// PTRACE_SEIZE: begins to trace without stopping. EXITKILL is never asked for: the process is not ours.
pub(super) fn seize(tid: i32) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEEXEC;
    plain(libc::PTRACE_SEIZE, tid, options as usize)
}

/// PTRACE_INTERRUPT: stops a running thread (or one that waits in a system call).
pub(super) fn interrupt(tid: i32) -> Result<(), Errno> {
    plain(libc::PTRACE_INTERRUPT, tid, 0)
}

/// PTRACE_SYSCALL: on to the next entry or exit, delivering `signal` unless it is 0.
pub(super) fn go_on(tid: i32, signal: i32) -> Result<(), Errno> {
    plain(libc::PTRACE_SYSCALL, tid, signal as usize)
}

/// PTRACE_CONT: on to the next event, delivering `signal` unless it is 0.
pub(super) fn run_on(tid: i32, signal: i32) -> Result<(), Errno> {
    plain(libc::PTRACE_CONT, tid, signal as usize)
}

/// PTRACE_LISTEN: leaves a group-stopped thread stopped, but lets SIGCONT reach it.
pub(super) fn listen(tid: i32) -> Result<(), Errno> {
    plain(libc::PTRACE_LISTEN, tid, 0)
}

/// PTRACE_DETACH of a thread that stands still, delivering `signal` unless it is 0.
pub(super) fn detach(tid: i32, signal: i32) -> Result<(), Errno> {
    plain(libc::PTRACE_DETACH, tid, signal as usize)
}

/// PTRACE_GETEVENTMSG: the new thread of PTRACE_EVENT_CLONE.
pub(super) fn event_message(tid: i32) -> Result<u64, Errno> {
    let mut message: libc::c_ulong = 0;
    plain(libc::PTRACE_GETEVENTMSG, tid, (&raw mut message) as usize)?;
    Ok(message)
}

/// A system call at whose edge a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The call and its arguments.
    Entry { call: Call, arguments: [u64; 6] },
    /// The result; −errno on failure.
    Exit { result: i64 },
    /// Neither.
    None,
}

/// The call before which a filter has stopped a thread.
pub(super) fn filtered_call(tid: i32) -> Result<Call, Errno> {
    let info = syscall_info(tid)?;
    match info.op {
        libc::PTRACE_SYSCALL_INFO_SECCOMP => {
            // SAFETY: `op` says that this member of the union was written.
            let number = unsafe { info.u.seccomp.nr };
            Ok(Call { architecture: info.arch, number })
        }
        _ => Err(Errno::ESRCH),
    }
}

/// PTRACE_GET_SYSCALL_INFO (Linux 5.3).
fn syscall_info(tid: i32) -> Result<libc::ptrace_syscall_info, Errno> {
    // SAFETY: all-zero is a valid value of this struct of integers.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let bytes = size_of_val(&info);
    // SAFETY: the kernel writes at most `bytes` bytes to `info`, which outlives the call.
    let written = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, bytes, &raw mut info) };
    Errno::result(written).map(|_| info)
}

/// The call at whose entry or exit a thread stands.
pub(super) fn edge(tid: i32) -> Result<Edge, Errno> {
    let info = syscall_info(tid)?;
    Ok(match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: `op` says that this member of the union was written.
            let entry = unsafe { info.u.entry };
            Edge::Entry { call: Call { architecture: info.arch, number: entry.nr }, arguments: entry.args }
        }
        // SAFETY: likewise.
        libc::PTRACE_SYSCALL_INFO_EXIT => Edge::Exit { result: unsafe { info.u.exit.sval } },
        _ => Edge::None,
    })
}

/// Where a thread that stands still is in its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction.
    pub pc: u64,
    /// The stack's top.
    pub sp: u64,
    /// The frame pointer, where the program keeps one there.
    pub fp: u64,
    /// The return address, on processors that have it in a register; else 0.
    pub lr: u64,
}

/// PTRACE_GETREGSET of the general registers, for the thread that traces.
///
/// # Errors
/// ESRCH: the thread does not stand still. ENOSYS: a processor that is not known here.
pub fn registers(tid: u32) -> Result<Registers, Errno> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        // SAFETY: all-zero is a valid value of this struct of integers.
        let mut user: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let mut vector = libc::iovec { iov_base: (&raw mut user).cast(), iov_len: size_of_val(&user) };
        let kind = libc::NT_PRSTATUS as usize;
        // SAFETY: the kernel writes at most `iov_len` bytes to `user`; both outlive the call.
        let read = unsafe { libc::ptrace(libc::PTRACE_GETREGSET, tid as libc::pid_t, kind, &raw mut vector) };
        Errno::result(read)?;
        #[cfg(target_arch = "x86_64")]
        return Ok(Registers { pc: user.rip, sp: user.rsp, fp: user.rbp, lr: 0 });
        #[cfg(target_arch = "aarch64")]
        return Ok(Registers { pc: user.pc, sp: user.sp, fp: user.regs[29], lr: user.regs[30] });
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = tid;
        Err(Errno::ENOSYS)
    }
}

fn plain(request: libc::c_uint, tid: i32, data: usize) -> Result<(), Errno> {
    // SAFETY: `address` is not used by these requests; `data` is a number, or points to a word that
    // outlives the call (PTRACE_GETEVENTMSG).
    Errno::result(unsafe { libc::ptrace(request, tid, 0usize, data) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_stops_apart() {
        assert_eq!(why(libc::SIGTRAP | 0x80), Why::Syscall);
        assert_eq!(why(libc::SIGTRAP), Why::Signal(libc::SIGTRAP), "a breakpoint is the program's own");
        assert_eq!(why(libc::SIGSTOP), Why::Signal(libc::SIGSTOP), "about to stop, not stopped yet");
        assert_eq!(why(libc::SIGSTOP | libc::PTRACE_EVENT_STOP << 8), Why::Group);
        assert_eq!(why(libc::SIGTRAP | libc::PTRACE_EVENT_STOP << 8), Why::Interrupted);
        assert_eq!(why(libc::SIGTRAP | libc::PTRACE_EVENT_CLONE << 8), Why::Cloned);
        assert_eq!(why(libc::SIGTRAP | libc::PTRACE_EVENT_SECCOMP << 8), Why::Filtered);
        assert_eq!(why(40), Why::Signal(40), "a real-time signal keeps its number");
    }
}
