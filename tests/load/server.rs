//! Servers to load: a thread per connection, the standard library alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What a server does with the bytes it gets.
#[derive(Clone)]
pub enum Manner {
    /// Sends them back.
    Echo,
    /// Sends them back in the smallest pieces: reads 7, writes 3.
    Crumbs,
    /// Flips one bit of every hundredth byte of a connection.
    Flips,
    /// Sends so many bytes back, then closes.
    ClosesAfter(usize),
    /// Sends nothing back.
    Silent,
    /// Sends them back while the gate is open.
    Gated(Arc<Gate>),
}

/// Holds the server up while it is closed.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn set_closed(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let _open = self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap();
    }
}

/// A running server; it ends with the test's process.
pub struct Server {
    pub address: SocketAddr,
    /// Bytes received on each connection, in the order they were accepted.
    received: Arc<Mutex<Vec<u64>>>,
}

impl Server {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let books = Arc::clone(&received);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().map(Result::unwrap).enumerate() {
                books.lock().unwrap().push(0);
                let (books, manner) = (Arc::clone(&books), manner.clone());
                thread::spawn(move || {
                    // A connection's error is its end: the client closes without a word.
                    let _ = serve(stream, &manner, |bytes| books.lock().unwrap()[index] += bytes as u64);
                });
            }
        });
        Self { address, received }
    }

    pub fn received(&self) -> Vec<u64> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, manner: &Manner, received: impl Fn(usize)) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; if matches!(manner, Manner::Crumbs) { 7 } else { 64 << 10 }];
    let mut before = 0;
    loop {
        let bytes = stream.read(&mut buffer)?;
        if bytes == 0 {
            return Ok(());
        }
        received(bytes);
        let answer = &mut buffer[..bytes];
        match manner {
            Manner::Echo => stream.write_all(answer)?,
            Manner::Crumbs => answer.chunks(3).try_for_each(|crumb| stream.write_all(crumb))?,
            Manner::Flips => {
                let hundredth = (0..bytes).filter(|index| (before + index) % 100 == 99);
                hundredth.for_each(|index| answer[index] ^= 0x10);
                stream.write_all(answer)?;
            }
            Manner::ClosesAfter(limit) => {
                stream.write_all(&answer[..bytes.min(limit - before)])?;
                if before + bytes >= *limit {
                    return Ok(());
                }
            }
            Manner::Silent => {}
            Manner::Gated(gate) => {
                gate.pass();
                stream.write_all(answer)?;
            }
        }
        before += bytes;
    }
}
