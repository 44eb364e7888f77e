//! A stretch of a run in real time: what each thread did, which requests were under way, which entries came and
//! went. Read from the records themselves, found by their times: a stretch costs what lies in it and no more.

use std::collections::BTreeMap;

use super::turns::seems_to_wait;
use crate::trace::{Record, Run, Rung, Story};

/// Records before a stretch that tell in what each thread was when it began.
const BEFORE: usize = 2_048;

/// Records of a stretch that are read one by one. Of a longer one, each cell is read as far as its share of these
/// goes.
const READ_MAX: usize = 16_384;

/// A stretch of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline<'t> {
    /// Where it begins and ends, nanoseconds since the run's zero.
    pub span_ns: (u64, u64),
    /// Its threads, in the order in which they were first seen.
    pub threads: Vec<Thread<'t>>,
    /// Requests that were under way in it, in the order they were sent.
    pub flights: Vec<Flight>,
    /// Entries of rings, in order.
    pub entries: Vec<Entry>,
    /// Whether it tells when threads had a processor. Without that, a call that can wait and took long is drawn as
    /// waiting.
    pub knows_processors: bool,
    /// Who told, where the story of this stretch is closed: [`Rung::Perf`] tells true times, [`Rung::Ptrace`] slows
    /// everything down.
    pub rung: Option<Rung>,
    /// Records that were lost in the windows that it touches.
    pub lost: u64,
    /// Whether so much lies in it that only a part of each cell was read.
    pub sampled: bool,
}

/// One thread in a stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread<'t> {
    /// Its id.
    pub tid: u32,
    /// What it did, in order, without holes.
    pub spans: Vec<Span<'t>>,
}

/// What a thread did for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<'t> {
    /// From here on, nanoseconds since the run's zero.
    pub from_ns: u64,
    /// Until here.
    pub to_ns: u64,
    /// What.
    pub doing: Doing<'t>,
}

/// What a thread can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doing<'t> {
    /// Its program's own code.
    User,
    /// It works in the kernel; for a call, or for nobody in particular, as the kernel's own threads do.
    Kernel(Option<Asked<'t>>),
    /// It waits and uses no processor.
    Waits(Option<Asked<'t>>),
    /// It could go on but others have its processor.
    PutAside,
    /// Nothing was seen of it.
    NotKnown,
}

/// A system call as its entry tells it, and its end if that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked<'t> {
    /// When it was entered, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// Its name.
    pub name: &'t str,
    /// Its arguments.
    pub args: &'t [u64; 6],
    /// When it came back and with what.
    pub back: Option<(u64, i64)>,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The client's port.
    pub port: u16,
    /// Which request of this connection, from 0.
    pub ordinal: u64,
    /// When it was sent, nanoseconds since the run's zero; `None`: before what was read.
    pub sent_ns: Option<u64>,
    /// When it was answered; `None`: after the stretch, or never.
    pub answered_ns: Option<u64>,
}

/// An entry of a ring at the time at which it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// Its name.
    pub user_data: u64,
    /// A submission's descriptor; `None`: it is a completion.
    pub fd: Option<i32>,
}

impl<'t> Timeline<'t> {
    /// The stretch of a run, as a picture of so many cells needs it. `is_helper`: the thread of that id is the
    /// kernel's own and never in user code.
    pub fn of(
        run: &'t Run,
        (from_ns, to_ns): (u64, u64),
        cells: usize,
        is_helper: impl Fn(u32) -> bool,
    ) -> Self {
        let begin = run.records.partition_point(|(t_ns, _)| *t_ns < from_ns);
        let end = run.records.partition_point(|(t_ns, _)| *t_ns <= to_ns);
        let mut reader = Reader::new(from_ns, to_ns, is_helper);
        let warm = begin.saturating_sub(BEFORE);
        run.records[warm..begin].iter().for_each(|(t_ns, record)| reader.read(*t_ns, record));
        let sampled = end.saturating_sub(begin) > READ_MAX;
        if sampled {
            reader.sample(run, (from_ns, to_ns), cells.max(1));
        } else {
            run.records[begin..end].iter().for_each(|(t_ns, record)| reader.read(*t_ns, record));
        }
        let mut timeline = reader.done();
        timeline.sampled = sampled;
        timeline.frame(run);
        timeline
    }

    /// Who told, and what was lost.
    fn frame(&mut self, run: &Run) {
        let (from_ns, to_ns) = self.span_ns;
        for (closed_ns, record) in run.landmarks() {
            let Record::Window { duration_ns, window } = record else { continue };
            if *closed_ns >= from_ns && closed_ns.saturating_sub(*duration_ns) <= to_ns {
                self.rung = Some(window.rung);
                self.lost = self.lost.saturating_add(window.lost);
            }
        }
    }

    /// Whether nothing was told of it.
    pub fn is_silent(&self) -> bool {
        self.threads.is_empty() && self.flights.is_empty() && self.entries.is_empty()
    }
}

/// Where a thread is, while records are read.
#[derive(Clone, Copy)]
struct Place<'t> {
    since_ns: u64,
    call: Option<Asked<'t>>,
    /// Whether its calls are followed: the story has shown one of them.
    is_followed: bool,
    /// Whether it has a processor; and if it has not, whether it was put aside.
    processor: Option<Result<(), bool>>,
}

struct Reader<'t, H> {
    from_ns: u64,
    to_ns: u64,
    is_helper: H,
    order: Vec<u32>,
    places: BTreeMap<u32, Place<'t>>,
    spans: BTreeMap<u32, Vec<Span<'t>>>,
    flights: Vec<Flight>,
    entries: Vec<Entry>,
    knows_processors: bool,
}

impl<'t, H: Fn(u32) -> bool> Reader<'t, H> {
    fn new(from_ns: u64, to_ns: u64, is_helper: H) -> Self {
        Self {
            from_ns,
            to_ns,
            is_helper,
            order: Vec::new(),
            places: BTreeMap::new(),
            spans: BTreeMap::new(),
            flights: Vec::new(),
            entries: Vec::new(),
            knows_processors: false,
        }
    }

    /// Reads the beginning of each cell; what its records leave open is not known up to the next one.
    fn sample(&mut self, run: &'t Run, (from_ns, to_ns): (u64, u64), cells: usize) {
        let each = (READ_MAX / cells).max(8);
        let width_ns = (to_ns - from_ns) / cells as u64;
        for cell in 0..cells as u64 {
            let at_ns = from_ns + cell * width_ns;
            let begin = run.records.partition_point(|(t_ns, _)| *t_ns < at_ns);
            let until = run.records.partition_point(|(t_ns, _)| *t_ns < at_ns + width_ns);
            let some = &run.records[begin..until.min(begin + each)];
            some.iter().for_each(|(t_ns, record)| self.read(*t_ns, record));
            if let Some((last_ns, _)) = some.last().filter(|_| until > begin + each) {
                self.forget(*last_ns);
            }
        }
    }

    /// What follows was not read.
    fn forget(&mut self, at_ns: u64) {
        let tids: Vec<u32> = self.places.keys().copied().collect();
        for tid in tids {
            self.move_on(tid, at_ns, |place| {
                *place = Place { call: None, is_followed: false, processor: None, ..*place };
            });
        }
    }

    fn read(&mut self, t_ns: u64, record: &'t Record) {
        let Record::Story(story) = record else {
            return;
        };
        match story {
            Story::Enter { tid, name, args } => self.move_on(*tid, t_ns, |place| {
                place.call = Some(Asked { t_ns, name, args, back: None });
                place.is_followed = true;
            }),
            Story::Exit { tid, result, .. } => {
                self.came_back(*tid, t_ns, *result);
                self.move_on(*tid, t_ns, |place| (place.call, place.is_followed) = (None, true));
            }
            Story::On { tid, .. } => self.schedule(*tid, t_ns, Ok(())),
            Story::Off { tid, preempted, .. } => self.schedule(*tid, t_ns, Err(*preempted)),
            Story::Sqe { fd, user_data, .. } => self.see(t_ns, *user_data, Some(*fd)),
            Story::Cqe { user_data, .. } => self.see(t_ns, *user_data, None),
            Story::Sent { port, ordinal } => {
                let (port, ordinal) = (*port, *ordinal);
                self.flights.push(Flight { port, ordinal, sent_ns: Some(t_ns), answered_ns: None });
            }
            Story::Answered { port, ordinal } => self.answered(t_ns, *port, *ordinal),
            Story::Thinned { .. } | Story::Work { .. } => {}
        }
    }

    fn schedule(&mut self, tid: u32, t_ns: u64, processor: Result<(), bool>) {
        self.knows_processors = true;
        self.move_on(tid, t_ns, |place| place.processor = Some(processor));
    }

    fn see(&mut self, t_ns: u64, user_data: u64, fd: Option<i32>) {
        if t_ns >= self.from_ns {
            self.entries.push(Entry { t_ns, user_data, fd });
        }
    }

    fn answered(&mut self, t_ns: u64, port: u16, ordinal: u64) {
        let is_it = |flight: &&mut Flight| (flight.port, flight.ordinal) == (port, ordinal);
        match self.flights.iter_mut().rev().find(is_it) {
            Some(flight) => flight.answered_ns = Some(t_ns),
            None => self.flights.push(Flight { port, ordinal, sent_ns: None, answered_ns: Some(t_ns) }),
        }
    }

    /// A call's end is told to the stretches that it was drawn in, and whether it waited is known only now.
    fn came_back(&mut self, tid: u32, t_ns: u64, result: i64) {
        let Some(place) = self.places.get_mut(&tid) else { return };
        if let Some(call) = &mut place.call {
            call.back = Some((t_ns, result));
            let (entered_ns, back) = (call.t_ns, call.back);
            for span in self.spans.get_mut(&tid).into_iter().flatten().rev() {
                match &mut span.doing {
                    Doing::Kernel(Some(asked)) | Doing::Waits(Some(asked)) if asked.t_ns == entered_ns => {
                        asked.back = back;
                    }
                    _ if span.to_ns < entered_ns => break,
                    _ => {}
                }
            }
        }
    }

    /// Closes what a thread did until now, and changes its place.
    fn move_on(&mut self, tid: u32, t_ns: u64, change: impl FnOnce(&mut Place<'t>)) {
        let unseen = Place { since_ns: self.from_ns, call: None, is_followed: false, processor: None };
        let place = match self.places.get_mut(&tid) {
            Some(place) => place,
            None => {
                self.order.push(tid);
                self.places.entry(tid).or_insert(unseen)
            }
        };
        let before = *place;
        change(place);
        place.since_ns = t_ns;
        self.close(tid, before, t_ns);
    }

    fn close(&mut self, tid: u32, place: Place<'t>, until_ns: u64) {
        let from_ns = place.since_ns.max(self.from_ns);
        let to_ns = until_ns.min(self.to_ns);
        if to_ns > from_ns {
            let doing = self.doing(tid, &place);
            let spans = self.spans.entry(tid).or_default();
            match spans.last_mut().filter(|last| last.doing == doing && last.to_ns == from_ns) {
                Some(last) => last.to_ns = to_ns,
                None => spans.push(Span { from_ns, to_ns, doing }),
            }
        }
    }

    fn doing(&self, tid: u32, place: &Place<'t>) -> Doing<'t> {
        match (place.processor, place.call) {
            (Some(Err(true)), _) => Doing::PutAside,
            (Some(Err(false)), call) => Doing::Waits(call),
            (Some(Ok(())), Some(call)) => Doing::Kernel(Some(call)),
            (Some(Ok(())), None) if (self.is_helper)(tid) => Doing::Kernel(None),
            (Some(Ok(())), None) => Doing::User,
            (None, Some(call)) => {
                let lasted_ns = call.back.map(|(back_ns, _)| back_ns.saturating_sub(call.t_ns));
                // Of one that is not back it is known how long it has taken so far.
                let so_far_ns = lasted_ns.unwrap_or_else(|| self.to_ns.saturating_sub(call.t_ns));
                match seems_to_wait(call.name, call.args, Some(so_far_ns)) {
                    true => Doing::Waits(Some(call)),
                    false => Doing::Kernel(Some(call)),
                }
            }
            (None, None) if place.is_followed => Doing::User,
            (None, None) => Doing::NotKnown,
        }
    }

    fn done(mut self) -> Timeline<'t> {
        let last: Vec<_> = self.places.iter().map(|(tid, place)| (*tid, *place)).collect();
        for (tid, place) in last {
            self.close(tid, place, self.to_ns);
        }
        let (from_ns, to_ns) = (self.from_ns, self.to_ns);
        let mut spans = self.spans;
        let thread = |tid: &u32| Some(Thread { tid: *tid, spans: spans.remove(tid)? });
        let threads = self.order.iter().filter_map(thread).collect();
        let touches = |flight: &Flight| {
            flight.sent_ns.is_none_or(|sent_ns| sent_ns <= to_ns)
                && flight.answered_ns.is_none_or(|answered_ns| answered_ns >= from_ns)
        };
        let flights = self.flights.into_iter().filter(touches).collect();
        Timeline {
            span_ns: (from_ns, to_ns),
            threads,
            flights,
            entries: self.entries,
            knows_processors: self.knows_processors,
            ..Timeline::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spot::tests::{sent, trace_of};
    use super::*;

    fn enter(name: &str, args: [u64; 6]) -> Record {
        Record::Story(Story::Enter { tid: 7, name: name.into(), args })
    }

    fn exit(name: &str, result: i64) -> Record {
        Record::Story(Story::Exit { tid: 7, name: name.into(), result })
    }

    fn on(tid: u32) -> Record {
        Record::Story(Story::On { tid, cpu: 0 })
    }

    fn off(tid: u32, preempted: bool) -> Record {
        Record::Story(Story::Off { tid, cpu: 0, preempted })
    }

    fn shape(thread: &Thread<'_>) -> Vec<(u64, u64, &'static str)> {
        let word = |doing: &Doing<'_>| match doing {
            Doing::User => "user",
            Doing::Kernel(_) => "kernel",
            Doing::Waits(_) => "waits",
            Doing::PutAside => "aside",
            Doing::NotKnown => "?",
        };
        thread.spans.iter().map(|span| (span.from_ns, span.to_ns, word(&span.doing))).collect()
    }

    #[test]
    fn processors_tell_who_waits_and_who_was_put_aside() {
        let wait = [4, 0, 64, u64::MAX, 0, 0];
        let trace = trace_of([
            (10, on(7)),
            (20, enter("epoll_wait", wait)),
            (30, off(7, false)),
            (100, on(7)),
            (110, exit("epoll_wait", 1)),
            (130, off(7, true)),
            (150, on(7)),
            (160, on(9)),
        ]);
        let timeline = Timeline::of(&trace.runs()[0], (15, 200), 10, |tid| tid == 9);
        assert!(timeline.knows_processors);
        let expected = [
            (15, 20, "user"),
            (20, 30, "kernel"),
            (30, 100, "waits"),
            (100, 110, "kernel"),
            (110, 130, "user"),
            (130, 150, "aside"),
            (150, 200, "user"),
        ];
        assert_eq!(shape(&timeline.threads[0]), expected);
        assert_eq!(shape(&timeline.threads[1]), [(15, 160, "?"), (160, 200, "kernel")]);
        let Doing::Waits(Some(asked)) = timeline.threads[0].spans[2].doing else { panic!("it waits") };
        assert_eq!((asked.name, asked.back), ("epoll_wait", Some((110, 1))));
    }

    #[test]
    fn without_processors_a_long_call_that_can_wait_is_a_wait() {
        let ms = 1_000_000;
        let trace = trace_of([
            (0, enter("epoll_wait", [4, 0, 64, u64::MAX, 0, 0])),
            (5 * ms, exit("epoll_wait", 1)),
            (6 * ms, enter("recvfrom", [5, 0, 64, 0x40, 0, 0])),
            (7 * ms, exit("recvfrom", 64)),
        ]);
        let timeline = Timeline::of(&trace.runs()[0], (ms, 8 * ms), 10, |_| false);
        let expected = [
            (ms, 5 * ms, "waits"),
            (5 * ms, 6 * ms, "user"),
            (6 * ms, 7 * ms, "kernel"),
            (7 * ms, 8 * ms, "user"),
        ];
        assert_eq!(shape(&timeline.threads[0]), expected);
        assert!(!timeline.knows_processors);
    }

    #[test]
    fn requests_under_way_are_known_from_both_sides() {
        let answered = |ordinal| Record::Story(Story::Answered { port: 40_000, ordinal });
        let trace = trace_of([
            (10, sent(0)),
            (20, answered(0)),
            (30, sent(1)),
            (60, answered(1)),
            (70, sent(2)),
            (99, answered(2)),
        ]);
        let run = &trace.runs()[0];
        let under_way = |span| {
            let timeline = Timeline::of(run, span, 10, |_| false);
            timeline.flights.iter().map(|flight| flight.ordinal).collect::<Vec<_>>()
        };
        assert_eq!(under_way((40, 50)), [1]);
        assert_eq!(under_way((25, 28)), Vec::<u64>::new());
        assert_eq!(under_way((15, 75)), [0, 1, 2]);
    }

    #[test]
    fn a_stretch_with_too_much_in_it_is_read_in_samples_and_says_so() {
        let calls = (0..200_000_u64).map(|n| {
            let record = if n % 2 == 0 { enter("recvfrom", [5; 6]) } else { exit("recvfrom", 64) };
            (n * 10, record)
        });
        let trace = trace_of(calls);
        let timeline = Timeline::of(&trace.runs()[0], (0, 2_000_000), 100, |_| false);
        assert!(timeline.sampled);
        let spans = &timeline.threads[0].spans;
        assert!(spans.len() < 2 * READ_MAX, "{}", spans.len());
        assert!(spans.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns), "without holes");
        assert!(spans.iter().any(|span| span.doing == Doing::NotKnown));
    }

    #[test]
    fn any_times_make_a_picture() {
        let strange = [0, 1, u64::MAX / 2, u64::MAX];
        let trace = trace_of(strange.iter().map(|t_ns| (*t_ns, enter("epoll_wait", [u64::MAX; 6]))));
        for from_ns in strange {
            for to_ns in strange.iter().filter(|to_ns| **to_ns >= from_ns) {
                let _ = Timeline::of(&trace.runs()[0], (from_ns, *to_ns), 7, |_| false);
            }
        }
    }
}
