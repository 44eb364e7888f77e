//! The Trace Event Format: valid for every recorded run, whole, and bounded in memory.

use iolab::export::perfetto::{Layout, Perfetto};
use iolab::trace::{
    End, Entry, Load, Note, Purpose, Record, Refusal, Rung, Start, Story, Trace, Window, file,
};
use serde_json::Value;

use super::{CALL_BY_CALL, exported, fixture, format::mistakes, recording};

fn written(trace: &Trace, until_ns: u64) -> String {
    let mut layout = Layout::new(trace.header(), until_ns);
    trace.entries().for_each(|entry| layout.see(&entry).unwrap());
    let mut perfetto = Perfetto::begin(Vec::new(), trace.header(), layout.placed()).unwrap();
    trace.entries().for_each(|entry| perfetto.add(&entry).unwrap());
    String::from_utf8(perfetto.finish().unwrap()).unwrap()
}

fn events(file: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(file).unwrap();
    document["traceEvents"].as_array().unwrap().clone()
}

fn of<'e>(events: &'e [Value], ph: &'e str) -> impl Iterator<Item = &'e Value> {
    events.iter().filter(move |event| event["ph"] == ph)
}

/// A trace of one server with these records in its only run.
fn trace(records: Vec<(u64, Record)>) -> Trace {
    let mut trace = Trace::new(fixture::header(&["epoll".to_owned()], &Load::default()));
    let start = Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 7, load: None };
    trace.push(Entry { run: Some(0), t_ns: 0, record: Record::Start(start) }).unwrap();
    for (t_ns, record) in records {
        trace.push(Entry { run: Some(0), t_ns, record }).unwrap();
    }
    trace
}

fn enter(tid: u32, name: &str, args: [u64; 6]) -> Record {
    Record::Story(Story::Enter { tid, name: name.into(), args })
}

fn exit(tid: u32, name: &str, result: i64) -> Record {
    Record::Story(Story::Exit { tid, name: name.into(), result })
}

#[test]
fn every_recorded_run_is_a_valid_file() {
    for source in iolab::lesson::LESSONS {
        let lesson = source.read().unwrap();
        for lab in lesson.steps.iter().filter_map(|step| step.lab()) {
            let Some(name) = lab.recording.as_deref() else { continue };
            let bytes = source.recording(name).unwrap();
            let trace = file::read(bytes).unwrap().trace;
            // Of the long ones a beginning.
            let until_ns = if bytes.len() > 60_000 { 300_000_000 } else { u64::MAX };
            let file = written(&trace, until_ns);
            assert_eq!(mistakes(&file), Vec::<String>::new(), "{name}");
            let events = events(&file);
            let named = |name: &str| {
                of(&events, "M").any(|event| event["name"] == "process_name" && event["args"]["name"] == name)
            };
            assert!(trace.header().servers.iter().all(|server| named(server)), "{name}");
        }
    }
}

#[test]
fn every_call_of_the_story_is_there_with_its_words() {
    let source = file::open(&recording(CALL_BY_CALL)).unwrap().trace;
    let entered = source.entries().filter(|entry| matches!(entry.record, Record::Story(Story::Enter { .. })));
    let sent = source.entries().filter(|entry| matches!(entry.record, Record::Story(Story::Sent { .. })));
    let (entered, sent) = (entered.count(), sent.count());
    assert!(entered > 20 && sent > 5);
    let events = events(&exported(&recording(CALL_BY_CALL), &["--format", "perfetto"]));
    let calls: Vec<_> = of(&events, "X").filter(|event| event["cat"] == "system call").collect();
    assert_eq!(calls.len(), entered);
    let asks = |call: &&&Value| call["args"]["asked"] == "what has come on fd 5?";
    let receive = calls.iter().find(asks).unwrap();
    assert_eq!((&receive["name"], &receive["args"]["answered"]), (&"recvfrom".into(), &"64 bytes".into()));
    for phase in ["b", "e"] {
        assert_eq!(of(&events, phase).filter(|event| event["cat"] == "request").count(), sent);
    }
    assert!(of(&events, "C").any(|event| event["name"].as_str().unwrap().contains("tails")));
    assert_eq!(of(&events, "X").filter(|event| event["cat"] == "window").count(), 2);
}

#[test]
fn a_time_leaves_out_what_comes_later() {
    let file = recording(CALL_BY_CALL);
    let early = exported(&file, &["--format", "perfetto", "--at", "0.5"]);
    assert_eq!(mistakes(&early), Vec::<String>::new());
    let last = |file: &str| {
        let ends = |event: &Value| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap_or(0.0);
        events(file).iter().map(ends).fold(0.0, f64::max)
    };
    let whole = exported(&file, &["--format", "perfetto"]);
    // The window and the measured run, each up to half a second.
    assert!(last(&early) <= 1_000_000.0 && last(&whole) > 2_000_000.0, "{} {}", last(&early), last(&whole));
}

#[test]
fn the_runs_of_servers_stand_side_by_side() {
    let mut trace = Trace::new(fixture::header(&["epoll".into(), "uring".into()], &Load::default()));
    let lengths = [(0, 10_000), (1, 30_000), (0, 20_000), (1, 20_000)];
    for (run, (server, length_ns)) in (0..).zip(lengths) {
        let start = Start { server, round: run / 2, purpose: Purpose::Measure, pid: 7 + run, load: None };
        let records = [(0, Record::Start(start)), (length_ns, Record::End { end: End::Done })];
        for (t_ns, record) in records {
            trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
        }
    }
    let file = written(&trace, u64::MAX);
    assert_eq!(mistakes(&file), Vec::<String>::new());
    let events = events(&file);
    let runs = of(&events, "X").filter(|event| event["cat"] == "run");
    let times = runs.map(|run| [&run["pid"], &run["ts"], &run["dur"]].map(|n| n.as_f64().unwrap()));
    let expected = [[2.0, 0.0, 10.0], [4.0, 0.0, 30.0], [2.0, 30.0, 20.0], [4.0, 30.0, 20.0]];
    assert_eq!(times.collect::<Vec<_>>(), expected);
}

#[test]
fn threads_have_processors_for_a_while() {
    let on = |tid, cpu| Record::Story(Story::On { tid, cpu });
    let off = |tid, cpu, preempted| Record::Story(Story::Off { tid, cpu, preempted });
    let trace = trace(vec![
        (1000, on(7, 0)),
        (3000, off(7, 0, false)),
        (3000, on(8, 0)),
        (4000, off(8, 0, true)),
        (5000, off(9, 1, true)),
        (6000, on(7, 1)),
        (7000, Record::End { end: End::Done }),
    ]);
    let file = written(&trace, u64::MAX);
    assert_eq!(mistakes(&file), Vec::<String>::new());
    let events = events(&file);
    let ran = of(&events, "X").filter(|event| event["cat"] == "processor");
    let told: Vec<_> = ran
        .map(|event| {
            let number = |key: &str| event[key].as_f64().unwrap();
            let left = event["args"]["left because"].as_str().unwrap();
            (event["name"].as_str().unwrap(), number("ts"), number("dur"), left)
        })
        .collect();
    let expected = [
        ("thread 7", 1.0, 2.0, "it waits"),
        ("thread 8", 3.0, 1.0, "it was put aside"),
        ("thread 7", 6.0, 1.0, "not seen"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn entries_of_rings_lead_from_submission_to_completion() {
    let sqe = |user_data| {
        let operation = "RECV".to_owned();
        Record::Story(Story::Sqe { ring: 4, operation, fd: 5, len: 64, flags: 0, user_data, tid: None })
    };
    let cqe = |user_data, result, flags| {
        Record::Story(Story::Cqe { ring: 4, user_data, result, flags, tid: Some(9) })
    };
    let trace = trace(vec![
        (1000, sqe(1)),
        (1000, sqe(2)),
        (1500, cqe(2, 32, 2)),
        (2000, cqe(2, 64, 0)),
        (3000, cqe(2, 64, 0)),
        (4000, sqe(2)),
        (5000, Record::End { end: End::Done }),
    ]);
    let file = written(&trace, u64::MAX);
    assert_eq!(mistakes(&file), Vec::<String>::new());
    let events = events(&file);
    assert_eq!(of(&events, "b").count(), 3);
    assert_eq!(of(&events, "e").filter(|event| event["args"]["end"] == "not seen").count(), 2);
    let done = of(&events, "e").find(|event| event["args"]["result"] == 64).unwrap();
    assert_eq!((done["ts"].as_f64(), &done["args"]["in the time of thread"]), (Some(2.0), &9.into()));
    assert_eq!(
        of(&events, "i").filter(|event| event["name"] == "CQE").count(),
        1,
        "its submission was not seen"
    );
    let steps: Vec<_> =
        of(&events, "n").map(|event| (&event["id"], event["args"]["result"].as_i64())).collect();
    assert_eq!(steps, [(&done["id"], Some(32))], "one of a multishot, which goes on");
}

#[test]
fn whatever_a_trace_holds_makes_a_valid_file() {
    let refusal = Refusal { layer: iolab::trace::Layer::Sysctl, says: "no".into(), try_this: "root".into() };
    let window = Window { rung: Rung::Ptrace, lost: u64::MAX, requests: 1, syscalls: u64::MAX };
    let said = |line: &str| Record::Note(Note::Said { line: line.into() });
    let mut trace = trace(vec![
        (0, exit(7, "read", 0)),
        (0, Record::Refused { rung: Rung::Perf, refusal }),
        (1, enter(7, "read", [u64::MAX; 6])),
        (2, enter(7, "write", [0; 6])),
        (2, Record::Story(Story::Answered { port: 1, ordinal: 0 })),
        (3, Record::Story(Story::Sent { port: 1, ordinal: u64::MAX })),
        (3, Record::Story(Story::Sent { port: 1, ordinal: u64::MAX })),
        (4, said("\"\\\u{1b}\u{0}")),
        (5, Record::Note(Note::Cut { calls: 3 })),
        (6, exit(7, "write", i64::MIN)),
        (7, Record::Window { duration_ns: u64::MAX, window }),
        (8, enter(u32::MAX, "syscall_999", [1; 6])),
        (u64::MAX, said("late")),
    ]);
    let note = Record::Note(Note::Mark { says: "here".into() });
    trace.push(Entry { run: None, t_ns: 5, record: note }).unwrap();
    let file = written(&trace, u64::MAX);
    assert_eq!(mistakes(&file), Vec::<String>::new());
    let events = events(&file);
    let moments: Vec<_> = of(&events, "i").map(|event| event["name"].as_str().unwrap()).collect();
    assert!(moments.contains(&"here") && moments.contains(&"said: late"), "{moments:?}");
    assert!(moments.contains(&"refused") && moments.contains(&"note cut"), "{moments:?}");
}

#[test]
fn an_insight_stands_where_it_was_first_seen() {
    let events = events(&exported(&recording("03-io-uring-rings/naive.trace.gz"), &["--format", "perfetto"]));
    let found: Vec<_> = of(&events, "i").filter(|event| event["cat"] == "insight").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["args"]["rule"], "single-sqe-enters");
    assert!(found[0]["args"]["what to do"].as_str().unwrap().len() > 20);
}

/// Counts what would be written, and how much of it stood in memory at once.
#[derive(Default)]
struct Counting {
    bytes: usize,
    largest: usize,
}

impl std::io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes += bytes.len();
        self.largest = self.largest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_long_trace_is_written_as_it_is_read() {
    let source = trace(Vec::new());
    let calls = (0..200_000_u64).flat_map(|call| {
        let entry = |t_ns, record| Entry { run: Some(0), t_ns, record };
        [
            entry(call * 10, enter(7, "recvfrom", [5, 0, 64, 0, 0, 0])),
            entry(call * 10 + 5, exit(7, "recvfrom", 64)),
        ]
    });
    let mut layout = Layout::new(source.header(), u64::MAX);
    source.entries().for_each(|entry| layout.see(&entry).unwrap());
    calls.clone().for_each(|entry| layout.see(&entry).unwrap());
    let mut perfetto = Perfetto::begin(Counting::default(), source.header(), layout.placed()).unwrap();
    source.entries().chain(calls).for_each(|entry| perfetto.add(&entry).unwrap());
    let counted = perfetto.finish().unwrap();
    assert!(counted.bytes > 30_000_000, "{}", counted.bytes);
    assert!(counted.largest < 10_000, "{}: it goes out event by event", counted.largest);
}
