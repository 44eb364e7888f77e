//! What a program prints while the full screen has the terminal: kept aside, its last lines to be shown.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that wait to be shown at most; what is printed faster than anybody reads is passed over.
const LINES_MAX: usize = 5;

/// Bytes of one line that are shown.
const LINE_BYTES_MAX: usize = 400;

/// The last lines of a program, as they come.
#[derive(Clone, Debug, Default)]
pub struct Aside(Arc<Mutex<VecDeque<String>>>);

impl Aside {
    /// Takes in whatever comes out of a pipe until its end, in a thread of its own, and puts all of it into `file`
    /// where there is one.
    pub fn listen(&self, pipe: impl io::Read + Send + 'static, file: Option<File>) {
        let aside = self.clone();
        // Not joined: a grandchild may hold the pipe open for as long as it likes.
        std::thread::spawn(move || aside.take_in(BufReader::new(pipe), file));
    }

    fn take_in(&self, mut pipe: impl BufRead, mut file: Option<File>) {
        let mut line = Vec::new();
        while let Ok(chunk) = pipe.fill_buf()
            && !chunk.is_empty()
        {
            // A full disk takes the file, never the program.
            if file.as_mut().is_some_and(|file| file.write_all(chunk).is_err()) {
                file = None;
            }
            for &byte in chunk {
                match byte {
                    b'\n' => self.push(&std::mem::take(&mut line)),
                    _ if line.len() < LINE_BYTES_MAX => line.push(byte),
                    _ => {}
                }
            }
            let length = chunk.len();
            pipe.consume(length);
        }
        if !line.is_empty() {
            self.push(&line);
        }
    }

    fn push(&self, line: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        // What it prints must not speak to the terminal.
        let line = String::from_utf8_lossy(line);
        let visible = line.chars().filter(|c| *c != '\r').map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        });
        lines.push_back(visible.collect());
    }

    /// Lines that came since the last call; of many the last ones.
    pub fn drain(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lines_the_last_are_shown_and_all_are_kept() {
        let mut kept = tempfile::tempfile().unwrap();
        let aside = Aside::default();
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        aside.take_in(BufReader::new(text.as_bytes()), Some(kept.try_clone().unwrap()));
        assert_eq!(aside.drain(), ["line 995", "line 996", "line 997", "line 998", "line 999"]);
        assert!(aside.drain().is_empty());
        aside.take_in(BufReader::new(&b"\x1b[31mred\r\n"[..]), None);
        assert_eq!(aside.drain(), ["\u{fffd}[31mred"]);
        io::Seek::rewind(&mut kept).unwrap();
        assert_eq!(io::read_to_string(kept).unwrap(), text);
    }
}
