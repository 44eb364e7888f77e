//! What surrounds a server in its process: the listening socket, signals, the descriptor limit.
//!
//! Nothing here is on the path of a byte, and nothing is counted: once [`serve`] has called the server's
//! `run`, this module is only the two signal handlers.

// Descriptor 3 is taken over by number, and a signal handler is installed: each block says why it is sound.
#![allow(unsafe_code)]

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use anyhow::{Context, anyhow, bail};
use io_uring::IoUring;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::sys::socket::{getsockopt, sockopt};

use crate::refused::Refused;
use crate::servers::{Options, Server};

/// The descriptor that a service manager hands over first (sd_listen_fds(3)).
const HANDED_OVER: RawFd = 3;

/// Connections that may wait to be accepted. The kernel lowers it to net.core.somaxconn without a word.
const ACCEPT_QUEUE: i32 = 32_768;

/// Descriptors, and so nearly as many connections, below which something is said.
const DESCRIPTORS_WISHED: u64 = 20_000;

/// As far as the limit is raised: beyond it the kernel's table of descriptors only costs memory.
const DESCRIPTORS_MAX: u64 = 1_048_576;

/// Serves until the process is ended; returns only with an error.
///
/// The error is a [`Refused`] where the machine does not let the server run; no port was announced then.
pub fn serve(server: &Server, listen: SocketAddr, options: &Options) -> anyhow::Result<()> {
    let run = server.run.context("this build has no servers")?;
    take_name(server.name);
    end_on_signals()?;
    let limit = raised_descriptor_limit();
    let listener = match handed_over()? {
        // Whoever hands a socket over knows how many connections will come.
        Some(listener) => listener,
        None => {
            say_if_few(limit);
            try_ring(server, options)?;
            bind(listen)?
        }
    };
    announce(listener.local_addr().context("getsockname on the listening socket")?);
    run(listener, options).map_err(|error| match Refused::recognise(&error) {
        Some(refused) => anyhow::Error::msg(refused),
        None => error.context(format!("the server {} cannot go on", server.name)),
    })
}

/// Tries whether a server of rings can have one, before anybody is told where it listens. The server makes its
/// own, and says itself what else may be wrong with it.
fn try_ring(server: &Server, options: &Options) -> anyhow::Result<()> {
    if !server.io_uring {
        return Ok(());
    }
    let mut builder = <IoUring>::builder();
    let sq_entries = options.sq_entries.min(options.cq_entries.unwrap_or(u32::MAX));
    options.cq_entries.map(|entries| builder.setup_cqsize(entries));
    let refused = builder.build(sq_entries).context("io_uring_setup").err();
    match refused.and_then(|error| Refused::recognise(&error)) {
        Some(refused) => Err(anyhow::Error::msg(refused)),
        None => Ok(()),
    }
}

/// Gives the process the server's name: what ps, top and /proc/PID/comm show of it.
fn take_name(name: &str) {
    if let Ok(name) = std::ffi::CString::new(name) {
        // It is a courtesy: nothing depends on it.
        let _ = nix::sys::prctl::set_name(&name);
    }
}

/// Makes SIGTERM and SIGINT end the process with status 0, and SIGPIPE do nothing.
///
/// A parent may have left any of them ignored or blocked (a shell ignores SIGINT for what it starts with
/// `&`), and both are inherited through execve(2): so they are unblocked too.
fn end_on_signals() -> anyhow::Result<()> {
    let end = SigAction::new(SigHandler::Handler(end_now), SaFlags::empty(), SigSet::empty());
    // A peer that is gone is an EPIPE for the one who wrote, not the end of the process.
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing but call _exit, which is async-signal-safe.
    unsafe {
        sigaction(Signal::SIGTERM, &end).context("sigaction SIGTERM")?;
        sigaction(Signal::SIGINT, &end).context("sigaction SIGINT")?;
        sigaction(Signal::SIGPIPE, &ignore).context("sigaction SIGPIPE")?;
    }
    let wanted = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&wanted), None).context("sigprocmask")
}

/// Ends the process from within a signal handler. There is nothing to write back, and the kernel closes
/// what is open; exit(3) would run destructors, which a handler must not.
extern "C" fn end_now(_signal: i32) {
    // SAFETY: _exit(2) is async-signal-safe (signal-safety(7)).
    unsafe { libc::_exit(0) }
}

/// Takes descriptor 3 if the environment says that it is for this process (sd_listen_fds(3)).
fn handed_over() -> anyhow::Result<Option<TcpListener>> {
    let Ok(count) = std::env::var("LISTEN_FDS") else { return Ok(None) };
    let for_another = std::env::var("LISTEN_PID").is_ok_and(|pid| pid != std::process::id().to_string());
    if for_another || count == "0" {
        return Ok(None);
    }
    if count != "1" {
        bail!("LISTEN_FDS={count}: a server takes one listening socket, as descriptor 3; set LISTEN_FDS=1");
    }
    listener_from(HANDED_OVER)
        .context("LISTEN_FDS=1 promises a listening TCP socket as descriptor 3; unset it to use --listen")
        .map(Some)
}

/// Makes a blocking listener of an inherited descriptor, having looked what it is.
fn listener_from(fd: RawFd) -> anyhow::Result<TcpListener> {
    // SAFETY: borrowed for the checks alone; the first of them answers EBADF if nothing is open there.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    match getsockopt(&borrowed, sockopt::AcceptConn) {
        Ok(true) => {}
        Ok(false) => bail!("descriptor {fd} is a socket that does not listen"),
        Err(errno) => bail!("descriptor {fd} is not a socket ({})", named(errno)),
    }
    // It must not leak into a program that this one starts.
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).context("fcntl F_SETFD")?;
    // SAFETY: it is open, and by the agreement of LISTEN_FDS it belongs to this process, which takes it once.
    let listener = TcpListener::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // A listener of another family has no address that fits.
    listener.local_addr().with_context(|| format!("descriptor {fd} is not a TCP socket"))?;
    listener.set_nonblocking(false).context("fcntl F_SETFL")?;
    Ok(listener)
}

/// Binds and listens, with a queue in which a whole crowd can wait.
fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    // The standard library sets SO_REUSEADDR: connections of an earlier run that linger in TIME_WAIT do not
    // keep the port.
    let listener = TcpListener::bind(listen).map_err(|error| cannot_listen(listen, &error))?;
    // Listening again changes the length of the queue and nothing else.
    // SAFETY: listen(2) on an open socket touches no memory of ours.
    Errno::result(unsafe { libc::listen(listener.as_raw_fd(), ACCEPT_QUEUE) }).context("listen")?;
    Ok(listener)
}

/// Why a server cannot listen where it was told to, and what to try.
fn cannot_listen(listen: SocketAddr, error: &io::Error) -> anyhow::Error {
    let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
    let why = match errno {
        Errno::EADDRINUSE => "another socket listens there",
        Errno::EADDRNOTAVAIL => "this machine does not have that address",
        Errno::EACCES => "ports below net.ipv4.ip_unprivileged_port_start are for the administrator",
        _ => "no server can start without it",
    };
    anyhow!("cannot listen on {listen} ({}): {why}; try --listen 127.0.0.1:0, a free port", named(errno))
}

/// Tells whoever started the server where it listens. Nobody may be reading; it serves all the same.
fn announce(address: SocketAddr) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "listening on {address}").and_then(|()| stdout.flush());
}

/// Says so if the limit on open descriptors does not allow for many connections.
fn say_if_few(limit: nix::Result<u64>) {
    let limit = match limit {
        Ok(limit) if limit >= DESCRIPTORS_WISHED => return,
        Ok(limit) => limit,
        Err(errno) => {
            let _ = writeln!(io::stderr(), "iolab: the descriptor limit is unknown ({})", named(errno));
            return;
        }
    };
    let _ = writeln!(
        io::stderr(),
        "iolab: fewer than {limit} connections are possible: that is the hard limit on open descriptors \
         (RLIMIT_NOFILE), which only CAP_SYS_RESOURCE may raise; try sudo prlimit --pid $$ --nofile=65536"
    );
}

/// Raises the limit on open descriptors as far as this process may; the soft limit after that.
fn raised_descriptor_limit() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    // The kernel refuses a limit beyond fs.nr_open (proc_sys_fs(5)).
    let nr_open =
        std::fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    let wanted = nr_open.unwrap_or(hard).min(DESCRIPTORS_MAX);
    if soft >= wanted {
        return Ok(soft);
    }
    // The hard limit goes up only with CAP_SYS_RESOURCE; the soft one up to it for everybody.
    let reachable = hard.min(wanted);
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        return Ok(wanted);
    }
    setrlimit(Resource::RLIMIT_NOFILE, reachable, hard)?;
    Ok(reachable)
}

/// An errno as the manual writes it, with its meaning.
fn named(errno: Errno) -> String {
    format!("{errno:?}: {}", errno.desc())
}
