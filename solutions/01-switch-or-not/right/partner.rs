//! switch-or-not, right: the same two calls on a pipe, with and without somebody to wait for.
//!
//! One thread that writes to a pipe and reads from it never waits. Two that hand a byte to
//! and fro do, and getrusage(2) says how often: the kernel's own count ends the loop.

use std::io::{self, BufRead, PipeReader, PipeWriter, Read, Write};
use std::mem::MaybeUninit;
use std::thread;

/// How many voluntary context switches the kernel counts for each of the three loops,
/// over all threads: one for each call that has to wait. The pipe of the first loop is
/// never empty when it is read, every nap is a wait, and each byte that goes to the
/// other thread and back is waited for twice, once on either side.
const PREDICTION: [u32; 3] = [0, 1_000, 2_000];

/// Makes this many system calls and never gives the processor up: the same calls that
/// wait elsewhere, write(2) and read(2) on a pipe, but it is never full and never empty.
fn cross(calls: u32) -> io::Result<()> {
    let (mut reader, mut writer) = io::pipe()?;
    let mut byte = [0];
    for _ in 0..calls.div_ceil(2) {
        writer.write_all(&byte)?;
        reader.read_exact(&mut byte)?;
    }
    Ok(())
}

/// A second thread that gives back every byte it gets, and the two ends to it.
struct Partner {
    there: PipeWriter,
    back: PipeReader,
}

impl Partner {
    fn new() -> io::Result<Partner> {
        let (mut there_out, there) = io::pipe()?;
        let (back, mut back_in) = io::pipe()?;
        thread::Builder::new().spawn(move || {
            let mut byte = [0];
            while there_out.read_exact(&mut byte).is_ok() && back_in.write_all(&byte).is_ok() {}
        })?;
        Ok(Partner { there, back })
    }
}

/// What the kernel has in its books: voluntary context switches of all threads so far.
fn switches() -> io::Result<u32> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the kernel fills one struct in.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it is filled in.
    Ok(unsafe { usage.assume_init() }.ru_nvcsw as u32)
}

/// Gives the processor up this many times, on either side: a byte goes to and fro until
/// the kernel has counted enough. One that is already there when it is read is no wait.
fn switch(times: u32, partner: &mut Partner) -> io::Result<()> {
    let enough = switches()? + times;
    let mut byte = [0];
    while switches()? < enough {
        partner.there.write_all(&byte)?;
        partner.back.read_exact(&mut byte)?;
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
    let mut partner = Partner::new()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, number) = line.split_once(' ').unwrap_or((&line, "0"));
        let number: u32 = number.trim().parse().map_err(io::Error::other)?;
        match (command, number) {
            ("predict", _) => {}
            ("cross", calls) => cross(calls)?,
            ("switch", times) => switch(times, &mut partner)?,
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
