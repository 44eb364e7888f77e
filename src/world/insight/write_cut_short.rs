//! The part of a message that was never sent.

use super::{Insight, ServerView};

pub const INSIGHT: Insight = Insight {
    id: "write-cut-short",
    title: "the rest of a write was dropped",
    general: "write and send take as much as there is room for and return how much that was; fewer bytes than were \
              given is no error. The program goes on as if all had been taken: the peer gets a message with a hole in \
              it, and only when there is much to send.",
    fix: "Compare the result with the length, keep what is left, and go on with it when the socket has room (POLLOUT, \
          EPOLLOUT), before anything else is sent.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let writes = &view.window.habits.writes;
    // Where calls were lost, the one that sent the rest may be among them.
    (writes.given_up > 0 && view.window.lost == 0).then(|| {
        format!(
            "of {} writes that took a part only, {} had a rest that was never sent: {} bytes",
            writes.short, writes.given_up, writes.bytes
        )
    })
}
