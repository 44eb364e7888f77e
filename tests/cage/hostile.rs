//! Programs that nobody wants in the house. Each says first that it is there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, kill, raise, signal};
use nix::unistd::{ForkResult, Pid, fork, getppid, pause, setsid};

/// Which of them.
pub const HOSTILE: &str = "HOSTILE";
/// A file that is not its own.
pub const VICTIM: &str = "HOSTILE_VICTIM";
/// A port that is not its own.
pub const PORT: &str = "HOSTILE_PORT";
/// A process that is not its own.
pub const TARGET: &str = "HOSTILE_TARGET";
/// Whether it may signal all processes at once: only where that was seen to be harmless.
pub const ALL: &str = "HOSTILE_ALL";

/// Its status where it could do what it should not: then it did nothing more.
pub const COULD: i32 = 42;

/// Entry of the hostile programs; in an ordinary run it is left out.
#[test]
#[ignore = "the entry of the hostile programs that the scenes start"]
fn program() {
    let Ok(name) = std::env::var(HOSTILE) else { return };
    eprintln!("{name} is here");
    match name.as_str() {
        "loop" => loop {
            std::hint::spin_loop();
        },
        "flood" => flood(),
        "fork" => fork_times(50),
        "fork-on" => fork_times(3000),
        "deaf" => deaf(),
        "memory" => eat(libc::MAP_PRIVATE),
        "shared-memory" => eat(libc::MAP_SHARED),
        "daemon" => daemon(),
        "close" => close_all(),
        "stop" => drop(raise(Signal::SIGSTOP)),
        "kill" => kill_others(),
        "delete" => delete(),
        "network" => network(),
        "echo" => echo(),
        "call" => call(),
        "rings" => rings(),
        "exit" => leave(7),
        "abort" => std::process::abort(),
        other => panic!("no such program: {other}"),
    }
    leave(0);
}

fn leave(status: i32) -> ! {
    // SAFETY: ends this process; the test harness around it has nothing to say.
    unsafe { libc::_exit(status) }
}

fn forever() -> ! {
    loop {
        pause();
    }
}

fn flood() {
    let chunk = [b'x'; 1 << 20];
    for _ in 0..512 {
        std::io::stdout().write_all(&chunk).unwrap();
        std::io::stderr().write_all(&chunk).unwrap();
    }
}

/// Children that do nothing, some of them in a session of their own.
fn fork_times(times: usize) {
    unreadable();
    for n in 0..times {
        // SAFETY: the child makes two system calls and nothing else.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                if n % 2 == 0 {
                    let _ = setsid();
                }
                forever()
            }
            Ok(ForkResult::Parent { .. }) => {}
            Err(_) => std::thread::yield_now(),
        }
    }
    eprintln!("all forked");
    forever()
}

fn deaf() {
    for number in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGXCPU] {
        // SAFETY: ignoring is no handler that could run.
        unsafe { signal(number, SigHandler::SigIgn) }.unwrap();
    }
    eprintln!("deaf now");
    forever()
}

fn eat(how: libc::c_int) {
    const BYTES: usize = 4 << 20;
    loop {
        let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, how | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping that nobody else uses, and is never unmapped.
        let bytes = unsafe {
            let at = libc::mmap(std::ptr::null_mut(), BYTES, rights, flags, -1, 0);
            if at == libc::MAP_FAILED {
                eprintln!("no more memory");
                leave(9);
            }
            std::slice::from_raw_parts_mut(at.cast::<u8>(), BYTES)
        };
        bytes.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    }
}

/// A name that is no text, for the children to come: /proc tells it as it is.
fn unreadable() {
    // SAFETY: the kernel copies at most 16 bytes, up to the 0.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"\xff\xfe) R 1".as_ptr(), 0, 0, 0) };
}

/// Two forks and a session of its own: its parent is whoever takes orphans.
fn daemon() {
    unreadable();
    for _ in 0..2 {
        // SAFETY: this program's other thread waits for this one and holds no lock.
        if let ForkResult::Parent { .. } = unsafe { fork() }.unwrap() {
            leave(0);
        }
        let _ = setsid();
    }
    eprintln!("the daemon is away");
    forever()
}

fn close_all() {
    eprintln!("closing");
    // SAFETY: nobody in this program uses a descriptor again.
    unsafe { libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) };
    forever()
}

fn kill_others() {
    let target = Pid::from_raw(std::env::var(TARGET).unwrap().parse().unwrap());
    let could = kill(target, None).is_ok();
    eprintln!("target: {:?}, parent: {:?}", kill(target, None), kill(getppid(), None));
    if could {
        leave(COULD);
    }
    eprintln!("killed the parent: {:?}", kill(getppid(), Signal::SIGKILL));
    if std::env::var(ALL).is_ok() {
        eprintln!("killed all: {:?}", kill(Pid::from_raw(-1), Signal::SIGKILL));
    }
    forever()
}

fn delete() {
    let victim = std::env::var(VICTIM).unwrap();
    let outcomes = [
        fs::remove_file(&victim).is_ok(),
        fs::rename(&victim, "stolen").is_ok(),
        fs::OpenOptions::new().write(true).truncate(true).open(&victim).is_ok(),
        fs::read(&victim).is_ok(),
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o000)).is_ok(),
    ];
    eprintln!("delete, rename, write, read, chmod: {outcomes:?}");
    // Its own it may.
    File::create("own").unwrap().write_all(b"mine").unwrap();
    fs::remove_file("own").unwrap();
    leave(if outcomes[..4].contains(&true) { COULD } else { 0 })
}

fn network() {
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let address = ([127, 0, 0, 1], port).into();
    let connected = TcpStream::connect_timeout(&address, Duration::from_secs(2));
    eprintln!("connect: {connected:?}");
    let bound = TcpListener::bind("0.0.0.0:0");
    eprintln!("bind: {bound:?}");
    leave(if connected.is_ok() { COULD } else { 0 })
}

/// Echoes one byte for each connection at descriptor 3, and keeps all of them open.
fn echo() {
    assert_eq!(std::env::var("LISTEN_FDS").as_deref(), Ok("1"));
    // SAFETY: the cage put the listener there, for this program alone.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let mut open = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        stream.write_all(&byte).unwrap();
        open.push(stream);
    }
}

/// Says hello to each backend.
fn call() {
    for address in std::env::var(iolab::exercise::cage::BACKENDS).unwrap().split(' ') {
        TcpStream::connect(address).unwrap().write_all(b"hello").unwrap();
    }
}

/// A NOP through a ring, and one through a ring with a poller.
fn rings() {
    let mut poller = io_uring::IoUring::builder();
    poller.setup_sqpoll(10);
    for mut ring in [io_uring::IoUring::new(256).unwrap(), poller.build(8).unwrap()] {
        // SAFETY: a NOP points to nothing.
        unsafe { ring.submission().push(&io_uring::opcode::Nop::new().build()).unwrap() };
        ring.submit_and_wait(1).unwrap();
        assert_eq!(ring.completion().next().unwrap().result(), 0);
    }
    eprintln!("two rings went round");
}
