//! The recorded run of a step's lab, and the figure that shows it.

use std::collections::HashMap;

use serde::Serialize;

use super::caption::caption;
use super::cells::{self, CELL, Row};
use super::html::{block, escaped};
use super::palette::DRAWN;
use super::{Fault, player};
use crate::lesson::{self, Lab, Lesson};
use crate::plain;
use crate::screen;
use crate::trace::{Trace, file};
use crate::world::{Cursor, World};

/// Columns of a figure, unless its servers or its words need more: as many as a telephone shows of letters that can be read, and
/// a lab has in a terminal of 120.
pub const COLUMNS: u16 = 56;

/// A recorded run of the lab of a step.
#[derive(Debug)]
pub struct Recording<'l> {
    /// The lesson.
    pub lesson: &'l Lesson,
    /// The step, from 0.
    pub step: usize,
    /// Its lab.
    pub lab: &'l Lab,
    /// What was recorded.
    pub trace: Trace,
}

/// The recorded run of a step's lab; `None` for a step without one, and for one that shows an earlier step's run another way:
/// a page would show the same again.
///
/// # Errors
/// A recording that is missing or cannot be read.
pub fn recording(lesson: &Lesson, step: usize) -> Result<Option<Recording<'_>>, Fault> {
    let Some(lab) = lesson.steps.get(step).and_then(|step| step.lab()) else { return Ok(None) };
    let Some(name) = &lab.recording else { return Ok(None) };
    if earlier(lesson, step).is_some() {
        return Ok(None);
    }
    let bytes = lesson::find(&lesson.name).and_then(|source| source.recording(name));
    let bytes = bytes.ok_or_else(|| Fault::new(format!("lesson {}: there is no {name}", lesson.name)))?;
    let opened = file::read(bytes).map_err(|error| Fault::new(format!("{name}: {error}")))?;
    match opened.damage {
        Some(damage) => Err(Fault::new(format!("{name} ends early: {damage}"))),
        None => Ok(Some(Recording { lesson, step, lab, trace: opened.trace })),
    }
}

/// The earlier step whose lab has the same recorded run.
pub(super) fn earlier(lesson: &Lesson, step: usize) -> Option<usize> {
    let recording = |step: usize| lesson.steps.get(step)?.lab()?.recording.as_deref();
    let mine = recording(step)?;
    (0..step).find(|earlier| recording(*earlier) == Some(mine))
}

/// What a player shows at one instant.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Frame {
    /// When, in words: `1.5 s`.
    at: String,
    /// Its rows, as indices of the rows that the frames have among them.
    rows: Vec<usize>,
}

/// A recorded run as a page shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    #[serde(skip)]
    id: String,
    #[serde(skip)]
    title: String,
    #[serde(skip)]
    caption: String,
    /// Everything that the figure shows, in words: the plain edition.
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    columns: u16,
    /// Every row that some frame has.
    rows: Vec<Row>,
    frames: Vec<Frame>,
}

impl Recording<'_> {
    /// Its end.
    pub fn world(&self) -> World<'_> {
        World::at(&self.trace, u64::MAX)
    }

    /// The figure of it: its end as a still, and the way there.
    pub fn figure(&self) -> Figure {
        let end = self.world();
        let mut known: HashMap<Row, usize> = HashMap::new();
        let mut figure = Figure {
            id: format!("run-{}", self.step + 1),
            title: self.title(),
            caption: caption(self),
            text: plain::lab_of_step(self.lab, &end),
            columns: screen::columns(&end, self.lesson, self.step, COLUMNS),
            rows: Vec::new(),
            frames: Vec::new(),
        };
        let mut cursor = Cursor::new();
        for t_ns in player::instants(&self.trace, self.lab.kind) {
            let world = cursor.world(&self.trace, t_ns);
            let cells = screen::figure(&world, self.lesson, self.step, figure.columns, DRAWN);
            let rows: Vec<usize> = cells::rows(&cells)
                .into_iter()
                .map(|row| {
                    *known.entry(row).or_insert_with_key(|row| {
                        figure.rows.push(row.clone());
                        figure.rows.len() - 1
                    })
                })
                .collect();
            if figure.frames.last().is_none_or(|last| last.rows != rows) {
                figure.frames.push(Frame { at: player::time(t_ns), rows });
            }
        }
        figure
    }

    fn title(&self) -> String {
        let step = &self.lesson.steps[self.step].title;
        format!("{step}: {}, as iolab showed it", self.lab.servers.join(", "))
    }
}

impl Figure {
    /// The rows of its last frame.
    fn still(&self) -> Vec<Row> {
        let last = self.frames.last().map(|frame| frame.rows.as_slice()).unwrap_or_default();
        last.iter().map(|index| self.rows[*index].clone()).collect()
    }

    /// The drawing of its end.
    pub fn svg(&self) -> String {
        let rows = self.frames.iter().map(|frame| frame.rows.len()).max().unwrap_or(0);
        let (width, height) = (usize::from(self.columns) * CELL.0, rows * CELL.1);
        let id = &self.id;
        // Letters as large as those of code; a wide one is scrolled on a telephone rather than made too small to read.
        let widest = width * 10 / 7;
        let least = if self.columns > COLUMNS { format!(";min-width:{width}px") } else { String::new() };
        format!(
            "<svg class=\"io-cells\" viewBox=\"0 0 {width} {height}\" style=\"max-width:{widest}px{least}\" role=\"img\" xml:space=\"preserve\" \
             aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">{}</title>\
             <desc id=\"{id}-desc\">{}</desc><g>{}</g></svg>",
            escaped(&self.title),
            escaped(&format!("{} The same in words stands below the figure.", self.caption)),
            cells::svg(&self.still())
        )
    }

    /// All of it as HTML: drawing, player, caption, the same in words.
    pub fn html(&self) -> String {
        let data = serde_json::to_string(self).unwrap_or_default().replace("</", "<\\/");
        let player = if self.frames.len() > 1 {
            format!("<script type=\"application/json\" class=\"io-frames\">{data}</script>")
        } else {
            String::new()
        };
        block(&format!(
            "<figure class=\"io-run\" id=\"{}\">\n<div class=\"io-screen\">{}</div>\n{player}\n\
             <figcaption>{}</figcaption>\n\
             <details class=\"io-words\"><summary>The same in words</summary>\n<pre class=\"io-plain\">{}</pre></details>\n\
             </figure>",
            self.id,
            self.svg(),
            escaped(&self.caption),
            escaped(self.text.trim_end()),
        ))
    }
}
