//! Recorded runs: a replay is the live run again; damaged files open up to the damage.

use std::fs;
use std::path::Path;

use super::program::{Said, iolab, open_folder};

fn replay(path: &Path, more: &str) -> Said {
    iolab("replay").with(path).and(more).run()
}

#[test]
fn a_replay_prints_what_the_live_run_printed() {
    let (_folder, path) = open_folder();
    for (name, face) in [("a.trace", "json"), ("a.trace.gz", "json"), ("b.trace", "plain")] {
        let file = path.join(name);
        let face = format!("--format {face}");
        let live = iolab("lab epoll uring --requests 2000 --record").with(&file).and(&face).run();
        assert_eq!(live.code, Some(0), "{live:?}");
        let again = replay(&file, &face);
        assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "{name}");
        assert_eq!(again.stdout, live.stdout, "{name}");
    }
}

#[test]
fn a_replay_stops_where_it_is_told() {
    let (_folder, path) = open_folder();
    let file = path.join("a.trace");
    let live = iolab("lab epoll --rate 1000 --duration 0.5 --record").with(&file).and("--format json").run();
    let all = live.document(0)["servers"][0]["requests"].as_u64().unwrap();
    let mut earlier = 0;
    for at in ["0", "0.1", "0.25s", "1000"] {
        let document = replay(&file, &format!("--at {at} --format json")).document(0);
        let requests = document["servers"][0]["requests"].as_u64().unwrap();
        assert!((earlier..=all).contains(&requests), "{requests} at {at}, {earlier} before, {all} in all");
        earlier = requests;
    }
    assert_eq!(earlier, all, "all there is");
    assert!(replay(&file, "--at soon").complaint(2).contains("seconds since the beginning"));
}

/// A place at about three quarters of a file, a few bytes into a line if it has lines.
fn inside_a_line(whole: &[u8]) -> usize {
    let about = whole.len() * 3 / 4;
    whole[..about].iter().rposition(|byte| *byte == b'\n').map_or(about, |newline| newline + 9)
}

#[test]
fn a_damaged_file_shows_what_comes_before_the_damage() {
    let (_folder, path) = open_folder();
    for name in ["a.trace", "a.trace.gz"] {
        let file = path.join(name);
        let live = iolab("lab epoll --requests 2000 --record").with(&file).run();
        assert_eq!(live.code, Some(0), "{live:?}");
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..inside_a_line(&whole)]).unwrap();
        let cut = replay(&file, "--format json");
        assert!(cut.complaint(0).contains("is damaged at line "), "{cut:?}");
        assert_eq!(cut.document(0)["servers"][0]["server"], "epoll");
    }
    // Between two lines nothing is damaged; it only ends too soon.
    let file = path.join("a.trace");
    let cut = fs::read(&file).unwrap();
    let lines = cut.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    fs::write(&file, &cut[..lines]).unwrap();
    assert!(replay(&file, "").complaint(0).contains("has a run without an end"));

    let file = path.join("b.trace");
    let header = fs::read(path.join("a.trace")).unwrap();
    let header = header.split(|byte| *byte == b'\n').next().unwrap();
    // A value that no lab writes, after a good header.
    for line in
        ["{\"run\": 7, \"t_ns\": 0, \"kind\": \"end\"}", "null", "\u{fffd}\0", "[[[[", "{\"t_ns\": -1}"]
    {
        fs::write(&file, [header, b"\n", line.as_bytes()].concat()).unwrap();
        let odd = replay(&file, "");
        assert!(odd.complaint(0).contains("is damaged at line 2: "), "{line}: {odd:?}");
    }
}

#[test]
fn a_foreign_file_is_refused_in_words() {
    let (_folder, path) = open_folder();
    let file = path.join("a.trace");
    let cases: [(&[u8], &str); 4] = [
        (b"", "line 1 is not the header of a trace"),
        (b"\x7fELF\x02\x01", "line 1 is not the header of a trace"),
        (b"{\"schema\": \"iolab.lab/1\"}\n", "its schema is \"iolab.lab/1\""),
        (b"{\"schema\": \"iolab.trace/2\"}\n", "a later version wrote it"),
    ];
    for (bytes, why) in cases {
        fs::write(&file, bytes).unwrap();
        let said = replay(&file, "");
        assert!(said.complaint(1).contains(why), "{said:?}");
        assert_eq!(said.stdout, "");
    }
    let missing = replay(&path.join("none.trace"), "");
    assert!(missing.complaint(1).contains("none.trace"), "{missing:?}");
    let folder = replay(&path, "");
    assert!(folder.complaint(1).contains("cannot replay"), "{folder:?}");
}

/// Nothing is measured when the recording has no place.
#[test]
fn a_place_that_cannot_be_written_is_named_first() {
    let said = iolab("lab epoll --requests 100 --record /nowhere/a.trace").run();
    let complaint = said.complaint(1);
    assert!(complaint.contains("cannot record to /nowhere/a.trace"), "{complaint}");
    assert_eq!(said.stdout, "");
}
