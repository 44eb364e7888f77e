//! What is played: a cage, a program in it, and what came of it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use iolab::exercise::cage::{Cage, Ended, Finish, Holding, Limits, Order, Overrun, Stdout, holds};
use iolab::probe::ptrace::{Window, WindowEnd};
use iolab::trace::{Layer, Story};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{SockaddrIn, connect, getsockopt, sockopt};
use nix::unistd::geteuid;

use super::hostile::{self, ALL, HOSTILE, PORT, TARGET, VICTIM};
use super::left;
use super::scene::Here;

/// A bound against hanging, never a measurement.
const PATIENCE: Duration = Duration::from_secs(120);

/// For what a program does behind the last thing that it says.
const SOME_TIME: Duration = Duration::from_millis(200);

/// What ending may take at the very most: a second is promised, on a machine that is not busy otherwise.
const END_MAX: Duration = Duration::from_secs(3);

pub fn play(scene: &str, here: &Here) {
    match scene.split_once(' ') {
        Some(("hostile", name)) => hostile(name, here),
        _ => match scene {
            "held" => held(here),
            "window" => window(here),
            "held-fast" => held_fast(here),
            "rings" => rings(here),
            "sockets" => sockets(here),
            "too-many-sockets" => too_many_sockets(here),
            "backends" => backends(here),
            "streams" => streams(here),
            "ends" => ends(here),
            "no-exec" => no_exec(here),
            "compiler" => compiler(here),
            "killed" => killed(here),
            "latency" => latency(here),
            other => panic!("no such scene: {other}"),
        },
    }
}

/// An order for this very program, in a scratch directory of its own.
fn order(here: &Here, name: &str) -> Order {
    let scratch = here.folder.join("scratch");
    fs::create_dir_all(&scratch).unwrap();
    let mut order = Order::new(here.folder.join("player"), scratch);
    let words = ["--exact", "hostile::program", "--ignored", "--nocapture", "--test-threads=1", &here.token];
    order.arguments = words.iter().map(Into::into).collect();
    order.environment = vec![(HOSTILE.into(), name.into())];
    order
}

fn system(here: &Here, program: &str) -> Order {
    Order { program: program.into(), arguments: Vec::new(), ..order(here, "") }
}

fn begin(here: &Here, order: &Order) -> Cage {
    Cage::begin_by(Command::new(here.folder.join("iolab")), order).unwrap()
}

/// Ends a cage; nothing is left.
fn finish(here: &Here, cage: Cage) -> Finish {
    let start = Instant::now();
    let finish = cage.finish();
    let took = start.elapsed();
    assert!(took < END_MAX, "it took {took:?} to end");
    assert_eq!(finish.left, [] as [u32; 0]);
    assert_nothing_left(here);
    finish
}

/// The same for thousands of processes where no namespace ends them at one blow: on a busy machine dying
/// takes its time. Who is left is told, and hunted on.
fn finish_a_crowd(here: &Here, cage: Cage) -> Finish {
    let finish = cage.finish();
    left::assert_nobody(&here.token, "a crowd");
    if finish.left.is_empty() {
        assert_nothing_left(here);
    }
    finish
}

fn assert_nothing_left(here: &Here) {
    assert_eq!(left::with(&here.token), [] as [u32; 0], "processes are left");
    assert_eq!(left::zombies(), [] as [String; 0]);
}

fn hostile(name: &str, here: &Here) {
    let victim = here.folder.join("victim");
    File::create(&victim).unwrap().write_all(b"precious").unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o666)).unwrap();
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    host.set_nonblocking(true).unwrap();
    let mut order = order(here, name);
    let mut tell = |name: &str, value: String| order.environment.push((name.into(), value.into()));
    tell(VICTIM, victim.display().to_string());
    tell(PORT, host.local_addr().unwrap().port().to_string());
    tell(TARGET, std::process::id().to_string());
    if here.stage.namespaces() || !geteuid().is_root() {
        tell(ALL, "yes".to_owned());
    }
    order.stdout = Stdout::Collected { bytes_max: 1000 };
    order.limits = Limits { memory_bytes: 100 << 20, ..Limits::default() };
    let mut cage = begin(here, &order);
    let held = cage.held().to_vec();
    assert_eq!(cage.ended(), None);
    cage.release().unwrap();
    // Until it has done what it does, as far as that can be seen from here.
    let ended = match name {
        "loop" | "stop" => until_said(&cage, "is here").or_else(|| cage.wait(SOME_TIME)),
        "close" => until_said(&cage, "closing").or_else(|| cage.wait(SOME_TIME)),
        "kill" => until_said(&cage, "target: ").or_else(|| cage.wait(SOME_TIME)),
        "fork" => until_said(&cage, "all forked"),
        "deaf" => until_said(&cage, "deaf now"),
        "daemon" => until_said(&cage, "the daemon is away").or_else(|| cage.wait(PATIENCE)),
        _ => Some(cage.wait(PATIENCE).expect("it ends, or is ended")),
    };
    let crowd = name == "fork-on" && !here.stage.namespaces();
    let finish = if crowd { finish_a_crowd(here, cage) } else { finish(here, cage) };
    let said = finish.said.join("\n");
    if name != "flood" {
        assert!(said.contains(&format!("{name} is here")), "it never ran: {said}");
    }
    assert!(finish.said.len() <= 40 && finish.said.iter().all(|line| line.len() <= 1000));
    let could = ended == Some(Ended::Exited(hostile::COULD));
    match name {
        "flood" => {
            assert_eq!(ended, Some(Ended::Exited(0)));
            assert_eq!((finish.collected.bytes.len(), finish.collected.cut), (1000, true));
        }
        "fork-on" => match finish.overrun {
            Some(Overrun::Processes(count)) => assert!(count > Limits::default().processes),
            None if crowd && !finish.left.is_empty() => {}
            other => panic!("{other:?}: {said}"),
        },
        "memory" => assert_ne!(ended, Some(Ended::Exited(0)), "{said}"),
        "shared-memory" => {
            assert!(matches!(finish.overrun, Some(Overrun::MemoryBytes(bytes)) if bytes > 100 << 20));
            assert_eq!(ended, Some(Ended::Signalled(libc::SIGKILL)));
        }
        "kill" => assert_eq!(could, !holds(&held, Holding::Signals), "{said}"),
        "delete" => assert_eq!(could, !holds(&held, Holding::Files), "{said}"),
        "network" => {
            let walls = holds(&held, Holding::Network) || holds(&held, Holding::Tcp);
            assert_eq!(could, !walls, "{said}");
        }
        _ => {}
    }
    if holds(&held, Holding::Mounts) {
        assert_eq!(fs::metadata(&victim).unwrap().permissions().mode() & 0o777, 0o666, "{said}");
    }
    if holds(&held, Holding::Files) {
        // Landlock alone has no say in modes.
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(fs::read(&victim).ok().as_deref(), Some(&b"precious"[..]), "{said}");
    }
    if holds(&held, Holding::Network) || holds(&held, Holding::Tcp) {
        let called = host.accept().map(|(_, from)| from);
        assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}

/// Waits until its stderr has a text; how it ended, if it has.
fn until_said(cage: &Cage, text: &str) -> Option<Ended> {
    let end = Instant::now() + PATIENCE;
    while !cage.said().iter().any(|line| line.contains(text)) {
        assert!(Instant::now() < end, "it never said {text:?}: {:?}", cage.said());
        std::thread::yield_now();
    }
    cage.ended()
}

fn held(here: &Here) {
    let cage = begin(here, &order(here, "exit"));
    let held = cage.held().to_vec();
    let is = |what| holds(&held, what);
    for what in [Holding::Network, Holding::Processes, Holding::Ipc, Holding::Mounts] {
        assert_eq!(is(what), here.stage.namespaces(), "{held:#?}");
    }
    assert_eq!(is(Holding::Files), here.stage.landlock(), "{held:#?}");
    assert_eq!(is(Holding::Signals), here.stage.landlock() || here.stage.namespaces(), "{held:#?}");
    assert_eq!(is(Holding::Tcp), here.stage.landlock() && !here.stage.namespaces(), "{held:#?}");
    for what in [Holding::Privileges, Holding::Memory, Holding::Limits] {
        assert!(is(what), "{held:#?}");
    }
    for refusal in held.iter().filter_map(|hold| hold.refused.as_ref()) {
        assert_eq!(refusal.layer, Layer::Seccomp, "{refusal:?}");
        assert!(refusal.says.contains("EPERM") && !refusal.try_this.is_empty(), "{refusal:?}");
    }
    finish(here, cage);
}

/// The first call of the program is seen, and its last.
fn window(here: &Here) {
    let mut cage = begin(here, &system(here, "/bin/true"));
    let (pid, stop) = (cage.pid(), EventFd::new().unwrap());
    let (attached, is_attached) = std::sync::mpsc::channel();
    let (end, story) = std::thread::scope(|scope| {
        let stop = &stop;
        let tracer = scope.spawn(move || {
            let window = Window::attach(pid).unwrap();
            attached.send(()).unwrap();
            let mut story = Vec::new();
            (window.run(stop.as_fd(), &mut |_, event| story.push(event)).unwrap(), story)
        });
        is_attached.recv().unwrap();
        cage.release().unwrap();
        tracer.join().unwrap()
    });
    assert_eq!(end, WindowEnd::ProcessEnded);
    assert_eq!(cage.wait(PATIENCE), Some(Ended::Exited(0)));
    let at = |wanted: &dyn Fn(&Story) -> bool| story.iter().position(wanted).unwrap();
    let began = at(&|event| matches!(event, Story::Exit { name, result: 0, .. } if name == "execve"));
    let ended = at(&|event| matches!(event, Story::Enter { name, .. } if name == "exit_group"));
    assert!(began < ended, "{story:?}");
    finish(here, cage);

    // One that is killed inside of a window is collected all the same.
    let mut cage = begin(here, &order(here, "loop"));
    let pid = cage.pid();
    let (attached, is_attached) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let stop = &stop;
        let tracer = scope.spawn(move || {
            let window = Window::attach(pid).unwrap();
            attached.send(()).unwrap();
            window.run(stop.as_fd(), &mut |_, _| {}).unwrap()
        });
        is_attached.recv().unwrap();
        cage.release().unwrap();
        finish(here, cage);
        assert_eq!(tracer.join().unwrap(), WindowEnd::ProcessEnded);
    });
}

/// A tracer that attaches and then does nothing: its tracee cannot even be collected.
fn held_fast(here: &Here) {
    let mut cage = begin(here, &order(here, "loop"));
    cage.release().unwrap();
    until_said(&cage, "is here");
    let pid = cage.pid();
    let (attached, is_attached) = std::sync::mpsc::channel();
    let (finished, is_finished) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let window = Window::attach(pid).unwrap();
            attached.send(()).unwrap();
            let _ = is_finished.recv();
            drop(window);
        });
        is_attached.recv().unwrap();
        finish(here, cage);
        drop(finished);
    });
    let end = Instant::now() + PATIENCE;
    while PathBuf::from(format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < end, "it was let go of, and nobody collects it");
        std::thread::yield_now();
    }
}

fn rings(here: &Here) {
    let mut cage = begin(here, &order(here, "rings"));
    cage.release().unwrap();
    assert_eq!(cage.wait(PATIENCE), Some(Ended::Exited(0)), "{:?}", cage.said());
    assert!(finish(here, cage).said.iter().any(|line| line == "two rings went round"));
}

fn sockets(here: &Here) {
    const COUNT: usize = 1200;
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let mut order = order(here, "echo");
    order.listener = true;
    order.limits.descriptors = 4096;
    let mut cage = begin(here, &order);
    cage.release().unwrap();
    let Some(SocketAddr::V4(address)) = cage.address() else { panic!("{:?}", cage.address()) };
    let sockets = cage.sockets(COUNT).unwrap();
    assert_eq!(sockets.len(), COUNT);
    let streams = sockets.into_iter().map(|socket| {
        // The kernel answers at once where both ends are on one machine, or a little later.
        let _ = connect(socket.as_raw_fd(), &SockaddrIn::from(address));
        let mut open = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        assert_eq!(poll(&mut open, PollTimeout::from(30_000u16)), Ok(1));
        assert_eq!(getsockopt(&socket, sockopt::SocketError), Ok(0));
        let stream = TcpStream::from(socket);
        stream.set_nonblocking(false).unwrap();
        stream
    });
    let mut streams: Vec<TcpStream> = streams.collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let mut byte = [0];
        stream.write_all(&[n as u8]).unwrap();
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [n as u8]);
    }
    if holds(cage.held(), Holding::Network) {
        assert!(TcpStream::connect(address).is_err(), "nothing listens in our network");
    }
    finish(here, cage);
    let mut rest = Vec::new();
    let _ = streams[0].read_to_end(&mut rest);
    assert!(rest.is_empty(), "the peer is gone");
}

fn too_many_sockets(here: &Here) {
    let cage = begin(here, &order(here, "exit"));
    let limit = nix::sys::resource::Resource::RLIMIT_NOFILE;
    nix::sys::resource::setrlimit(limit, 100, 100).unwrap();
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    let error = cage.sockets(150).unwrap_err().to_string();
    assert!(error.contains("too few descriptors"), "{error}");
    assert_eq!(open(), before, "what came nevertheless was closed");
    assert_eq!(cage.sockets(5).unwrap().len(), 5, "and the cage is none the worse for it");
    finish(here, cage);
}

fn backends(here: &Here) {
    let mut cage = begin(here, &Order { backends: 2, ..order(here, "call") });
    let backends = cage.backends();
    assert_eq!(backends.len(), 2);
    cage.release().unwrap();
    assert_eq!(cage.wait(PATIENCE), Some(Ended::Exited(0)), "{:?}", cage.said());
    for (socket, address) in backends {
        let listener = TcpListener::from(socket);
        assert_eq!(listener.local_addr().unwrap(), address);
        let (mut caller, _) = listener.accept().unwrap();
        caller.set_nonblocking(false).unwrap();
        let mut said = String::new();
        caller.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
    }
    finish(here, cage);
}

fn streams(here: &Here) {
    let mut cage = begin(here, &Order { stdin: true, stdout: Stdout::Piped, ..system(here, "/bin/cat") });
    cage.release().unwrap();
    let (input, output) = (cage.stdin().unwrap(), cage.stdout().unwrap());
    assert!(cage.stdin().is_none() && cage.stdout().is_none(), "each is taken once");
    File::from(input).write_all(b"to and fro").unwrap();
    // Its end of file came: nobody else holds the other end.
    let mut echoed = String::new();
    File::from(output).read_to_string(&mut echoed).unwrap();
    assert_eq!(echoed, "to and fro");
    assert_eq!(cage.wait(PATIENCE), Some(Ended::Exited(0)));
    finish(here, cage);
}

fn ends(here: &Here) {
    for (name, wanted) in [("exit", Ended::Exited(7)), ("abort", Ended::Signalled(libc::SIGABRT))] {
        let mut cage = begin(here, &order(here, name));
        let mut end = [PollFd::new(cage.end(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut end, PollTimeout::ZERO), Ok(0), "it has not even begun");
        cage.release().unwrap();
        let mut end = [PollFd::new(cage.end(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut end, PollTimeout::from(30_000u16)), Ok(1));
        assert_eq!(cage.ended(), Some(wanted));
        assert_eq!(cage.wait(PATIENCE), Some(wanted), "it may be asked more than once");
        assert_eq!(finish(here, cage).ended, Some(wanted));
    }
    // One that was never released, and one that is merely dropped.
    let cage = begin(here, &order(here, "exit"));
    assert_eq!(finish(here, cage).ended, None);
    let mut cage = begin(here, &order(here, "loop"));
    cage.release().unwrap();
    drop(cage);
    assert_eq!(left::with(&here.token), [] as [u32; 0]);
}

fn no_exec(here: &Here) {
    let file = here.folder.join("no-program");
    File::create(&file).unwrap().write_all(b"neither a script nor a program\n").unwrap();
    for (program, mode, words) in [
        (PathBuf::from("/nowhere/at/all"), 0, "No such file"),
        (file.clone(), 0o644, "not executable"),
        (file.clone(), 0o755, "no program of this machine"),
    ] {
        if mode != 0 {
            fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut cage = begin(here, &Order { program: program.clone(), ..order(here, "exit") });
        let error = format!("{:#}", cage.release().unwrap_err());
        assert!(error.contains(words) && error.contains(&program.display().to_string()), "{error}");
        finish(here, cage);
    }
    let missing = Order { directory: here.folder.join("missing"), ..order(here, "exit") };
    let keeper = Command::new(here.folder.join("iolab"));
    let error = format!("{:#}", Cage::begin_by(keeper, &missing).err().unwrap());
    assert!(error.contains("missing"), "{error}");
}

/// A build: a driver that starts others, temporary files, an output.
fn compiler(here: &Here) {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    let sysroot = PathBuf::from(String::from_utf8(rustc.stdout).unwrap().trim());
    let mut order = system(here, &sysroot.join("bin/rustc").display().to_string());
    fs::write(order.directory.join("main.rs"), "fn main() {}").unwrap();
    order.arguments = ["main.rs", "-o", "built"].iter().map(Into::into).collect();
    order.readable = vec![sysroot];
    order.environment = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("TMPDIR".into(), order.directory.clone().into_os_string()),
    ];
    order.network = iolab::exercise::cage::Network::None;
    order.limits.memory_bytes = 2 << 30;
    let mut cage = begin(here, &order);
    cage.release().unwrap();
    assert_eq!(cage.wait(PATIENCE), Some(Ended::Exited(0)), "{:#?}", cage.said());
    finish(here, cage);
    assert!(order.directory.join("built").exists());
}

/// Waits to be killed, with a daemon in the cage.
fn killed(here: &Here) {
    let mut cage = begin(here, &order(here, "daemon"));
    cage.release().unwrap();
    until_said(&cage, "the daemon is away");
    println!("the daemon is away");
    let none: [PollFd<'_>; 0] = [];
    let _ = poll(&mut { none }, PollTimeout::NONE);
}

/// Begin, release, wait, finish of a program that does nothing.
fn latency(here: &Here) {
    const TIMES: usize = 50;
    let mut parts = [const { Vec::new() }; 4];
    let order = Order { listener: true, ..system(here, "/bin/true") };
    for _ in 0..TIMES {
        let mut at = Instant::now();
        let mut lap = |part: usize, parts: &mut [Vec<Duration>; 4]| {
            parts[part].push(at.elapsed());
            at = Instant::now();
        };
        let mut cage = begin(here, &order);
        lap(0, &mut parts);
        cage.release().unwrap();
        lap(1, &mut parts);
        cage.wait(PATIENCE).unwrap();
        lap(2, &mut parts);
        cage.finish();
        lap(3, &mut parts);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[TIMES / 2].as_micros()
    };
    let [begin, release, wait, finish] = parts.each_mut().map(median);
    println!(
        "{:?}: begin {begin} µs, release {release} µs, end {wait} µs, finish {finish} µs, together {} µs",
        here.stage,
        begin + release + wait + finish
    );
}
