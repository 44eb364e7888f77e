//! Right programs beside the learner's: built and checked on the spot, with what was seen of each.

use std::fs;

use anyhow::Context as _;
use toml::{Table, Value};

use super::build::{Built, Order, build};
use super::round::{Bench, checked};
use super::stop::Stop;
use super::workspace::lock::{self, Member};
use super::{Exercise, Verdict};

/// Builds and checks a right program; `None` where it was ended.
///
/// # Errors
/// It does not build, which is our mistake, or the machine lacks something.
pub fn reference(bench: &Bench<'_>, text: &str, stop: &Stop) -> anyhow::Result<Option<Verdict>> {
    let name = format!("{}-solution", bench.exercise.name());
    // A workspace of its own, in the same target folder: the crates are built already.
    let root = bench.workspace.own().join(&name);
    let cargo = manifest(bench.exercise, &name)?;
    let member = Member::read(&cargo).map_err(anyhow::Error::msg)?;
    let locked = lock::lock(lock::WHOLE, &[member]).map_err(anyhow::Error::msg)?;
    fs::create_dir_all(root.join("src")).with_context(|| format!("cannot make {}", root.display()))?;
    for (file, text) in [("Cargo.toml", cargo.as_str()), ("Cargo.lock", &locked), ("src/main.rs", text)] {
        let path = root.join(file);
        // A file that says so already keeps its time, and cargo has nothing to do.
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    let target = bench.workspace.target();
    let order = Order { root: &root, target: &target, package: Some(&name), colour: false };
    let mut words = String::new();
    match build(&order, stop, &mut |said| words += said)? {
        Built::Program(Some(program)) => {
            let checked = checked(bench, &program, None, stop, &mut |_| {})?;
            Ok((!checked.stopped).then_some(checked.verdict))
        }
        Built::Stopped => Ok(None),
        Built::Program(None) | Built::Refused => {
            anyhow::bail!("a right program does not build here:\n{words}")
        }
    }
}

/// The exercise's `Cargo.toml` for a program of another name that is nobody's member.
fn manifest(exercise: &Exercise, name: &str) -> anyhow::Result<String> {
    let mut cargo: Table =
        exercise.cargo.parse().with_context(|| format!("{}/Cargo.toml", exercise.folder))?;
    let package =
        cargo.get_mut("package").and_then(Value::as_table_mut).context("Cargo.toml has no [package]")?;
    package.insert("name".into(), name.into());
    let bin = Table::from_iter([
        ("name".to_owned(), Value::from(name)),
        ("path".to_owned(), "src/main.rs".into()),
        ("test".to_owned(), false.into()),
    ]);
    cargo.insert("bin".into(), Value::Array(vec![bin.into()]));
    cargo.insert("workspace".into(), Table::new().into());
    // As the learner's: the same crates then serve both.
    let text = format!("{}\n[profile.dev]\ndebug = \"line-tables-only\"\n", toml::to_string(&cargo)?);
    Ok(text + "[profile.dev.package.\"*\"]\ndebug = false\n")
}
