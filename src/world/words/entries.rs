//! Entries of io_uring's rings in plain words: what is to be done, and what came of it.

use super::errno::errno;
use crate::world::{RingEntry, SeenEntry};

/// IOSQE_IO_LINK and IOSQE_IO_HARDLINK.
const LINK: u8 = 4;
const HARDLINK: u8 = 8;

/// An entry as a sentence: `SQE 1: receive up to 64 bytes on fd 5, linked to the next`.
pub fn entry(entry: &RingEntry) -> String {
    // An entry that was given no name has 0 there.
    let name = match entry.user_data {
        0 => String::new(),
        name => format!(" {name}"),
    };
    match &entry.seen {
        SeenEntry::Sqe { operation, fd, len, flags } => {
            format!("SQE{name}: {}{}", ask(operation, *fd, *len), tie(*flags))
        }
        SeenEntry::Cqe { result } => format!("CQE{name}: {}", answer(*result)),
    }
}

fn ask(operation: &str, fd: i32, len: u32) -> String {
    match operation {
        "NOP" => "do nothing".to_owned(),
        "TIMEOUT" => "tell me when a time is up".to_owned(),
        "LINK_TIMEOUT" => "call the one before off when a time is up".to_owned(),
        "ASYNC_CANCEL" => "call an operation off".to_owned(),
        // Who told of it left the descriptor out, and the length with it.
        other if fd < 0 => other.to_owned(),
        "READ" | "READV" | "READ_FIXED" => format!("read {len} bytes from fd {fd}"),
        "WRITE" | "WRITEV" | "WRITE_FIXED" => format!("write {len} bytes to fd {fd}"),
        "RECV" => format!("receive up to {len} bytes on fd {fd}"),
        "SEND" => format!("send {len} bytes on fd {fd}"),
        "ACCEPT" => format!("give me the next connection of fd {fd}"),
        "POLL_ADD" => format!("tell me when fd {fd} is ready"),
        "CLOSE" => format!("I am done with fd {fd}"),
        "SHUTDOWN" => format!("no more is sent on fd {fd}"),
        other => format!("{other} with fd {fd}"),
    }
}

fn tie(flags: u8) -> &'static str {
    match (flags & LINK != 0, flags & HARDLINK != 0) {
        (_, true) => ", hard-linked to the next",
        (true, false) => ", linked to the next",
        (false, false) => "",
    }
}

fn answer(result: i32) -> String {
    match result {
        0 => "done".to_owned(),
        error @ ..0 => errno(u64::from(error.unsigned_abs())),
        n => n.to_string(),
    }
}
