//! A child process that is always ended: killed and reaped when its guard goes, whatever happened.

use std::io::{BufRead, BufReader};
use std::process::Child;

/// The most bytes of one line of a child's stderr that are kept.
const LINE_BYTES_MAX: usize = 1000;

/// The most lines of a child's stderr that are handed on; a flood is drained and dropped.
const LINES_MAX: usize = 100;

/// A child that ends with its guard.
pub struct Cage {
    child: Child,
}

impl Cage {
    /// Guards `child`; `said` gets its lines on stderr, and `None` when it has ended.
    pub fn new(mut child: Child, said: impl FnMut(Option<String>) + Send + 'static) -> Self {
        if let Some(stderr) = child.stderr.take() {
            // Not joined at the end: a grandchild may hold the pipe open for as long as it likes.
            std::thread::spawn(move || {
                let mut said = said;
                let mut lines = 0;
                let mut reader = BufReader::new(stderr);
                while let Some(line) = next_line(&mut reader) {
                    lines += 1;
                    if lines <= LINES_MAX {
                        said(Some(line));
                    }
                }
                said(None);
            });
        }
        Self { child }
    }

    /// How it ended, waiting for it; only after its stderr said `None`.
    pub fn how_it_ended(&mut self) -> String {
        use std::os::unix::process::ExitStatusExt;
        match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit status {code}"),
                (None, Some(number)) => match nix::sys::signal::Signal::try_from(number) {
                    Ok(signal) => format!("killed by {}", signal.as_str()),
                    Err(_) => format!("killed by signal {number}"),
                },
                _ => status.to_string(),
            },
            Err(error) => format!("could not be waited for: {error}"),
        }
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn next_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let chunk = reader.fill_buf().ok()?;
        if chunk.is_empty() {
            return (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned());
        }
        let (part, ended) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end, true),
            None => (chunk.len(), false),
        };
        let room = LINE_BYTES_MAX.saturating_sub(line.len()).min(part);
        line.extend_from_slice(&chunk[..room]);
        reader.consume(part + usize::from(ended));
        if ended {
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
    }
}
