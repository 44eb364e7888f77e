//! `iolab export FILE`: a recorded run as a picture, as text, or as a document that other programs read.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ratatui::layout::Size;

use super::face::Face;
use super::kept::{Kept, Place};
use super::look::Named;
use super::source::Source;
use super::{Exit, complain, face};
use crate::export::perfetto::{Layout, Perfetto};
use crate::screen::Theme;
use crate::trace::file;
use crate::trace::{Record, Run, Trace};
use crate::world::World;

/// Columns and rows of a picture when nobody says.
const SIZE: Size = Size { width: 120, height: 36 };

/// The least and the most columns and rows that a picture has.
const COLUMNS: std::ops::RangeInclusive<u16> = 20..=500;
const ROWS: std::ops::RangeInclusive<u16> = 5..=200;

/// Writes a recorded run as a picture, as text, or as a document that other programs read.
///
/// svg: what the screen shows, as text that can be selected and searched, with a description for screen readers.
/// text: the plain edition. json: the document that `replay --format json` prints. perfetto: every record up to the
/// time, in the Trace Event Format, for ui.perfetto.dev and chrome://tracing.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The recorded run; - for standard input.
    file: PathBuf,
    /// What to make of it; when left out, the ending of --output says it (.svg, .txt, .json, .perfetto.json).
    #[arg(long = "to", visible_alias = "format", value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Seconds from the beginning of each run; the end when left out.
    #[arg(long, value_name = "TIME", value_parser = super::replay::seconds_ns)]
    at: Option<u64>,
    /// Columns and rows of a picture; 120x36 when left out.
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = size)]
    size: Option<Size>,
    /// The colours of a picture, dark when left out.
    #[arg(long, value_enum, value_name = "THEME")]
    theme: Option<Named>,
    /// The file to write, compressed when its name ends in .gz; standard output when left out or -. It is written
    /// beside and renamed, so there is never half a file.
    #[arg(long, short, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file if there is one.
    #[arg(long)]
    force: bool,
}

/// What a trace can be made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A picture of the screen at that time.
    Svg,
    /// Everything that is known at that time, in words.
    Text,
    /// The same as one JSON document (iolab.lab/1).
    Json,
    /// Everything up to that time for ui.perfetto.dev: Chrome's trace-event JSON.
    Perfetto,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let place = Place::of(arguments.output.as_deref());
    let format = match format(arguments, &place) {
        Ok(format) => format,
        Err(says) => return Ok(misused(says)),
    };
    let source = Source::open(&arguments.file, "export")?;
    match format {
        Format::Perfetto => perfetto(arguments, &source, &place),
        format => still(arguments, format, &source, &place),
    }
}

/// The format that was asked for; or why what was asked for does not fit.
fn format(arguments: &Arguments, place: &Place<'_>) -> Result<Format, String> {
    let name = place.name();
    let guessed = match name.trim_end_matches(".gz").rsplit_once('.') {
        Some((_, "svg")) => Some(Format::Svg),
        Some((_, "txt" | "text")) => Some(Format::Text),
        Some((before, "json")) if before.ends_with(".perfetto") => Some(Format::Perfetto),
        Some((_, "json")) => Some(Format::Json),
        Some((_, "pftrace" | "perfetto")) => Some(Format::Perfetto),
        _ => None,
    };
    let format =
        arguments.format.or(guessed).ok_or("what is it to become? --to svg, text, json or perfetto")?;
    if format != Format::Svg && (arguments.size.is_some() || arguments.theme.is_some()) {
        return Err("--size and --theme are of pictures; with --to svg they hold".into());
    }
    Ok(format)
}

/// What stands at one instant.
fn still(arguments: &Arguments, format: Format, source: &Source, place: &Place<'_>) -> anyhow::Result<Exit> {
    let opened = file::read(source.input()?).map_err(|unreadable| source.trouble(unreadable))?;
    source.warn_of(opened.damage.as_deref(), opened.trace.runs().iter().any(|run| !ended(run)));
    if let Some(says) = outside(arguments.at, longest_ns(&opened.trace)) {
        return Ok(misused(says));
    }
    let world = World::at(&opened.trace, arguments.at.unwrap_or(u64::MAX));
    let text = match format {
        Format::Svg => {
            let theme = Theme { palette: arguments.theme.unwrap_or(Named::Dark).palette(), ascii: false };
            crate::export::picture::picture(&world, arguments.size.unwrap_or(SIZE), theme)
        }
        Format::Text if world.is_observed() => face::observed(&world, Face::Plain)?,
        Format::Json if world.is_observed() => face::observed(&world, Face::Json)?,
        Format::Text => face::without_control(&crate::plain::lab(&world)),
        Format::Json | Format::Perfetto => {
            let views = world.servers();
            serde_json::to_string_pretty(&crate::export::json::lab(&world, &views))? + "\n"
        }
    };
    write(arguments, place, |out| out.write_all(text.as_bytes()))
}

/// All records up to a time. The trace is read twice, so that no more than one record of it is held at a time.
fn perfetto(arguments: &Arguments, source: &Source, place: &Place<'_>) -> anyhow::Result<Exit> {
    let mut entries = source.entries()?;
    let mut layout = Layout::new(entries.header(), arguments.at.unwrap_or(u64::MAX));
    let (mut begun, mut over) = (0_u64, 0_u64);
    while let Some(entry) = entries.next() {
        begun += u64::from(matches!(entry.record, Record::Start(_)));
        over += u64::from(matches!(entry.record, Record::End { .. }));
        if let Err(why) = layout.see(&entry) {
            entries.is_damaged(&why);
        }
    }
    source.warn_of(entries.damage(), over < begun);
    if let Some(says) = outside(arguments.at, layout.last_ns()) {
        return Ok(misused(says));
    }
    let entries = source.entries()?;
    let header = entries.header().clone();
    let layout = layout.placed();
    let count = usize::try_from(layout.entries()).unwrap_or(usize::MAX);
    write(arguments, place, |out| {
        let mut perfetto = Perfetto::begin(out, &header, layout)?;
        for entry in entries.take(count) {
            perfetto.add(&entry)?;
        }
        perfetto.finish().map(drop)
    })
}

fn write(
    arguments: &Arguments,
    place: &Place<'_>,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<Exit> {
    match place.write(arguments.force, fill)? {
        Kept::Written => Ok(Exit::Done),
        Kept::IsThere => Ok(misused(format!("{} is there already; another name, or --force", place.name()))),
    }
}

fn misused(says: String) -> Exit {
    complain(&anyhow::anyhow!(says));
    Exit::Usage
}

/// Why nothing can be shown of a time.
fn outside(at_ns: Option<u64>, longest_ns: u64) -> Option<String> {
    let at_ns = at_ns.filter(|at_ns| *at_ns > longest_ns)?;
    let seconds = |ns: u64| ns as f64 / 1e9;
    Some(format!(
        "{} s lies outside: the longest run ends at {:.3} s; --at takes a time from 0 to there",
        seconds(at_ns),
        seconds(longest_ns)
    ))
}

fn longest_ns(trace: &Trace) -> u64 {
    trace.runs().iter().filter_map(|run| run.records.last()).map(|(t_ns, _)| *t_ns).max().unwrap_or(0)
}

fn ended(run: &Run) -> bool {
    matches!(run.records.last(), Some((_, Record::End { .. })))
}

/// `100x30`.
fn size(text: &str) -> Result<Size, String> {
    let parse = |text: &str| text.trim().parse::<u16>().ok();
    let (columns, rows) = text.split_once(['x', 'X', '×']).ok_or("columns and rows, such as 100x30")?;
    match (parse(columns), parse(rows)) {
        (Some(width), Some(height)) if COLUMNS.contains(&width) && ROWS.contains(&height) => {
            Ok(Size { width, height })
        }
        _ => Err(format!(
            "columns and rows, such as 100x30: {} to {} and {} to {}",
            COLUMNS.start(),
            COLUMNS.end(),
            ROWS.start(),
            ROWS.end()
        )),
    }
}
