//! What a program says, drained so that it never blocks on us, and capped so that it never costs memory.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most lines that are kept: the last ones.
const LINES_MAX: usize = 40;

/// The most bytes of one line that are kept: the first ones.
const LINE_BYTES_MAX: usize = 1000;

/// What is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Keeps some of what is read, and forgets the rest.
pub trait Keep: Send + 'static {
    /// Takes what was just read.
    fn take(&mut self, bytes: &[u8]);
}

/// A pipe that a thread reads to its end.
pub struct Drain<K> {
    kept: Arc<Mutex<K>>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

impl<K: Keep> Drain<K> {
    /// Begins to read. The thread is never joined: a process that got away may hold the pipe open.
    pub fn begin(mut pipe: impl Read + Send + 'static, keep: K) -> Self {
        let kept = Arc::new(Mutex::new(keep));
        let (ends, ended) = channel::<()>();
        let into = Arc::clone(&kept);
        std::thread::spawn(move || {
            let _ends = ends;
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                match pipe.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(length) => locked(&into).take(&chunk[..length]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        });
        Self { kept, ended }
    }

    /// Looks at what is kept so far.
    pub fn look<R>(&self, at: impl FnOnce(&K) -> R) -> R {
        at(&locked(&self.kept))
    }

    /// Waits until all was read: when everyone who could write has ended that is at once.
    pub fn settle(&self, for_at_most: Duration) {
        // Nothing is ever sent: it ends with the thread, or in time.
        let _ = self.ended.recv_timeout(for_at_most);
    }
}

/// A panic while it was locked leaves bytes, not a broken promise.
fn locked<K>(kept: &Mutex<K>) -> MutexGuard<'_, K> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a line of a panic says.
const PANIC: &str = "panicked at";

/// The last lines, and before them the first panic: what comes after it may be a long way to the abort.
#[derive(Default)]
pub struct Lines {
    /// Where the first panic was, and what it said.
    panic: Vec<String>,
    whole: VecDeque<String>,
    open: Vec<u8>,
}

impl Lines {
    /// The last lines, the one that is not ended yet among them.
    pub fn last(&self) -> Vec<String> {
        let open = (!self.open.is_empty()).then(|| text(&self.open));
        let lines: Vec<String> = self.whole.iter().cloned().chain(open).collect();
        let lines = lines[lines.len().saturating_sub(LINES_MAX)..].to_vec();
        match self.panic.first().is_some_and(|first| !lines.contains(first)) {
            true => self.panic.iter().cloned().chain(lines).collect(),
            false => lines,
        }
    }

    fn end_line(&mut self) {
        if self.whole.len() == LINES_MAX {
            self.whole.pop_front();
        }
        let line = text(&self.open);
        if self.panic.len() == 1 || self.panic.is_empty() && line.contains(PANIC) {
            self.panic.push(line.clone());
        }
        self.whole.push_back(line);
        self.open.clear();
    }
}

impl Keep for Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let begins = rest;
            // Reading from memory never fails.
            let length = rest.skip_until(b'\n').unwrap_or(rest.len());
            let piece = &begins[..length];
            let line = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = LINE_BYTES_MAX.saturating_sub(self.open.len()).min(line.len());
            self.open.extend_from_slice(&line[..room]);
            if line.len() < piece.len() {
                self.end_line();
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first bytes.
pub struct Head {
    /// They.
    pub bytes: Vec<u8>,
    /// Whether there were more.
    pub cut: bool,
    bytes_max: usize,
}

impl Head {
    /// Keeps at most so many.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), cut: false, bytes_max }
    }
}

impl Keep for Head {
    fn take(&mut self, bytes: &[u8]) {
        let room = (self.bytes_max - self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.cut |= room < bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_each_has_an_end() {
        let mut lines = Lines::default();
        for n in 0..100 {
            lines.take(format!("line {n}\n").as_bytes());
        }
        lines.take(&[b'x'; 5000]);
        let last = lines.last();
        assert_eq!(last.len(), LINES_MAX);
        assert_eq!(last[0], "line 61");
        assert_eq!(last[LINES_MAX - 1].len(), LINE_BYTES_MAX);
    }

    #[test]
    fn the_first_bytes_are_kept_and_what_is_missing_is_told() {
        let mut head = Head::new(5);
        head.take(b"abc");
        assert!(!head.cut);
        head.take(b"defg");
        assert_eq!((head.bytes.as_slice(), head.cut), (&b"abcde"[..], true));
    }
}
