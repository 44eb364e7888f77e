//! What there is to say about the parts of a lab: a row each.

use crate::lesson::Show;

/// What there is to say about a part of the lab that is not a row of the metric catalogue.
pub(crate) struct About {
    /// Which.
    pub part: Show,
    /// Its title on the screen.
    pub title: &'static str,
    /// What it shows.
    pub meaning: &'static str,
    /// How it is measured.
    pub how: &'static str,
    /// How far off it can be.
    pub error: &'static str,
    /// A command that shows the same; `{pid}` stands for the server's process.
    pub check: &'static str,
    /// Whether it is about servers with a ring only.
    pub ring_only: bool,
}

/// One row for each part.
const PARTS: &[About] = &[
    About {
        part: Show::Metrics,
        title: "",
        meaning: "Each number is a row of the catalogue; choose one.",
        how: "See each number.",
        error: "See each number.",
        check: "cat /proc/{pid}/status",
        ring_only: false,
    },
    About {
        part: Show::Rings,
        title: "rings",
        meaning: "The two queues that program and kernel share. Head and tail only ever grow; the slot is the \
                  counter & mask. The program moves the SQ's tail and the CQ's head, the kernel the other two.",
        how: "A read-only mapping of the server's own ring (pidfd_getfd and mmap), sampled while it runs; the \
              histogram counts every sample since the run's zero.",
        error: "The counters are exact. Depths are samples: what came and went between two of them was not seen.",
        check: "grep -E 'Sq|Cq' /proc/{pid}/fdinfo/*",
        ring_only: true,
    },
    About {
        part: Show::Batches,
        title: "submissions in one io_uring_enter",
        meaning: "How many SQEs the kernel took in each io_uring_enter; 0 where the call only waited.",
        how: "The call's return value, seen in a window: by perf at full speed, else under ptrace.",
        error: "Exact inside the window. One under ptrace is slowed down: more requests wait, so batches can be larger \
                than in a free run. The mean batch in the table is of the free run.",
        check: "sudo strace -f -e trace=io_uring_enter -p {pid}",
        ring_only: true,
    },
    About {
        part: Show::Names,
        title: "system calls by name",
        meaning: "Which system calls were made: by a server for each request answered, by a trial in all.",
        how: "One counter a system call (perf-user), else a window: by perf at full speed, else under ptrace.",
        error: "perf-user: exact for the calls it has counters for; perf and ptrace: exact inside the window, which \
                ptrace slows down.",
        check: "sudo strace -f -c -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Story,
        title: "the last system calls in order",
        meaning: "What the server asked of the kernel and what came back, in plain words.",
        how: "A window: the kernel writes a record at each entry and exit (perf), else stops the server there (ptrace).",
        error: "Order and results are exact, but for records that were lost, which is said. Under ptrace times are not, \
                because stopping costs more than the call.",
        check: "sudo strace -f -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Interest,
        title: "interest list and ready list",
        meaning: "The descriptors that an epoll instance watches and for what; and those of them that are ready: a \
                  connection with bytes unread, a listener with connections waiting, or room to send where \
                  EPOLLOUT is asked for.",
        how: "Interest: /proc/PID/fdinfo/EPFD, twice a second. Ready is derived from the sockets' queues \
              (sock_diag), read right afterwards: the kernel shows its own list to nobody.",
        error: "Exact at the instant of the reading; a fast server has emptied its queues again by then, so often \
                none is ready. The order is not known. An edge-triggered entry may have been told already.",
        check: "grep tfd /proc/{pid}/fdinfo/*",
        ring_only: false,
    },
    About {
        part: Show::Lanes,
        title: "own code, kernel, waiting",
        meaning: "Each pair of corners is one crossing into the kernel and back. The upper lane is the program's \
                  own code, the lower one the kernel; dots are a thread that waits and uses no processor. \
                  Shown are the last turns of each server's one or two busiest threads; a turn goes from waking \
                  to waiting again, and begins in all lanes at the same column.",
        how: "A window: the kernel writes a record at each entry and exit (perf), else stops the server there (ptrace). \
              The number is the metric of the whole run; what makes it up by name is the window's.",
        error: "Order and number of the crossings are exact. Widths are no times: a call has its columns by its place in \
                the turn. Dots are drawn for a call that can wait and lasted over 1 ms, or inside of which a request was \
                sent; a short wait may have been none.",
        check: "sudo strace -f -r -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Receipt,
        title: "the receipt of one echo",
        meaning: "The calls that a server made for one request: from the wait that ended with it until it waited \
                  for the next. A call that served several requests counts with its share: (1 for 64).",
        how: "A window (perf, else ptrace), beside the client's own notes of when it sent and when it had the answer. Of \
              the last requests that are known whole, it is the middle one by crossings.",
        error: "Calls that name the connection are exact, and so is the share of a wait that says how many are \
                ready. What goes through a ring names no connection: its calls are shared evenly by the requests \
                answered in that turn, no more than its SQEs are enough for. A window under ptrace is slowed down: a \
                burst comes to pieces more easily than in a free run.",
        check: "sudo strace -f -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Switches,
        title: "map of context switches",
        meaning: "One column a thread, one row a stretch of time, the newest at the bottom. A bar: how often the \
                  thread gave its processor up because it had to wait; each step of the bar is twice the one \
                  before. After !: how often it was put aside although it could have gone on.",
        how: "voluntary_ctxt_switches and nonvoluntary_ctxt_switches in /proc/PID/task/TID/status, reading by \
              reading.",
        error: "The numbers are exact. A switch counts in the row in which it was read: one reading late, or several \
                where so many threads are read by turns.",
        check: "grep ctxt /proc/{pid}/task/*/status",
        ring_only: false,
    },
    About {
        part: Show::Cost,
        title: "cost of an echo by connections",
        meaning: "What an echo cost the server under each load that was tried in this run, processor time as a bar. \
                  Idle connections count: they are what is searched in vain.",
        how: "Processor time and system calls of the stretches of the run with one load, divided by their answers.",
        error: "The calls are as exact as the rung that counts them; processor time moves with whatever else the \
                machine does.",
        check: "cat /proc/{pid}/task/*/schedstat",
        ring_only: false,
    },
    About {
        part: Show::Poller,
        title: "who spins and who sleeps",
        meaning: "One cell a reading: how much of the time the thread was on a processor. An SQPOLL thread looks at \
                  the submission queue without rest until nothing has come for a while; then it sleeps, and the \
                  program must wake it. Put aside: it never went to sleep, but others wanted a processor too. A server \
                  that waits in the kernel is on none meanwhile.",
        how: "Processor time of each thread (schedstat) over the time between two readings; asleep: the flag \
              IORING_SQ_NEED_WAKEUP in the mapped ring.",
        error: "Time is exact over a few readings, in one of them off by some milliseconds; the flag is a sample.",
        check: "grep . /proc/{pid}/task/*/comm /proc/{pid}/task/*/schedstat",
        ring_only: false,
    },
    About {
        part: Show::Follow,
        title: "one request",
        meaning: "One request, from the client through the server's threads and the kernel and back: a row for each \
                  place, a number for each step. Every other picture shows what belongs to it.",
        how: "The client's notes of when it sent and when it had the answer; calls and entries of rings from a \
              window. They are linked by the connection's descriptor and by user_data.",
        error: "Order is exact; times are true in a window under perf and slowed down under ptrace. What is derived \
                says so, and so does what nobody has seen.",
        check: "sudo strace -f -r -p {pid}",
        ring_only: false,
    },
    About {
        part: Show::Insights,
        title: "",
        meaning: "Rules with cause, cost and fix that hold for this run.",
        how: "Computed from the numbers above.",
        error: "Each rule states what it saw.",
        check: "cat /proc/{pid}/status",
        ring_only: false,
    },
];

/// The row of a part.
pub(crate) fn about(part: Show) -> &'static About {
    PARTS.iter().find(|about| about.part == part).unwrap_or(&PARTS[0])
}
