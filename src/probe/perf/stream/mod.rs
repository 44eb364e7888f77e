//! The story at full speed: records of tracepoints and switches, written by the kernel to memory that is shared
//! with it, one buffer for each processor (perf_event_open(2), "MMAP layout").
//!
//! A stream is attached once, best before the program's exec, so that all threads to come are in it, kernel
//! helpers among them. It is switched on and off as a whole; off, a system call passes a tracepoint that is
//! empty. What the kernel found no room for is counted ([`Stream::lost`]).
//!
//! With privileges ([`Kind::Perf`]) every system call, what happens inside io_uring, and the switches are told. Without
//! them ([`Kind::PerfUser`], perf_event_paranoid ≤ 2) it is the calls that root has shared the numbers of, and the
//! switches; nothing of io_uring. Those events are many, and each costs at every switch while the stream is on.

mod attach;
mod buffer;
mod events;
mod format;
mod meaning;
mod record;

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use self::events::Events;
pub use self::format::{Field, Format};

use self::attach::Attached;
use self::meaning::Meanings;
use self::record::{Raw, Records};
use super::event;
use super::tracefs::Tracefs;
use super::{Kind, known_ids, refused};
use crate::probe::clock;
use crate::trace::{Refusal, Rung, Story};

/// Bytes that are kept until they are told, at most: whoever fetches and never tells loses the rest.
const FETCHED_BYTES_MAX: usize = 256 << 20;

/// What a stream is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// With privileges or without.
    pub kind: Kind,
    /// How much it tells.
    pub events: Events,
    /// The size of each processor's buffer in bytes. It is less where there are many processors, or where this
    /// process may not have so much.
    pub buffer_bytes: usize,
    /// Who waits is woken when so many bytes have been written to one buffer.
    pub wakeup_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { kind: Kind::Perf, events: Events::Rings, buffer_bytes: 8 << 20, wakeup_bytes: 1 << 20 }
    }
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is something to fetch.
    Full,
    /// The time is up.
    Time,
    /// All threads of the process have ended: nothing more will come.
    Ended,
}

/// The records of one process and of all that it starts.
#[derive(Debug)]
pub struct Stream {
    attached: Attached,
    kind: Kind,
    meanings: Meanings,
    /// Bytes that were fetched and not yet told, by buffer.
    fetched: Vec<Vec<u8>>,
    /// What was read from them and waits for its turn.
    waiting: Vec<(u64, Story)>,
    /// CLOCK_MONOTONIC when was last fetched: what was written before it is there.
    fetched_ns: u64,
    /// Records that the buffers themselves told to be lost.
    told_lost: u64,
    /// Stretches that made no sense, or that there was no room for; of each one record is known to be missing.
    damaged: u64,
}

impl Stream {
    /// Attaches to all threads of process `pid` and whatever they start from now on, switched off.
    ///
    /// Costs about 20 µs for each thread, processor and tracepoint; the first stream of a boot's tracepoint some
    /// milliseconds.
    ///
    /// # Errors
    /// The layer that refused: perf_event_paranoid, a capability, tracefs, shared numbers, a limit on descriptors
    /// (one for each thread, processor and tracepoint) or on locked memory.
    pub fn open(pid: u32, options: &Options) -> Result<Self, Refusal> {
        event::permitted(pid, options.kind.counts()).map_err(|errno| refused(pid, errno))?;
        let meanings = match options.kind {
            Kind::Perf | Kind::PerfNames => events::of_kernel(&Tracefs::open()?, options.events)?,
            Kind::PerfUser | Kind::PerfUserNames => events::of_user(&known_ids()?, options.events)?,
        };
        Self::with(pid, meanings, options)
    }

    /// As [`open`](Self::open) with [`Kind::PerfUser`], for the tracepoints in `known` only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_by_name(pid: u32, known: &super::TracepointIds, options: &Options) -> Result<Self, Refusal> {
        let options = Options { kind: Kind::PerfUser, ..*options };
        Self::with(pid, events::of_user(known, options.events)?, &options)
    }

    fn with(pid: u32, meanings: Meanings, options: &Options) -> Result<Self, Refusal> {
        let ids: Vec<u64> = meanings.by_id.keys().copied().collect();
        let attached = Attached::to(pid, &ids, options)?;
        Ok(Self {
            fetched: vec![Vec::new(); attached.buffers.len()],
            attached,
            kind: options.kind,
            meanings,
            waiting: Vec::new(),
            fetched_ns: 0,
            told_lost: 0,
            damaged: 0,
        })
    }

    /// The rung that this story carries.
    pub fn rung(&self) -> Rung {
        self.kind.rung()
    }

    /// Says which ring the process has, where it has one only; the kernel names rings by addresses.
    pub fn only_ring(&mut self, fd: Option<i32>) {
        self.meanings.ring = fd;
    }

    /// The size of the smallest buffer in bytes.
    pub fn buffer_bytes(&self) -> usize {
        self.attached.buffers.iter().map(buffer::Buffer::data_bytes).min().unwrap_or(0)
    }

    /// Switches all of it on.
    ///
    /// # Errors
    /// Only what a damaged kernel could answer.
    pub fn enable(&mut self) -> io::Result<()> {
        const ENABLE: libc::Ioctl = 0x2400;
        self.switch(ENABLE)
    }

    /// Switches all of it off. What was recorded is still there to be fetched.
    ///
    /// # Errors
    /// Only what a damaged kernel could answer.
    pub fn disable(&mut self) -> io::Result<()> {
        const DISABLE: libc::Ioctl = 0x2401;
        self.switch(DISABLE)
    }

    fn switch(&self, request: libc::Ioctl) -> io::Result<()> {
        for leader in self.attached.leaders() {
            // SAFETY: the descriptor is an event of ours; the call takes a number only.
            Errno::result(unsafe { libc::ioctl(leader.as_raw_fd(), request, 0) })?;
        }
        Ok(())
    }

    /// Waits until a buffer has filled up to the wake-up mark, or for so long.
    ///
    /// # Errors
    /// As poll(2).
    pub fn wait(&self, time: Duration) -> io::Result<Woken> {
        let watch = |buffer| PollFd::new(AsFd::as_fd(buffer), PollFlags::POLLIN);
        let mut watched: Vec<PollFd<'_>> = self.attached.buffers.iter().map(watch).collect();
        // Rounded up: a wait of 0 ms would be no wait.
        let time = PollTimeout::try_from(time + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, time) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Woken::Time),
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is = |fd: &PollFd<'_>, flag| fd.revents().is_some_and(|seen| seen.contains(flag));
        let ended = watched.iter().all(|fd| is(fd, PollFlags::POLLHUP) && !is(fd, PollFlags::POLLIN));
        Ok(if ended { Woken::Ended } else { Woken::Full })
    }

    /// Takes what was recorded out of the buffers and makes room there; how many bytes that was. As cheap as it
    /// goes: a copy, nothing is read yet.
    pub fn fetch(&mut self) -> usize {
        self.fetched_ns = clock::monotonic_ns();
        let mut sum = 0;
        for (buffer, into) in self.attached.buffers.iter_mut().zip(&mut self.fetched) {
            let before = into.len();
            match buffer.fetch(into) {
                Some(bytes) => sum += bytes,
                None => self.damaged += 1,
            }
            if into.len() > FETCHED_BYTES_MAX {
                into.truncate(before);
                self.damaged += 1;
            }
        }
        sum
    }

    /// Fetches, and hands on what is certain to be in order of time: what was recorded before the last time this
    /// was called. Times are CLOCK_MONOTONIC nanoseconds. Answers up to when the story is told.
    pub fn drain(&mut self, sink: &mut impl FnMut(u64, Story)) -> u64 {
        let until_ns = self.fetched_ns;
        self.fetch();
        self.tell(until_ns, sink);
        until_ns
    }

    /// Fetches, and hands on all that is left: after [`disable`](Self::disable).
    pub fn finish(&mut self, sink: &mut impl FnMut(u64, Story)) {
        self.fetch();
        self.tell(u64::MAX, sink);
    }

    fn tell(&mut self, until_ns: u64, sink: &mut impl FnMut(u64, Story)) {
        for (buffer, bytes) in self.attached.buffers.iter().zip(&mut self.fetched) {
            let mut records = Records::of(bytes);
            for raw in records.by_ref() {
                if let Raw::Lost(count) = raw {
                    self.told_lost = self.told_lost.saturating_add(count);
                }
                self.waiting.extend(self.meanings.story(raw, buffer.cpu));
            }
            self.damaged += u64::from(records.is_damaged());
            bytes.clear();
        }
        // Stable: what one processor recorded in the same nanosecond stays in its order.
        self.waiting.sort_by_key(|(at_ns, _)| *at_ns);
        let told = self.waiting.partition_point(|(at_ns, _)| *at_ns < until_ns);
        self.waiting.drain(..told).for_each(|(at_ns, story)| sink(at_ns, story));
    }

    /// Records that were lost so far because there was no room: at least so many.
    pub fn lost(&self) -> u64 {
        let counted = match self.attached.counts_lost {
            true => self.attached.lost(),
            // Told by the next record that found room: what was lost at the very end is not in it.
            false => self.told_lost,
        };
        counted.saturating_add(self.damaged)
    }
}

impl Drop for Stream {
    /// Closing the last event of a tracepoint waits for all processors to have left it. Nobody has to wait for that.
    fn drop(&mut self) {
        let attached = std::mem::take(&mut self.attached);
        // Where no thread can be had, they are closed here and now.
        let _ = std::thread::Builder::new().name("stream-close".to_owned()).spawn(move || drop(attached));
    }
}
