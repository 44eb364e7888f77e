//! The catalogue of metrics: every number on a screen, in a document or in a grade is one of these rows.
//!
//! To add one: a variant of [`MetricId`], a row of [`METRICS`], an arm of `server_metric::of` or `trial_metric::of`.

use serde::{Deserialize, Serialize};

use super::{Deltas, Measured, ServerView, process_metric, server_metric, trial_metric};

/// A metric's name in code; its kebab of underscores is its name in JSON and in lessons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is explained by its row in METRICS")]
pub enum MetricId {
    SyscallsPerRequest,
    VoluntarySwitchesPerRequest,
    InvoluntarySwitchesPerRequest,
    CpuNsPerRequest,
    UserNsPerRequest,
    KernelNsPerRequest,
    SqesPerRequest,
    CqesPerRequest,
    SqesPerEnter,
    CqeContentsSeen,
    VoluntarySwitchesPerSyscall,
    RequestsPerSecond,
    LatencyP50Ns,
    LatencyP99Ns,
    Syscalls,
    VoluntarySwitches,
    InvoluntarySwitches,
    CpuNs,
    SyscallsPerSecond,
    VoluntarySwitchesPerSecond,
    InvoluntarySwitchesPerSecond,
    CpuShare,
    Sqes,
    Cqes,
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Which.
    pub id: MetricId,
    /// Its name in JSON and in lessons.
    pub key: &'static str,
    /// Its name on a screen, short.
    pub label: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// How it is measured.
    pub how: &'static str,
    /// How far off it can be.
    pub error: &'static str,
    /// A command that shows the same from outside; `{pid}` stands for the server's process, `{name}` for a
    /// trial's name.
    pub check: &'static str,
}

/// Every metric there is.
pub const METRICS: &[Metric] = &[
    Metric {
        id: MetricId::SyscallsPerRequest,
        key: "syscalls_per_request",
        label: "syscalls",
        unit: "per echo",
        meaning: "How often the server entered the kernel by a system call, for each request answered. All its \
                  threads count.",
        how: "perf counts the tracepoint raw_syscalls:sys_enter over the whole process; without the privilege, one \
              counter a system call by name (perf-user); without that, a window under ptrace that counts every \
              stop. The sum is divided by the answers that the client has checked.",
        error: "perf: exact; perf-user: exact for the calls it has counters for; ptrace: exact for the calls of the \
                window, which is slowed down and may batch more than a free run, and has few requests at a slow pace.",
        check: "sudo perf stat -e raw_syscalls:sys_enter -p {pid} -- sleep 1",
    },
    Metric {
        id: MetricId::VoluntarySwitchesPerRequest,
        key: "voluntary_switches_per_request",
        label: "voluntary switches",
        unit: "per echo",
        meaning: "How often a thread of the server gave its processor up because it had to wait. A system call \
                  that does not wait causes none.",
        how: "voluntary_ctxt_switches in /proc/PID/task/TID/status, all threads, kernel helpers of the process \
              among them.",
        error: "exact",
        check: "grep ctxt /proc/{pid}/task/*/status",
    },
    Metric {
        id: MetricId::InvoluntarySwitchesPerRequest,
        key: "involuntary_switches_per_request",
        label: "involuntary switches",
        unit: "per echo",
        meaning: "How often a thread of the server was put aside although it could have gone on: another thread \
                  wanted the processor.",
        how: "nonvoluntary_ctxt_switches in /proc/PID/task/TID/status, all threads.",
        error: "exact; says more about the machine's load than about the server",
        check: "grep ctxt /proc/{pid}/task/*/status",
    },
    Metric {
        id: MetricId::CpuNsPerRequest,
        key: "cpu_ns_per_request",
        label: "CPU",
        unit: "ns per echo",
        meaning: "Processor time that the server's process used for each request, in its own code and in the \
                  kernel on its behalf. An SQPOLL thread counts, whether it works or only looks.",
        how: "first field of /proc/PID/task/TID/schedstat, all threads.",
        error: "exact, but a neighbour on the same core makes every nanosecond do less",
        check: "cat /proc/{pid}/task/*/schedstat",
    },
    Metric {
        id: MetricId::UserNsPerRequest,
        key: "user_ns_per_request",
        label: "user CPU",
        unit: "ns per echo",
        meaning: "The part of the processor time spent in the server's own code.",
        how: "the total of schedstat, divided in the ratio of utime and stime in /proc/PID/stat.",
        error: "a sample: the timer interrupt looks who runs, 100 to 1000 times a second; /proc shows it in units of \
                10 ms, so it is not shown below 20 of them, and some per cent off after a second",
        check: "cut -d' ' -f14,15 /proc/{pid}/stat",
    },
    Metric {
        id: MetricId::KernelNsPerRequest,
        key: "kernel_ns_per_request",
        label: "kernel CPU",
        unit: "ns per echo",
        meaning: "The part of the processor time spent in the kernel on the server's behalf. For an echo over \
                  TCP it is nearly all of it.",
        how: "the total of schedstat, divided in the ratio of utime and stime in /proc/PID/stat.",
        error: "a sample: the timer interrupt looks who runs, 100 to 1000 times a second; /proc shows it in units of \
                10 ms, so it is not shown below 20 of them, and some per cent off after a second",
        check: "cut -d' ' -f14,15 /proc/{pid}/stat",
    },
    Metric {
        id: MetricId::SqesPerRequest,
        key: "sqes_per_request",
        label: "SQEs",
        unit: "per echo",
        meaning: "Submission queue entries that the server published for each request.",
        how: "how far the submission ring's free-running tail moved, read in a read-only mapping of the server's \
              own ring (pidfd_getfd and mmap).",
        error: "exact",
        check: "grep Sq /proc/{pid}/fdinfo/*",
    },
    Metric {
        id: MetricId::CqesPerRequest,
        key: "cqes_per_request",
        label: "CQEs",
        unit: "per echo",
        meaning: "Completion queue entries that the kernel published for each request.",
        how: "how far the completion ring's free-running tail moved, read in a read-only mapping of the server's \
              own ring.",
        error: "exact",
        check: "grep Cq /proc/{pid}/fdinfo/*",
    },
    Metric {
        id: MetricId::SqesPerEnter,
        key: "sqes_per_enter",
        label: "mean batch",
        unit: "SQEs per system call",
        meaning: "How many submissions travel in one system call on average. 1 is a ring used like a system \
                  call.",
        how: "SQEs published (ring), divided by the system calls of the same time (perf or perf-user): a server of \
              this kind makes no other calls than io_uring_enter. Under ptrace, what the calls said they took.",
        error: "a call that only waits counts as a batch of 0",
        check: "sudo strace -f -e trace=io_uring_enter -p {pid}",
    },
    Metric {
        id: MetricId::CqeContentsSeen,
        key: "cqe_contents_seen",
        label: "CQE contents seen",
        unit: "%",
        meaning: "Of the completions that passed through the ring, the share whose contents (user_data, result, \
                  flags) were read from outside before their slot was written again. Below 100 something was told \
                  by its count alone.",
        how: "the mirror of the ring, with --probe ring: whenever the free-running tail has moved, the slots that are \
              new are copied out of a read-only mapping, and tail and head are read once more. An entry that still \
              waits then, or around which the queue cannot have come, was whole.",
        error: "what cannot be told for certain counts as not seen; the tail itself misses nothing",
        check: "sudo perf stat -e io_uring:io_uring_complete -p {pid} -- sleep 1",
    },
    Metric {
        id: MetricId::VoluntarySwitchesPerSyscall,
        key: "voluntary_switches_per_syscall",
        label: "switches",
        unit: "per call",
        meaning: "How many voluntary context switches the server makes for each of its system calls. A call that need \
                  not wait makes none; one at whose edges a tracer stops the server makes 2.",
        how: "voluntary switches of all threads (proc), divided by the system calls of the same time (perf or \
              perf-user; of a traced server without them, the entries that its tracer saw).",
        error: "exact; the waits of the server itself are in it",
        check: "sudo perf stat -e context-switches,raw_syscalls:sys_enter -p {pid} -- sleep 1",
    },
    Metric {
        id: MetricId::RequestsPerSecond,
        key: "requests_per_second",
        label: "echoes",
        unit: "per second",
        meaning: "Requests answered a second, every byte checked. Paced loads answer what they are asked; only a \
                  closed loop shows a limit, and that of the slower of server and client.",
        how: "counted by the client.",
        error: "moves with everything else that runs on the machine: compare servers of one run only",
        check: "",
    },
    Metric {
        id: MetricId::LatencyP50Ns,
        key: "latency_p50_ns",
        label: "latency p50",
        unit: "ns",
        meaning: "Half of the requests were answered within this time.",
        how: "the client's clock, from the time a request was due to its last byte (so a stall counts for all \
              that were due in it), in a histogram of 2 significant digits.",
        error: "1 %; the client's own waiting for a processor is part of it",
        check: "",
    },
    Metric {
        id: MetricId::LatencyP99Ns,
        key: "latency_p99_ns",
        label: "latency p99",
        unit: "ns",
        meaning: "99 of 100 requests were answered within this time.",
        how: "as latency p50.",
        error: "1 %; the client's own waiting for a processor is part of it",
        check: "",
    },
    Metric {
        id: MetricId::Syscalls,
        key: "syscalls",
        label: "syscalls",
        unit: "in all",
        meaning: "How often the trial entered the kernel by a system call, from its first line to its last. All its \
                  threads count.",
        how: "perf counts the tracepoint raw_syscalls:sys_enter over the whole process, read while the trial waits \
              before its first line and after its last; without the privilege, one counter a system call by name \
              (perf-user); without that, a run under ptrace, if it was told whole.",
        error: "exact; strace counts the start of the program as well",
        check: "strace -f -c iolab trial {name}",
    },
    Metric {
        id: MetricId::VoluntarySwitches,
        key: "voluntary_switches",
        label: "voluntary switches",
        unit: "in all",
        meaning: "How often a thread of the trial gave its processor up because it had to wait.",
        how: "voluntary_ctxt_switches in /proc/PID/task/TID/status, all threads, before the trial's first line and \
              after its last.",
        error: "exact for threads that live to the end; of one that ended before, what was read last counts",
        check: "sudo perf stat -e context-switches iolab trial {name}",
    },
    Metric {
        id: MetricId::InvoluntarySwitches,
        key: "involuntary_switches",
        label: "involuntary switches",
        unit: "in all",
        meaning: "How often a thread of the trial was put aside although it could have gone on: another thread \
                  wanted the processor.",
        how: "nonvoluntary_ctxt_switches in /proc/PID/task/TID/status, all threads.",
        error: "as for voluntary switches; says more about the machine's load than about the trial",
        check: "sudo perf stat -e context-switches iolab trial {name}",
    },
    Metric {
        id: MetricId::CpuNs,
        key: "cpu_ns",
        label: "CPU",
        unit: "ns in all",
        meaning: "Processor time that the trial used, in its own code and in the kernel on its behalf.",
        how: "first field of /proc/PID/task/TID/schedstat, all threads, before the trial's first line and after its \
              last.",
        error: "as for switches; the two calls by which it waits for the lab are in it, a few microseconds",
        check: "sudo perf stat -e task-clock iolab trial {name}",
    },
    Metric {
        id: MetricId::SyscallsPerSecond,
        key: "syscalls_per_second",
        label: "syscalls",
        unit: "per second",
        meaning: "How often the process entered the kernel by a system call, in the mean over the time that it was \
                  looked at. All its threads count, and those of processes that are counted with it.",
        how: "the counters of syscalls in all, divided by the time between the first reading and the last.",
        error: "perf: exact; perf-user: the calls it has counters for; a mean says nothing of bursts",
        check: "sudo perf stat -e raw_syscalls:sys_enter -p {pid} -- sleep 1",
    },
    Metric {
        id: MetricId::VoluntarySwitchesPerSecond,
        key: "voluntary_switches_per_second",
        label: "voluntary switches",
        unit: "per second",
        meaning: "How often a second a thread of the process gave its processor up because it had to wait.",
        how: "voluntary_ctxt_switches in /proc/PID/task/TID/status, all threads, divided by the time.",
        error: "exact for threads that live; of one that ended, what was read last counts",
        check: "grep ctxt /proc/{pid}/task/*/status",
    },
    Metric {
        id: MetricId::InvoluntarySwitchesPerSecond,
        key: "involuntary_switches_per_second",
        label: "involuntary switches",
        unit: "per second",
        meaning: "How often a second a thread of the process was put aside although it could have gone on.",
        how: "nonvoluntary_ctxt_switches in /proc/PID/task/TID/status, all threads, divided by the time.",
        error: "as for voluntary switches; says more about the machine's load than about the program",
        check: "grep ctxt /proc/{pid}/task/*/status",
    },
    Metric {
        id: MetricId::CpuShare,
        key: "cpu_share",
        label: "CPU",
        unit: "% of one processor",
        meaning: "How much of one processor's time the process used, in its own code and in the kernel on its behalf; \
                  several threads can use more than one.",
        how: "first field of /proc/PID/task/TID/schedstat, all threads, divided by the time.",
        error: "exact for threads that live; of one that ended, what was read last counts",
        check: "top -p {pid}",
    },
    Metric {
        id: MetricId::Sqes,
        key: "sqes",
        label: "SQEs",
        unit: "in all",
        meaning: "Submission queue entries that the process published in its rings, closed ones among them.",
        how: "how far the submission rings' free-running tails moved, read in a read-only mapping that outlives the \
              program's own.",
        error: "exact; a ring that came and went between two looks is missing, and that is said",
        check: "grep Sq /proc/{pid}/fdinfo/*",
    },
    Metric {
        id: MetricId::Cqes,
        key: "cqes",
        label: "CQEs",
        unit: "in all",
        meaning: "Completion queue entries that the kernel published in the rings of the process.",
        how: "how far the completion rings' free-running tails moved, read likewise.",
        error: "as for SQEs",
        check: "grep Cq /proc/{pid}/fdinfo/*",
    },
];

impl MetricId {
    /// Its row.
    pub fn row(self) -> &'static Metric {
        METRICS.iter().find(|metric| metric.id == self).unwrap_or(&METRICS[0])
    }

    /// The metric of that name.
    pub fn by_key(key: &str) -> Option<Self> {
        METRICS.iter().find(|metric| metric.key == key).map(|metric| metric.id)
    }

    /// Its value for a server over the given deltas; `None` where it does not apply.
    pub fn of(self, view: &ServerView<'_>, deltas: &Deltas) -> Option<Measured> {
        let measured = self.measured(view, deltas)?;
        // What kept the server from running is the reason for everything that is missing.
        let trouble = view.troubles().next().filter(|_| measured.value().is_none() && deltas.requests == 0);
        Some(trouble.map_or(measured, |end| Measured::unknown(end.to_string())))
    }

    /// Whether it is a total of a trial's whole run; the others are about servers and their clients.
    pub fn is_of_trials(self) -> bool {
        matches!(self, Self::Syscalls | Self::VoluntarySwitches | Self::InvoluntarySwitches | Self::CpuNs)
    }

    /// Whether it is about observed processes alone.
    pub fn is_of_processes(self) -> bool {
        matches!(
            self,
            Self::SyscallsPerSecond
                | Self::VoluntarySwitchesPerSecond
                | Self::InvoluntarySwitchesPerSecond
                | Self::CpuShare
                | Self::Sqes
                | Self::Cqes
        )
    }

    fn measured(self, view: &ServerView<'_>, deltas: &Deltas) -> Option<Measured> {
        match (view.tells_totals(), self.is_of_trials()) {
            (true, true) => Some(trial_metric::of(self, view, deltas)),
            _ if self.is_of_processes() => {
                view.is_observed().then(|| process_metric::of(self, view, deltas)).flatten()
            }
            (false, false) => server_metric::of(self, view, deltas),
            _ => None,
        }
    }
}
