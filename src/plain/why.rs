//! What a number is, as text: the same rows of the catalogue that `i` shows on the screen.

use crate::lesson::{Kind, Lab, Lesson, Show, plain_prose};
use crate::screen::{Theme, about, check, number::Scale};
use crate::world::{METRICS, Measured, Metric, MetricId, ServerView};

/// Lines are at most so wide.
const WIDTH: usize = 78;

/// Something that can be asked about: a number of the table, or a part of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A row of the catalogue.
    Number(MetricId),
    /// A part of the lab.
    Part(Show),
}

/// What can be asked about a lab, in the order of its numbers: those of the lesson first, the rest of the
/// catalogue, then the lab's parts.
pub fn topics(lab: &Lab) -> Vec<Topic> {
    let own = lab.metrics.iter().filter_map(|key| MetricId::by_key(key));
    let mut topics: Vec<Topic> = own.map(Topic::Number).collect();
    let suits = |metric: &&Metric| match lab.kind {
        Kind::Servers => !metric.id.is_of_trials() && !metric.id.is_of_processes(),
        Kind::Trials => metric.id.is_of_trials(),
        Kind::Processes => metric.id.is_of_trials() || metric.id.is_of_processes(),
    };
    for metric in METRICS.iter().filter(suits) {
        if !topics.contains(&Topic::Number(metric.id)) {
            topics.push(Topic::Number(metric.id));
        }
    }
    let parts = lab.show.iter().filter(|part| !matches!(part, Show::Metrics | Show::Insights));
    topics.extend(parts.map(|part| Topic::Part(*part)));
    topics
}

/// The list that a bare `why` prints: a number before each topic.
pub fn list(topics: &[Topic]) -> String {
    let mut out = String::from("Ask by number or by name, as in \"why 1\":\n");
    for (index, topic) in topics.iter().enumerate() {
        out += &format!("{:>3}  {}\n", index + 1, topic.title());
    }
    out
}

/// The topic that somebody means: its number in the list, its name, or the beginning of a word of it.
pub fn find(topics: &[Topic], wanted: &str) -> Option<Topic> {
    if let Ok(number) = wanted.parse::<usize>() {
        return topics.get(number.checked_sub(1)?).copied();
    }
    let wanted = wanted.to_lowercase();
    let is = |topic: &&Topic| topic.title().to_lowercase() == wanted || topic.key() == wanted;
    let begins = |topic: &&Topic| topic.title().to_lowercase().starts_with(&wanted);
    let holds = |topic: &&Topic| topic.title().to_lowercase().contains(&wanted);
    topics
        .iter()
        .find(is)
        .or_else(|| topics.iter().find(begins))
        .or_else(|| topics.iter().find(holds))
        .copied()
}

impl Topic {
    fn title(self) -> String {
        match self {
            Self::Number(id) => format!("{}, {}", id.row().label, id.row().unit),
            Self::Part(part) => about(part).title.to_owned(),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Number(id) => id.row().key,
            Self::Part(_) => "",
        }
    }

    /// What there is to say about it, with what these servers' runs say. A number that is still to be
    /// predicted is not given away: `hides` says which.
    pub fn explain(
        self,
        lab: &Lab,
        servers: &[ServerView<'_>],
        hides: impl Fn(&str, MetricId) -> bool,
    ) -> String {
        match self {
            Self::Number(id) => {
                let values: Vec<_> =
                    servers.iter().map(|server| value(server, id, hides(server.name, id))).collect();
                let row: &Metric = id.row();
                let last = lab.servers.last().map(String::as_str).unwrap_or_default();
                let of_last = servers.iter().find(|server| server.name == last);
                // Who reads why has a run behind them.
                let check = check::of_number(id, last, of_last, false);
                self.text(&values, [row.meaning, row.how, row.error, &check])
            }
            Self::Part(part) => {
                let row = about(part);
                let check = check::of_part(part, lab, servers, false);
                self.text(&[], [row.meaning, row.how, row.error, &check])
            }
        }
    }

    fn text(self, values: &[String], [means, how, error, check]: [&str; 4]) -> String {
        let mut lines = vec![self.title()];
        lines.extend(values.iter().map(|value| format!("Value: {value}")));
        lines.push(format!("Means: {means}"));
        lines.push(format!("Measured: {how}"));
        lines.push(format!("Error: {error}"));
        lines.push(format!("Check it: {check}"));
        let lines = lines.iter().flat_map(|line| plain_prose::sentence(line, WIDTH));
        lines.map(|line| line + "\n").collect()
    }
}

fn value(server: &ServerView<'_>, id: MetricId, hidden: bool) -> String {
    let said = match server.metric(id) {
        _ if hidden => "yours to predict first".into(),
        Some(Measured::Known { value, spread, rung }) => {
            let scale = Scale::of(id, value, Theme::DEFAULT.glyphs());
            let spread = spread.map(|spread| format!(" +/- {}", scale.text(spread))).unwrap_or_default();
            let unit = if scale.unit.is_empty() { String::new() } else { format!(" {}", scale.unit) };
            format!("{}{spread}{unit} ({})", scale.text(value), rung.word())
        }
        Some(Measured::Unknown { why, .. }) => format!("not known: {why}"),
        None => "does not apply to this server".into(),
    };
    format!("{}: {said}", server.name)
}

/// The glossary: every term, or those that hold a word.
pub fn glossary(lesson: &Lesson, word: &str) -> String {
    let word = word.to_lowercase();
    let holds = |form: &String| form.to_lowercase().contains(&word);
    let terms: Vec<_> =
        lesson.glossary.iter().filter(|term| holds(&term.word) || term.also.iter().any(holds)).collect();
    if terms.is_empty() {
        return format!("No term of this lesson holds {word:?}; \"glossary\" lists them all.\n");
    }
    let each = terms.iter().flat_map(|term| {
        let also = if term.also.is_empty() { String::new() } else { format!(" ({})", term.also.join(", ")) };
        plain_prose::sentence(
            &format!("{}{also}: {} Explained in step {}.", term.word, term.means, term.step + 1),
            WIDTH,
        )
    });
    each.map(|line| line + "\n").collect()
}
