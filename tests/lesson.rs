//! The lessons as their readers and authors meet them: what is embedded, what the text promises, and what
//! the reader of lessons says about mistakes.

use std::collections::BTreeSet;
use std::path::Path;

use iolab::lesson::{
    self, Block, Kind, LabEvent, Lesson, Mistake, Recorded, Runner as _, SLOW, Show, Source, Step, Verdict,
    plain_prose, prose,
};
use iolab::servers;
use iolab::trace::{Load, Pace, file};
use iolab::world::{MetricId, World, insight};

/// Metrics that are of trials; the others are of servers.
const OF_TRIALS: [&str; 4] = ["syscalls", "voluntary_switches", "involuntary_switches", "cpu_ns"];

fn all() -> Vec<Lesson> {
    lesson::LESSONS.iter().map(|source| source.read().unwrap_or_else(|mistake| panic!("{mistake}"))).collect()
}

fn third() -> Lesson {
    lesson::find("3").expect("lesson 3 is written").read().expect("it reads")
}

/// A lesson with this text, as if it lay in `lessons/01-demo`.
fn demo(text: &str) -> Result<Lesson, Mistake> {
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    Source { folder: "01-demo", text, recordings: &[("run.trace.gz", b"")] }.read()
}

/// The front matter of a demo lesson; its body starts at line 9.
const FRONT: &str = "+++\nnumber = 1\nname = \"demo\"\ntitle = \"Demo\"\nminutes = 20\n\
                     servers = [\"epoll\", \"uring\"]\nload = { rate = 2000, burst = 8 }\n+++\n";

fn with_front(body: &str) -> Result<Lesson, Mistake> {
    demo(&format!("{FRONT}{body}"))
}

/// Prose of a step, as the faces lay it out.
fn prose_of(step: &Step) -> Vec<prose::Block> {
    let prose = |block: &Block| if let Block::Prose(prose) = block { Some(prose.clone()) } else { None };
    step.blocks.iter().filter_map(prose).collect()
}

// What is embedded.

#[test]
fn the_table_and_the_folders_agree() {
    let lessons = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let rows: BTreeSet<String> = lesson::LESSONS.iter().map(|source| source.folder.to_owned()).collect();
    assert_eq!(names(&lessons), rows, "folders in lessons/ against the rows of LESSONS");
    for source in lesson::LESSONS {
        let embedded = source.recordings.iter().map(|(name, _)| (*name).to_owned());
        let embedded: BTreeSet<String> = embedded.chain(["lesson.md".to_owned()]).collect();
        let mut files = names(&lessons.join(source.folder));
        // Pictures are for the README and the book; the program draws its own. A program in C is a trial's.
        files.retain(|name| !name.ends_with(".svg") && !name.ends_with(".c"));
        assert_eq!(files, embedded, "files in lessons/{}", source.folder);
    }
    let numbers: Vec<u8> = lesson::LESSONS.iter().map(Source::number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|&number| number <= 8), "{numbers:?}");
}

#[test]
fn a_lesson_is_found_by_number_and_by_name() {
    for name in ["3", "03", "io-uring-rings"] {
        assert_eq!(lesson::find(name).unwrap().folder, "03-io-uring-rings", "{name}");
    }
    for name in ["", "-3", "3.0", "259", "rings", "io_uring rings"] {
        assert!(lesson::find(name).is_none(), "{name:?}");
    }
}

// What every lesson promises.

#[test]
fn every_lesson_has_what_a_lesson_needs() {
    for (lesson, source) in all().iter().zip(lesson::LESSONS) {
        let name = &lesson.name;
        assert!((20..=40).contains(&lesson.minutes), "{name}: {} minutes", lesson.minutes);
        assert!(lesson.steps.iter().flat_map(Step::predictions).count() >= 2, "{name}: two predictions");
        assert!(
            lesson.steps.iter().flat_map(Step::insights).count() >= 1,
            "{name}: something broken on purpose"
        );
        let labs: Vec<_> = lesson.steps.iter().filter_map(Step::lab).collect();
        assert!(labs.iter().any(|lab| lab.show.contains(&Show::Story)), "{name}: a step in slow motion");
        for lab in &labs {
            assert!(!lab.why.is_empty() && !lab.show.is_empty(), "{name}: {lab:?}");
        }
        for (file, _) in source.recordings {
            let slow = *file == SLOW && lesson.steps.iter().any(|step| step.title == "Slow motion");
            let used = slow || labs.iter().any(|lab| lab.recording.as_deref() == Some(file));
            assert!(used, "{name}: no lab uses {file}");
        }
    }
}

#[test]
fn lessons_name_only_what_exists() {
    for lesson in all() {
        for server in &lesson.servers {
            assert!(servers::by_name(server).is_some(), "{}: server {server}", lesson.name);
        }
        for step in &lesson.steps {
            for metric in step.lab().into_iter().flat_map(|lab| &lab.metrics) {
                assert!(MetricId::by_key(metric).is_some(), "{}: metric {metric}", step.title);
            }
            if let Some(lab) = step.lab() {
                let of_trials = lab.kind == Kind::Trials;
                let apply = |key: &String| OF_TRIALS.contains(&key.as_str()) == of_trials;
                assert!(
                    lab.metrics.iter().all(apply),
                    "{}: {:?} for {:?}",
                    step.title,
                    lab.metrics,
                    lab.kind
                );
            }
            for insight in step.insights() {
                assert!(insight::by_id(&insight.id).is_some(), "{}: insight {}", step.title, insight.id);
            }
        }
    }
}

#[test]
fn no_term_is_used_before_it_is_explained() {
    for lesson in all() {
        assert_eq!(lesson.early_uses(), [], "{}", lesson.name);
        for term in &lesson.glossary {
            assert!(term.means.ends_with('.') && !term.means.contains(". "), "one sentence: {}", term.means);
        }
    }
}

#[test]
fn a_step_is_short_enough_to_be_read_beside_its_lab() {
    for lesson in all() {
        for step in &lesson.steps {
            let lines = plain_prose::lines(&prose_of(step), 60).len();
            assert!(lines <= 32, "{}: {lines} lines at 60 columns", step.title);
        }
    }
}

// Lesson 3.

#[test]
fn lesson_3_asks_for_three_numbers_and_knows_good_answers() {
    let lesson = third();
    let asked: Vec<_> = lesson.steps.iter().flat_map(Step::predictions).collect();
    let ids: Vec<_> = asked.iter().map(|asked| asked.id.as_str()).collect();
    assert_eq!(ids, ["naive", "batched", "one-by-one"]);
    // An answer, what a machine with 2 CPUs and Linux 6.18 says, and how that ends.
    let cases = [
        ("naive", "2", 2.016, "close."),
        ("naive", "1/16", 2.016, "32.3 times too low."),
        ("batched", "1/16", 0.038, "close."),
        ("batched", "2/64", 0.0601, "close."),
        ("batched", "0.5", 0.04, "12.5 times too high."),
        ("batched", "2", 0.04, "50 times too high."),
        ("one-by-one", "2,0", 1.97, "close."),
        ("one-by-one", "3", 2.0, "1.5 times too high."),
    ];
    for (id, answer, measured, ending) in cases {
        let asked = asked.iter().find(|asked| asked.id == id).unwrap();
        let verdict = asked.judge(answer, Some(measured)).to_string();
        assert!(verdict.ends_with(ending), "{id}, {answer}: {verdict}");
    }
    assert!(matches!(asked[0].judge("two", Some(2.0)), Verdict::Unreadable(_)));
}

#[test]
fn lesson_3_changes_one_thing_at_a_time() {
    let lesson = third();
    let lab =
        |title: &str| lesson.steps.iter().find(|step| step.title == title).unwrap().lab().unwrap().clone();
    let (batching, alone, flat_out) = (lab("Batching"), lab("One by one"), lab("What it buys"));
    assert_eq!((batching.load.connections, batching.load.message_bytes, batching.load.burst), (64, 64, 64));
    assert_eq!(batching.load.pace, Pace::PerSecond(2000));
    assert_eq!(alone.load, Load { burst: 1, ..batching.load.clone() });
    assert_eq!(flat_out.load, Load { burst: 1, pace: Pace::Max, ..batching.load });
    for lab in [&batching.servers, &alone.servers, &flat_out.servers] {
        assert_eq!(*lab, ["epoll", "uring-naive", "uring"]);
    }
}

// What the reader of lessons says about mistakes.

const LAB: &str = "```lab\nservers = [\"epoll\"]\nmetrics = [\"m\"]\nwhy = \"w\"\n```\n";
const PREDICT: &str =
    "```predict\nid = \"a\"\nask = \"?\"\nserver = \"epoll\"\nmetric = \"m\"\nbecause = \"b\"\n```\n";

/// Asserts that this body is refused: at which line, for what, with which remedy.
#[track_caller]
fn refused(body: &str, line: usize, what: &str, mend: &str) {
    let mistake = with_front(body).expect_err(body);
    let context = format!("for\n{body}it says {mistake}");
    assert_eq!((mistake.file.as_str(), mistake.line), ("lessons/01-demo/lesson.md", line), "{context}");
    assert!(mistake.what.contains(what), "{context}");
    assert!(mistake.mend.contains(mend), "{context}");
}

#[test]
fn mistakes_of_structure_name_their_line_and_remedy() {
    refused("", 9, "no step", "## Title");
    refused("## A\n", 9, "\"A\" is empty", "drop it");
    refused("Text.\n\n## A\n", 9, "before the first step", "## Title");
    refused("# Other\n\n## A\n\ntext\n", 9, "\"Other\"", "# Demo");
    refused("# Demo\n\n# Demo\n\n## A\n\ntext\n", 11, "\"Demo\"", "once");
    refused(&format!("## A\n\n{LAB}\n{LAB}"), 17, "second lab", "step of its own");
    refused(&format!("## A\n\n- {}", LAB.replace('\n', "\n  ")), 11, "inside a list", "outermost");
    refused("## A\n\n```predit\n```\n", 11, "`predit`", "predict, lab, insight");
}

#[test]
fn markdown_beyond_the_model_is_refused_not_dropped() {
    refused("## A\n\ntext\n\n### B\n", 13, "below `##`", "step");
    refused("## A\n\n<b>x</b>\n", 11, "HTML", "backticks");
    refused("## A\n\nu <b>x</b>\n", 11, "HTML", "backticks");
    refused("## A\n\n![x](y.png)\n", 11, "image", "lab");
    refused("## A\n\n**a `b`**\n", 11, "two styles", "one of them");
    refused("## A\n\n---\n\ntext\n", 11, "rule", "divided");
    refused("## A\n\n    code\n", 11, "indentation", "```");
    refused("## A\n\n- x\n\n  ---\n", 13, "rule", "divided");
    refused("## A\n\n> ### x\n", 11, "below `##`", "step");
}

#[test]
fn mistakes_in_a_lab_name_their_line_and_remedy() {
    let lab = |line: &str| format!("## A\n\n{}", LAB.replace("why", &format!("{line}\nwhy")));
    refused(&lab("rate = \"fast\""), 12, "rate", "\"max\"");
    refused(&lab("rate = 0"), 12, "rate = 0", "at least 1");
    refused(&lab("rate = \"max\"\nburst = 8"), 12, "bursts in a closed loop", "leave burst out");
    refused(&lab("connections = 4"), 12, "larger than", "lower burst");
    refused(&lab("connections = 0"), 12, "load of nothing", "at least 1");
    refused(&lab("connections = -1"), 14, "-1", "connections = 64");
    refused(&lab("show = [\"charts\"]"), 14, "charts", "show =");
    refused(&lab("speed = 9"), 14, "speed", "write it like this");
    refused(&lab("recording = \"gone.trace.gz\""), 12, "gone.trace.gz", "LESSONS");
    refused(&lab("why = \"again\""), 15, "duplicate", "write it like this");
    refused(&lab("").replace("epoll", "nginx"), 12, "nginx", "epoll, uring");
    refused(&lab("").replace("\"epoll\"", ""), 12, "shows nothing", "at least one");
}

#[test]
fn a_lab_of_trials_has_no_servers_and_no_load() {
    let lab = |keys: &str| {
        let body =
            format!("# Demo\n\n## A\n\n```lab\n{keys}\nmetrics = [\"syscalls\"]\nwhy = \"look\"\n```\n");
        with_front(&body)
    };
    let lesson = lab("trials = [\"ghost-event\", \"getppid\"]").unwrap();
    let read = lesson.steps[0].lab().unwrap();
    assert_eq!(
        (read.kind, &read.servers[..]),
        (Kind::Trials, &["ghost-event".to_owned(), "getppid".into()][..])
    );
    assert_eq!(read.load, Load::default(), "nothing of the lesson's load");
    for (keys, what) in [
        ("trials = [\"ghost\"]", "no trial \"ghost\""),
        ("trials = []", "shows nothing"),
        ("trials = [\"epoll\"]", "no trial \"epoll\""),
        ("trials = [\"getppid\"]\nservers = [\"epoll\"]", "servers and trials in one lab"),
        ("trials = [\"getppid\"]\nrate = 100", "a load for trials"),
        ("trials = [\"getppid\"]\nconnections = 1", "a load for trials"),
        ("servers = [\"getppid\"]", "not one of this lesson's"),
    ] {
        let mistake = lab(keys).unwrap_err();
        assert!(mistake.what.contains(what), "{keys}: {mistake}");
        assert!(!mistake.mend.is_empty() && mistake.line >= 11, "{mistake}");
    }
}

#[test]
fn a_question_that_no_lab_answers_is_refused() {
    refused(&format!("## A\n\n{PREDICT}"), 11, "no lab below the prediction \"a\"", "runs epoll and shows m");
    refused(&format!("## A\n\n{LAB}\n{PREDICT}"), 17, "no lab below", "put a lab below");
    refused(&format!("## A\n\n{PREDICT}\n{PREDICT}\n{LAB}"), 20, "second prediction", "by id");
    refused(&format!("## A\n\n{}", PREDICT.replace("ask", "aks")), 13, "`aks`", "ask = ");
    refused(
        "## A\n\n```insight\nid = \"a\"\nserver = \"uring\"\n```\n",
        11,
        "the insight \"a\"",
        "runs uring",
    );
    let tolerance = PREDICT.replace("because", "within = { absolute = -1.0 }\nbecause");
    refused(&format!("## A\n\n{tolerance}\n{LAB}"), 12, "below 0", "0 or more");
}

#[test]
fn mistakes_in_the_front_matter_are_found_too() {
    let glossary = |term: &str| FRONT.replace("}\n+++", &format!("}}\n[glossary]\n{term}\n+++"));
    let cases = [
        (String::new(), 1, "no front matter"),
        ("# Demo\n".into(), 1, "no front matter"),
        ("+++\nnumber = 1\n".into(), 1, "without an end"),
        ("+++\nnumber = 1\nname = \"demo\n+++\n".into(), 3, "front matter"),
        ("+++\nnumber = 1\n+++\n## A\n".into(), 2, "missing field"),
        (FRONT.replace("number = 1", "number = 2"), 2, "number 2"),
        (
            FRONT.replace("servers", "objectives = [{ says = \"x\" }]\nservers") + "## A\n\nx\n",
            2,
            "to the test",
        ),
        (
            FRONT.replace("servers", "objectives = [{ says = \"x\", predictions = [\"y\"] }]\nservers")
                + "## A\n\nx\n",
            2,
            "no prediction of this lesson",
        ),
        (
            FRONT.replace("servers", "objectives = [{ says = \"x\", exercises = [\"y\"] }]\nservers")
                + "## A\n\nx\n",
            2,
            "no exercise",
        ),
        (FRONT.replace("minutes = 20", "minutes = \"long\""), 5, "string"),
        (FRONT.replace("burst = 8", "burst = 65"), 2, "larger than"),
        (glossary("ring = { mean = \"x\" }"), 9, "a term is"),
        (glossary("ring = \"x\"") + "## A\n\na ring\n", 2, "\"ring\""),
        (glossary("\"\" = \"x\"") + "## A\n\na ****\n", 2, "\"\""),
    ];
    for (text, line, what) in cases {
        let mistake = demo(&text).expect_err(&text);
        assert!(mistake.line == line && mistake.what.contains(what), "for\n{text}\nit says {mistake}");
    }
}

#[test]
fn a_mistake_prints_as_one_line_that_an_editor_can_jump_to() {
    let mistake = with_front("## A\n").unwrap_err();
    let line = "lessons/01-demo/lesson.md:9: the step \"A\" is empty; to mend it: write it or drop it";
    assert_eq!(mistake.to_string(), line);
}

#[test]
fn a_lab_takes_from_the_lesson_what_it_leaves_out() {
    let body =
        "## A\n\n```lab\nmetrics = [\"m\"]\nwhy = \"w\"\nidle = 9\nrecording = \"run.trace.gz\"\n```\n";
    let lesson = with_front(body).unwrap();
    let lab = lesson.steps[0].lab().unwrap();
    assert_eq!(lab.servers, ["epoll", "uring"]);
    assert_eq!(lab.show, [Show::Metrics]);
    assert_eq!((lab.load.connections, lab.load.burst, lab.load.idle), (64, 8, 9));
    assert_eq!(lab.load.pace, Pace::PerSecond(2000));
}

#[test]
fn a_term_used_too_early_is_found_unless_it_is_part_of_a_longer_one() {
    let terms = "ring = \"x\"\n\"buffer ring\" = \"x\"\nSQE = \"x\"";
    let front = FRONT.replace("}\n+++", &format!("}}\n[glossary]\n{terms}\n+++"));
    let text = "## A\n\nThe **buffer ring**, io_uring, `ring`, sqe.\n\n## Two RINGS\n\nx\n\n\
                ## C\n\nA **ring** of **SQEs**.\n";
    let early = demo(&(front + text)).unwrap().early_uses();
    assert_eq!(early.len(), 1, "{early:?}");
    assert_eq!((early[0].word.as_str(), early[0].used_in, early[0].explained_in), ("ring", 1, 2));
}

#[test]
fn a_file_with_windows_line_ends_is_read_like_any_other() {
    let text = format!("{FRONT}# Demo\n\n## A\n\ntext\n\n{PREDICT}\n{LAB}");
    let unix = demo(&text).unwrap();
    assert_eq!(demo(&text.replace('\n', "\r\n")).unwrap(), unix);
}

#[test]
fn a_lab_without_a_recording_says_so_and_nothing_after_it() {
    let lesson = lesson::find("3").unwrap();
    let mut lab = lesson.read().unwrap().steps.iter().find_map(|step| step.lab().cloned()).unwrap();
    lab.recording = None;
    let (sender, events) = std::sync::mpsc::channel();
    Recorded::new(lesson, "this machine refuses io_uring").start(&lab, sender);
    let said: Vec<_> = events.into_iter().collect();
    let [LabEvent::Failed(why)] = said.as_slice() else { panic!("{said:?}") };
    assert!(why.contains("refuses io_uring") && why.contains("no recorded run"), "{why}");
}

/// Where this machine says no, the recorded run answers: every number that was asked for, every insight that is
/// provoked on purpose.
#[test]
fn recorded_runs_answer_what_is_asked_and_provoke_what_is_said() {
    for source in lesson::LESSONS {
        let lesson = source.read().unwrap();
        for step in &lesson.steps {
            let Some(lab) = step.lab() else { continue };
            let place = format!("lesson {}, {}", lesson.number, step.title);
            let name = lab.recording.as_deref().unwrap_or_else(|| panic!("{place}: nothing is recorded"));
            let opened = file::read(source.recording(name).unwrap())
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(opened.damage.is_none(), "{place}: {:?}", opened.damage);
            assert_eq!(opened.trace.header().servers, lab.servers, "{place}");
            let world = World::at(&opened.trace, u64::MAX);
            for asked in step.predictions() {
                let id = MetricId::by_key(&asked.metric).unwrap();
                let measured =
                    world.server(&asked.server).unwrap().metric(id).and_then(|number| number.value());
                assert!(measured.is_some(), "{place}: {} of {} was not measured", asked.metric, asked.server);
            }
            for insight in step.insights() {
                let found = world.server(&insight.server).unwrap().insights();
                assert!(
                    found.iter().any(|finding| finding.id == insight.id),
                    "{place}: {} is silent",
                    insight.id
                );
            }
        }
    }
}
