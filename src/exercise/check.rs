//! A stand-in for the check: it talks to tasks over pipes, and sees nothing of the kernel. The real one replaces it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::judge::judge;
use super::manifest::{Action, Manifest, Run};
use super::seen::{RunSeen, Snapshot, StepSeen, Trouble};
use super::{Exercise, Judged, Verdict};
use crate::trace::Capabilities;

/// How a program is checked.
pub struct Setting<'a> {
    /// What this machine allows.
    pub capabilities: &'a Capabilities,
    /// An empty folder that the program works in.
    pub scratch: &'a Path,
    /// Where runs are recorded, if they are.
    pub evidence: Option<&'a Path>,
    /// Asked often; true ends the check early.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// What a check came to.
#[derive(Debug)]
pub struct Checked {
    /// The verdict, as far as the check came.
    pub verdict: Verdict,
    /// Whether it was ended early.
    pub stopped: bool,
    /// What this machine cannot hold a program back from, in sentences.
    pub not_held: Vec<String>,
}

/// Checks a program; `told` hears each criterion as soon as it is judged.
///
/// # Errors
/// The program cannot be started.
pub fn check(
    exercise: &Exercise,
    manifest: &Manifest,
    program: &Path,
    setting: &Setting<'_>,
    told: &mut dyn FnMut(&Judged),
) -> anyhow::Result<Checked> {
    let mut all = Vec::new();
    for run in &manifest.runs {
        let seen = see(run, program, setting)?;
        if (setting.stop)() {
            break;
        }
        let criteria = judge(manifest, &run.id, &seen);
        criteria.iter().for_each(&mut *told);
        all.extend(criteria);
    }
    let stopped = (setting.stop)();
    Ok(Checked { verdict: Verdict::of(exercise.name(), all), stopped, not_held: Vec::new() })
}

fn see(run: &Run, program: &Path, setting: &Setting<'_>) -> anyhow::Result<RunSeen> {
    let mut command = Command::new(program);
    command.current_dir(setting.scratch).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let (mut stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (line, lines) = channel();
    let reader = std::thread::spawn(move || {
        for text in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok)
        {
            let _ = line.send(text);
        }
    });
    let alive = Snapshot { alive: true, ..Snapshot::default() };
    let mut seen = RunSeen { start: alive.clone(), ..RunSeen::default() };
    for step in &run.steps {
        let mut of = StepSeen { after: alive.clone(), ..StepSeen::default() };
        let trouble = match &step.action {
            Action::Say { line, .. } => {
                let _ = stdin.as_mut().map(|stdin| writeln!(stdin, "{line}").and_then(|()| stdin.flush()));
                of.answer = answer(&lines, setting);
                of.answer.is_none().then(|| Trouble::Hung("it does not answer".into()))
            }
            Action::End => {
                drop(stdin.take());
                of.exit = child.wait()?.code();
                None
            }
            _ => None,
        };
        seen.steps.push(of);
        if trouble.is_some() || (setting.stop)() {
            seen.trouble = trouble;
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = reader.join();
    Ok(seen)
}

fn answer(lines: &Receiver<String>, setting: &Setting<'_>) -> Option<String> {
    (0..150)
        .take_while(|_| !(setting.stop)())
        .find_map(|_| lines.recv_timeout(Duration::from_millis(10)).ok())
}
