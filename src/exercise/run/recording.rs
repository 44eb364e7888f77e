//! A run as a trace: the evidence behind a verdict, for `iolab replay`.

use std::path::Path;

use super::Stage;
use crate::exercise::check::Setting;
use crate::exercise::manifest::{Run, Watch};
use crate::exercise::seen::RunSeen;
use crate::probe::clock::monotonic_ns;
use crate::trace::{
    End, Entry, Header, Load, ProcessTotals, Purpose, Record, Rung, SCHEMA, Start, Window, file,
};

impl Stage<'_> {
    /// Writes what was seen into `folder`; the file's path. Evidence that cannot be kept changes no verdict.
    pub(super) fn record(
        &self,
        folder: &Path,
        name: &str,
        run: &Run,
        seen: &RunSeen,
        setting: &Setting<'_>,
    ) -> Option<String> {
        let path = folder.join(format!("{name}-{}.trace.gz", run.id));
        let rung = if run.watch == Watch::Calls { Rung::Ptrace } else { Rung::Proc };
        let header = Header {
            schema: SCHEMA.into(),
            capabilities: setting.capabilities.clone(),
            load: Load { connections: 0, ..Load::default() },
            servers: vec![name.to_owned()],
            syscall_rung: Ok(rung),
        };
        let mut writer = file::Writer::create(&path, &header).ok()?;
        let mut put = |t_ns, record| writer.append(&Entry { run: Some(0), t_ns, record }).ok();
        let purpose = if run.watch == Watch::Calls { Purpose::Window } else { Purpose::Measure };
        put(0, Record::Start(Start { server: 0, round: 0, purpose, pid: self.cage.pid(), load: None }))?;
        put(0, Record::Process(totals(&seen.start)))?;
        let since = |at_ns: u64| at_ns.saturating_sub(self.zero_ns);
        let story = self.calls.as_ref().map(super::Calls::story).unwrap_or_default();
        let mut last_ns = 0;
        for (at_ns, story) in story {
            last_ns = since(at_ns).max(last_ns);
            put(last_ns, Record::Story(story))?;
        }
        let end_ns = since(monotonic_ns()).max(last_ns);
        if let Some(calls) = &self.calls {
            let window = Window {
                rung: Rung::Ptrace,
                lost: 0,
                requests: seen.steps.iter().map(|step| step.echoes).sum(),
                syscalls: calls.entered(),
            };
            put(end_ns, Record::Window { duration_ns: end_ns, window })?;
        }
        if let Some(step) = seen.steps.last() {
            put(end_ns, Record::EpollSets { sets: step.after.epoll_sets.clone() })?;
            put(end_ns, Record::Process(totals(&step.after)))?;
        }
        put(end_ns, Record::End { end: End::Done })?;
        writer.finish().ok().map(|path| path.display().to_string())
    }
}

fn totals(snapshot: &crate::exercise::seen::Snapshot) -> ProcessTotals {
    ProcessTotals {
        threads: snapshot.threads.clone(),
        rings: snapshot.rings.clone(),
        ..ProcessTotals::default()
    }
}
