//! Examples of every command, as one table: the help, the manual and a test read it.

/// A command line and what it does.
#[derive(Debug)]
pub struct Example {
    /// What is typed.
    pub line: &'static str,
    /// What comes of it; empty where the line says it.
    pub says: &'static str,
}

const fn example(line: &'static str, says: &'static str) -> Example {
    Example { line, says }
}

/// By command; the empty name is iolab itself.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            example("iolab", "all lessons, and where you left them"),
            example("iolab lesson 3", "open a lesson"),
            example("iolab lab epoll uring", "the same load on two servers, side by side"),
            example("iolab doctor", "what this machine allows"),
            example("iolab man lab | man -l -", "the manual of a command"),
        ],
    ),
    (
        "lesson",
        &[
            example("iolab lesson", "list the lessons"),
            example("iolab lesson 3", "open lesson 3 on the terminal"),
            example("iolab lesson io-uring-rings --step 8", "open it at a step"),
            example("iolab lesson 3 --present", "for a projector"),
            example("iolab lesson 3 --theme light", "in colours for a light background"),
            example("iolab lesson 3 --format plain", "as a conversation in lines, for screen readers"),
            example("iolab lesson 3 --replay --format json > lesson.json", "from recorded runs, for scripts"),
        ],
    ),
    (
        "lab",
        &[
            example(
                "iolab lab epoll uring",
                "on a screen, to play with; elsewhere 3 s each, as fast as it goes",
            ),
            example("iolab lab epoll uring --slow", "slow motion: one request through both, call by call"),
            example("iolab lab threads@1 threads@64 --rate 500", "one server at two numbers of connections"),
            example(
                "iolab lab epoll uring-naive uring --rate 2000 --burst 64 --duration 5",
                "at a pace, all together",
            ),
            example(
                "iolab lab epoll --tracer none,same,other --connections 50",
                "what a tracer such as strace does to a server",
            ),
            example("iolab lab threads epoll --connections 1 --requests 20000 --format json", "for scripts"),
            example(
                "iolab lab epoll uring --record a.trace.gz && iolab replay a.trace.gz",
                "keep it, see it again",
            ),
        ],
    ),
    (
        "observe",
        &[
            example("iolab observe -- nginx -g 'daemon off;'", "start a program and watch it until it ends"),
            example("iolab observe -p 1234 --duration 5", "a process that runs, for five seconds"),
            example("iolab observe --format json -- fio job.fio > run.json", "for scripts"),
            example("iolab observe --output run.txt -- ls | wc -l", "what it prints goes on as before"),
        ],
    ),
    (
        "exercise",
        &[
            example("iolab exercise init", "make a workspace, with the first exercise open"),
            example("iolab exercise watch", "in it: build and check at each save"),
            example("iolab exercise watch 6", "open another exercise, and watch that"),
            example("iolab exercise check --format json", "once, for scripts"),
            example("iolab exercise hint", "one step further each time"),
            example("iolab exercise init --bundle iolab.tar.gz", "everything, for a room without a network"),
            example("iolab exercise init --from iolab.tar.gz", "in that room"),
        ],
    ),
    (
        "grade",
        &[
            example("iolab grade submissions/", "a class: every folder in it, one table at the end"),
            example("iolab grade ada ben --format json > grades.json", "for scripts"),
            example("iolab grade . --format junit > grades.xml", "for CI systems"),
        ],
    ),
    (
        "claims",
        &[
            example("iolab claims", "all of them, about a minute; then a page for each"),
            example("iolab claims sqpoll-zero one-per-batch", "some of them"),
            example("iolab claims --format json > verdicts.json", "for scripts"),
            example("iolab claims --list", "what the claims are"),
            example("iolab claims --facts", "what the manuals say and this kernel does"),
        ],
    ),
    (
        "replay",
        &[
            example("iolab replay a.trace.gz", "the result as it was"),
            example("iolab replay a.trace.gz --at 1.5 --format json", "as it stood after 1.5 s, for scripts"),
        ],
    ),
    (
        "export",
        &[
            example("iolab export a.trace.gz --to svg > a.svg", "what the screen shows at its end"),
            example(
                "iolab export a.trace.gz --at 1.5 --size 100x30 --theme light --output a.svg",
                "the same after 1.5 s, for a light page",
            ),
            example("iolab export a.trace.gz --to text --at 1.5", "in words"),
            example(
                "iolab export a.trace.gz --output a.perfetto.json.gz",
                "every call and request, to be opened in ui.perfetto.dev",
            ),
        ],
    ),
    (
        "doctor",
        &[
            example("iolab doctor", "what this machine allows, and how to change it"),
            example("iolab doctor --format json", "the same for scripts"),
            example(
                "sudo iolab doctor --share-ids",
                "let every user count system calls until the next start",
            ),
        ],
    ),
    (
        "serve",
        &[
            example("iolab serve epoll", "a free port of 127.0.0.1"),
            example(
                "iolab serve epoll --listen 127.0.0.1:7000",
                "then in another terminal: nc 127.0.0.1 7000",
            ),
            example("strace -f -c iolab serve epoll", "the system calls it makes, counted when it ends"),
            example("iolab serve uring --sq-entries 64", "an io_uring server with a small ring"),
        ],
    ),
    (
        "completions",
        &[
            example("iolab completions bash > ~/.local/share/bash-completion/completions/iolab", ""),
            example("iolab completions fish > ~/.config/fish/completions/iolab.fish", ""),
            example("iolab completions zsh > ~/.zfunc/_iolab", "with ~/.zfunc in $fpath"),
        ],
    ),
    (
        "man",
        &[
            example("iolab man | man -l -", "read it"),
            example("iolab man lab > ~/.local/share/man/man1/iolab-lab.1", "keep it, for man iolab-lab"),
        ],
    ),
];

/// The examples of a command; none for one that the table does not know.
pub fn of(command: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

/// The examples as the help prints them.
pub fn text(examples: &[Example]) -> String {
    let short = examples.iter().map(|example| example.line.len()).filter(|len| *len <= 48).max().unwrap_or(0);
    let mut out = String::from("Examples:");
    for Example { line, says } in examples {
        out += &match says.len() {
            0 => format!("\n  {line}"),
            _ if line.len() <= short => format!("\n  {line:<short$}  {says}"),
            _ => format!("\n  {line}\n  {:<short$}  {says}", ""),
        };
    }
    out
}
