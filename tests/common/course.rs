//! A course of five small lessons, so that screens of home, search and glossary stay the same whatever the
//! real lessons say.

// Each test program that borrows this file uses a part of it.
#![allow(dead_code)]

use std::fmt::Write as _;

use iolab::exercise::{Manifest, Posed};
use iolab::lesson::{Course, Lesson, Source};

/// The lessons: folder, title, steps, how many of them predict, and terms with the step (from 1) that explains
/// each.
type Row = (&'static str, &'static str, usize, usize, &'static [(&'static str, usize, &'static str)]);

const LESSONS: &[Row] = &[
    (
        "00-blocking",
        "Blocking and threads",
        12,
        4,
        &[
            ("system call", 1, "A request of a program to the kernel."),
            (
                "context switch",
                3,
                "A processor leaves one thread and goes on with another; voluntary when the \
                                   thread had to wait, involuntary when it was put aside.",
            ),
        ],
    ),
    ("01-select-poll", "select and poll", 10, 3, &[("level-triggered", 4, "Reported as long as it holds.")]),
    ("02-epoll", "epoll and readiness", 14, 5, &[("interest list", 2, "What an epoll instance watches.")]),
    (
        "03-rings",
        "io_uring rings",
        16,
        3,
        &[
            ("interest list", 2, "What an epoll instance watches."),
            ("SQE", 5, "One operation for the kernel to carry out, 64 bytes."),
            ("ring", 4, "A fixed array that is used round and round."),
        ],
    ),
    ("04-sqpoll", "SQPOLL: no call at all", 9, 3, &[("poller", 2, "A thread that looks again and again.")]),
];

/// A lesson with this text.
pub fn lesson(folder: &'static str, text: String) -> Lesson {
    let text: &'static str = Box::leak(text.into_boxed_str());
    Source { folder, text, recordings: &[] }.read().unwrap_or_else(|mistake| panic!("{mistake}\n{text}"))
}

/// The exercises: name, title, lesson.
const EXERCISES: &[(&str, &str, u8)] = &[
    ("switch-or-not", "Switch or not", 0),
    ("free-the-threads", "Free the threads", 0),
    ("beyond-fd-set", "Beyond the set", 1),
    ("poll-hang-up", "Somebody hangs up", 1),
    ("partial-writes", "Partial writes", 2),
    ("drain-the-edge", "Drain the edge", 2),
    ("ghost-event", "The ghost event", 2),
    ("raw-nops", "A hundred thousand NOPs by hand", 3),
    ("echo-in-batches", "Echo in batches", 3),
    ("wake-the-poller", "Wake the poller", 4),
    ("zero-syscalls", "Nothing between two looks", 4),
    ("one-accept", "One accept for all", 5),
];

/// All five, and twelve exercises.
pub fn course() -> Course {
    let lessons = LESSONS.iter().map(|row| self::row(*row)).collect();
    let exercises = (1..).zip(EXERCISES).map(|(number, row)| exercise(number, *row)).collect();
    Course { exercises, ..Course::of(lessons) }
}

fn exercise(number: u8, (name, title, lesson): (&str, &str, u8)) -> Posed {
    let mut text = format!(
        "title = \"{title}\"\nlesson = {lesson}\nkind = \"server\"\nminutes = 12\npoints = 10\n\
         needs = [\"io_uring\"]\nteaches = \"what number {number} has to say: go on until nothing is left, or remember \
         who has not finished\"\nstarter_fails = [\"whole\"]\n[[run]]\nid = \"crowd\"\nwatch = \"calls\"\n\
         steps = [{{ do = \"connect\", connections = 2 }}]\n"
    );
    for (id, points, what) in [
        ("whole", 7, "every byte that was sent comes back"),
        (
            "idle",
            2,
            "an idle server sleeps in the kernel and does not ask again and again whether there is work",
        ),
        ("ends", 1, "who says goodbye is let go"),
    ] {
        write!(
            text,
            "[[criterion]]\nid = \"{id}\"\npoints = {points}\nrun = \"crowd\"\nat = \"connect\"\nwhat = \"{what}\"\n\
             expect = {{ echoed = \"all\" }}\nwhy = \"because\"\nnext = \"look\"\nhint = [\"why?\", \"there\", \"this\"]\n"
        )
        .unwrap();
    }
    let manifest = Manifest::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Posed { number, name: name.into(), manifest }
}

fn row((folder, title, steps, asks, terms): Row) -> Lesson {
    let (number, name) = folder.split_once('-').unwrap();
    let mut text = format!(
        "+++\nnumber = {}\nname = \"{name}\"\ntitle = \"{title}\"\nminutes = 30\nservers = [\"epoll\", \"uring\"]\n\n\
         [glossary]\n",
        number.trim_start_matches('0').parse().unwrap_or(0)
    );
    for (word, _, means) in terms {
        writeln!(text, "\"{word}\" = \"{means}\"").unwrap();
    }
    writeln!(text, "+++\n# {title}").unwrap();
    for step in 1..=steps {
        writeln!(text, "\n## Idea {step} of {name}\n\nSomething to read.").unwrap();
        for (word, _, _) in terms.iter().filter(|(_, explained, _)| *explained == step) {
            writeln!(text, "\nThis is a **{word}**.").unwrap();
        }
        if step > steps - asks {
            writeln!(
                text,
                "\n```predict\nid = \"p{step}\"\nask = \"How many?\"\nserver = \"epoll\"\n\
                 metric = \"syscalls_per_request\"\nbecause = \"One each.\"\n```\n\n\
                 ```lab\nmetrics = [\"syscalls_per_request\"]\nwhy = \"To see.\"\n```"
            )
            .unwrap();
        }
    }
    lesson(folder, text)
}
