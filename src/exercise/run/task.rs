//! A task's standard input and output: a line there, a line back.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The longest line that is heard; a program that says more is cut off.
const LINE_BYTES_MAX: usize = 4096;

/// How long is listened before the caller looks at the program.
const TICK_MS: u16 = 10;

/// Both ends.
pub(super) struct Task {
    input: std::fs::File,
    output: std::fs::File,
    heard: Vec<u8>,
}

impl Task {
    pub(super) fn new(input: Option<OwnedFd>, output: Option<OwnedFd>) -> anyhow::Result<Self> {
        let (input, output) = input.zip(output).context("the cage has no pipes")?;
        // A program that does not listen must not keep us from looking at it.
        for end in [&input, &output] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context("fcntl O_NONBLOCK")?;
        }
        Ok(Self { input: input.into(), output: output.into(), heard: Vec::new() })
    }

    /// Says a line. One that has ended, or has not listened for a whole pipe's length, shows by its silence.
    pub(super) fn say(&mut self, line: &str) -> anyhow::Result<()> {
        // What it said unasked is no answer.
        while let Some(_unasked) = self.line() {}
        self.listen()?;
        self.heard.clear();
        match self.input.write_all(format!("{line}\n").as_bytes()) {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::WouldBlock) => {
                Err(error).context("cannot write to the program's standard input")
            }
            _ => Ok(()),
        }
    }

    /// The next line, if there is one within a moment.
    pub(super) fn hear(&mut self) -> anyhow::Result<Option<String>> {
        if let Some(line) = self.line() {
            return Ok(Some(line));
        }
        let mut output = [PollFd::new(self.output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut output, PollTimeout::from(TICK_MS)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("poll on the program's standard output"),
        }
        self.listen()?;
        Ok(self.line())
    }

    /// Takes what is there.
    fn listen(&mut self) -> anyhow::Result<()> {
        let mut chunk = [0; LINE_BYTES_MAX];
        match self.output.read(&mut chunk) {
            Ok(read) => {
                let room = LINE_BYTES_MAX.saturating_sub(self.heard.len());
                self.heard.extend_from_slice(&chunk[..read.min(room)]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error).context("cannot read the program's standard output"),
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self
            .heard
            .iter()
            .position(|byte| *byte == b'\n')
            .or_else(|| (self.heard.len() >= LINE_BYTES_MAX).then_some(LINE_BYTES_MAX - 1))?;
        let rest = self.heard.split_off(end + 1);
        let line = std::mem::replace(&mut self.heard, rest);
        Some(String::from_utf8_lossy(&line[..end]).trim_end().to_owned())
    }
}
