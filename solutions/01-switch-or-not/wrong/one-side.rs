//! switch-or-not, wrong: counts the waits of one thread.
//!
//! In the third loop the other thread waits as often, for the next byte to come.

use std::io::{self, BufRead, Read, Write};
use std::thread;

/// How many voluntary context switches the kernel counts for each of the three loops: the
/// thread that runs the third one waits for every byte to come back.
const PREDICTION: [u32; 3] = [0, 1_000, 1_000];

/// Makes this many system calls and never gives the processor up.
fn cross(calls: u32) -> io::Result<()> {
    for _ in 0..calls {
        // The kernel has the answer at hand, so nobody waits.
        // SAFETY: it takes nothing, returns a number and cannot fail.
        unsafe { libc::getppid() };
    }
    Ok(())
}

/// Gives the processor up this many times.
fn switch(times: u32) -> io::Result<()> {
    for _ in 0..times {
        // There is nothing to return before the time has come, so the thread sleeps.
        nap(50);
    }
    Ok(())
}

/// Loop 1, one thread: puts a byte into a pipe and takes it out again, 1000 times.
/// These are 2000 system calls.
fn alone() -> io::Result<()> {
    let (mut reader, mut writer) = io::pipe()?;
    let mut byte = [0];
    for _ in 0..1_000 {
        writer.write_all(&byte)?;
        reader.read_exact(&mut byte)?;
    }
    Ok(())
}

/// Loop 2, one thread: sleeps for 100 microseconds, 1000 times. These are 1000 system calls.
fn naps() -> io::Result<()> {
    for _ in 0..1_000 {
        nap(100);
    }
    Ok(())
}

/// Loop 3, two threads: a byte goes to the other thread and comes back, 1000 times.
/// These are 4000 system calls.
fn turns() -> io::Result<()> {
    // Who is woken does not take the processor of who woke it. Otherwise a write would
    // sometimes end in an involuntary switch, and the read after it find its byte.
    let batch = libc::sched_param { sched_priority: 0 };
    // SAFETY: reads one struct.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &batch) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut there_out, mut there_in) = io::pipe()?;
    let (mut back_out, mut back_in) = io::pipe()?;
    thread::Builder::new().spawn(move || {
        let mut byte = [0];
        while there_out.read_exact(&mut byte).is_ok() && back_in.write_all(&byte).is_ok() {}
    })?;
    let mut byte = [0];
    for _ in 0..1_000 {
        there_in.write_all(&byte)?;
        back_out.read_exact(&mut byte)?;
    }
    // With its pipes left open the other thread sleeps on. The counts of a thread that
    // has ended are not in /proc any more, and you may want to read them.
    std::mem::forget((there_in, back_out));
    Ok(())
}

/// Sleeps for so many microseconds, and some 50 more: the kernel may be that late, so
/// that it can wake several sleepers at once.
fn nap(microseconds: i64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: microseconds * 1_000 };
    // SAFETY: reads one struct; a null pointer says that nobody asks for the time left.
    unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
}

/// Does what each line says, and sleeps in read(2) in between.
fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, number) = line.split_once(' ').unwrap_or((&line, "0"));
        let number: u32 = number.trim().parse().map_err(io::Error::other)?;
        match (command, number) {
            ("predict", _) => {}
            ("cross", calls) => cross(calls)?,
            ("switch", times) => switch(times)?,
            ("loop", 1) => alone()?,
            ("loop", 2) => naps()?,
            ("loop", 3) => turns()?,
            _ => return Err(io::Error::other(format!("not a command: {line}"))),
        }
        let [a, b, c] = PREDICTION;
        // A line that ends is flushed.
        match command {
            "predict" => println!("predict {a} {b} {c}"),
            _ => println!("done {number}"),
        }
    }
    Ok(())
}
