//! A ring whose memory is out of reach: what the kernel tells of it in `/proc/PID/fdinfo/FD`.
//!
//! That is all there is of rings in memory of the program's own (NO_MMAP), and of foreign processes where Yama
//! allows to look and not to attach. A reading takes the ring's lock and costs some microseconds; while somebody
//! else has the lock the kernel prints nothing, and nothing is not 0.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;

use super::one::Words;
use crate::probe::refuse::errno;

/// Room for the fields at the top; lists of requests may follow.
const TEXT_BYTES: usize = 2048;

/// A ring as its fdinfo tells.
#[derive(Debug)]
pub(super) struct Told {
    fdinfo: File,
    /// The sizes, once they were told.
    entries: Cell<(u32, u32)>,
}

impl Told {
    /// Opens the fdinfo of descriptor `fd`.
    ///
    /// # Errors
    /// EACCES (PTRACE_MODE_READ), ENOENT, ESRCH.
    pub(super) fn open(pid: u32, fd: i32) -> Result<Self, Errno> {
        let fdinfo = File::open(format!("/proc/{pid}/fdinfo/{fd}")).map_err(|error| errno(&error))?;
        let told = Self { fdinfo, entries: Cell::new((0, 0)) };
        told.words();
        Ok(told)
    }

    /// Slots of both queues; 0 until the kernel has told.
    pub(super) fn entries(&self) -> (u32, u32) {
        self.entries.get()
    }

    /// Heads and tails; `None` while the kernel says nothing.
    pub(super) fn words(&self) -> Option<Words> {
        let mut text = [0; TEXT_BYTES];
        let length = self.fdinfo.read_at(&mut text, 0).ok()?;
        let text = String::from_utf8_lossy(&text[..length]);
        let (words, entries) = parse(&text)?;
        self.entries.set(entries);
        Some(words)
    }
}

/// `SqMask: 0x7`, `SqHead: 12`, …; heads and tails run freely.
fn parse(text: &str) -> Option<(Words, (u32, u32))> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim();
        match value.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => value.parse().ok(),
        }
    };
    let words = Words {
        sq_head: field("SqHead")?,
        sq_tail: field("SqTail")?,
        cq_head: field("CqHead")?,
        cq_tail: field("CqTail")?,
        ..Words::default()
    };
    Some((words, (field("SqMask")?.saturating_add(1), field("CqMask")?.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_heads_and_tails_are_told() {
        let text = "pos:\t0\nino:\t7\nSqMask:\t0x7\nSqHead:\t9\nSqTail:\t10\nCachedSqHead:\t9\n\
                    CqMask:\t0xf\nCqHead:\t3\nCqTail:\t9\nCachedCqTail:\t9\n";
        let (words, entries) = parse(text).unwrap();
        assert_eq!((words.sq_head, words.sq_tail, words.cq_head, words.cq_tail), (9, 10, 3, 9));
        assert_eq!(entries, (8, 16));
    }

    #[test]
    fn a_ring_that_is_busy_tells_nothing() {
        assert_eq!(parse("pos:\t0\nino:\t7\n"), None);
    }
}
