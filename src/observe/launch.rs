//! Starting a program that somebody else wrote: in iolab's own terminal and group, with its environment, held
//! before its exec until everything that has to see its first instruction is attached.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::aside::Aside;
use super::plan::{Output, Subject};
use crate::lab::spawn::{self, Held, Setup};
use crate::probe::ptrace::count::stop_at_each_call;

/// What the program is given along for whoever counts its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    None,
    /// A filter that stops it at each call: it must be traced then, from before its exec to its end.
    StopAtEachCall,
}

/// Starts the program and holds it before its exec.
///
/// # Errors
/// There is no process to be had, or its output has nowhere to go.
pub fn launch(subject: &Subject, aside: &Aside, filter: Filter) -> anyhow::Result<Held> {
    let Subject::Command { file, line, output } = subject else {
        anyhow::bail!("a process that runs is not started");
    };
    // Orphans of the program come to iolab, so that they stay in sight and end with it.
    nix::sys::prctl::set_child_subreaper(true).context("prctl(PR_SET_CHILD_SUBREAPER)")?;
    let mut command = Command::new(file);
    if let Some((name, arguments)) = line.split_first() {
        command.arg0(name).args(arguments);
    }
    match output {
        Output::AsItIs => {}
        Output::ToStderr => {
            command.stdout(to_stderr().context("cannot copy standard error")?);
        }
        Output::File(path) => {
            let cannot = || format!("cannot keep the program's output in {}", path.display());
            let file = end_of(path).with_context(cannot)?;
            command.stdout(file.try_clone().with_context(cannot)?).stderr(file);
        }
        Output::Aside(path) => {
            let cannot = || format!("cannot keep the program's output in {path:?}");
            let file = path.as_deref().map(end_of).transpose().with_context(cannot)?;
            let (read, write) = io::pipe().context("pipe(2)")?;
            command.stdin(Stdio::null()).stdout(write.try_clone().context("dup(2)")?).stderr(write);
            // The keys of the terminal are the screen's.
            command.process_group(0);
            aside.listen(read, file);
        }
    }
    let before_exec: Option<fn() -> io::Result<()>> = match filter {
        Filter::None => None,
        Filter::StopAtEachCall => Some(stop_at_each_call),
    };
    spawn::spawn(command, Setup { hold: true, foreign: true, before_exec, ..Setup::default() })
}

/// Standard error once more: what the program prints goes there itself, with nobody in between.
fn to_stderr() -> io::Result<Stdio> {
    use std::os::fd::AsFd;
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}

fn end_of(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
