//! Processes that go, and the end of the observation.

use super::ending::{self, Ended};
use super::member::Member;
use super::session::Session;
use super::tree;
use crate::probe::clock;
use crate::trace::{End, Note, Record};

impl Session {
    /// A process has ended; its last totals were read.
    pub(super) fn part(&mut self, at: usize) {
        let t_ns = self.t_ns();
        let is_child = at == 0 && self.child.is_some();
        let member = &mut self.members[at];
        let is_ours = self.child.is_some() && is_child_of_ours(member.pid);
        let ended = match &self.count {
            Some(count) if is_child => match count.end_of_program() {
                Some(status) => Ended::from(status),
                // The tracer has not heard of it yet: at the next look.
                None if !count.is_over() => return,
                None => Ended::Unknown,
            },
            None if is_child || is_ours => ending::collect(member.pid).unwrap_or(Ended::Unknown),
            _ => Ended::Unknown,
        };
        if is_child {
            self.ended = Some(ended);
        }
        // Counters of the first one hold those of all others: they are read to the end.
        let keeps_counting = member.program.counts_others > 0 || self.unseen.goes_on();
        let counters = member.counters.take().filter(|_| keeps_counting);
        let (run, pid) = (member.run, member.pid);
        member.end();
        member.counters = counters;
        self.tree.forget(pid);
        let end = match ended {
            Ended::Status(status) => End::Exited { status: Some(status), signal: None },
            Ended::Signal(signal) => End::Exited { status: None, signal: Some(signal) },
            Ended::Unknown => End::Exited { status: None, signal: None },
        };
        match &member.counters {
            Some(_) => member.end = Some(end),
            None => self.recorder.push(run, [(t_ns, Record::End { end })]),
        }
    }

    /// Of those that nobody looked at some have ended.
    pub(super) fn part_with_unseen(&mut self) {
        for pid in self.unseen.part() {
            self.collect_if_ours(pid);
            self.tree.forget(pid);
        }
    }

    /// Processes that ended earlier come to iolab when their parents end without having collected them.
    pub(super) fn collect_orphans(&self) {
        self.tree.over().for_each(|pid| self.collect_if_ours(pid));
    }

    /// A tracer that counts all calls takes all ends itself.
    fn collect_if_ours(&self, pid: u32) {
        if self.child.is_some() && self.count.is_none() && is_child_of_ours(pid) {
            let _ = ending::collect(pid);
        }
    }

    /// The last totals of all that go on, and the end of whatever iolab started.
    pub(super) fn leave(&mut self) {
        let t_ns = self.t_ns();
        self.read_count();
        for member in self.members.iter_mut().filter(|member| member.end.is_some()) {
            let totals = member.totals_after_end().map(Record::Process);
            let end = member.end.take().map(|end| Record::End { end });
            self.recorder.push(member.run, totals.into_iter().chain(end).map(|record| (t_ns, record)));
        }
        for member in self.members.iter_mut().filter(|member| !member.is_over) {
            member.look(true);
            let totals = member.totals(true, clock::thread_cpu_ns());
            let mut records = member.state();
            records.extend(member.what_it_is().map(Record::Program));
            records.push(Record::Process(totals));
            records.extend(member.untold());
            records.push(Record::End { end: End::Stopped });
            self.recorder.push(member.run, records.into_iter().map(|record| (t_ns, record)));
            member.end();
        }
        self.remark(t_ns);
        self.say(t_ns);
        if let Some(count) = self.count.take() {
            let counted = count.end();
            self.ended = counted.end.map(Ended::from).or(self.ended);
        }
        if self.child.is_some() {
            let ended = ending::kill_all();
            let first = self.members.first().map(|member| member.pid);
            let of_first = ended.into_iter().find(|(pid, _)| Some(*pid) == first);
            self.ended = self.ended.or(of_first.map(|(_, how)| how));
        }
    }

    /// Says what the numbers leave out.
    pub(super) fn remark(&self, t_ns: u64) {
        let Some(first) = self.members.first() else { return };
        let mut remarks = Vec::from_iter(self.unseen.remark());
        if let Some(count) = &self.count {
            let all = count.totals().iter().map(|row| row.syscalls.total).sum::<u64>();
            let told = self.members.iter().filter_map(|member| member.counted.as_ref());
            let rest = all.saturating_sub(told.map(|counted| counted.total).sum());
            if rest > 0 {
                remarks.push(format!(
                    "{rest} system calls of processes that are not told here are in none of the numbers"
                ));
            }
        }
        let found = self.members.iter().map(Member::rings_found).sum::<u64>();
        let made = self.members.iter().map(Member::ring_setups).sum::<u64>();
        if self.child.is_some() && made > found {
            remarks.push(format!(
                "io_uring_setup was called {made} times and {found} rings were seen: the others were refused, or closed \
                 between two looks, and what went through them is not in these numbers"
            ));
        }
        let remarks = remarks.into_iter().map(|says| (t_ns, Record::Note(Note::Remark { says })));
        self.recorder.push(first.run, remarks);
    }
}

fn is_child_of_ours(pid: u32) -> bool {
    tree::parent(pid) == Some(std::process::id())
}
