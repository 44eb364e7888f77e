//! A story line by line: the calls of a window, and between them the entries that were seen in the rings.

use super::{Call, RingEntry, WindowView, words};

/// One line of a story.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told<'w> {
    /// A system call.
    Call(&'w Call),
    /// An entry of a ring, seen at the edge of the call above it.
    Entry(&'w RingEntry),
}

impl Told<'_> {
    /// The line in plain words.
    pub fn words(&self) -> String {
        match self {
            Self::Call(call) => words::sentence(call),
            Self::Entry(entry) => words::entry(entry),
        }
    }
}

impl WindowView {
    /// The lines of the story as far as it is kept, each with how often it stands there in a row.
    pub fn told(&self) -> Vec<(Told<'_>, u64)> {
        let mut entries = self.entries.iter().peekable();
        let mut lines = Lines::default();
        for (index, call) in self.calls.iter().enumerate() {
            let until_ns = self.calls.get(index + 1).map_or(u64::MAX, |next| next.t_ns);
            lines.add(Told::Call(call));
            while let Some(entry) = entries.next_if(|entry| entry.t_ns < until_ns) {
                lines.add(Told::Entry(entry));
            }
        }
        entries.for_each(|entry| lines.add(Told::Entry(entry)));
        lines.told
    }
}

/// Lines, the same ones in a row folded.
#[derive(Default)]
struct Lines<'w> {
    told: Vec<(Told<'w>, u64)>,
    last: String,
}

impl<'w> Lines<'w> {
    fn add(&mut self, line: Told<'w>) {
        let words = line.words();
        match self.told.last_mut() {
            Some((_, times)) if self.last == words && !hides_much(&line) => *times = times.saturating_add(1),
            _ => {
                self.told.push((line, 1));
                self.last = words;
            }
        }
    }
}

/// Whether what a call asks for stands behind a pointer that was not followed: two that read alike may differ.
fn hides_much(line: &Told<'_>) -> bool {
    matches!(line, Told::Call(call) if call.name == "io_uring_setup" && call.args[1] != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Story;

    fn window(story: &[(u64, Story)]) -> WindowView {
        let mut window = WindowView::default();
        story.iter().for_each(|(t_ns, story)| window.apply(*t_ns, story));
        window
    }

    #[test]
    fn entries_stand_below_the_call_at_whose_edge_they_were_seen() {
        let enter =
            |t_ns| (t_ns, Story::Enter { tid: 1, name: "io_uring_enter".into(), args: [4, 2, 2, 1, 0, 0] });
        let nop = |t_ns| {
            let operation = "NOP".into();
            (t_ns, Story::Sqe { ring: 4, operation, fd: -1, len: 0, flags: 0, user_data: 0, tid: None })
        };
        let done = |t_ns, result| (t_ns, Story::Cqe { ring: 4, user_data: 0, result, flags: 0, tid: None });
        let exit = |t_ns| (t_ns, Story::Exit { tid: 1, name: "io_uring_enter".into(), result: 2 });
        let window = window(&[
            enter(10),
            nop(10),
            nop(10),
            exit(20),
            done(20, 0),
            done(20, -125),
            enter(30),
            exit(40),
            done(40, 0),
        ]);
        let told: Vec<_> = window.told().iter().map(|(line, times)| (line.words(), *times)).collect();
        let take = "io_uring_enter: take 2 SQEs, wake me at 2 CQEs → 2 taken".to_owned();
        let expected = [
            (take.clone(), 1),
            ("SQE: do nothing".into(), 2),
            ("CQE: done".into(), 1),
            ("CQE: ECANCELED: it was called off".into(), 1),
            (take, 1),
            ("CQE: done".into(), 1),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_done_again_and_again_is_one_line() {
        let mut story = Vec::new();
        for t_ns in 0..300 {
            story.push((t_ns, Story::Enter { tid: 1, name: "getppid".into(), args: [0; 6] }));
            story.push((t_ns, Story::Exit { tid: 1, name: "getppid".into(), result: 7 }));
        }
        let window = window(&story);
        let told = window.told();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1, window.calls.len() as u64, "as many as are kept");
    }
}
