//! Watching.

use std::fs;

use nix::libc;
use nix::sys::signal::Signal;

use crate::room::{BROKEN, HANGS, Room, assert_nobody_in, first, right, second};

#[test]
fn each_save_is_judged_and_the_next_exercise_does_not_begin_by_itself() {
    let room = Room::new();
    let mut watch = room.watch("");
    watch.until("the kernel tells of each save");
    watch.until("not passed yet");
    watch.until("waiting for a save");
    room.save(first(), BROKEN);
    watch.until("error[E0308]");
    watch.until("does not compile");
    room.save(first(), right(first()));
    watch.until("passed,");
    watch.until("waiting for a save");
    assert!(!room.root.join(second().folder).exists());
    assert!(watch.heard.iter().all(|line| !line.contains('\u{1b}')), "{:#?}", watch.heard);
    // The same text again is no save.
    room.save(first(), right(first()));
    room.save(first(), first().starter);
    assert_eq!(watch.until("saved"), "saved");
    watch.until("not passed yet");
    assert_eq!(
        watch.heard.iter().filter(|line| line.contains(": building")).count(),
        4,
        "{:#?}",
        watch.heard
    );
    assert_eq!(watch.end(Signal::SIGTERM), Some(0));
    assert_nobody_in(&room.root);
}

#[test]
fn a_save_during_a_check_ends_it_and_begins_another() {
    let room = Room::new();
    room.save(first(), HANGS);
    let mut watch = room.watch("");
    watch.until("building");
    // It hangs for longer than a save takes.
    let program = room.root.join("target/debug").join(first().name());
    while !runs(&program) {
        std::thread::yield_now();
    }
    room.save(first(), right(first()));
    watch.until("saved again: starting over");
    watch.until("passed,");
    assert!(!watch.heard.iter().any(|line| line.contains("hung")), "{:#?}", watch.heard);
    assert_eq!(watch.end(Signal::SIGINT), Some(0));
    assert_nobody_in(&room.root);
    let progress = room.progress();
    let last = progress.exercise(first().name()).last.as_ref().unwrap();
    assert!(last.passed, "what was ended was not judged: {last:?}");
}

/// Whether some process runs this file, or one that stood there.
fn runs(program: &std::path::Path) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let mut links = all.filter_map(|entry| fs::read_link(entry.path().join("exe")).ok());
    links.any(|link| link.to_string_lossy().starts_with(&*program.to_string_lossy()))
}

#[test]
fn leaving_during_a_check_leaves_nobody_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let room = Room::new();
        room.save(first(), HANGS);
        let mut watch = room.watch("");
        watch.until("building");
        let code = watch.end(signal);
        assert_eq!(code, (signal == Signal::SIGTERM).then_some(0));
        assert_nobody_in(&room.root);
        // Nothing of the round is needed for the next.
        room.save(first(), right(first()));
        room.iolab("check").ends(0);
    }
}

#[test]
fn where_the_kernel_does_not_tell_files_are_looked_at() {
    let room = Room::new();
    let mut watch = room.watch("--poll");
    watch.until("looking 3 times a second, asked for");
    watch.until("waiting for a save");
    room.save(first(), right(first()));
    watch.until("passed,");
    assert_eq!(watch.end(Signal::SIGTERM), Some(0));

    let workspace = room.root.clone();
    let mut command = room.command("watch");
    command.current_dir(workspace);
    refuse_inotify(&mut command);
    let mut watch = crate::room::Watching::start(&mut command);
    watch.until("looking 3 times a second");
    watch.until("passed,");
    room.save(first(), first().starter);
    watch.until("not passed yet");
}

/// The kernel has no watches left to give.
#[allow(unsafe_code)]
fn refuse_inotify(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    let rules = [(libc::SYS_inotify_init1, Vec::new())].into_iter().collect();
    let here = std::env::consts::ARCH.try_into().unwrap();
    let refuse = seccompiler::SeccompAction::Errno(libc::EMFILE as u32);
    let allow = seccompiler::SeccompAction::Allow;
    let filter = seccompiler::SeccompFilter::new(rules, allow, refuse, here).unwrap();
    let filter: seccompiler::BpfProgram = filter.try_into().unwrap();
    // SAFETY: only system calls on values made before.
    unsafe {
        command.pre_exec(move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other));
    }
}

#[test]
fn an_exercise_that_is_named_is_opened() {
    let room = Room::new();
    let mut watch = room.watch(second().name());
    watch.until(&format!("opened {}", second().name()));
    watch.until("waiting for a save");
    assert!(room.main(second()).is_file());
    let cargo = fs::read_to_string(room.root.join("Cargo.toml")).unwrap();
    assert!(cargo.contains(first().folder) && cargo.contains(second().folder), "{cargo}");
    // What was touched last is what the next command is about.
    drop(watch);
    room.iolab("hint").ends(0).says(&[&format!("for {}", first_failure(&room))]);
}

fn first_failure(room: &Room) -> String {
    room.progress().exercise(second().name()).failed().unwrap().to_owned()
}

#[test]
fn a_kill_loses_nothing_of_the_journal() {
    let room = Room::new();
    let mut watch = room.watch("");
    watch.until("waiting for a save");
    let before = fs::read_to_string(room.journal()).unwrap();
    assert_eq!(watch.end(Signal::SIGKILL), None);
    assert_eq!(fs::read_to_string(room.journal()).unwrap(), before);
    assert!(room.progress().exercise(first().name()).last.is_some());
    // A line that was torn by a kill of the machine harms no other.
    fs::write(room.journal(), format!("{before}{{\"unix_ms\":1,\"exercise\":\"{}\",\"ev", first().name()))
        .unwrap();
    room.iolab("hint").ends(0);
    let progress = room.progress();
    let known = progress.exercise(first().name());
    assert!(known.last.is_some() && known.hints.values().sum::<usize>() == 1, "{known:?}");
}

#[test]
fn a_folder_that_goes_away_ends_the_watch_with_a_word() {
    let room = Room::new();
    let mut watch = room.watch("");
    watch.until("waiting for a save");
    fs::remove_dir_all(room.root.join(first().folder)).unwrap();
    watch.until("is gone");
    watch.until("try: `iolab exercise watch");
}
