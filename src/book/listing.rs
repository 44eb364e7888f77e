//! Listings: parts of the servers and trials themselves, cut out at the `ANCHOR` comments in their sources.

use std::collections::BTreeMap;

use super::Fault;
use super::html::{block, code, escaped};
use crate::lesson::{Course, Kind, Lab};
use crate::servers::Column;
use crate::trials;

/// The text of each file that listings are cut from, by its path from the repository's root.
pub type Listings = BTreeMap<String, String>;

/// A part of a file between two anchors: its name, its first line's number, its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The anchor's name.
    pub name: String,
    /// Number of its first line in the file, from 1.
    pub line: usize,
    /// Its lines, moved to the left as far as all of them go.
    pub lines: Vec<String>,
}

/// A program that a lab runs.
pub(super) struct Program {
    name: String,
    says: &'static str,
    file: String,
}

/// Parts that a listing has to have.
const OF_A_SERVER: &[&str] = &["loop", "echo"];
const OF_A_TRIAL: &[&str] = &["point"];

/// Programs whose Rust only compiles and runs what there is to read.
const ELSEWHERE: [(&str, &str); 1] = [("ring-by-liburing", "lessons/03-io-uring-rings/ring.c")];

/// The files that the listings of a course are cut from.
pub fn files(course: &Course) -> Vec<String> {
    let mut files: Vec<String> = course
        .lessons
        .iter()
        .flat_map(|lesson| lesson.steps.iter().filter_map(|step| step.lab()))
        .flat_map(programs)
        .map(|program| program.file)
        .collect();
    files.sort();
    files.dedup();
    files
}

/// The programs of a lab, each once.
pub(super) fn programs(lab: &Lab) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for member in &lab.servers {
        let program = match lab.kind {
            Kind::Trials => trials::by_name(member).map(|trial| program(trial.name, trial.says, "trials")),
            // Nobody here wrote them.
            Kind::Processes => None,
            Kind::Servers => Column::parse(member).map(|column| {
                let folder = if column.server.flawed { "servers/flawed" } else { "servers" };
                program(column.server.name, column.server.says, folder)
            }),
        };
        programs.extend(program.filter(|program| programs.iter().all(|known| known.file != program.file)));
    }
    programs
}

fn program(name: &'static str, says: &'static str, folder: &str) -> Program {
    let elsewhere = ELSEWHERE.iter().find(|(of, _)| *of == name).map(|(_, file)| (*file).to_owned());
    let file = elsewhere.unwrap_or_else(|| format!("src/{folder}/{}.rs", name.replace('-', "_")));
    Program { name: name.to_owned(), says, file }
}

/// The language of a file, as highlighting names it.
fn language(file: &str) -> &'static str {
    if file.ends_with(".c") { "c" } else { "rust" }
}

impl Program {
    /// Whether these listings show it already; from now on they do.
    pub fn is_known(&self, shown: &mut Vec<String>) -> bool {
        let known = shown.contains(&self.file);
        if !known {
            shown.push(self.file.clone());
        }
        known
    }

    /// Its parts, folded away until somebody asks for them.
    ///
    /// # Errors
    /// A file that is missing or cannot be cut.
    pub fn html(&self, listings: &Listings) -> Result<String, Fault> {
        let file = &self.file;
        let text = listings.get(file).ok_or_else(|| Fault::new(format!("{file}: there is no such file")))?;
        let parts = parts(file, text)?;
        let wanted = if file.contains("servers/") { OF_A_SERVER } else { OF_A_TRIAL };
        if let Some(missing) = wanted.iter().find(|name| parts.iter().all(|part| part.name != **name)) {
            return Err(Fault::new(format!("{file}: there is no anchor `{missing}`")));
        }
        let (name, says) = (escaped(&self.name), escaped(self.says));
        let mut html = format!(
            "<details class=\"io-listing\"><summary>Listing: <code>{name}</code>, {says}</summary>\n"
        );
        for part in
            parts.iter().filter(|part| wanted.contains(&part.name.as_str()) || part.name == "complete")
        {
            let last = part.line + part.lines.len() - 1;
            html += &format!("<p class=\"io-file\">{file}, lines {} to {last}</p>\n", part.line);
            html += &code(language(file), &part.lines);
            html.push('\n');
        }
        Ok(block(&(html + "</details>")))
    }
}

/// Cuts a file at its anchors.
///
/// # Errors
/// An anchor that does not close, closes nothing, holds nothing, or occurs twice.
pub fn parts(file: &str, text: &str) -> Result<Vec<Part>, Fault> {
    let fault = |line: usize, what: String| Err(Fault::new(format!("{file}:{line}: {what}")));
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Option<Part> = None;
    for (line, number) in text.lines().zip(1..) {
        if let Some(name) = mark(line, "ANCHOR: ") {
            if let Some(open) = &open {
                return fault(number, format!("anchor `{name}` begins inside of `{}`", open.name));
            }
            if parts.iter().any(|part| part.name == name) {
                return fault(number, format!("a second anchor `{name}`"));
            }
            open = Some(Part { name: name.to_owned(), line: number + 1, lines: Vec::new() });
        } else if let Some(name) = mark(line, "ANCHOR_END: ") {
            match open.take() {
                Some(part) if part.name == name && part.lines.iter().any(|line| !line.trim().is_empty()) => {
                    parts.push(Part { lines: moved_left(&part.lines), ..part });
                }
                Some(part) if part.name == name => {
                    return fault(number, format!("anchor `{name}` holds nothing"));
                }
                _ => return fault(number, format!("anchor `{name}` ends and has not begun")),
            }
        } else if let Some(part) = &mut open {
            part.lines.push(line.to_owned());
        }
    }
    match open {
        Some(part) => fault(part.line - 1, format!("anchor `{}` has no end", part.name)),
        None => Ok(parts),
    }
}

/// The name behind a mark, in a comment of either kind.
fn mark<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let line = line.trim();
    let comment = line
        .strip_prefix("// ")
        .or_else(|| line.strip_prefix("/* ").and_then(|of_c| of_c.strip_suffix("*/")));
    comment?.strip_prefix(word).map(str::trim)
}

fn moved_left(lines: &[String]) -> Vec<String> {
    let indent = |line: &String| line.len() - line.trim_start_matches([' ', '\t']).len();
    let by = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(by..).unwrap_or_default().trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_out_and_moved_left() {
        let text =
            "fn a() {\n    // ANCHOR: loop\n    loop {\n\n        b();\n    }\n    // ANCHOR_END: loop\n}\n";
        let parts = parts("a.rs", text).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].name.as_str(), parts[0].line), ("loop", 3));
        assert_eq!(parts[0].lines, ["loop {", "", "    b();", "}"]);
    }

    #[test]
    fn a_part_of_a_program_in_c_is_cut_out_too() {
        let text = "int ring(void)\n{\n\t/* ANCHOR: point */\n\treturn 0;\n\t/* ANCHOR_END: point */\n}\n";
        let parts = parts("ring.c", text).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].line), ("point", 4));
        assert_eq!(parts[0].lines, ["return 0;"]);
    }

    #[test]
    fn what_cannot_be_cut_is_a_fault_with_its_line() {
        for (text, says) in [
            ("// ANCHOR: a\nx\n", "a.rs:1: anchor `a` has no end"),
            ("// ANCHOR: a\n\n// ANCHOR_END: a\n", "a.rs:3: anchor `a` holds nothing"),
            ("// ANCHOR_END: a\n", "a.rs:1: anchor `a` ends and has not begun"),
            ("// ANCHOR: a\nx\n// ANCHOR_END: b\n", "a.rs:3: anchor `b` ends and has not begun"),
            ("// ANCHOR: a\n// ANCHOR: b\n", "a.rs:2: anchor `b` begins inside of `a`"),
        ] {
            assert_eq!(parts("a.rs", text), Err(Fault::new(says)));
        }
    }
}
