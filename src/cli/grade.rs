//! `iolab grade [DIR...]`: submissions graded where they can harm nobody.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::{Exit, face, one_line, signals};
use crate::exercise::State;
use crate::exercise::cage::Hold;
use crate::exercise::submission::{self, Graded, Kiln, Submission};
use crate::export::grade;
use crate::plain;
use crate::trace::Capabilities;

/// Grades submissions: what others wrote is compiled and run in a cage, with the exercises' own manifests.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 all passed, 1 not all, 2 wrong usage, 3 this machine cannot grade.")]
pub struct Arguments {
    /// Folders of submissions, submissions, or single exercises.
    #[arg(value_name = "DIR", default_value = ".")]
    folders: Vec<PathBuf>,
    /// The face of the grades: lines and a table, the document iolab.grade/1, JUnit's XML, or GitHub Classroom's
    /// report.
    #[arg(long, value_enum, default_value = "plain")]
    format: Face,
    /// Keep a recording of every run in this folder, for iolab replay.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// Grade even where this machine cannot hold a program back from harm: on a machine that is thrown away
    /// afterwards, or for programs of your own.
    #[arg(long)]
    unheld: bool,
}

/// A face of grades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Face {
    /// Lines and a table.
    Plain,
    /// iolab.grade/1.
    Json,
    /// JUnit's XML.
    Junit,
    /// GitHub Classroom's report.
    Github,
}

/// One row of what was graded.
struct Row {
    submission: String,
    graded: Graded,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let submissions = match find(&arguments.folders) {
        Ok(submissions) => submissions,
        Err(says) => {
            face::warn(&says);
            return Ok(Exit::Usage);
        }
    };
    let unheld = submission::unheld()?;
    if !unheld.is_empty() && !arguments.unheld {
        face::warn(&refusal(&unheld));
        return Ok(Exit::Refused);
    }
    let evidence = arguments.evidence.as_deref().map(made).transpose()?;
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    signals::on_interrupt(move || asked.store(true, Ordering::SeqCst))?;
    let rows = grade_all(&submissions, arguments.format, evidence.as_deref(), &stop)?;
    if arguments.format == Face::Plain {
        face::print(&table(&submissions, &rows))?;
    } else {
        face::print(&document(&rows, arguments.format, evidence.as_deref())?)?;
    }
    if stop.load(Ordering::SeqCst) {
        face::warn("grading was ended before it was done; what is above is what came until then");
        return Ok(Exit::Failed);
    }
    let verdicts = || rows.iter().map(|row| &row.graded.verdict);
    Ok(match () {
        () if verdicts().all(crate::exercise::Verdict::is_skipped) => Exit::Refused,
        () if verdicts().all(|verdict| verdict.is_passed() || verdict.is_skipped()) => Exit::Done,
        () => Exit::Failed,
    })
}

fn find(folders: &[PathBuf]) -> Result<Vec<Submission>, String> {
    let mut all = Vec::new();
    for folder in folders {
        let found = submission::found(folder).map_err(|error| {
            format!("{} cannot be read: {error}; name a folder of submissions", folder.display())
        })?;
        if found.is_empty() {
            return Err(format!(
                "there is no exercise in {}; a submission is a folder with exercises in it (01-switch-or-not/src/main.rs), \
                 and a class a folder of submissions",
                folder.display()
            ));
        }
        all.extend(found);
    }
    Ok(all)
}

fn refusal(unheld: &[Hold]) -> String {
    let mut says = String::from("this machine cannot hold back what a stranger wrote, so nothing is graded:");
    for hold in unheld {
        let why = hold.refused.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = write!(says, "\n  not held: {} ({why})", hold.what.sentence());
    }
    says + "\n  try: as root, or where user namespaces are allowed (iolab doctor); with --unheld it is graded all the \
            same, on a machine that is thrown away afterwards"
}

fn made(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))
}

/// Where pristine exercises stay built from one time to the next.
fn kiln() -> anyhow::Result<Kiln> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let cache = cache.unwrap_or_else(std::env::temp_dir).join("iolab");
    let version = env!("CARGO_PKG_VERSION");
    let text = crate::exercise::EXERCISES.iter().map(|exercise| exercise.cargo).collect::<String>();
    let own = &crate::exercise::sources::sha256(text.as_bytes())[..12];
    let folder = cache.join(format!("grade-{version}-{own}"));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Kiln::open(&folder)
}

fn grade_all(
    submissions: &[Submission],
    format: Face,
    evidence: Option<&Path>,
    stop: &AtomicBool,
) -> anyhow::Result<Vec<Row>> {
    let capabilities: Capabilities = crate::doctor::examine();
    let mut kiln = kiln()?;
    let all: usize = submissions.iter().map(|of| of.exercises.len()).sum();
    let mut rows = Vec::new();
    for submission in submissions {
        for found in &submission.exercises {
            if stop.load(Ordering::SeqCst) {
                return Ok(rows);
            }
            one_line::say(&format!(
                "{} of {all}: {} {}",
                rows.len() + 1,
                submission.name,
                found.exercise.name()
            ));
            let evidence = evidence.map(|folder| made(&folder.join(&submission.name))).transpose()?;
            let is_stopped = || stop.load(Ordering::SeqCst);
            let graded = submission::grade(
                &mut kiln,
                found.exercise,
                &found.folder,
                &capabilities,
                evidence.as_deref(),
                &is_stopped,
            )?;
            one_line::clear();
            if format == Face::Plain {
                face::print(&lines(&submission.name, &graded))?;
            }
            rows.push(Row { submission: submission.name.clone(), graded });
        }
    }
    Ok(rows)
}

/// What did not pass of one exercise, a line each.
fn lines(submission: &str, graded: &Graded) -> String {
    let verdict = &graded.verdict;
    let mut out = format!(
        "{} {}: {} of {} points\n",
        without_control(submission),
        verdict.exercise,
        verdict.points,
        verdict.points_max
    );
    for judged in verdict.criteria.iter().filter(|judged| judged.state != State::Pass) {
        let seen = without_control(&judged.seen);
        let _ = writeln!(out, "  {} {}: {seen}", judged.state.word(), judged.id);
    }
    out
}

/// Submissions by exercises.
fn table(submissions: &[Submission], rows: &[Row]) -> String {
    let mut exercises: Vec<_> =
        submissions.iter().flat_map(|of| &of.exercises).map(|found| found.exercise).collect();
    exercises.sort_by_key(|exercise| exercise.number());
    exercises.dedup_by_key(|exercise| exercise.number());
    let mut table = plain::Table::new();
    let heads = exercises.iter().map(|exercise| exercise.folder[..2].to_owned());
    table.row(std::iter::once("submission".to_owned()).chain(heads).chain(["points".to_owned()]));
    for submission in submissions {
        let own = || rows.iter().filter(|row| row.submission == submission.name);
        let cell = |name: &str| {
            let row = own().find(|row| row.graded.verdict.exercise == name);
            row.map_or("-".to_owned(), |row| match &row.graded.verdict {
                verdict if verdict.is_skipped() => "skipped".to_owned(),
                verdict => format!("{}/{}", verdict.points, verdict.points_max),
            })
        };
        let cells = exercises.iter().map(|exercise| cell(exercise.name()));
        let sum = |of: fn(&Row) -> u32| own().map(of).sum::<u32>();
        let points = sum(|row| row.graded.verdict.points);
        let all = sum(|row| row.graded.verdict.points_max);
        let name = without_control(&submission.name);
        table.row(std::iter::once(name).chain(cells).chain([format!("{points}/{all}")]));
    }
    let mut out = String::from("\n");
    for line in table.lines() {
        let _ = writeln!(out, "{line}");
    }
    let mut not_held: Vec<_> = rows.iter().flat_map(|row| &row.graded.not_held).collect();
    not_held.sort();
    not_held.dedup();
    for sentence in not_held {
        let _ = writeln!(out, "note: {sentence}");
    }
    out
}

/// What strangers wrote must not speak to the terminal.
fn without_control(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn document(rows: &[Row], format: Face, evidence: Option<&Path>) -> anyhow::Result<String> {
    let evidence: Vec<_> = rows
        .iter()
        .map(|row| evidence.map(|folder| folder.join(&row.submission).display().to_string()))
        .collect();
    let several = rows.iter().any(|row| row.submission != rows[0].submission);
    let graded: Vec<_> = rows
        .iter()
        .zip(&evidence)
        .map(|(row, evidence)| grade::Graded {
            submission: several.then_some(row.submission.as_str()),
            verdict: &row.graded.verdict,
            sources_sha256: &row.graded.sources_sha256,
            evidence: evidence.as_deref(),
            not_held: &row.graded.not_held,
        })
        .collect();
    Ok(match format {
        Face::Junit => grade::junit(&graded),
        Face::Github => serde_json::to_string_pretty(&grade::classroom(&graded))? + "\n",
        Face::Plain | Face::Json => serde_json::to_string_pretty(&grade::document(&graded))? + "\n",
    })
}
