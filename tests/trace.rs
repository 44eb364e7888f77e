//! Traces as files, and worlds as folds of them.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

#[path = "common/fixture.rs"]
mod fixture;

use std::io::Cursor as Bytes;

use iolab::trace::{
    Allowed, Capabilities, ClientTotals, Counts, End, Entry, Header, Load, Machine, Note, ProcessTotals,
    Purpose, Record, RingTotals, Rung, SCHEMA, Socket, Start, Story, SyscallTotals, ThreadTotals, Trace,
    Window, file,
};
use iolab::world::{Cursor, MetricId, World, words};

fn capabilities() -> Capabilities {
    Capabilities {
        machine: Machine {
            kernel: "6.18.0".into(),
            cpus: 2,
            cpu: "a processor".into(),
            is_virtual: Some(true),
            io_uring: true,
            rungs: vec![Rung::Proc, Rung::Ring, Rung::Perf],
        },
        ..serde_json::from_value(serde_json::json!({
            "machine": {"kernel": "", "cpus": 1, "cpu": "", "virtual": null, "io_uring": true, "rungs": []},
            "io_uring": {"state": "yes"}, "io_uring_operations": {}, "io_uring_features": {},
            "ring": {"state": "yes"}, "perf": {"state": "yes"}, "perf_user": {"state": "yes"},
            "tracefs": {"state": "yes"}, "ptrace": {"state": "yes"}, "sock": {"state": "yes"},
            "yama_scope": null, "perf_event_paranoid": 2, "memlock_bytes": null, "nofile": [1024, 4096], "uid": 0
        }))
        .unwrap()
    }
}

fn header() -> Header {
    assert!(matches!(capabilities().io_uring, Allowed::Yes));
    Header {
        schema: SCHEMA.into(),
        capabilities: capabilities(),
        load: Load::default(),
        servers: vec!["epoll".into(), "uring".into()],
        syscall_rung: Ok(Rung::Perf),
    }
}

/// A small generator of numbers: the same trace for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Two servers in three rounds, `records` totals each, as a lab would record them.
fn recorded(seed: u64, records: u64) -> Trace {
    let mut dice = Dice(seed);
    let mut trace = Trace::new(header());
    for run in 0..6 {
        let start =
            Start { server: run % 2, round: run / 2, purpose: Purpose::Measure, pid: 100 + run, load: None };
        trace.push(Entry { run: Some(run), t_ns: 0, record: Record::Start(start) }).unwrap();
        let mut answered = 0;
        for step in 0..records {
            let t_ns = step * 20_000_000;
            let record = Record::Process(process(answered, run % 2 == 1, &mut dice));
            trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
            let mut latency_ns = Counts::default();
            latency_ns.add(10_000 + dice.roll(50_000), dice.roll(9) + 1);
            let client = ClientTotals { sent: answered, answered, latency_ns, ..ClientTotals::default() };
            trace.push(Entry { run: Some(run), t_ns, record: Record::Client(client) }).unwrap();
            answered += 1000 + dice.roll(1000);
        }
        let t_ns = records * 20_000_000;
        trace.push(Entry { run: Some(run), t_ns, record: Record::End { end: End::Done } }).unwrap();
    }
    let mark = Note::Mark { says: "here".into() };
    trace.push(Entry { run: None, t_ns: 5, record: Record::Note(mark) }).unwrap();
    trace
}

/// Totals of a process that makes two calls an echo, and two SQEs and CQEs where it has a ring.
fn process(answered: u64, has_ring: bool, dice: &mut Dice) -> ProcessTotals {
    let mut cq_depth = Counts::default();
    cq_depth.add(dice.roll(64), 20);
    let sq_tail = 7 + answered * 2;
    let ring = RingTotals { fd: 5, sq_tail, cq_tail: sq_tail, cq_depth, ..RingTotals::default() };
    let cpu_ns = answered * 3000;
    ProcessTotals {
        threads: vec![ThreadTotals { tid: 1, comm: "iolab".into(), cpu_ns, ..ThreadTotals::default() }],
        rings: if has_ring { vec![ring] } else { vec![] },
        syscalls: Some(SyscallTotals {
            rung: Rung::Perf,
            total: 50 + answered * 2,
            by_name: Default::default(),
        }),
        probe_cpu_ns: answered,
        ..ProcessTotals::default()
    }
}

fn bytes_of(trace: &Trace) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.trace");
    file::save(trace, &path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_trace_comes_back_from_its_file_as_it_was() {
    let trace = recorded(1, 50);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.trace", "a.trace.gz"] {
        let path = folder.path().join(name);
        file::save(&trace, &path).unwrap();
        let opened = file::open(&path).unwrap();
        assert_eq!(opened.damage, None);
        assert_eq!(opened.trace, trace);
    }
    let plain = std::fs::metadata(folder.path().join("a.trace")).unwrap().len();
    let packed = std::fs::metadata(folder.path().join("a.trace.gz")).unwrap().len();
    assert!(packed * 5 < plain, "{packed} of {plain} bytes");
}

#[test]
fn a_file_cut_at_any_byte_opens_up_to_the_cut() {
    let trace = recorded(2, 3);
    let whole = bytes_of(&trace);
    let header_end = whole.iter().position(|byte| *byte == b'\n').unwrap();
    let mut last = 0;
    for cut in header_end + 1..=whole.len() {
        let opened = file::read(Bytes::new(&whole[..cut])).unwrap();
        assert!(opened.trace.len() >= last, "more bytes, fewer records");
        last = opened.trace.len();
        let at_line_end = whole[cut - 1] == b'\n' || whole.get(cut) == Some(&b'\n');
        assert_eq!(opened.damage.is_none(), at_line_end, "cut at {cut}");
    }
    assert_eq!(last, trace.len());
}

#[test]
fn a_compressed_file_that_was_cut_opens_up_to_the_cut() {
    let trace = recorded(3, 200);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.trace.gz");
    file::save(&trace, &path).unwrap();
    let whole = std::fs::read(path).unwrap();
    let opened = file::read(Bytes::new(&whole[..whole.len() / 2])).unwrap();
    assert!(opened.damage.is_some());
    assert!(opened.trace.len() > trace.len() / 4, "{} of {}", opened.trace.len(), trace.len());
}

#[test]
fn what_was_written_before_a_kill_can_be_read() {
    let trace = recorded(4, 120);
    let entries: Vec<_> = trace.entries().collect();
    // The second round of the first server, cut within its second second, and after its end.
    let begins = |run| entries.iter().position(|entry| entry.run == Some(run)).unwrap();
    let in_second_second = begins(2) + 1 + 2 * 75;
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.trace", "a.trace.gz"] {
        let path = folder.path().join(name);
        for (written, kept) in
            [(0, 0), (1, 1), (in_second_second, begins(2) + 2 + 2 * 50), (begins(3), begins(3))]
        {
            let mut writer = file::Writer::create(&path, trace.header()).unwrap();
            entries[..written].iter().for_each(|entry| writer.append(entry).unwrap());
            // A kill runs no destructor: what is in buffers is gone.
            std::mem::forget(writer);
            let opened = file::open(&path).unwrap();
            assert_eq!(opened.trace.header(), trace.header());
            let read: Vec<_> = opened.trace.entries().collect();
            assert!((kept..=written).contains(&read.len()), "{name}: {} of {written}", read.len());
            assert_eq!(read, entries[..read.len()]);
        }
    }
}

#[test]
fn a_damaged_line_is_named() {
    let mut bytes = bytes_of(&recorded(4, 3));
    let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0;
    bytes[third + 1] = b'#';
    let opened = file::read(Bytes::new(&bytes)).unwrap();
    let damage = opened.damage.unwrap();
    assert!(damage.starts_with("line 4:"), "{damage}");
    assert_eq!(opened.trace.len(), 2);
}

#[test]
fn foreign_files_are_refused_in_words() {
    let later = br#"{"schema": "iolab.trace/2", "anything": 1}"#;
    for (bytes, expected) in [
        (&b""[..], "not the header"),
        (b"\x7fELF\0\0\0", "not the header"),
        (b"{\"schema\": \"other/1\"}\n", "its schema is"),
        (later, "a later version wrote it"),
        (b"\x1f\x8bnot really compressed", ""),
    ] {
        let error = file::read(Bytes::new(bytes)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn records_that_no_lab_makes_are_refused_not_believed() {
    let mut trace = recorded(5, 2);
    let orphan = Record::Client(ClientTotals::default());
    assert!(trace.push(Entry { run: Some(99), t_ns: 0, record: orphan.clone() }).is_err());
    assert!(trace.push(Entry { run: None, t_ns: 0, record: orphan }).is_err());
    let start = Start { server: 7, round: 0, purpose: Purpose::Measure, pid: 1, load: None };
    assert!(trace.push(Entry { run: Some(6), t_ns: 0, record: Record::Start(start) }).is_err());
}

#[test]
fn a_cursor_sees_the_same_world_as_a_fold_from_zero() {
    let trace = recorded(6, 3000);
    let mut cursor = Cursor::new();
    let mut dice = Dice(7);
    for _ in 0..60 {
        let t_ns = dice.roll(trace.end_ns() + 40_000_000);
        assert_eq!(cursor.world(&trace, t_ns), World::at(&trace, t_ns), "at {t_ns}");
    }
    assert_eq!(cursor.world(&trace, u64::MAX), World::at(&trace, u64::MAX));
}

#[test]
fn a_cursor_follows_a_growing_trace() {
    let whole = recorded(8, 700);
    let mut growing = Trace::new(whole.header().clone());
    let mut cursor = Cursor::new();
    for (index, entry) in whole.entries().enumerate() {
        growing.push(entry).unwrap();
        if index % 97 == 0 {
            assert_eq!(cursor.world(&growing, u64::MAX), World::at(&growing, u64::MAX));
        }
    }
}

/// What `epoll` (never answered) and `uring` (a window that lost records) are in a trace of both.
fn shown(of: impl FnOnce(&mut dyn FnMut(u32, Record))) -> (serde_json::Value, String) {
    let mut trace = Trace::new(header());
    let mut push = |run, record| trace.push(Entry { run: Some(run), t_ns: 1_000_000_000, record }).unwrap();
    for run in 0..2 {
        push(
            run,
            Record::Start(Start { server: run, round: 0, purpose: Purpose::Measure, pid: 1, load: None }),
        );
    }
    of(&mut push);
    let world = World::at(&trace, u64::MAX);
    let views = world.servers();
    (serde_json::to_value(iolab::export::json::lab(&world, &views)).unwrap(), iolab::plain::lab(&world))
}

#[test]
fn a_number_from_another_rung_than_its_row_says_so() {
    let (_, text) = shown(|push| {
        let mut dice = Dice(1);
        push(0, Record::Process(process(0, false, &mut dice)));
        push(0, Record::Process(process(1000, false, &mut dice)));
        for run in 0..2 {
            push(run, Record::Client(ClientTotals { answered: 1000, ..Default::default() }));
        }
        let window = Window { rung: Rung::Ptrace, lost: 0, requests: 100, syscalls: 300 };
        push(1, Record::Window { duration_ns: 1, window });
    });
    let row = text.lines().find(|line| line.trim_start().starts_with("syscalls per echo")).unwrap();
    let cells: Vec<_> = row.split_whitespace().skip(3).collect();
    assert_eq!(cells, ["2.00", "3.00", "ptrace", "perf"], "{text}");
}

#[test]
fn a_document_says_what_is_missing_and_what_was_lost() {
    let (document, text) = shown(|push| {
        for (to_submit, result) in [(0, 0), (2, 2), (8, 8), (8, 8)] {
            let name = || "io_uring_enter".to_owned();
            push(1, Record::Story(Story::Enter { tid: 1, name: name(), args: [4, to_submit, 1, 1, 0, 0] }));
            push(1, Record::Story(Story::Exit { tid: 1, name: name(), result }));
        }
        let window = Window { rung: Rung::Ptrace, lost: 17, requests: 9, syscalls: 4 };
        push(1, Record::Window { duration_ns: 1, window });
    });
    let [epoll, uring] = [0, 1].map(|index| &document["servers"][index]);
    assert_eq!(epoll["latency_ns"], serde_json::json!({"value": null, "why": "nothing was answered"}));
    assert!(epoll.get("batches").is_none() && epoll.get("window_records_lost").is_none(), "{epoll}");
    assert_eq!(uring["batches"], serde_json::json!({"p50": 8, "max": 8, "calls": 3, "rung": "ptrace"}));
    assert_eq!(uring["window_records_lost"], 17);
    assert!(text.contains("submissions in one io_uring_enter (ptrace): 0: 25 %, 2: 25 %, 8: 50 %"), "{text}");
    assert!(text.contains("17 records of its windows were lost"), "{text}");
}

#[test]
fn a_late_client_is_told_where_it_can_be_seen() {
    let told = |delayed| {
        shown(|push| {
            let client = ClientTotals { sent: 2000, answered: 2000, delayed, ..ClientTotals::default() };
            push(0, Record::Client(client));
        })
    };
    let (document, text) = told(12);
    assert_eq!(document["servers"][0]["late"], 12);
    let says = "the client was late with 12 of 2000 requests: counts per echo can come out lower";
    assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{text}");
    for (delayed, why) in [(0, "in time"), (2, "too rare to move a digit")] {
        let (document, text) = told(delayed);
        assert_eq!(document["servers"][0]["late"], delayed, "a document holds every one");
        assert!(!text.contains("was late"), "{why}: {text}");
    }
}

/// Each of many threads runs for less than a tick; only the process as a whole tells user from kernel time.
#[test]
fn user_and_kernel_time_are_split_by_the_times_of_the_whole_process() {
    let split = |whole: (u64, u64), each: (u64, u64)| {
        let (document, _) = shown(|push| {
            let process = |share: u64| {
                let thread = |tid| ThreadTotals {
                    tid,
                    cpu_ns: 8_000_000 * share,
                    user_ns: each.0 * share,
                    kernel_ns: each.1 * share,
                    ..ThreadTotals::default()
                };
                let (user_ns, kernel_ns) = (whole.0 * share, whole.1 * share);
                let threads = (1..=50).map(thread).collect();
                ProcessTotals { user_ns, kernel_ns, threads, ..ProcessTotals::default() }
            };
            push(0, Record::Process(process(0)));
            push(0, Record::Process(process(1)));
            push(0, Record::Client(ClientTotals { answered: 1000, ..ClientTotals::default() }));
        });
        let metrics = document["servers"][0]["metrics"].clone();
        ["user_ns_per_request", "kernel_ns_per_request"].map(|key| metrics[key]["value"].as_f64())
    };
    let quarter = [Some(100_000.0), Some(300_000.0)];
    assert_eq!(split((100_000_000, 300_000_000), (0, 0)), quarter);
    assert_eq!(split((0, 0), (0, 0)), [None, None], "no tick, no split");
    // A trace of earlier days has the times of its threads alone.
    assert_eq!(split((0, 0), (2_000_000, 6_000_000)), quarter);
}

/// Puts numbers of the dice's choice into a record: each leaf gets the first that it can hold.
fn distort(entry: &Entry, choose: &mut impl FnMut() -> Vec<i128>) -> Entry {
    let mut document = serde_json::to_value(entry).unwrap();
    let mut leaves = Vec::new();
    numbers(&document, String::new(), &mut leaves);
    for leaf in leaves.iter().filter(|leaf| !["/run", "/server"].contains(&leaf.as_str())) {
        for number in choose() {
            let mut other = document.clone();
            *other.pointer_mut(leaf).unwrap() = serde_json::from_str(&number.to_string()).unwrap();
            if serde_json::from_value::<Entry>(other.clone()).is_ok() {
                document = other;
                break;
            }
        }
    }
    serde_json::from_value(document).unwrap()
}

/// Where the numbers of a document are, as JSON pointers.
fn numbers(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Number(_) => found.push(path),
        serde_json::Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| {
                numbers(value, format!("{path}/{index}"), found);
            });
        }
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| numbers(value, format!("{path}/{key}"), found));
        }
        _ => {}
    }
}

/// The ends of the scales of all numbers in a trace.
const LARGEST: [i128; 5] =
    [u64::MAX as i128, i64::MAX as i128, u32::MAX as i128, i32::MAX as i128, u16::MAX as i128];
const SMALLEST: [i128; 3] = [i64::MIN as i128, i32::MIN as i128, 0];

/// Shows a trace in every way that needs no terminal.
fn show(trace: &Trace) {
    for t_ns in [0, 1, u64::MAX] {
        assert_eq!(Cursor::new().world(trace, t_ns), World::at(trace, t_ns));
    }
    let world = World::at(trace, u64::MAX);
    let views = world.servers();
    let document = serde_json::to_value(iolab::export::json::lab(&world, &views)).unwrap();
    assert_eq!(document["servers"].as_array().unwrap().len(), views.len());
    let text = iolab::plain::lab(&world);
    for view in &views {
        assert!(text.contains(view.name));
        view.window.calls.iter().for_each(|call| assert!(!words::sentence(call).is_empty()));
    }
}

#[test]
fn a_foreign_trace_with_any_numbers_is_shown() {
    let servers = ["epoll", "uring", "threads", "sqpoll"].map(String::from);
    let plain = fixture::trace(&servers, &Load::default(), 12);
    let entries = || {
        let window = |record| Entry { run: Some(0), t_ns: 9, record };
        let call = |result| {
            let (tid, name) = (1, "io_uring_enter".to_owned());
            let enter = Story::Enter { tid, name: name.clone(), args: [1; 6] };
            [enter, Story::Exit { tid, name, result }].map(Record::Story).map(window)
        };
        let sums = Story::Thinned {
            by_name: [("read".to_owned(), 3)].into(),
            eagain: 2,
            batches: Counts([(1, 2), (3, 4)].into()),
            reports: 5,
            done: 3,
            habits: Box::default(),
        };
        let sockets = vec![Socket { fd: 4, ..Socket::default() }];
        let sqpoll = ThreadTotals { tid: 9, comm: "iou-sqp-9".into(), cpu_ns: 1, ..Default::default() };
        let process = ProcessTotals { threads: vec![sqpoll; 2], ..Default::default() };
        let poller = Entry { run: Some(3), t_ns: 9, record: Record::Process(process) };
        let late = ClientTotals { late: 3, errors: 1, bytes_wrong: 1, ..Default::default() };
        plain
            .entries()
            .chain(call(7).into_iter().chain(call(-11)))
            .chain([Record::Story(sums.clone()), Record::Story(sums)].map(window))
            .chain([Record::Sockets { sockets }, Record::Client(late)].map(window))
            .chain([poller.clone(), poller])
    };
    // All at one end of their scales, then anything beside anything.
    let of = |ends: &'static [i128]| move || ends.to_vec();
    let mut ways: Vec<Box<dyn FnMut() -> Vec<i128>>> =
        vec![Box::new(of(&LARGEST)), Box::new(of(&SMALLEST)), Box::new(of(&[0]))];
    for seed in 0..20 {
        let mut dice = Dice(seed);
        ways.push(Box::new(move || match dice.roll(4) {
            0 => LARGEST.to_vec(),
            1 => SMALLEST.to_vec(),
            2 => vec![dice.roll(1 << 31).into()],
            _ => LARGEST.map(|number| number - i128::from(dice.roll(3))).to_vec(),
        }));
    }
    for mut way in ways {
        let mut trace = Trace::new(plain.header().clone());
        entries().for_each(|entry| trace.push(distort(&entry, &mut way)).unwrap());
        show(&trace);
        trace.thin(u64::MAX);
        show(&trace);
    }
}

#[test]
fn metrics_are_differences_over_all_rounds() {
    let trace = recorded(9, 20);
    let world = World::at(&trace, u64::MAX);
    let epoll = world.server("epoll").unwrap();
    let uring = world.server("uring").unwrap();
    assert_eq!(epoll.rounds.len(), 3);
    let calls = epoll.metric(MetricId::SyscallsPerRequest).unwrap();
    assert_eq!((calls.value(), calls.rung()), (Some(2.0), Some(Rung::Perf)));
    assert_eq!(uring.metric(MetricId::CqesPerRequest).unwrap().value(), Some(2.0));
    assert!(epoll.metric(MetricId::CqesPerRequest).is_none(), "what does not apply is left out");
    assert_eq!(uring.metric(MetricId::SqesPerEnter).unwrap().value(), Some(1.0));
}
