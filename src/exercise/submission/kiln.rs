//! Compiling what a stranger wrote: rustc in a cage, against crates that were built before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::exercise::Exercise;
use crate::exercise::build::{cargo, run};
use crate::exercise::cage::{Cage, Ended, Limits, Network, Order, Stdout};
use crate::exercise::stop::Stop;
use crate::exercise::workspace::{self, Workspace};
use crate::probe::clock::monotonic_ns;

/// How long compiling one program may take. An exercise takes a third of a second.
const COMPILE: Duration = Duration::from_secs(60);

/// How often is looked whether somebody wants the end.
const LOOK: Duration = Duration::from_millis(100);

/// What a compiler may use.
const LIMITS: Limits =
    Limits { descriptors: 1024, processes: 64, memory_bytes: 2 << 30, file_bytes: 512 << 20, cpu_s: 120 };

/// What came of compiling.
#[derive(Debug)]
pub enum Compiled {
    /// The program.
    Program(PathBuf),
    /// The compiler says no, in these words.
    Refused(String),
}

/// Where submissions are compiled: a workspace of all exercises as they are given, and what it was built with.
pub struct Kiln {
    workspace: Workspace,
    /// Held while the workspace is changed: two classes may be graded at once.
    lock: File,
    /// The toolchain's folder, and the target it builds for.
    sysroot: PathBuf,
    /// By exercise: the compiled crates that its manifest names.
    crates: BTreeMap<&'static str, Vec<Crate>>,
}

/// A compiled crate: the name that programs use, and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Crate {
    name: String,
    file: PathBuf,
}

impl Kiln {
    /// Gets ready in `folder`, which is kept for the next time.
    ///
    /// # Errors
    /// There is no Rust toolchain, or the folder cannot be written.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(".lock");
        let lock = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        let workspace = workspace::init(folder, crate::exercise::EXERCISES);
        lock.unlock().context("cannot unlock what was locked")?;
        let (workspace, _) = workspace?;
        let out = Command::new("rustc").args(["--print", "sysroot"]).output();
        let out = out.context("rustc cannot be run: submissions are compiled with it; is it on PATH?")?;
        if !out.status.success() {
            bail!("rustc --print sysroot failed: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        let sysroot = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
        Ok(Self { workspace, lock, sysroot, crates: BTreeMap::new() })
    }

    /// Compiles sources for an exercise into `work`, an empty folder.
    ///
    /// # Errors
    /// The pristine exercise cannot be built (crates are missing), or there is no place to work.
    pub fn compile(
        &mut self,
        exercise: &'static Exercise,
        sources: &BTreeMap<PathBuf, Vec<u8>>,
        work: &Path,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> anyhow::Result<Compiled> {
        let crates = self.crates_of(exercise)?;
        let own = work.join("sources");
        for (path, bytes) in sources {
            let path = own.join(path);
            let folder = path.parent().unwrap_or(&own);
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let out = work.join("out");
        fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let order = self.order(exercise, &crates, &own, &out);
        let mut cage = Cage::begin(&order)?;
        cage.release().context("rustc cannot be run in a cage")?;
        let by_ns = monotonic_ns() + COMPILE.as_nanos() as u64;
        let ended = loop {
            match cage.wait(LOOK) {
                Some(ended) => break Some(ended),
                None if stop() || monotonic_ns() >= by_ns => break None,
                None => {}
            }
        };
        let finish = cage.finish();
        let program = out.join(exercise.name());
        Ok(match ended {
            Some(Ended::Exited(0)) if program.is_file() => Compiled::Program(program),
            Some(Ended::Exited(_)) => Compiled::Refused(finish.said.join("\n")),
            Some(Ended::Signalled(number)) => {
                let why = finish.overrun.map_or(format!("by signal {number}"), |over| format!("({over:?})"));
                Compiled::Refused(format!("error: the compiler was ended {why}\n{}", finish.said.join("\n")))
            }
            None => Compiled::Refused(format!(
                "error: compiling was ended after {} s; an exercise takes less than one",
                COMPILE.as_secs()
            )),
        })
    }

    fn order(&self, exercise: &Exercise, crates: &[Crate], sources: &Path, out: &Path) -> Order {
        let name = exercise.name();
        let mut arguments: Vec<std::ffi::OsString> = [
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--crate-name",
            &name.replace('-', "_"),
            "--color",
            "never",
            "-C",
            "debuginfo=line-tables-only",
            "-C",
            "debug-assertions=on",
            // The program shall not know where it was made.
            "--remap-path-prefix",
        ]
        .map(Into::into)
        .to_vec();
        arguments.push(format!("{}=", sources.display()).into());
        arguments.extend(["-o".into(), out.join(name).into()]);
        let deps = self.workspace.target().join("debug/deps");
        arguments.extend(["-L".into(), format!("dependency={}", deps.display()).into()]);
        for Crate { name, file } in crates {
            arguments.extend(["--extern".into(), format!("{name}={}", file.display()).into()]);
        }
        arguments.push(sources.join("src/main.rs").into());
        Order {
            arguments,
            environment: vec![
                ("PATH".into(), "/usr/bin:/bin".into()),
                ("TMPDIR".into(), out.into()),
                ("HOME".into(), out.into()),
            ],
            readable: vec![self.sysroot.clone(), deps, sources.to_owned()],
            limits: LIMITS,
            network: Network::None,
            stdout: Stdout::Dropped,
            ..Order::new(self.sysroot.join("bin/rustc"), out)
        }
    }

    /// The crates of an exercise, built once from the exercise as it is given, which is ours.
    fn crates_of(&mut self, exercise: &'static Exercise) -> anyhow::Result<Vec<Crate>> {
        if let Some(crates) = self.crates.get(exercise.folder) {
            return Ok(crates.clone());
        }
        self.lock.lock().context("cannot lock the workspace that submissions are compiled against")?;
        let built = self.build(exercise);
        self.lock.unlock().context("cannot unlock what was locked")?;
        let mut built = built?;
        let direct = direct_dependencies(exercise)?;
        built.retain(|one: &Crate| direct.contains(&one.name));
        self.crates.insert(exercise.folder, built.clone());
        Ok(built)
    }

    /// Builds an exercise as it is given; all crates that came of it.
    fn build(&mut self, exercise: &'static Exercise) -> anyhow::Result<Vec<Crate>> {
        self.workspace.open(exercise)?;
        let mut command = cargo(self.workspace.root());
        command.args(["build", "--offline", "--locked", "--quiet", "--message-format=json"]);
        command.args(["--package", exercise.name(), "--bin", exercise.name()]);
        command.env("CARGO_TARGET_DIR", self.workspace.target());
        let mut built = Vec::new();
        let ended = run(command, &Stop::default(), |out| {
            for line in out.lines() {
                built.extend(serde_json::from_str(&line?).ok().and_then(crate_of));
            }
            Ok(())
        })?;
        if !ended.success {
            bail!("{} does not build as it is given: {}", exercise.name(), ended.stderr.trim());
        }
        Ok(built)
    }
}

/// What is listened for in cargo's messages.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn crate_of(artifact: Artifact) -> Option<Crate> {
    let target = artifact.target.filter(|_| artifact.reason == "compiler-artifact")?;
    let is_library = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "rlib");
    let file = artifact.filenames.iter().find(is_library)?.clone();
    Some(Crate { name: target.name.replace('-', "_"), file })
}

/// The crates that the pristine manifest names, as programs name them.
fn direct_dependencies(exercise: &Exercise) -> anyhow::Result<Vec<String>> {
    let cargo: toml::Table = toml::from_str(exercise.cargo).context("the exercise's Cargo.toml")?;
    let named = cargo.get("dependencies").and_then(toml::Value::as_table);
    Ok(named.into_iter().flat_map(toml::Table::keys).map(|name| name.replace('-', "_")).collect())
}
