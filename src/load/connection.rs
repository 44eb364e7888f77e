//! One connection's conversation: which requests wait, which is being sent, which answer comes next. Knows
//! bytes and order, no descriptor and no clock.

use std::collections::VecDeque;

use super::pattern::{Pattern, differences};

/// A request that was answered, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which request of this connection, from 0.
    pub ordinal: u64,
    /// When it was to be sent, CLOCK_MONOTONIC nanoseconds.
    pub due_ns: u64,
    /// When its last byte was here.
    pub at_ns: u64,
}

/// A request that was sent, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which request of this connection, from 0.
    pub ordinal: u64,
    /// When its last bytes were given to the kernel.
    pub at_ns: u64,
}

/// A request from the moment it is due to the moment it is answered.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// `None` in a closed loop, until its first byte is given to the kernel.
    due_ns: Option<u64>,
    bytes: u32,
}

/// The conversation.
#[derive(Debug)]
pub struct Conversation {
    /// Which connection this is: its messages differ from all others'.
    id: u32,
    /// Oldest first: answers under way, then the one that is being sent, then those that wait.
    requests: VecDeque<Request>,
    /// Ordinal of the oldest.
    oldest: u64,
    /// Index of the first that is not wholly sent.
    sending: usize,
    /// Bytes of it that the kernel has taken.
    sent_bytes: u32,
    /// When a part of it was given to the kernel that has not said yet how much it took.
    asked_ns: Option<u64>,
    /// Bytes of the oldest one's answer that are here.
    received_bytes: u32,
    /// When the oldest one's answer was whole, while its send is not reported yet: a completion of a receive
    /// may overtake that of the send that caused it.
    early_ns: Option<u64>,
}

impl Conversation {
    /// A conversation in which nothing was said.
    pub fn new(id: u32) -> Self {
        Self {
            id,
            requests: VecDeque::new(),
            oldest: 0,
            sending: 0,
            sent_bytes: 0,
            asked_ns: None,
            received_bytes: 0,
            early_ns: None,
        }
    }

    /// Adds a request; `due_ns` is `None` where it is due when it is sent.
    pub fn add(&mut self, due_ns: Option<u64>, bytes: u32) {
        self.requests.push_back(Request { due_ns, bytes });
    }

    /// Requests not yet answered.
    pub fn unanswered(&self) -> usize {
        self.requests.len()
    }

    /// Requests of which not one byte was given to the kernel.
    pub fn waiting(&self) -> usize {
        self.requests.len() - self.sending - usize::from(self.has_begun())
    }

    /// Forgets the requests that are waiting.
    pub fn forget_waiting(&mut self) {
        self.requests.truncate(self.requests.len() - self.waiting());
    }

    /// Whether the next bytes may be handed to the kernel: there are some, and it is not busy with others.
    pub fn wants_to_send(&self) -> bool {
        self.asked_ns.is_none() && self.sending < self.requests.len()
    }

    /// The next bytes to send, and whether they begin a request. The kernel is busy with them until
    /// [`Self::sent`] is called.
    pub fn next_bytes(&mut self, pattern: Pattern, now_ns: u64) -> Option<(&'static [u8], bool)> {
        if !self.wants_to_send() {
            return None;
        }
        let begins = self.sent_bytes == 0;
        let request = &mut self.requests[self.sending];
        request.due_ns.get_or_insert(now_ns);
        self.asked_ns = Some(now_ns);
        let message = pattern.message(self.id, self.oldest + self.sending as u64, request.bytes);
        Some((&message[self.sent_bytes as usize..], begins))
    }

    /// The kernel has taken `bytes` of what it was given last. Tells the request that is sent by that, and
    /// its answer if that was here already.
    pub fn sent(&mut self, bytes: u32) -> (Option<Sent>, Option<Answer>) {
        let Some(asked_ns) = self.asked_ns.take() else { return (None, None) };
        self.sent_bytes += bytes;
        if self.sent_bytes < self.requests[self.sending].bytes {
            return (None, None);
        }
        let sent = Sent { ordinal: self.oldest + self.sending as u64, at_ns: asked_ns };
        self.sent_bytes = 0;
        self.sending += 1;
        let answer = self.early_ns.take().map(|at_ns| self.finish(at_ns));
        (Some(sent), answer)
    }

    /// These bytes came in at `now_ns`. Puts what they answer into `answers` and says how many of them are
    /// wrong; bytes that nothing asked for are wrong, too.
    pub fn received(
        &mut self,
        pattern: Pattern,
        mut bytes: &[u8],
        now_ns: u64,
        answers: &mut Vec<Answer>,
    ) -> u64 {
        let mut wrong = 0;
        while !bytes.is_empty() {
            let Some(request) = self.answering() else { return wrong + bytes.len() as u64 };
            let message = pattern.message(self.id, self.oldest, request.bytes);
            let expected = &message[self.received_bytes as usize..];
            let (here, rest) = bytes.split_at(expected.len().min(bytes.len()));
            wrong += differences(&expected[..here.len()], here);
            self.received_bytes += here.len() as u32;
            bytes = rest;
            if self.received_bytes < request.bytes {
                return wrong;
            }
            if self.sending > 0 {
                answers.push(self.finish(now_ns));
            } else {
                self.early_ns = Some(now_ns);
            }
        }
        wrong
    }

    /// The request that incoming bytes belong to.
    fn answering(&self) -> Option<Request> {
        let begun = self.sending > 0 || self.has_begun();
        if begun && self.early_ns.is_none() { self.requests.front().copied() } else { None }
    }

    fn has_begun(&self) -> bool {
        self.asked_ns.is_some() || self.sent_bytes > 0
    }

    fn finish(&mut self, at_ns: u64) -> Answer {
        let due_ns = self.requests.pop_front().and_then(|request| request.due_ns).unwrap_or(at_ns);
        let ordinal = self.oldest;
        self.oldest += 1;
        self.sending -= 1;
        self.received_bytes = 0;
        Answer { ordinal, due_ns, at_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(talk: &mut Conversation, bytes: &[u8], now_ns: u64) -> (u64, Vec<Answer>) {
        let mut answers = Vec::new();
        let wrong = talk.received(Pattern::new(), bytes, now_ns, &mut answers);
        (wrong, answers)
    }

    fn given(talk: &mut Conversation, now_ns: u64) -> &'static [u8] {
        talk.next_bytes(Pattern::new(), now_ns).expect("something to send").0
    }

    #[test]
    fn a_request_in_pieces_both_ways() {
        let mut talk = Conversation::new(3);
        talk.add(Some(10), 100);
        let all = given(&mut talk, 12);
        assert!(!talk.wants_to_send(), "the kernel is busy with the whole request");
        assert_eq!(talk.sent(60), (None, None));
        assert_eq!(given(&mut talk, 20), &all[60..]);
        assert_eq!(heard(&mut talk, &all[..70], 30), (0, vec![]));
        assert_eq!(talk.sent(40).0, Some(Sent { ordinal: 0, at_ns: 20 }));
        assert_eq!(heard(&mut talk, &all[70..], 40), (0, vec![Answer { ordinal: 0, due_ns: 10, at_ns: 40 }]));
        assert_eq!(talk.unanswered(), 0);
    }

    #[test]
    fn pipelined_answers_in_one_piece() {
        let mut talk = Conversation::new(0);
        let mut stream = Vec::new();
        for due_ns in 0..3 {
            talk.add(Some(due_ns), 8);
            stream.extend_from_slice(given(&mut talk, due_ns));
            talk.sent(8);
        }
        let (wrong, answers) = heard(&mut talk, &stream, 9);
        assert_eq!(wrong, 0);
        assert_eq!(answers.iter().map(|answer| answer.due_ns).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn an_answer_may_overtake_the_report_of_its_send() {
        let mut talk = Conversation::new(0);
        talk.add(None, 8);
        let bytes = given(&mut talk, 5);
        assert_eq!(heard(&mut talk, bytes, 7), (0, vec![]));
        assert_eq!(talk.sent(8).1, Some(Answer { ordinal: 0, due_ns: 5, at_ns: 7 }));
    }

    #[test]
    fn bytes_that_nobody_asked_for_are_wrong() {
        let mut talk = Conversation::new(0);
        assert_eq!(heard(&mut talk, b"hello", 1).0, 5);
        talk.add(None, 4);
        assert_eq!(heard(&mut talk, b"hello", 2).0, 5, "not one byte of the request was sent yet");
        let bytes = given(&mut talk, 3);
        talk.sent(4);
        let surplus = [bytes, b"!!"].concat();
        let (wrong, answers) = heard(&mut talk, &surplus, 4);
        assert_eq!((wrong, answers.len()), (2, 1));
    }

    #[test]
    fn waiting_requests_can_be_forgotten_those_under_way_not() {
        let mut talk = Conversation::new(0);
        for _ in 0..5 {
            talk.add(Some(0), 10);
        }
        given(&mut talk, 1);
        talk.sent(10);
        given(&mut talk, 2);
        talk.sent(4);
        assert_eq!((talk.unanswered(), talk.waiting()), (5, 3));
        talk.forget_waiting();
        assert_eq!((talk.unanswered(), talk.waiting()), (2, 0));
        assert!(talk.wants_to_send(), "the rest of the second");
    }
}
