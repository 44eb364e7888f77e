//! When a fact of the screen counts as told: word for word, or by one of these rules.

use crate::number::{numbers, range, written};
use crate::shown::{Shown, squeezed};
use crate::switches::{Stretches, is, moment_ms};

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

impl Shown {
    /// Whether the text tells this, which stands in a row of that label.
    pub fn tells(&self, token: &str, label: &str) -> bool {
        // A strip of readings beside its name is a drawing: its shares stand behind it.
        let drawn = |c: char| LEVELS.contains(&c) || matches!(c, ' ' | '·' | '▒' | 'z');
        let bare = token.trim_matches(drawn);
        if bare.len() < token.len()
            && (token.contains(|c| c == '▒' || LEVELS.contains(&c)) || token.starts_with("zz"))
            && (bare.is_empty() || self.tells(bare, label))
        {
            return true;
        }
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
            || self.tells_heads(token)
            || halves()
    }

    /// Names side by side in narrow columns, some of them cut: `herd-e… waiter`; a server and its helper in the
    /// kernel: `sqpoll iou-sqp`.
    fn tells_heads(&self, token: &str) -> bool {
        (token.contains('…') || token.contains(" iou-"))
            && token.split(' ').all(|name| match name.strip_suffix('…') {
                Some(cut) => cut.len() >= 3 && self.plain.contains(cut),
                None => self.says(name),
            })
    }

    /// A word that is longer than a line, such as an address, is cut: its pieces count as one.
    pub fn says(&self, words: &str) -> bool {
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
            // The only row of the costs, which are told where there are several.
            || token == "now" && !self.says("cost of an echo")
            || token == "z asleep: NEED_WAKEUP is up" && self.says(" asleep; ")
            // A strip of readings; its shares stand beside it.
            || token.chars().all(|c| LEVELS.contains(&c))
            || token.ends_with("more")
            // How many threads have a cell of their own; the text has room for other ones.
            || token.strip_suffix(" threads").is_some_and(|count| count.parse::<u64>().is_ok())
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
        // `fd5 62 464 B unread`, `fd3 +2`, `fd7 room`: an entry of the ready list.
        let ready = match flags.split_once(" B") {
            Some((bytes, rest)) => format!("fd {fd} with {} bytes{rest}", bytes.replace(' ', "")),
            None if flags == "room" => format!("fd {fd} with room"),
            None => format!("fd {fd} with {}", flags.trim_start_matches('+')),
        };
        if self.says(&ready) {
            return true;
        }
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
        // Narrow cells have a mark without a number, and then comes the next thread's: `! ▇65`.
        if let Some((cell, next)) = token.split_once("! ") {
            return [cell, next].iter().all(|cell| cell.is_empty() || self.tells_switches(cell, label));
        }
        let (voluntary, involuntary) = token.split_once('!').unwrap_or((token, ""));
        let told = |cell: &str, part: fn(&Stretches) -> &[u64]| {
            let cell = cell.trim_matches(|c| c == ' ' || LEVELS.contains(&c));
            cell.is_empty() || self.stretches().any(|line| line.sums(from_ms, part).any(|sum| is(cell, sum)))
        };
        let drawn = |c: char| c == ' ' || c == '!' || LEVELS.contains(&c);
        // Many threads have a cell each, and the others are summed up behind them. The text tells fewer threads one by
        // one, so its own sum of the others is another; no sum is larger than that of all.
        let all = |part: fn(&Stretches) -> &[u64]| {
            self.stretches().filter_map(|line| line.sums(from_ms, part).last()).sum::<u64>()
        };
        let count = |text: &str| match text.strip_suffix('k') {
            Some(thousands) => thousands.parse::<f64>().ok().map(|thousands| (thousands * 1000.0) as u64),
            None => text.parse().ok(),
        };
        let rest = count(token.trim_start_matches(drawn)).filter(|_| self.says("more threads"));
        let most =
            if token.starts_with('!') { all(|line| &line.involuntary) } else { all(|line| &line.voluntary) };
        if rest.is_some_and(|rest| rest <= most) {
            return true;
        }
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

    /// The share of looks that saw a poller asleep; the text may break its line anywhere.
    fn tells_looks(&self, token: &str) -> bool {
        let [shown] = written(token)[..] else { return false };
        self.plain.split("looks at the ring, ").skip(1).any(|after| {
            let told = after
                .split_once('%')
                .map(|(share, _)| share)
                .and_then(|share| written(share).first().copied());
            told.is_some_and(|told| (told.value - shown.value).abs() <= told.off + shown.off)
        })
    }

    /// `sqpoll own thread` and its shares of a processor, and how long a cell of its strip is.
    fn tells_thread(&self, token: &str, label: &str) -> bool {
        if token == "<1 %" {
            return self.says("was on a processor (proc) 0.") || self.says("in the mean, 0.");
        }
        let is_helper = label.ends_with("iou-sqp");
        if token.ends_with(" %") && (is_helper || label.ends_with("own thread")) {
            return self.tells_number(token, "was on a processor (proc)")
                || is_helper && self.tells_looks(token);
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
