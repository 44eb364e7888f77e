//! A scene: this program again, which plays the part of iolab on some machine.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::left;
use super::stage::Stage;

/// The name of the scene, for the program that plays it.
const SCENE: &str = "CAGE_SCENE";
/// Where it is played.
const STAGE: &str = "CAGE_STAGE";
/// A folder of its own, where every user may write, with both programs.
const FOLDER: &str = "CAGE_FOLDER";
/// A word that is on the command line of every process of the scene's program.
const TOKEN: &str = "CAGE_TOKEN";

/// A scene that is being played.
pub struct Scene {
    what: String,
    token: String,
    child: Child,
    said: Mutex<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Scene {
    pub fn start(stage: Stage, name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let token = format!("token-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        bring(Path::new(env!("CARGO_BIN_EXE_iolab")), &folder.path().join("iolab"));
        let player = folder.path().join("player");
        bring(&std::env::current_exe().unwrap(), &player);
        let mut command = Command::new(&player);
        command.args(["--exact", "scene::is_played", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(SCENE, name).env(STAGE, format!("{stage:?}")).env(FOLDER, folder.path());
        command.env(TOKEN, &token).current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("RUST_BACKTRACE", "0");
        stage.prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let said = Mutex::new(BufReader::new(child.stdout.take().unwrap()));
        Self { what: format!("{name} on {stage:?}"), token, child, said, _folder: folder }
    }

    pub fn token(&self) -> String {
        self.token.clone()
    }

    pub fn wait_until_said(&self, text: &str) {
        let mut said = self.said.lock().unwrap();
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "{}: ended without {text:?}", self.what);
        }
    }

    /// Kills it as kill -9 does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, which must be a good one; what it said.
    pub fn end(mut self) -> String {
        let mut said = String::new();
        self.said.lock().unwrap().read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success() && said.contains("1 passed"), "{}: {status}\n{said}", self.what);
        said.lines().filter(|line| line.contains("µs")).map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            left::kill_all(&self.token);
        }
    }
}

/// The same file under another name, readable by all.
fn bring(program: &Path, to: &PathBuf) {
    if fs::hard_link(program, to).is_err() {
        fs::copy(program, to).unwrap();
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Where a scene is played, as its player sees it.
pub struct Here {
    pub stage: Stage,
    pub folder: PathBuf,
    pub token: String,
}

/// Entry of the scenes; in an ordinary run it is left out.
#[test]
#[ignore = "the entry of the scenes that the other tests start"]
fn is_played() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    let var = |name| std::env::var(name).unwrap();
    let here = Here { stage: Stage::named(&var(STAGE)), folder: var(FOLDER).into(), token: var(TOKEN) };
    super::scenes::play(&scene, &here);
}
