//! One exercise as it stands in the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::solutions::Solutions;
use crate::exercise::{EXERCISES, Manifest};

/// Crates that an exercise may use: all others would have to be fetched.
const CRATES: [&str; 3] = ["libc", "io-uring", "nix"];

/// Words that stand for something that is not done.
const UNDONE: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("unimple", "mented!")];

/// The fewest right and wrong programs.
const RIGHT_MIN: usize = 2;
const WRONG_MIN: usize = 3;

/// An exercise's two folders.
#[derive(Debug)]
pub struct Folder {
    /// Its name with the number: `06-drain-the-edge`.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// What it asks for, or what is wrong with it.
    pub manifest: Result<Manifest, String>,
    /// What its solutions are, or what is wrong with them.
    pub(super) solutions: Result<Solutions, String>,
    path: PathBuf,
    solved: PathBuf,
}

impl Folder {
    /// All of them, in order.
    ///
    /// # Errors
    /// `exercises/` cannot be read.
    pub fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let exercises = root.join("exercises");
        let entries =
            fs::read_dir(&exercises).with_context(|| format!("cannot read {}", exercises.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names.into_iter().map(|folder| Self::read(root, folder)).collect())
    }

    fn read(root: &Path, folder: String) -> Self {
        let path = root.join("exercises").join(&folder);
        let solved = root.join("solutions").join(&folder);
        let manifest = text(&path.join("exercise.toml")).and_then(|text| Manifest::read(&text));
        let solutions = text(&solved.join("solutions.toml")).and_then(|text| Solutions::read(&text));
        let name = folder.get(3..).unwrap_or_default().to_owned();
        Self { folder, name, manifest, solutions, path, solved }
    }

    /// Whether it is called so.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.folder == name
    }

    /// What its author has to mend without running anything.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        match &self.manifest {
            Err(why) => found.push(format!("exercise.toml cannot be read: {why}")),
            Ok(manifest) => {
                found.extend(
                    manifest.mistakes().into_iter().map(|mistake| format!("exercise.toml: {mistake}")),
                );
                self.readme(manifest, &mut found);
            }
        }
        if let Err(why) = &self.solutions {
            found.push(format!("solutions.toml cannot be read: {why}"));
        }
        self.sources(&mut found);
        self.row(&mut found);
        found
    }

    fn readme(&self, manifest: &Manifest, found: &mut Vec<String>) {
        match text(&self.path.join("README.md")) {
            Err(why) => found.push(format!("README.md cannot be read: {why}")),
            Ok(readme) => {
                let criteria = manifest.criteria.iter().map(|criterion| &criterion.id);
                for id in criteria.filter(|id| !readme.contains(&format!("`{id}`"))) {
                    found.push(format!("README.md does not say what `{id}` looks at: name it in backquotes"));
                }
                for command in ["check", "watch", "hint"] {
                    let line = format!("iolab exercise {command} {}", self.name);
                    if !readme.contains(&line) {
                        found.push(format!("README.md does not tell the command `{line}`"));
                    }
                }
            }
        }
    }

    fn sources(&self, found: &mut Vec<String>) {
        match text(&self.path.join("Cargo.toml")).map(|text| toml::from_str::<toml::Table>(&text)) {
            Ok(Ok(cargo)) => {
                let package = cargo.get("package").and_then(|package| package.get("name"));
                if package.and_then(toml::Value::as_str) != Some(self.name.as_str()) {
                    found.push(format!("Cargo.toml: call the package {:?}, as its folder", self.name));
                }
                let named = cargo.get("dependencies").and_then(toml::Value::as_table);
                for name in named.into_iter().flat_map(toml::Table::keys) {
                    if !CRATES.contains(&name.as_str()) {
                        found.push(format!("Cargo.toml: {name} is not one of {}", CRATES.join(", ")));
                    }
                }
                if cargo.contains_key("build-dependencies") || self.path.join("build.rs").exists() {
                    found.push("an exercise has no build script: learners' ones are never run".to_owned());
                }
            }
            Ok(Err(error)) => found.push(format!("Cargo.toml: {error}")),
            Err(why) => found.push(format!("Cargo.toml cannot be read: {why}")),
        }
        for (file, source) in self.all_sources() {
            match source {
                Err(why) => found.push(format!("{file} cannot be read: {why}")),
                Ok(source) => {
                    for word in UNDONE.iter().filter(|word| source.contains(**word)) {
                        found.push(format!(
                            "{file} says {word}: finish it, or say in words what is to be done"
                        ));
                    }
                }
            }
        }
    }

    fn all_sources(&self) -> Vec<(String, Result<String, String>)> {
        let mut all = vec![("src/main.rs".to_owned(), text(&self.path.join("src/main.rs")))];
        if let Ok(solutions) = &self.solutions {
            for path in solutions.files() {
                let source = text(&self.solved.join(&path));
                all.push((path, source));
            }
            let (right, wrong) = (solutions.right.len(), solutions.wrong.len());
            if right < RIGHT_MIN {
                let says =
                    format!("{right} right programs: two of different shape show that there is no one way");
                all.push(("solutions.toml".into(), Err(says)));
            }
            if wrong < WRONG_MIN {
                let says =
                    format!("{wrong} wrong programs: three real mistakes show what the criteria catch");
                all.push(("solutions.toml".into(), Err(says)));
            }
        }
        all
    }

    /// The binary holds what the folder holds; only for the repository that this program was made from.
    fn row(&self, found: &mut Vec<String>) {
        let Some(row) = EXERCISES.iter().find(|row| row.folder == self.folder) else {
            found.push("it has no row in EXERCISES (src/exercise/table.rs): add one".to_owned());
            return;
        };
        let files = [
            ("exercise.toml", row.manifest),
            ("README.md", row.readme),
            ("Cargo.toml", row.cargo),
            ("src/main.rs", row.starter),
        ];
        for (file, held) in files {
            if text(&self.path.join(file)).is_ok_and(|text| text != held) {
                found.push(format!("{file} is not the one that this iolab holds: build it anew"));
            }
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
