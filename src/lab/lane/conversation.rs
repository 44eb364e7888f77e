//! What a lane hears while it waits: its client, its server, and the person in front of the screen.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::{Happening, Lane, Trouble};
use crate::lab::cast::Cast;
use crate::lab::observer::Probes;
use crate::lab::session::Control;
use crate::load::protocol::{Ask, Tell};
use crate::probe::clock;
use crate::trace::{ClientTotals, End, Note, Record, RunId};

/// How long a paused client may take to collect its last answers, nanoseconds. It gives a silent server up
/// by itself, sooner than that.
const PATIENCE_NS: u64 = 2_000_000_000;

/// A moment at rest, nanoseconds.
const SETTLE_NS: u64 = 5_000_000;

/// So many moments a server gets to come to rest.
const MOMENTS_MAX: u32 = 10;

impl Lane<'_> {
    /// Waits until the client is quiet, handing on what it tells; answers where the client then stands.
    pub(super) fn until_quiet(
        &self,
        cast: &mut Cast,
        run: Option<(RunId, u64)>,
    ) -> Result<ClientTotals, Trouble> {
        loop {
            match self.next(cast, run)? {
                Tell::Totals { at_ns, totals } => self.client_record(run, at_ns, Record::Client(totals)),
                Tell::Quiet { at_ns, totals, .. } => {
                    self.client_record(run, at_ns, Record::Client(totals.clone()));
                    cast.open = totals.open;
                    return Ok(totals);
                }
                Tell::Story { events, lost, until_ns } if cast.windows.is_some() => {
                    let windows = cast.windows.as_ref();
                    windows.inspect(|windows| windows.client_told(events, lost, until_ns));
                }
                Tell::Story { events, lost, .. } => {
                    cast.story_lost = cast.story_lost.saturating_add(lost);
                    if let Some((run, zero_ns)) = run {
                        let records = events
                            .into_iter()
                            .map(|(at_ns, story)| (at_ns.saturating_sub(zero_ns), Record::Story(story)));
                        self.stage.recorder.push(run, records);
                    }
                }
                Tell::Failed { says } => return Err(self.failed(cast, says)),
                Tell::Ready { .. } => {}
            }
        }
    }

    fn client_record(&self, run: Option<(RunId, u64)>, at_ns: u64, record: Record) {
        if let Some((run, zero_ns)) = run {
            self.stage.recorder.push(run, [(at_ns.saturating_sub(zero_ns), record)]);
        }
    }

    /// The next thing the client tells. Everything else that happens is dealt with here.
    pub(super) fn next(&self, cast: &mut Cast, run: Option<(RunId, u64)>) -> Result<Tell, Trouble> {
        loop {
            let happening = match cast.quiet_by_ns {
                None => self.inbox.recv().map_err(|_| Trouble::Stopped)?,
                Some(by_ns) => {
                    let left = Duration::from_nanos(by_ns.saturating_sub(clock::monotonic_ns()));
                    self.inbox.recv_timeout(left).map_err(|_| Trouble::Stopped)?
                }
            };
            match happening {
                Happening::Told(tell) => {
                    if matches!(tell, Tell::Quiet { .. }) {
                        cast.quiet_by_ns = None;
                    }
                    return Ok(tell);
                }
                Happening::Said(line) => self.said(run, line),
                Happening::ServerEnded => return Err(self.gone(cast)),
                Happening::Control(Control::Stop) if run.is_none() => return Err(Trouble::Stopped),
                // Connections that are being opened and a warm-up go on to their end: rest comes after them.
                Happening::Control(Control::Freeze(_) | Control::Load(_)) if run.is_none() => {}
                Happening::Control(Control::Freeze(false)) => {}
                Happening::Control(Control::Load(_)) if self.stage.load_of(self.index) == cast.load => {}
                Happening::Control(asked) => {
                    cast.client.ask(&Ask::Pause)?;
                    cast.cut = match asked {
                        Control::Freeze(_) => Some(End::Frozen),
                        Control::Load(_) => cast.cut.take().or(Some(End::Changed)),
                        Control::Stop => cast.cut.take(),
                    };
                    cast.quiet_by_ns.get_or_insert(clock::monotonic_ns() + PATIENCE_NS);
                }
            }
        }
    }

    fn said(&self, run: Option<(RunId, u64)>, line: String) {
        self.last_said.replace(Some(line.clone()));
        match run {
            Some((run, zero_ns)) => {
                let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
                self.stage.recorder.push(run, [(t_ns, Record::Note(Note::Said { line }))]);
            }
            None => self.unheard.borrow_mut().push(line),
        }
    }

    /// The client failed; when the server is gone, that is the reason and the better thing to say.
    pub(super) fn failed(&self, cast: &mut Cast, says: String) -> Trouble {
        loop {
            match self.inbox.recv_timeout(Duration::from_millis(300)) {
                Ok(Happening::ServerEnded) => return self.gone(cast),
                Ok(Happening::Said(line)) => self.said(None, line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let last = self.last_said.borrow();
                    let says =
                        last.as_ref().map_or(says.clone(), |line| format!("{says}; it said last: {line}"));
                    return Trouble::End(End::ClientFailed { says });
                }
            }
        }
    }

    fn gone(&self, cast: &mut Cast) -> Trouble {
        let ended = cast.server.how_it_ended();
        let says = match self.last_said.borrow().as_deref() {
            Some(line) => format!("{ended}; it said last: {line}"),
            None => ended,
        };
        Trouble::End(End::ServerGone { says })
    }

    /// Waits while a person has frozen the session.
    pub(super) fn rest(&self, cast: &mut Cast) -> Result<(), Trouble> {
        while self.stage.is_frozen() {
            if self.stage.is_stopped() {
                return Err(Trouble::Stopped);
            }
            match self.inbox.recv() {
                Ok(Happening::Control(Control::Stop)) | Err(_) => return Err(Trouble::Stopped),
                Ok(Happening::ServerEnded) => return Err(self.gone(cast)),
                Ok(Happening::Said(line)) => self.said(None, line),
                Ok(Happening::Control(Control::Freeze(_) | Control::Load(_)) | Happening::Told(_)) => {}
            }
        }
        Ok(())
    }

    /// Waits until the server uses no more processor time: the client has its last answer before the server
    /// has made its last call. One that polls never rests; it gets a bounded time.
    pub(super) fn come_to_rest(&self, probes: Option<&mut Probes>) {
        let Some(probes) = probes else { return };
        let mut before_ns = probes.cpu_ns_of_server();
        for _ in 0..MOMENTS_MAX {
            self.settle();
            let now_ns = probes.cpu_ns_of_server();
            if now_ns == before_ns {
                return;
            }
            before_ns = now_ns;
        }
    }

    /// Gives the server a moment at rest. What happens meanwhile is not lost: it happens right afterwards.
    pub(super) fn settle(&self) {
        let until_ns = clock::monotonic_ns() + SETTLE_NS;
        let mut meanwhile = Vec::new();
        loop {
            let left = Duration::from_nanos(until_ns.saturating_sub(clock::monotonic_ns()));
            match self.inbox.recv_timeout(left) {
                Ok(happening) => meanwhile.push(happening),
                Err(_) => break,
            }
        }
        for happening in meanwhile {
            // The inbox is ours: it is open as long as we are.
            let _ = self.happenings.send(happening);
        }
    }
}
