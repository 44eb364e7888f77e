//! What a tracer leaves of a server's throughput: the count with one stop a call beside `strace -f -c`. A
//! measurement, not a test of a number: it prints what it saw.
//!
//! ```text
//! cargo test --release --test tracers -- --ignored --nocapture
//! ```

#![cfg(feature = "live")]
// Figures are printed, and a failure says where it is by where it panics.
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]
// The server is prepared between fork and exec.
#![allow(unsafe_code)]

#[path = "load/client.rs"]
mod client;
#[path = "common/counted.rs"]
mod counted;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use client::Client;
use iolab::probe::ptrace::count::{Count, Processors};
use iolab::trace::Load;
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const ROUNDS: usize = 8;
const RUN_NS: u64 = 400_000_000;
const CONNECTIONS: u32 = 50;

/// Who watches.
#[derive(Clone, Copy, PartialEq)]
enum Watcher {
    Nobody,
    Count,
    Strace,
}

/// The epoll server, watched.
enum Server {
    Free(Child),
    /// Leads a process group: the tracer and the server.
    Traced(Child),
    Counted(Count),
}

impl Drop for Server {
    fn drop(&mut self) {
        let (Self::Free(child) | Self::Traced(child)) = self else { return };
        let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        let _ = child.wait();
    }
}

fn start(watcher: Watcher, processor: usize) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let iolab = env!("CARGO_BIN_EXE_iolab");
    let mut command = match watcher {
        Watcher::Strace => Command::new("strace"),
        _ => Command::new(iolab),
    };
    if watcher == Watcher::Strace {
        command.args(["-f", "-c", "-o", "/dev/null", "--", iolab]);
    }
    command.args(["serve", "epoll"]).env("LISTEN_FDS", "1").env_remove("LISTEN_PID").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let given = listener.as_raw_fd();
    // SAFETY: system calls only; the listener is open until after the spawn.
    unsafe {
        command.pre_exec(move || {
            let done = if given == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(given, 3) };
            if done < 0 {
                return Err(std::io::Error::last_os_error());
            }
            let mut one = CpuSet::new();
            one.set(processor)?;
            Ok(sched_setaffinity(Pid::from_raw(0), &one)?)
        });
    }
    let server = match watcher {
        Watcher::Nobody => Server::Free(command.spawn().unwrap()),
        Watcher::Strace => Server::Traced(command.spawn().unwrap()),
        Watcher::Count => {
            let launched = counted::launch(command, Processors::Shared);
            Server::Counted(launched.map_err(|(error, _)| error).unwrap().1)
        }
    };
    (server, address)
}

/// Echoes a second.
fn throughput(watcher: Watcher, server: usize, client: usize) -> f64 {
    let (_server, address) = start(watcher, server);
    let mut command = client::command("epoll");
    command.args(["--cpu", &client.to_string()]);
    let mut client = Client::of(command.spawn().unwrap());
    let load = Load { connections: CONNECTIONS, ..Load::default() };
    assert_eq!(client.open(address, &load).1, CONNECTIONS);
    client.run(500);
    client.begin(None, Some(RUN_NS));
    let told = client.rest();
    assert_eq!((told.failed, told.totals.errors), (None, 0));
    told.totals.answered as f64 * 1e9 / (told.at_ns - told.zero_ns) as f64
}

fn has_strace() -> bool {
    let mut version = Command::new("strace");
    version.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[test]
#[ignore = "a measurement of some seconds"]
fn a_count_beside_strace() {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let processors: Vec<usize> =
        (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect();
    let (server, client) = (processors[0], *processors.last().unwrap());
    println!("epoll, {CONNECTIONS} connections; server and tracer on processor {server}, client on {client}");
    let strace = has_strace();
    if !strace {
        println!("strace is not there: only the count is measured (apt-get install strace)");
    }
    let (mut counts, mut straces, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let free = throughput(Watcher::Nobody, server, client);
        let count = throughput(Watcher::Count, server, client) / free;
        counts.push(count);
        if strace {
            let traced = throughput(Watcher::Strace, server, client) / free;
            straces.push(traced);
            ratios.push(count / traced);
            println!(
                "round {round}: unobserved {free:.0}/s = 1.00   count {count:.3}   strace -f -c {traced:.3}   \
                 count : strace {:.2}",
                count / traced
            );
        } else {
            println!("round {round}: unobserved {free:.0}/s = 1.00   count {count:.3}");
        }
    }
    print!("median: count {:.3}", median(&counts));
    if strace {
        print!("   strace -f -c {:.3}   count : strace {:.2}", median(&straces), median(&ratios));
    }
    println!();
    assert!(counts.iter().all(|count| *count > 0.0), "the counted server answers");
}
