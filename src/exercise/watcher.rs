//! Noticing that something was saved.
//!
//! The kernel tells (inotify(7)), and that is tried out first: a file is written, and its event must come. Where it
//! does not, where no watch is to be had, and on file systems where others write unseen by this kernel (NFS, shared
//! folders of virtual machines), files are looked at a few times a second instead.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use nix::sys::statfs::statfs;
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::trouble::Trouble;

/// How long the event of the trial may take: a bound against a kernel that never tells.
const TRIAL: Duration = Duration::from_secs(2);

/// How often files are looked at where nobody tells.
const LOOK: Duration = Duration::from_millis(300);

/// File systems on which somebody else may write: their numbers (statfs(2)) and names.
const SHARED: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x786f_4256, "a VirtualBox folder"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
];

/// Something that watches, as long as it is kept.
pub struct Watcher {
    _watching: Watching,
    /// Why files are looked at instead of being told of; `None` where the kernel tells.
    pub polls: Option<String>,
}

enum Watching {
    #[expect(dead_code, reason = "watches until it is dropped")]
    Told(RecommendedWatcher),
    #[expect(dead_code, reason = "watches until it is dropped")]
    Looking(PollWatcher),
}

/// Watches a folder and what is below it; `changed` is called whenever something there may have changed. With `poll`,
/// files are looked at in any case.
///
/// # Errors
/// The folder cannot be watched at all.
pub fn watch(
    folder: &Path,
    poll: bool,
    changed: impl Fn() + Send + Clone + 'static,
) -> Result<Watcher, Trouble> {
    let why = match poll {
        true => "asked for".to_owned(),
        false => match told(folder, changed.clone()) {
            Ok(watcher) => return Ok(Watcher { _watching: Watching::Told(watcher), polls: None }),
            Err(why) => why,
        },
    };
    let heard = move |event: notify::Result<Event>| {
        if event.as_ref().map_or(true, may_change) {
            changed();
        }
    };
    let config = Config::default().with_poll_interval(LOOK).with_compare_contents(true);
    let watcher = PollWatcher::new(heard, config).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let watcher = watcher.map_err(|error| {
        Trouble::deed(
            format!("{} cannot be watched: {error}", folder.display()),
            "each save is checked as soon as it is there",
            "`iolab exercise check`, which checks once",
        )
    })?;
    Ok(Watcher { _watching: Watching::Looking(watcher), polls: Some(why) })
}

/// A watcher that the kernel tells, tried out; or why there is none.
fn told(folder: &Path, changed: impl Fn() + Send + 'static) -> Result<RecommendedWatcher, String> {
    if let Some(name) = shared(folder) {
        return Err(format!("on {name}, the kernel is not told what other machines write"));
    }
    let (trial, came) = channel();
    let probe = folder.join(format!(".iolab-watch-{}", std::process::id()));
    let wanted = probe.clone();
    let heard = move |event: notify::Result<Event>| match event {
        Ok(event) if event.paths.contains(&wanted) => {
            // Nobody listens any more when the trial is over.
            let _ = trial.send(());
        }
        Ok(event) if !may_change(&event) => {}
        Ok(_) | Err(_) => changed(),
    };
    let mut watcher = RecommendedWatcher::new(heard, Config::default()).map_err(|error| error.to_string())?;
    watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| error.to_string())?;
    try_out(&probe, &came)?;
    Ok(watcher)
}

fn try_out(probe: &Path, came: &Receiver<()>) -> Result<(), String> {
    fs::write(probe, "").map_err(|error| format!("a trial file could not be written: {error}"))?;
    let result = came.recv_timeout(TRIAL);
    let _ = fs::remove_file(probe);
    result.map_err(|_| "a trial file was written, and the kernel told nothing".to_owned())
}

/// Reading is no change, and is what iolab itself does at each event.
fn may_change(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Access(_))
}

fn shared(folder: &Path) -> Option<&'static str> {
    let number = statfs(folder).ok()?.filesystem_type().0;
    // The numbers have 32 bits; the field that holds them is wider, and signed.
    let number = u32::try_from(number & 0xffff_ffff).ok()?;
    SHARED.iter().find(|(of, _)| *of == number).map(|(_, name)| *name)
}

/// A call for a watcher that sends itself as a message.
pub fn sender<M: Send + 'static>(to: Sender<M>, message: fn() -> M) -> impl Fn() + Send + Clone + 'static {
    move || {
        let _ = to.send(message());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_noticed_both_ways() {
        for poll in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("src")).unwrap();
            let file = folder.path().join("src/main.rs");
            fs::write(&file, "one").unwrap();
            let (to, changes) = channel();
            let watcher = watch(folder.path(), poll, sender(to, || ())).unwrap();
            assert_eq!(watcher.polls.is_some(), poll, "{:?}", watcher.polls);
            fs::write(folder.path().join("src/.new"), "two").unwrap();
            fs::rename(folder.path().join("src/.new"), &file).unwrap();
            changes.recv_timeout(Duration::from_secs(30)).unwrap();
            drop(watcher);
            let names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["src"], "the trial leaves nothing behind");
        }
    }

    #[test]
    fn a_trial_that_is_not_told_of_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (to, came) = channel();
        drop(to);
        let why = try_out(&folder.path().join("probe"), &came).unwrap_err();
        assert!(why.contains("told nothing"), "{why}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
