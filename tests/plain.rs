//! The plain edition is a whole edition: every fact that the screen shows of a step occurs in its text.
//!
//! Both are drawn from the same run, and everything that stands on the screen is looked for in the text: prose,
//! questions, verdicts and findings word for word, numbers as numbers (the faces round them each in its way).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{LESSONS, Lesson, Source, Step};
use iolab::plain;
use iolab::screen::{Focus, Overlay, Palette, Pane, Run, State, Theme, View, frame};
use iolab::trace::{Trace, file};
use iolab::world::World;
use ratatui::layout::Size;

/// What stands between words on the screen and says nothing: lines, bars, bullets, glyphs beside a word.
const DECORATION: &[char] = &[
    '─', '│', '┌', '┐', '└', '┘', '├', '┤', '┬', '┴', '█', '▉', '▊', '▋', '▌', '▍', '▎', '▏', '▲', '▼', '·',
    '●', '◐', '○', '■', '▶', '‖', '✓', '✗', '▸', '▮', '▯', '↑', '↓',
];

/// A step as both faces show it.
struct Shown {
    lesson: Lesson,
    step: usize,
    trace: Option<Trace>,
    /// The text, its white space made one space each.
    plain: String,
    /// The same with what stands apart set apart by a semicolon: `225  253` are two numbers.
    apart: String,
}

impl Shown {
    fn new(lesson: &Lesson, step: usize, trace: Option<Trace>) -> Self {
        let text = text(lesson, &lesson.steps[step], step, trace.as_ref());
        let apart = text.replace('\n', "  ").split("  ").map(str::trim).collect::<Vec<_>>().join("; ");
        Self { lesson: lesson.clone(), step, trace, plain: squeezed(&text), apart }
    }

    /// The screen when all predictions are answered and the run is over.
    fn view(&self) -> View {
        let mut view = View::new(self.step);
        for asked in self.lesson.steps[self.step].predictions() {
            view.answers.insert(asked.id.clone(), ANSWER.into());
        }
        if self.trace.is_some() {
            view.run = Run::Some { step: self.step, state: State::Over, recorded: Some(WHY.into()) };
        }
        view
    }

    /// The rows of the screen between its header and its footer.
    fn rows(&self, view: &View, size: Size) -> Vec<String> {
        let world = self.trace.as_ref().map(|trace| World::at(trace, view.t_ns()));
        let theme = Theme { palette: Palette::Mono, ascii: false };
        let drawn = frame(world.as_ref(), view, &self.lesson, size, theme).buffer;
        let row = |y| (0..size.width).map(|x| drawn[(x, y)].symbol()).collect();
        (1..size.height.saturating_sub(1)).map(row).collect()
    }

    fn where_it_is(&self) -> String {
        format!("lesson {}, step {}", self.lesson.number, self.step + 1)
    }

    /// Looks for all that a row says.
    fn assert_told(&self, row: &str) {
        for part in row.split('│') {
            let tokens = tokens(part);
            let label = tokens.first().cloned().unwrap_or_default();
            for token in &tokens {
                assert!(
                    self.tells(token, &label),
                    "{}: the screen says {token:?} and the text does not:\n{row}\n\n{}",
                    self.where_it_is(),
                    self.plain
                );
            }
        }
    }

    /// Whether the text tells this, which stands in a row of that label.
    fn tells(&self, token: &str, label: &str) -> bool {
        let halves = || token.split_once(": ").is_some_and(|(a, b)| self.says(a) && self.says(b));
        self.says(token)
            || self.is_about_the_screen(token)
            || self.tells_number(token, label)
            || self.tells_share(token, label)
            || self.tells_interest(token)
            || self.tells_depth(token)
            || self.tells_switches(token, label)
            || self.tells_rates(token)
            || self.tells_crossings(token)
            || self.tells_thread(token, label)
            || self.tells_title(token)
            || halves()
    }

    /// A word that is longer than a line, such as an address, is cut: its pieces count as one.
    fn says(&self, words: &str) -> bool {
        let joined = |text: &str| text.replace(' ', "");
        self.plain.contains(&squeezed(words))
            || words.contains("://") && joined(&self.plain).contains(&joined(words))
    }

    /// What the screen says of itself: how much of it is out of sight.
    fn is_about_the_screen(&self, token: &str) -> bool {
        let hints = ["per echo", "SQEs", "depth", "a recorded run: ", "space runs"];
        hints.iter().any(|hint| token.starts_with(hint))
            || LEGENDS.contains(&token)
            || token.strip_prefix("waits in ").is_some_and(|length| length.ends_with("s:"))
            || token == "end"
            || token.ends_with("more")
            || token.strip_prefix('+').is_some_and(|more| more.parse::<u64>().is_ok())
            // Where the load is named: its numbers are looked for.
            || token.contains(" B, ") && numbers(token).iter().all(|n| self.numbers().contains(n))
    }

    /// A number beside its label: in the text it follows the same label.
    fn tells_number(&self, token: &str, label: &str) -> bool {
        let [shown] = written(token)[..] else { return token == "not known" };
        self.apart.match_indices(label).any(|(at, _)| {
            let after: String = self.apart[at + label.len()..].chars().take(90).collect();
            written(&after).iter().any(|told| (told.value - shown.value).abs() <= told.off + shown.off)
        })
    }

    /// A row of a histogram: its label is a value or a range, its shares stand in the text behind either.
    fn tells_share(&self, token: &str, label: &str) -> bool {
        if token == label {
            // A bucket; empty ones between others are drawn, too.
            return numbers(&token.replace('-', " to ")).len() <= 2
                && token.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+'));
        }
        let (Some(share), [low, high]) = (token.strip_suffix(" %"), range(label)) else { return false };
        let of_range = format!("{low} to {high}: {share} %");
        self.says(&of_range)
            || (low..=high.min(low.saturating_add(65_536)))
                .any(|value| self.says(&format!("{value}: {share} %")))
    }

    /// `fd7 IN|ET`: the text joins neighbours, as in `fd 7 to 68 IN|ET`.
    fn tells_interest(&self, token: &str) -> bool {
        if let Some(watched) = token.strip_suffix(" fds (fdinfo)") {
            return self.says(&format!("{watched} descriptors"));
        }
        if let Some(ready) = token.strip_suffix(" (derived)") {
            return self.says(&format!("ready list (derived from the sockets' queues): {ready}"));
        }
        let Some((fd, flags)) = token.strip_prefix("fd").and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let Ok(fd) = fd.parse::<u64>() else { return false };
        self.plain.split(&format!(" {flags}")).any(|before| {
            let Some((_, fds)) = before.rsplit_once("fd ") else { return false };
            match fds.split_once(" to ") {
                Some((first, last)) => {
                    (first.parse().unwrap_or(u64::MAX)..=last.parse().unwrap_or(0)).contains(&fd)
                }
                None => fds.parse() == Ok(fd),
            }
        })
    }

    /// `SQ 3 of 256`: the text says how many slots there are and how many entries wait.
    fn tells_depth(&self, token: &str) -> bool {
        let Some((depth, slots)) = token.split_once(" of ") else { return false };
        ["queued", "waiting"].iter().any(|word| self.says(&format!("{depth} {word}")))
            && self.says(&format!("{slots} slots"))
    }

    /// A row of the map of switches, such as `0.4 s` with `▃ 6` and `!2`: that thread's line tells both numbers of
    /// the stretches that begin then, which may be shorter ones. Glyphs without a number are a drawing.
    fn tells_switches(&self, token: &str, label: &str) -> bool {
        let Some(from_ms) = moment_ms(label) else { return false };
        let (voluntary, involuntary) = token.split_once('!').unwrap_or((token, ""));
        let told = |cell: &str, part: fn(&Stretches) -> &[u64]| {
            let cell = cell.trim_matches(|c| c == ' ' || LEVELS.contains(&c));
            cell.is_empty() || self.stretches().any(|line| line.sums(from_ms, part).any(|sum| is(cell, sum)))
        };
        let drawn = |c: char| c == ' ' || c == '!' || LEVELS.contains(&c);
        token.chars().all(drawn)
            || token == label && self.stretches().any(|line| line.place(from_ms).is_some())
            || told(voluntary, |line| &line.voluntary) && told(involuntary, |line| &line.involuntary)
    }

    /// The lines that tell the switches of a thread, stretch by stretch.
    fn stretches(&self) -> impl Iterator<Item = Stretches> {
        self.plain.split("context switches of ").skip(1).filter_map(Stretches::read)
    }

    /// `0.016 !0.002` beside a server's map: two rows of its table.
    fn tells_rates(&self, token: &str) -> bool {
        let rates = token.split_once(" !").or_else(|| token.strip_prefix('!').map(|rate| ("", rate)));
        let Some((voluntary, involuntary)) = rates else { return false };
        [(voluntary, "voluntary switches"), (involuntary, "involuntary switches")].iter().all(
            |(rate, label)| match *rate {
                "not known" => self.says("not known: ") && self.says(label),
                "" => true,
                rate => self.tells_number(rate, label),
            },
        )
    }

    /// `wait×0.02 recv send`: the text has the calls' whole names, and says one of those that are made once.
    fn tells_crossings(&self, token: &str) -> bool {
        let lines = self.plain.split("in the window (ptrace): ").skip(1);
        let told: Vec<_> = lines.flat_map(|line| line.split(',').map(str::trim)).collect();
        token.split(' ').all(|call| {
            let (short, each) = call.split_once('×').unwrap_or((call, "1.0"));
            let Some(shown) = written(each).first().copied() else { return false };
            told.iter().any(|told| {
                let mut words = told.split(' ');
                words.next().is_some_and(|name| name.contains(short))
                    && words
                        .next()
                        .and_then(|word| written(word).first().copied())
                        .is_some_and(|told| (told.value - shown.value).abs() <= told.off + shown.off)
            })
        })
    }

    /// `sqpoll own thread` and its shares of a processor, and how long a cell of its strip is.
    fn tells_thread(&self, token: &str, label: &str) -> bool {
        let is_share = token.ends_with(" %") && label.ends_with("own thread");
        if is_share {
            return self.tells_number(token, "was on a processor (proc)");
        }
        let own =
            token.strip_suffix("own thread").is_some_and(|name| self.says(name) && self.says("own thread"));
        let reading = token.strip_prefix("a cell a reading of ").and_then(|rest| rest.split_once(','));
        own || reading.is_some_and(|(length, _)| self.says(&format!("one every {length}")))
    }

    /// The title of a part whose lines have one each in the text, and who measured.
    fn tells_title(&self, token: &str) -> bool {
        let told = TITLES.iter().find_map(|(title, told)| Some((token.strip_prefix(title)?, *told)));
        told.is_some_and(|(server, told)| {
            self.says(server.trim_start_matches(": ")) && told.iter().all(|told| self.says(told))
        }) || token.split(", ").all(|rung| RUNGS.contains(&rung) && self.says(rung))
    }

    fn numbers(&self) -> Vec<f64> {
        numbers(&self.plain)
    }
}

/// What is answered to each prediction, and why the run is a recorded one.
const ANSWER: &str = "1";
const WHY: &str = "this test plays it";

/// What the glyphs of a drawing mean; the text has no glyphs.
const LEGENDS: &[&str] = &[
    "above: its own code; below: the kernel,",
    "waiting; order, not time",
    "▒ spins, put aside",
    "▁ partly",
    "mean",
    "! put aside",
    "▁ 1 ▂ 2 ▃ 4 ▄ 8 ▅ 16 ▆ 32 ▇ 64",
    "128+",
    "the only load so far; change the load to compare",
];

/// Glyphs that stand for an amount.
const LEVELS: &[char] = &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Parts with another heading in the text, and what stands there.
const TITLES: &[(&str, &[&str])] = &[
    ("interest list and ready list", &["interest list of epoll fd", "ready list"]),
    ("own code, kernel, waiting", &["own code and kernel", "crossings per echo"]),
    ("map of context switches", &["context switches of thread"]),
    ("who spins and who sleeps", &["was on a processor (proc)", "spinning"]),
    // Of one load alone, the table says the same.
    ("cost of an echo by connections", &["CPU", "syscalls per echo"]),
];

/// Who measured a part that has several sources.
const RUNGS: &[&str] = &["proc", "perf", "perf-user", "ptrace"];

/// A line of the text: a thread's switches in stretches of time.
struct Stretches {
    length_ms: u64,
    from_ms: u64,
    voluntary: Vec<u64>,
    involuntary: Vec<u64>,
}

impl Stretches {
    /// `…; in each 200 ms from 0.00 s on: 6 6 7 voluntary, 0 0 1 involuntary`
    fn read(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("; in each ")?;
        let (length, line) = line.split_once(" ms from ")?;
        let (from, line) = line.split_once(" on: ")?;
        let (voluntary, line) = line.split_once(" voluntary")?;
        let counts = |text: &str| text.split(' ').map(|count| count.parse().unwrap_or(0)).collect();
        let involuntary = line.strip_prefix(", ").and_then(|line| line.split_once(" involuntary"));
        Some(Self {
            length_ms: length.parse().ok()?,
            from_ms: moment_ms(from)?,
            voluntary: counts(voluntary),
            involuntary: involuntary.map_or_else(Vec::new, |(involuntary, _)| counts(involuntary)),
        })
    }

    /// The place of the stretch that begins at a time.
    fn place(&self, ms: u64) -> Option<usize> {
        let since = ms.checked_sub(self.from_ms).filter(|since| since.is_multiple_of(self.length_ms))?;
        usize::try_from(since / self.length_ms).ok().filter(|place| *place < self.voluntary.len())
    }

    /// The sums of the stretch that begins at a time, of it and the next one, and so on: a map with fewer rows has
    /// longer stretches.
    fn sums(&self, ms: u64, part: fn(&Self) -> &[u64]) -> impl Iterator<Item = u64> {
        let counts = self.place(ms).and_then(|place| part(self).get(place..)).unwrap_or_default();
        let sums = counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        sums.take(4).collect::<Vec<_>>().into_iter()
    }
}

/// `0.4 s`, in milliseconds.
fn moment_ms(text: &str) -> Option<u64> {
    let seconds: f64 = text.strip_suffix(" s")?.parse().ok()?;
    Some((seconds * 1000.0).round() as u64)
}

/// Whether this is how a count is written in a narrow column: `6`, `1.2k`.
fn is(shown: &str, count: u64) -> bool {
    let Some(thousands) = shown.strip_suffix('k') else { return shown.parse() == Ok(count) };
    // What is left out is cut off, not rounded.
    written(thousands).first().is_some_and(|shown| {
        let (least, unit) = (shown.value * 1000.0, shown.off * 2000.0);
        (least - 0.5..least + unit).contains(&(count as f64))
    })
}

/// The plain edition of a step with this run.
fn text(lesson: &Lesson, step: &Step, index: usize, trace: Option<&Trace>) -> String {
    let mut out = plain::lesson::opening(lesson) + &plain::lesson::heading(lesson, index);
    out += &plain::lesson::prose(step);
    out.extend(step.predictions().map(plain::lesson::question));
    let (Some(lab), Some(trace)) = (step.lab(), trace) else { return out };
    let world = World::at(trace, u64::MAX);
    out += &plain::lesson::running(lab, Some(WHY));
    out += &plain::lab(&world);
    out.extend(step.predictions().map(|asked| plain::lesson::answer(asked, Some(ANSWER), &world)));
    out
}

/// One space for each stretch of white space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands apart in a row: at least two spaces, or decoration, lie between.
fn tokens(row: &str) -> Vec<String> {
    let row: String = row.chars().map(|c| if DECORATION.contains(&c) { ' ' } else { c }).collect();
    let trimmed = row.trim_start().trim_start_matches(['?', '!', '•']).to_owned();
    trimmed.split("  ").map(squeezed).filter(|token| !token.is_empty()).collect()
}

/// A number as it is written, and how far off it may be: half a unit of its last digit.
#[derive(Clone, Copy, Debug)]
struct Written {
    value: f64,
    off: f64,
}

/// The values of the numbers in a text.
fn numbers(text: &str) -> Vec<f64> {
    written(text).into_iter().map(|number| number.value).collect()
}

/// The numbers in a text; thousands may stand apart.
fn written(text: &str) -> Vec<Written> {
    let number = |digits: &str| {
        let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let off = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap()) + 1e-9;
        digits.parse().ok().map(|value| Written { value, off })
    };
    let mut found = Vec::new();
    let mut digits = String::new();
    let chars: Vec<char> = text.chars().chain([' ', ' ']).collect();
    for (at, c) in chars.iter().enumerate() {
        let next_is_group =
            || chars.get(at + 1..at + 4).is_some_and(|next| next.iter().all(char::is_ascii_digit));
        let ends = |at: usize| chars.get(at).is_none_or(|c| !c.is_ascii_digit());
        match c {
            c if c.is_ascii_digit() => digits.push(*c),
            '.' if !digits.is_empty() && !ends(at + 1) => digits.push('.'),
            ' ' if !digits.is_empty() && next_is_group() && ends(at + 4) => {}
            _ => found.extend(number(&std::mem::take(&mut digits))),
        }
    }
    found
}

/// The first and the last value of a histogram's row.
fn range(label: &str) -> [u64; 2] {
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    match label.split_once('-') {
        Some((low, high)) => [number(low), number(high)],
        None => [number(label.trim_end_matches('+')); 2],
    }
}

/// The run of a step: as it was recorded, and as the fixture makes one up.
fn runs(source: &Source, step: &Step) -> Vec<Option<Trace>> {
    let Some(lab) = step.lab() else { return vec![None] };
    let recorded = lab.recording.as_deref().map(|name| {
        let bytes = source.recording(name).unwrap_or_else(|| panic!("{name} is missing"));
        file::read(bytes).unwrap().trace
    });
    let made = fixture::trace(&lab.servers, &lab.load, 60);
    recorded.into_iter().chain([made]).map(Some).collect()
}

/// Every step of every lesson, with every run.
fn all() -> Vec<Shown> {
    let mut all = Vec::new();
    for source in LESSONS {
        let lesson = source.read().unwrap();
        for (index, step) in lesson.steps.iter().enumerate() {
            all.extend(runs(source, step).into_iter().map(|trace| Shown::new(&lesson, index, trace)));
        }
    }
    assert!(all.len() > LESSONS.len());
    all
}

#[test]
fn every_fact_of_the_screen_is_in_the_text() {
    for shown in all() {
        let mut view = shown.view();
        // Side by side as it is mostly seen, then each half with room for all that it has.
        for (pane, size) in [
            (Pane::Both, Size::new(200, 60)),
            (Pane::Text, Size::new(120, 300)),
            (Pane::Lab, Size::new(200, 300)),
        ] {
            view.pane = pane;
            for row in shown.rows(&view, size) {
                shown.assert_told(&row);
            }
        }
        // Before the run: who will be seen.
        let waiting = View { pane: Pane::Lab, ..View::new(shown.step) };
        for row in shown.rows(&waiting, Size::new(200, 60)) {
            shown.assert_told(&row);
        }
        assert!(shown.says(&shown.lesson.title) && shown.says(&format!("Step {} of", shown.step + 1)));
    }
}

#[test]
fn why_says_all_that_the_screen_says_of_a_number() {
    for shown in all() {
        let Some(lab) = shown.lesson.steps[shown.step].lab() else { continue };
        let world = World::at(shown.trace.as_ref().unwrap(), u64::MAX);
        let servers = world.servers();
        let topics = plain::why::topics(lab);
        let last =
            servers.iter().position(|server| Some(server.name) == lab.servers.last().map(String::as_str));
        for (row, topic) in topics.iter().take(lab.metrics.len()).enumerate() {
            let mut view = shown.view();
            view.focus = Focus::Number { row, column: last.unwrap() };
            view.overlay = Some(Overlay::Info { back_to_text: true });
            let text = squeezed(&topic.explain(lab, &servers, |_, _| false));
            let rows = shown.rows(&view, Size::new(200, 60));
            let window = rows.iter().skip_while(|row| !row.contains("what is this?")).skip(1);
            let window: Vec<_> = window.take_while(|row| !row.contains("└─")).collect();
            assert!(window.len() > 5, "{rows:?}");
            for row in window {
                let inside: String = row.chars().skip(60).take(80).collect();
                for token in tokens(inside.trim_matches(|c| DECORATION.contains(&c) || c == ' ')) {
                    let label = ["value", "rung", "means", "measured", "error", "check it", "of"];
                    let token = token.trim_start_matches("of ").to_owned();
                    assert!(
                        label.contains(&token.as_str()) || text.contains(&token),
                        "{}: {token:?} is not in\n{text}",
                        shown.where_it_is()
                    );
                }
            }
        }
    }
}
