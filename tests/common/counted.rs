//! A program whose system calls are counted from its exec on: held between fork and exec, attached to, released.

// What the program does to itself between fork and exec.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use iolab::probe::ptrace::count::{Count, Processors, stop_at_each_call};
use nix::libc;
use std::os::fd::AsRawFd;

/// Starts `command` under a count. Fails as its exec does, with what was counted up to then.
pub fn launch(mut command: Command, processors: Processors) -> Result<(u32, Count), (io::Error, Count)> {
    let (report, reports) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let (waits, release) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let (says, hears) = (reports.as_raw_fd(), waits.as_raw_fd());
    // SAFETY: between fork and exec only system calls are made, on pipes that are open until after the spawn.
    unsafe {
        command.pre_exec(move || {
            let pid = std::process::id().to_ne_bytes();
            let mut go = [0];
            libc::write(says, pid.as_ptr().cast(), pid.len());
            libc::read(hears, go.as_mut_ptr().cast(), 1);
            stop_at_each_call()
        });
    }
    let spawned = std::thread::spawn(move || command.spawn());
    let mut pid = [0; 4];
    assert_eq!(nix::unistd::read(&report, &mut pid), Ok(pid.len()));
    let pid = u32::from_ne_bytes(pid);
    let count = Count::start(pid, processors).unwrap();
    nix::unistd::write(&release, b"g").unwrap();
    // The count takes the end of the process: nobody waits for the child.
    match spawned.join().unwrap() {
        Ok(_child) => Ok((pid, count)),
        Err(error) => Err((error, count)),
    }
}
