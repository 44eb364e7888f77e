//! What is done in each step, until it is done or nothing moves any more.

use std::time::Duration;

use super::client::{Tick, Wish};
use super::patience::Patience;
use super::{FAREWELL, Halt, Stage};
use crate::exercise::cage::Ended;
use crate::exercise::manifest::Action;
use crate::exercise::seen::StepSeen;
use crate::probe::clock::monotonic_ns;

impl Stage<'_> {
    pub(super) fn act(&mut self, action: &Action, step: &mut StepSeen) -> Result<(), Halt> {
        match action {
            Action::Connect { group, connections, small } => {
                let to = self.cage.address().ok_or_else(|| anyhow::anyhow!("the cage has no listener"))?;
                let sockets = self.cage.sockets(*connections)?;
                self.client.connect(group, sockets, to, *small)?;
                self.until(group, Wish::Connected)
            }
            Action::Echo { group, rounds, bytes } => {
                for _ in 0..*rounds {
                    self.client.send(group, *bytes);
                    self.until(group, Wish::Echoed)?;
                    step.wrong = self.client.wrong(group, Wish::Echoed);
                    if !step.wrong.is_empty() {
                        break;
                    }
                    step.echoes += self.client.len(group) as u64;
                }
                Ok(())
            }
            Action::Burst { group, bytes } => {
                self.client.send(group, *bytes);
                self.owed(group, Wish::Echoed, step)
            }
            Action::Stuff { group, bytes } => {
                self.client.send(group, *bytes);
                self.stuff(group)
            }
            Action::Drain { group } => self.owed(group, Wish::Sipped, step),
            Action::Greeted { group, text } => {
                self.client.await_text(group, text);
                self.owed(group, Wish::Echoed, step)
            }
            Action::Rest { ms } => self.rest(Duration::from_millis(*ms)),
            Action::HalfClose { group } => {
                self.client.finish(group);
                self.ended(group, step)
            }
            Action::Refused { group } => {
                let ended = self.ended(group, step);
                // Refused is refused, by FIN or by RST.
                step.wrong.clear();
                ended
            }
            Action::Close { group } => {
                self.client.close(group);
                Ok(())
            }
            Action::Reset { group } => {
                self.client.reset(group);
                Ok(())
            }
            Action::Say { line, answer } => self.say(line, answer, step),
            Action::End => self.farewell(step),
        }
    }

    /// Until every connection of a group has what it sent.
    fn owed(&mut self, group: &str, wish: Wish, step: &mut StepSeen) -> Result<(), Halt> {
        let result = self.until(group, wish);
        step.wrong = self.client.wrong(group, wish);
        if result.is_ok() && step.wrong.is_empty() {
            step.echoes = self.client.len(group) as u64;
        }
        result
    }

    /// Until the server has closed every connection of a group.
    fn ended(&mut self, group: &str, step: &mut StepSeen) -> Result<(), Halt> {
        let result = self.until(group, Wish::Ended);
        step.wrong = self.client.wrong(group, Wish::Ended);
        if result.is_ok() {
            self.client.close(group);
        }
        result
    }

    /// Until the server takes no more.
    fn stuff(&mut self, group: &str) -> Result<(), Halt> {
        let mut patience = Patience::with_server(&mut self.look);
        loop {
            let tick = self.client.tick(group, Wish::Sent)?;
            if tick.moved {
                patience.moved();
            }
            let entered = self.entered();
            // Both ends are full when the server has gone to sleep over it and there is no room even then.
            let is_full = !tick.moved
                && (self.settle() && !self.client.tick(group, Wish::Sent)?.moved
                    || patience.is_at_end(&mut self.look, entered));
            if tick.done || is_full {
                self.client.send_no_more(group);
                return Ok(());
            }
            self.interrupted()?;
        }
    }

    /// Until every connection of a group has what it wishes.
    fn until(&mut self, group: &str, wish: Wish) -> Result<(), Halt> {
        let mut patience = Patience::with_server(&mut self.look);
        loop {
            let Tick { done, moved } = self.client.tick(group, wish)?;
            if done {
                return Ok(());
            }
            if moved {
                patience.moved();
                continue;
            }
            self.interrupted()?;
            let entered = self.entered();
            if patience.is_at_end(&mut self.look, entered) {
                let mut waits = self.client.wrong(group, wish);
                waits.push(self.client.waits(group, wish));
                return Err(self.hung(&waits.join("; ")));
            }
        }
    }

    /// A line to the program, and its answer.
    fn say(&mut self, line: &str, answer: &str, step: &mut StepSeen) -> Result<(), Halt> {
        let mut patience = Patience::with_task(&mut self.look);
        let task = self.task.as_mut().ok_or_else(|| anyhow::anyhow!("a server is told nothing"))?;
        task.say(line)?;
        let mut done = self.progress();
        loop {
            let Some(task) = self.task.as_mut() else { return Ok(()) };
            if let Some(said) = task.hear()? {
                if !said.starts_with(answer) {
                    step.wrong.push(format!("it answered {said:?}, not {answer:?}"));
                }
                step.answer = Some(said);
                return Ok(());
            }
            self.interrupted()?;
            let now = self.progress();
            if now != done {
                done = now;
                patience.moved();
            } else if patience.is_at_end(&mut self.look, done.1) {
                return Err(self.hung(&format!("it was told {line:?} and does not answer")));
            }
        }
    }

    /// What moves while a task works: its rings, or its calls.
    fn progress(&mut self) -> (u64, u64) {
        (self.look.tails(), self.entered())
    }

    fn rest(&mut self, time: Duration) -> Result<(), Halt> {
        let by_ns = monotonic_ns() + time.as_nanos() as u64;
        loop {
            let left = Duration::from_nanos(by_ns.saturating_sub(monotonic_ns()));
            if left.is_zero() {
                return Ok(());
            }
            self.wait(left.min(Duration::from_millis(20)));
            self.look.sample();
            self.interrupted()?;
        }
    }

    /// The end of a task's input: it is to end by itself.
    fn farewell(&mut self, step: &mut StepSeen) -> Result<(), Halt> {
        self.task = None;
        match self.cage.wait(FAREWELL) {
            Some(Ended::Exited(status)) => {
                step.exit = Some(status);
                Ok(())
            }
            Some(ended) => Err(Halt::Trouble(self.crashed(ended))),
            None => Err(self.hung("its input has ended and it does not")),
        }
    }
}
