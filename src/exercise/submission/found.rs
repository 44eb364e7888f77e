//! What was handed in: which folders are submissions, and which exercises each holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::exercise::{EXERCISES, Exercise};

/// The most submissions in one folder; more is a folder that was not meant.
const SUBMISSIONS_MAX: usize = 2000;

/// What one person handed in.
#[derive(Debug)]
pub struct Submission {
    /// Its folder's name.
    pub name: String,
    /// Its exercises, in the order of the ladder.
    pub exercises: Vec<Found>,
}

/// An exercise in a submission.
#[derive(Debug)]
pub struct Found {
    /// Which.
    pub exercise: &'static Exercise,
    /// Where.
    pub folder: PathBuf,
}

/// The submissions under a folder: itself if it holds exercises, or is one; else each of its folders.
///
/// # Errors
/// The folder cannot be read.
pub fn found(folder: &Path) -> io::Result<Vec<Submission>> {
    let folder = folder.canonicalize()?;
    if let Some(exercise) = is_exercise(&folder) {
        let name = name_of(folder.parent().unwrap_or(&folder));
        return Ok(vec![Submission { name, exercises: vec![Found { exercise, folder }] }]);
    }
    let own = within(&folder)?;
    if !own.is_empty() {
        return Ok(vec![Submission { name: name_of(&folder), exercises: own }]);
    }
    let mut all = Vec::new();
    for inner in folders(&folder)?.into_iter().take(SUBMISSIONS_MAX) {
        all.push(Submission { name: name_of(&inner), exercises: within(&inner)? });
    }
    // Who handed nothing in has a row in a class; a folder in which nobody did is no class.
    if all.iter().all(|submission| submission.exercises.is_empty()) {
        all.clear();
    }
    Ok(all)
}

/// The exercises that lie directly in a folder, or in its folder `exercises`.
fn within(folder: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    let deeper = folder.join("exercises");
    let places = if is_folder(&deeper) { vec![folder.to_owned(), deeper] } else { vec![folder.to_owned()] };
    for place in places {
        for folder in folders(&place)? {
            if let Some(exercise) = is_exercise(&folder) {
                all.push(Found { exercise, folder });
            }
        }
    }
    all.sort_by_key(|found| found.exercise.number());
    Ok(all)
}

/// Which exercise a folder is, by its name.
fn is_exercise(folder: &Path) -> Option<&'static Exercise> {
    let name = folder.file_name()?.to_str()?;
    EXERCISES.iter().find(|exercise| exercise.folder == name || exercise.name() == name)
}

/// Folders in a folder, by name; links are not followed out of what was handed in.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    all.retain(|path| is_folder(path));
    all.sort();
    Ok(all)
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.is_dir())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "submission".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_a_workspace_and_an_exercise_are_told_apart() {
        let class = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let file = class.path().join(path).join("src/main.rs");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "fn main() {}").unwrap();
        };
        let [first, second] = [EXERCISES[0].folder, EXERCISES[1].folder];
        put(&format!("ada/{second}"));
        put(&format!("ada/{first}"));
        put(&format!("ben/exercises/{}", EXERCISES[0].name()));
        put("carl/something-else");
        let names = |place: &Path| {
            let all = found(place).unwrap();
            all.iter()
                .map(|of| (of.name.clone(), of.exercises.iter().map(|one| one.exercise.folder).collect()))
                .collect::<Vec<(String, Vec<&str>)>>()
        };
        assert_eq!(
            names(class.path()),
            [("ada".into(), vec![first, second]), ("ben".into(), vec![first]), ("carl".into(), vec![])],
            "who handed nothing in has a row"
        );
        assert_eq!(names(&class.path().join("ada")), [("ada".into(), vec![first, second])]);
        assert_eq!(names(&class.path().join("ada").join(first)), [("ada".into(), vec![first])]);
        std::os::unix::fs::symlink(class.path().join("ada"), class.path().join("zoe")).unwrap();
        assert_eq!(names(class.path()).len(), 3, "a link leads out of what was handed in");
    }
}
