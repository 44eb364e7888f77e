//! What the kernel says about a server's process, and the ways to disturb one.

// prlimit and pidfd_getfd have no safe wrapper.
#![allow(unsafe_code)]

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::harness::{self, Server};

impl Server {
    /// How many connections it has: established ones at its end, by /proc/PID/net/tcp, accepted or not.
    pub fn connections(&self) -> usize {
        let port = format!(":{:04X}", self.address.port());
        let table = fs::read_to_string(format!("/proc/{}/net/tcp", self.pid())).unwrap();
        let established_or_closing = ["01", "08"];
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.filter(|row| row[1].ends_with(&port) && established_or_closing.contains(&row[3])).count()
    }

    /// Waits until it has that many.
    pub fn wait_for_connections(&self, number: usize) {
        harness::until("the connections are as many as expected", || self.connections() == number);
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        self.descriptor_numbers().len()
    }

    /// Which descriptors it has open.
    pub fn descriptor_numbers(&self) -> Vec<i32> {
        let names = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
    }

    /// How many threads it has, those of the kernel's io_uring workers left out.
    pub fn threads(&self) -> usize {
        self.tasks().len()
    }

    /// The interest list of its one epoll descriptor: descriptor and events, the listening socket left out.
    pub fn interest_list(&self) -> Vec<(i32, u32)> {
        let directory = format!("/proc/{}/fdinfo", self.pid());
        let infos =
            fs::read_dir(directory).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let set = infos.into_iter().find(|info| info.contains("tfd:")).unwrap();
        let rows = set.lines().filter(|line| line.starts_with("tfd:"));
        let list = rows.map(|row| {
            let words: Vec<&str> = row.split_whitespace().collect();
            (words[1].parse().unwrap(), u32::from_str_radix(words[3], 16).unwrap())
        });
        list.filter(|(fd, _)| *fd != 3).collect()
    }

    /// A copy of its descriptor (pidfd_getfd(2)), to ask the kernel about.
    pub fn copy_descriptor(&self, fd: i32) -> OwnedFd {
        // SAFETY: both calls take numbers alone, and each descriptor that they make is owned at once.
        unsafe {
            let pidfd = libc::syscall(libc::SYS_pidfd_open, self.pid().as_raw(), 0);
            let pidfd = OwnedFd::from_raw_fd(Errno::result(pidfd).unwrap() as i32);
            let copy = libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0);
            OwnedFd::from_raw_fd(Errno::result(copy).unwrap() as i32)
        }
    }

    /// The most descriptors it may have from now on (prlimit(2)).
    pub fn limit_descriptors(&self, number: u64) {
        let limit = libc::rlimit { rlim_cur: number, rlim_max: number };
        // SAFETY: the new limit is only read, and an old one is not asked for.
        let result =
            unsafe { libc::prlimit(self.pid().as_raw(), libc::RLIMIT_NOFILE, &limit, std::ptr::null_mut()) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }

    /// Stops the process and lets it go on; a wait that it slept in answers EINTR (signal(7)).
    pub fn stop_and_continue(&self) {
        kill(self.pid(), Signal::SIGSTOP).unwrap();
        let stopped = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(stopped, WaitStatus::Stopped(_, Signal::SIGSTOP)), "{stopped:?}");
        kill(self.pid(), Signal::SIGCONT).unwrap();
        let continued = waitpid(self.pid(), Some(WaitPidFlag::WCONTINUED)).unwrap();
        assert!(matches!(continued, WaitStatus::Continued(_)), "{continued:?}");
    }

    /// Attaches as a tracer and lets go at once, which interrupts a wait too.
    pub fn interrupt_by_tracer(&self) {
        ptrace::seize(self.pid(), ptrace::Options::empty()).unwrap();
        ptrace::interrupt(self.pid()).unwrap();
        let stopped = waitpid(self.pid(), None).unwrap();
        assert!(matches!(stopped, WaitStatus::PtraceEvent(..)), "{stopped:?}");
        ptrace::detach(self.pid(), None).unwrap();
    }

    /// Expects it to sleep: almost no processor time and almost no wake-ups while nothing happens. A server
    /// that spins takes all of the time it is given.
    pub fn assert_asleep(&self) {
        const PAUSE_MS: u16 = 200;
        // What has been begun is finished first.
        harness::until("every thread sleeps", || self.tasks().iter().all(|task| task.asleep));
        let before = self.tasks();
        harness::pause(PAUSE_MS);
        let after = self.tasks();
        let total = |tasks: &[Task], of: fn(&Task) -> u64| tasks.iter().map(of).sum::<u64>();
        let wake_ups = total(&after, |t| t.wake_ups) - total(&before, |t| t.wake_ups);
        let ran_ns = total(&after, |t| t.ran_ns) - total(&before, |t| t.ran_ns);
        assert!(wake_ups <= 10, "{wake_ups} wake-ups in {PAUSE_MS} ms of nothing");
        assert!(ran_ns <= 20_000_000, "{ran_ns} ns on a processor in {PAUSE_MS} ms of nothing");
    }

    /// Waits until it has used so much more processor time, whatever it did with it.
    pub fn until_it_has_run(&self, more_ns: u64) {
        let ran_ns = || self.tasks().iter().map(|task| task.ran_ns).sum::<u64>();
        let before_ns = ran_ns();
        harness::until("it has run for so long", || ran_ns() >= before_ns + more_ns);
    }

    fn tasks(&self) -> Vec<Task> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        // A thread may end while the directory is read.
        tasks.filter_map(|entry| Task::read(&entry.unwrap().path())).collect()
    }
}

/// One thread, as /proc has it.
struct Task {
    asleep: bool,
    /// Time on a processor and number of times that it got one (schedstat, sched-stats.rst).
    ran_ns: u64,
    wake_ups: u64,
}

impl Task {
    fn read(directory: &std::path::Path) -> Option<Self> {
        let read = |file| fs::read_to_string(directory.join(file)).ok();
        if read("comm")?.starts_with("iou-") {
            return None;
        }
        let schedstat = read("schedstat")?;
        let mut numbers = schedstat.split_whitespace().map(|word| word.parse().unwrap());
        let (ran_ns, _waited_ns, wake_ups) = (numbers.next()?, numbers.next()?, numbers.next()?);
        // "pid (comm) S …"; comm may hold anything, so the state is what follows the last parenthesis.
        let stat = read("stat")?;
        let asleep = stat.rsplit_once(") ")?.1.starts_with('S');
        Some(Self { asleep, ran_ns, wake_ups })
    }
}
