//! Threads that the kernel adds to a process that uses io_uring, known by their names.

/// A kernel thread that works for a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helper {
    /// `iou-sqp-PID`: polls the submission queue (SQPOLL).
    Poller,
    /// `iou-wrk-PID`: carries out what would have to wait (io-wq).
    Worker,
}

impl Helper {
    /// The helper of that thread name; `None` for a thread of the program's own.
    pub fn of(comm: &str) -> Option<Self> {
        match comm {
            _ if comm.starts_with("iou-sqp") => Some(Self::Poller),
            _ if comm.starts_with("iou-wrk") => Some(Self::Worker),
            _ => None,
        }
    }

    /// The thread's name without the process id.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poller => "iou-sqp",
            Self::Worker => "iou-wrk",
        }
    }

    /// What it is, in two words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Poller => "kernel poller",
            Self::Worker => "kernel worker",
        }
    }
}
