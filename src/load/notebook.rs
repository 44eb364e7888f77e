//! The story as the client can tell it: each request sent and answered, kept until the next report.

use super::connection::{Answer, Sent};
use crate::trace::Story;

/// Events that are kept in a second. Beyond them the story would cost more than the traffic it tells of;
/// what is left out is counted.
const EVENTS_PER_SECOND: u32 = 1 << 16;

/// Collects events and bounds them.
#[derive(Debug, Default)]
pub struct Notebook {
    events: Vec<(u64, Story)>,
    lost: u64,
    /// The second that the budget holds for, and how much of it is used.
    second: (u64, u32),
}

/// What was written down since the last report.
#[derive(Debug, Default)]
pub struct Page {
    /// In order.
    pub events: Vec<(u64, Story)>,
    /// Events that there was no room for.
    pub lost: u64,
}

impl Notebook {
    /// A request was sent by the connection of this port.
    pub fn sent(&mut self, port: u16, sent: Sent) {
        self.write(sent.at_ns, Story::Sent { port, ordinal: sent.ordinal });
    }

    /// A request was answered.
    pub fn answered(&mut self, port: u16, answer: Answer) {
        self.write(answer.at_ns, Story::Answered { port, ordinal: answer.ordinal });
    }

    /// Takes what is there.
    pub fn tear_off(&mut self) -> Page {
        let mut events = std::mem::take(&mut self.events);
        // A send counts from when it was handed over, which is known to have worked only later.
        events.sort_by_key(|&(at_ns, _)| at_ns);
        Page { events, lost: std::mem::take(&mut self.lost) }
    }

    /// Events that could not be handed on.
    pub fn lose(&mut self, events: u64) {
        self.lost += events;
    }

    fn write(&mut self, at_ns: u64, story: Story) {
        let second = at_ns / 1_000_000_000;
        if second > self.second.0 {
            self.second = (second, 0);
        }
        if self.second.1 == EVENTS_PER_SECOND {
            self.lost += 1;
        } else {
            self.second.1 += 1;
            self.events.push((at_ns, story));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_a_second_is_counted() {
        let mut notebook = Notebook::default();
        for ordinal in 0..70_000 {
            notebook.sent(1, Sent { ordinal, at_ns: 5 });
        }
        notebook.sent(1, Sent { ordinal: 70_000, at_ns: 1_000_000_005 });
        let page = notebook.tear_off();
        assert_eq!(page.events.len(), 65_536 + 1);
        assert_eq!(page.lost, 70_000 - 65_536);
        assert_eq!(notebook.tear_off().events.len(), 0);
    }

    #[test]
    fn events_are_in_order_of_time() {
        let mut notebook = Notebook::default();
        notebook.answered(1, Answer { ordinal: 0, due_ns: 1, at_ns: 9 });
        notebook.sent(2, Sent { ordinal: 0, at_ns: 4 });
        let times: Vec<u64> = notebook.tear_off().events.iter().map(|event| event.0).collect();
        assert_eq!(times, [4, 9]);
    }
}
