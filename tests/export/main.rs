//! `iolab export`: pictures, text and documents of a trace, and how it behaves when there is nothing good to read or
//! no place to write.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod files;
#[path = "../common/fixture.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod fixture;
mod format;
mod perfetto;
mod picture;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A recorded run of a lesson.
fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons").join(name)
}

const CALL_BY_CALL: &str = "03-io-uring-rings/call-by-call.trace.gz";

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    command.arg("export").env_remove("NO_COLOR");
    command
}

/// `iolab export FILE ARGUMENTS`.
fn export(file: &Path, arguments: &[&str]) -> Output {
    command().arg(file).args(arguments).output().unwrap()
}

/// The same, which must go well without a word beside.
fn exported(file: &Path, arguments: &[&str]) -> String {
    let output = export(file, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it does not go well, and its exit code.
fn complaint(file: &Path, arguments: &[&str]) -> (i32, String) {
    let output = export(file, arguments);
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// With these bytes on standard input.
fn piped(bytes: &[u8], arguments: &[&str]) -> Output {
    let mut child =
        command().arg("-").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output
}
