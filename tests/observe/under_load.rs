//! No request fails because somebody looks: servers under load while iolab comes and goes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::program::iolab;
use super::{documents, processes};

/// A server of iolab's in the foreground.
struct Server(Child, SocketAddr);

impl Server {
    fn start(name: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
        let mut child = command.args(["serve", name]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut { stdout }, &mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self(child, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Between two requests of a client: thousands a second in all, and some of the processors left for who looks.
#[expect(clippy::disallowed_methods, reason = "a pace, not a wait for something")]
fn pause() {
    std::thread::sleep(Duration::from_micros(500));
}

/// Clients that ask all the time and compare each byte.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Load {
    fn on(address: SocketAddr) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address)?;
                for round in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let mut echo = [0; 8];
                    stream.write_all(&round.to_ne_bytes())?;
                    stream.read_exact(&mut echo)?;
                    assert_eq!(u64::from_ne_bytes(echo), round);
                    answered.fetch_add(1, Ordering::Relaxed);
                    pause();
                }
                Ok(())
            })
        };
        let clients = (0..4).map(client).collect();
        Self { stop, answered, clients }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ends the load; every request of it was answered.
    #[track_caller]
    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap().unwrap();
        }
    }
}

/// What a look must leave as it was.
fn standing(pid: u32) -> Vec<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kept = ["TracerPid", "Cpus_allowed", "Seccomp", "NoNewPrivs"];
    let is_kept = |line: &&str| kept.iter().any(|name| line.starts_with(name));
    status.lines().filter(is_kept).map(str::to_owned).collect()
}

fn looked_at(name: &str, options: &str, times: u32) {
    let server = Server::start(name);
    let pid = server.0.id();
    let before = standing(pid);
    let load = Load::on(server.1);
    for _ in 0..times {
        let asked = load.answered();
        let document = iolab("observe --format json --duration 0.2")
            .and(options)
            .with(format!("--pid={pid}"))
            .run()
            .document(0);
        documents::SCHEMA.holds(&document);
        let process = &processes(&document)[0];
        assert_eq!(process["comm"], name, "a server goes by its own name: {process}");
        assert_eq!(standing(pid), before, "it ends as it was");
        // The next look comes when it has gone on by itself.
        while load.answered() <= asked + 4 {
            pause();
        }
        if let Some(calls) = process["syscalls"]["value"].as_u64() {
            assert!(calls > 0, "{process}");
        }
    }
    load.end();
}

#[test]
fn an_epoll_server_answers_every_request_while_it_is_looked_at_ten_times() {
    looked_at("epoll", "", 10);
}

#[test]
fn a_ring_server_answers_every_request_while_it_is_looked_at_ten_times() {
    looked_at("uring", "", 10);
}

/// It is interrupted in its waits, which it is made for.
#[test]
fn a_traced_server_answers_every_request() {
    looked_at("epoll", "--probe ptrace --yes", 3);
}

/// Attaching by ptrace may end a program: from a pipe it has to be said that this is meant.
#[test]
fn nothing_is_attached_to_without_a_word() {
    let server = Server::start("epoll");
    let pid = server.0.id();
    let said = iolab("observe --probe ptrace").with(format!("--pid={pid}")).run();
    let complaint = said.complaint(2);
    assert!(complaint.contains("EINTR") && complaint.contains("--yes"), "{complaint}");
    assert!(standing(pid).contains(&"TracerPid:\t0".to_owned()));
}
