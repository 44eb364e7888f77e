//! What is read and written: bad traces, places that cannot be written to, readers that go away.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use flate2::read::GzDecoder;

use super::{CALL_BY_CALL, command, complaint, export, exported, piped, recording};

#[test]
fn text_and_json_are_what_replay_prints() {
    let file = recording(CALL_BY_CALL);
    for (format, face) in [("text", "plain"), ("json", "json")] {
        let mut replay = command();
        replay = std::process::Command::new(replay.get_program());
        let replayed =
            replay.arg("replay").arg(&file).args(["--at", "1.5", "--format", face]).output().unwrap();
        let text = exported(&file, &["--to", format, "--at", "1.5"]);
        assert_eq!(text, String::from_utf8(replayed.stdout).unwrap(), "{format}");
    }
    let document: serde_json::Value = serde_json::from_str(&exported(&file, &["--format", "json"])).unwrap();
    assert_eq!(document["schema"], "iolab.lab/1");
}

#[test]
fn a_trace_from_a_pipe_is_read_twice_where_that_is_needed() {
    let file = recording(CALL_BY_CALL);
    let packed = fs::read(&file).unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut plain).unwrap();
    for format in ["text", "perfetto"] {
        let expected = exported(&file, &["--format", format]);
        for bytes in [&packed, &plain] {
            let output = piped(bytes, &["--format", format]);
            assert_eq!(output.status.code(), Some(0));
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{format}");
        }
    }
}

#[test]
fn the_ending_of_the_output_says_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording(CALL_BY_CALL);
    for (name, begins) in [
        ("a.svg", "<svg "),
        ("a.txt", "load "),
        ("a.json", "{\n  \"schema\": \"iolab.lab/1\""),
        ("a.perfetto.json", "{\"displayTimeUnit\""),
    ] {
        let out = folder.path().join(name);
        assert_eq!(exported(&file, &["--output", out.to_str().unwrap()]), "");
        let text = fs::read_to_string(&out).unwrap();
        assert!(text.starts_with(begins), "{name}: {text:.80}");
        let packed = folder.path().join(format!("{name}.gz"));
        exported(&file, &["-o", packed.to_str().unwrap()]);
        let mut unpacked = String::new();
        GzDecoder::new(fs::File::open(packed).unwrap()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text, "{name}.gz");
    }
    let (code, says) = complaint(&file, &[]);
    assert!(code == 2 && says.contains("--to svg, text, json or perfetto"), "{says}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 8, "nothing else is left there");
}

#[test]
fn what_is_there_is_not_replaced_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (out, link) = (folder.path().join("a.svg"), folder.path().join("link.svg"));
    fs::write(&out, "mine").unwrap();
    std::os::unix::fs::symlink(&out, &link).unwrap();
    let file = recording(CALL_BY_CALL);
    for path in [&out, &link] {
        let (code, says) = complaint(&file, &["-o", path.to_str().unwrap()]);
        assert!(code == 2 && says.contains("is there already") && says.contains("--force"), "{says}");
        assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    }
    exported(&file, &["-o", link.to_str().unwrap(), "--force"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&out).unwrap().starts_with("<svg "));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn places_that_cannot_be_written_to_are_named() {
    let file = recording(CALL_BY_CALL);
    let folder = tempfile::tempdir().unwrap();
    let beneath = folder.path().join("no/such/a.svg");
    let (code, says) = complaint(&file, &["-o", beneath.to_str().unwrap()]);
    assert!(code == 1 && says.contains("cannot write") && says.contains("ENOENT"), "{says}");
    let (code, says) = complaint(&file, &["-o", folder.path().to_str().unwrap(), "--format", "svg"]);
    assert!(code == 1 && says.contains("EISDIR"), "{says}");
    let (code, says) = complaint(&file, &["-o", "/dev/full", "--format", "perfetto"]);
    assert!(code == 1 && says.contains("ENOSPC"), "{says}");
    assert_eq!(exported(&file, &["-o", "/dev/null", "--format", "svg"]), "");
}

#[test]
fn what_is_no_trace_says_so_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("a.trace"), folder.path().join("a.svg"));
    for (bytes, says) in [
        ("", "not the header of a trace"),
        ("hello\n", "not the header of a trace"),
        ("{\"schema\":\"iolab.trace/2\"}\n", "a later version wrote it"),
        ("{\"schema\":\"other/1\"}\n", "its schema is"),
    ] {
        fs::write(&file, bytes).unwrap();
        for format in ["svg", "text", "json", "perfetto"] {
            let (code, said) = complaint(&file, &["--format", format, "-o", out.to_str().unwrap()]);
            assert!(code == 1 && said.contains("cannot export") && said.contains(says), "{format}: {said}");
            assert!(!out.exists());
        }
    }
    let (code, said) = complaint(&folder.path().join("none.trace"), &["--format", "perfetto"]);
    assert!(code == 1 && said.contains("ENOENT"), "{said}");
}

#[test]
fn a_damaged_trace_is_exported_up_to_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let packed = fs::File::open(recording(CALL_BY_CALL)).unwrap();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let cut = folder.path().join("cut.trace");
    let torn = [&lines[..200], &["{\"run\":0,\"t_"]].concat().join("\n");
    let unknown =
        [&lines[..200], &["{\"run\":0,\"t_ns\":1,\"kind\":\"of a later time\"}"]].concat().join("\n");
    let orphan =
        [&lines[..200], &["{\"run\":77,\"t_ns\":1,\"kind\":\"end\",\"end\":{\"how\":\"done\"}}"]].concat();
    for bytes in [torn, unknown, orphan.join("\n")] {
        fs::write(&cut, bytes).unwrap();
        for format in ["svg", "text", "json", "perfetto"] {
            let output = export(&cut, &["--format", format]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{said}");
            assert!(said.contains("damaged at line 201"), "{format}: {said}");
            let whole = String::from_utf8(output.stdout).unwrap();
            if format == "perfetto" {
                assert_eq!(super::format::mistakes(&whole), Vec::<String>::new());
            }
            assert!(whole.len() > 1000, "{format}");
        }
    }
}

#[test]
fn a_time_outside_is_refused_with_the_times_that_there_are() {
    let file = recording(CALL_BY_CALL);
    for format in ["svg", "text", "json", "perfetto"] {
        let (code, says) = complaint(&file, &["--to", format, "--at", "3600"]);
        assert!(code == 2 && says.contains("3600 s lies outside") && says.contains("ends at"), "{says}");
    }
    let (code, says) = complaint(&file, &["--format", "svg", "--at", "yesterday"]);
    assert!(code == 2 && says.contains("seconds since the beginning"), "{says}");
    for size in ["0x0", "100", "100x", "9999x30", "-5x30"] {
        let (code, says) = complaint(&file, &["--format", "svg", &format!("--size={size}")]);
        assert!(code == 2 && says.contains("such as 100x30"), "{size}: {says}");
    }
    let (code, says) = complaint(&file, &["--format", "json", "--theme", "light"]);
    assert!(code == 2 && says.contains("of pictures"), "{says}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command()
        .arg(recording("03-io-uring-rings/flat-out.trace.gz"))
        .args(["--format", "perfetto"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn a_foreign_trace_speaks_to_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.trace");
    let mut trace = super::fixture::trace(&["epoll".to_owned()], &Default::default(), 60);
    let line = "\u{1b}[31mred <&> \u{7}".to_owned();
    let said = iolab::trace::Record::Note(iolab::trace::Note::Said { line });
    trace.push(iolab::trace::Entry { run: Some(0), t_ns: 2_000_000_000, record: said }).unwrap();
    iolab::trace::file::save(&trace, &file).unwrap();
    for format in ["svg", "text", "json", "perfetto"] {
        let output = export(&file, &["--format", format]);
        assert_eq!(output.status.code(), Some(0));
        let bytes = String::from_utf8(output.stdout).unwrap();
        assert!(bytes.contains("red"), "{format}: it is told");
        assert!(!bytes.contains(['\u{1b}', '\u{7}']), "{format}");
    }
    let _ = std::io::stdout().flush();
}
