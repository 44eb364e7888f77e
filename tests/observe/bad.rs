//! What cannot be observed is said in a sentence, with the exit code that says the same to scripts.

use super::program::iolab;
use super::{processes, script};

#[test]
fn a_program_that_is_not_there_is_127_and_one_that_cannot_be_executed_126() {
    let said = iolab("observe -- no-such-program").run();
    let complaint = said.complaint(127);
    assert!(complaint.contains("no program no-such-program") && complaint.contains("PATH"), "{complaint}");
    assert!(iolab("observe -- /no/such/file").run().complaint(127).contains("no file /no/such/file"));
    let plain = iolab("observe -- /etc/passwd").run();
    assert!(plain.complaint(126).contains("/etc/passwd cannot be executed (EACCES"), "{plain:?}");
    assert!(iolab("observe -- /etc").run().complaint(126).contains("it is a folder"));
    assert_eq!(plain.stdout, "", "nothing was seen");
}

/// The kernel refuses it at its exec, when iolab has long found the file.
#[test]
fn a_script_without_its_interpreter_is_127() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = super::program::open_folder();
    let file = path.join("program");
    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = iolab("observe --").with(&file).run();
    let complaint = said.complaint(127);
    assert!(complaint.contains("ENOENT") && complaint.contains("interpreter"), "{complaint}");
}

#[test]
fn numbers_that_stand_for_no_program_are_told_apart() {
    let gone = iolab("observe -p 2147483600").run();
    assert!(gone.complaint(1).contains("no process 2147483600 (ESRCH)"), "{gone:?}");
    for wrong in ["0", "-5", "abc", "99999999999"] {
        let said = iolab("observe").with(format!("--pid={wrong}")).run();
        assert!(said.complaint(2).contains("--pid"), "{said:?}");
    }
    let both = iolab("observe -p 1 -- ls").run();
    both.complaint(2);
    iolab("observe").run().complaint(2);
    // A machine without a pid namespace of its own shows the kernel's threads.
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        assert!(iolab("observe -p 2").run().complaint(3).contains("a thread of the kernel's"));
    }
}

#[test]
fn the_exit_status_is_the_programs_own() {
    for (text, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        let said = script(text).run();
        let document = said.document(code);
        let end = &processes(&document)[0]["end"];
        let expected = if code > 128 { end["signal"] == code - 128 } else { end["status"] == code };
        assert!(end["how"] == "exited" && expected, "{text}: {end}");
    }
}

/// What the program prints and what iolab prints are two things.
#[test]
fn what_it_prints_never_gets_into_the_document() {
    let said = script("echo to-stdout; echo to-stderr >&2").run();
    said.document(0);
    assert!(said.stderr.contains("to-stdout") && said.stderr.contains("to-stderr"), "{said:?}");
    let (_folder, path) = super::program::open_folder();
    let (result, kept) = (path.join("run.json"), path.join("kept"));
    let aside = |options: &str, file: &std::path::Path| {
        iolab("observe --format json").and(options).with(file).and("-- sh -c").with("echo to-stdout").run()
    };
    let said = aside("--output", &result);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "to-stdout\n"), "{said:?}");
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
    assert_eq!(document["schema"], "iolab.observe/1");
    let said = aside("--keep-output", &kept);
    said.document(0);
    assert_eq!((said.stderr.as_str(), std::fs::read_to_string(&kept).unwrap().as_str()), ("", "to-stdout\n"));
}

/// It closes what it can close, prints a lot, and forks: the document is whole.
#[test]
fn a_hostile_program_changes_nothing() {
    let said = script("exec 3>&- 4>&- 5>&- 6>&-; head -c 20000000 /dev/zero; exit 3").run();
    let document = said.document(3);
    assert!(processes(&document)[0]["syscalls"].is_object(), "{document}");
    assert_eq!(said.stderr.len(), 20_000_000, "nothing that it prints is lost");
    let many = script("i=0; while [ $i -lt 200 ]; do sh -c 'sleep 2' & i=$((i+1)); done; wait; exit 4").run();
    let document = many.document(4);
    assert!(processes(&document).len() <= 256, "a bounded number is told one by one");
    assert!(super::remarks(&processes(&document)[0]).contains("more processes"), "{document}");
}
