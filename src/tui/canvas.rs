//! Frames to bytes: what changed since the last frame, in one synchronized bracket, in one write.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::screen::Frame;

/// What stands on the terminal.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    shown: Option<Buffer>,
    cursor: Option<Position>,
    bytes: Vec<u8>,
}

impl Canvas {
    /// Forgets what stands there: the next frame is drawn whole.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// Shows a frame. Nothing is written when nothing changed.
    pub(super) fn show(&mut self, frame: Frame, out: &mut impl Write) -> io::Result<()> {
        self.bytes.clear();
        queue!(self.bytes, BeginSynchronizedUpdate)?;
        let before = match self.shown.take() {
            Some(buffer) if buffer.area == frame.buffer.area => buffer,
            _ => {
                queue!(self.bytes, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
                self.cursor = None;
                queue!(self.bytes, Hide)?;
                Buffer::empty(Rect { x: 0, y: 0, ..frame.buffer.area })
            }
        };
        let begun = self.bytes.len();
        let changes = before.diff(&frame.buffer);
        let any = !changes.is_empty();
        if any {
            CrosstermBackend::new(&mut self.bytes).draw(changes.into_iter())?;
        }
        // Drawing moved the cursor; it belongs where the focus is.
        match frame.cursor {
            Some(at) if any || self.cursor != Some(at) => {
                queue!(self.bytes, MoveTo(at.x, at.y))?;
                if self.cursor.is_none() {
                    queue!(self.bytes, Show)?;
                }
            }
            None if self.cursor.is_some() => queue!(self.bytes, Hide)?,
            _ => {}
        }
        self.cursor = frame.cursor;
        self.shown = Some(frame.buffer);
        if self.bytes.len() == begun && begun == BEGIN.len() {
            return Ok(());
        }
        queue!(self.bytes, EndSynchronizedUpdate)?;
        out.write_all(&self.bytes)?;
        out.flush()
    }
}

/// What [`BeginSynchronizedUpdate`] writes.
const BEGIN: &[u8] = b"\x1b[?2026h";

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;
    use ratatui::style::Style;

    use super::*;
    use crate::lesson::{self, Kind, LabEvent, Lesson, Recorded, Runner};
    use crate::screen::{Input, Playhead, Run, Stage, State, Theme, View, frame, update};
    use crate::world::Cursor;

    fn words(text: &str, cursor: Option<Position>) -> Frame {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        buffer.set_string(0, 0, text, Style::new());
        Frame { buffer, cursor, zones: Vec::new() }
    }

    #[test]
    fn a_frame_is_one_bracket_and_an_unchanged_one_is_nothing() {
        let (mut canvas, mut out) = (Canvas::default(), Vec::new());
        canvas.show(words("hello", None), &mut out).unwrap();
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(text.starts_with("\x1b[?2026h") && text.ends_with("\x1b[?2026l"), "{text:?}");
        assert_eq!(text.matches("\x1b[?2026h").count(), 1);
        out.clear();
        canvas.show(words("hello", None), &mut out).unwrap();
        assert_eq!(out, b"");
        canvas.show(words("hallo", None), &mut out).unwrap();
        assert!(out.len() < 60, "one cell changed, {} bytes written", out.len());
    }

    #[test]
    fn the_cursor_follows_the_focus() {
        let (mut canvas, mut out) = (Canvas::default(), Vec::new());
        canvas.show(words("a", Some(Position { x: 3, y: 1 })), &mut out).unwrap();
        assert!(String::from_utf8(out.clone()).unwrap().contains("\x1b[2;4H\x1b[?25h"));
        out.clear();
        canvas.show(words("a", None), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("\x1b[?25l"));
    }

    /// Time between two frames of a run that plays, nanoseconds.
    const FRAME_NS: u64 = 66_000_000;

    /// A step's recorded run played from its beginning to its end: what each frame writes, the first one
    /// whole.
    fn played(lesson: &Lesson, source: &'static lesson::Source, step: usize, size: Size) -> Vec<usize> {
        let (sender, events) = std::sync::mpsc::channel();
        let lab = lesson.steps[step].lab().unwrap();
        Recorded::new(source, "its bytes are counted").start(lab, sender);
        let LabEvent::Recording { trace, why } = events.recv().unwrap() else { panic!("no recording") };
        let mut view = View::new(step);
        view.passed_over.extend(lesson.steps[step].predictions().map(|asked| asked.id.clone()));
        view.run = Run::Some { step, state: State::Starting, recorded: None };
        let stage = Stage { lesson, trace: Some(&trace), size };
        update(&mut view, &stage, Input::Recording(why));
        let (mut canvas, mut cursor, mut written) = (Canvas::default(), Cursor::new(), Vec::new());
        while matches!(view.playhead, Playhead::Playing(_)) {
            let world = cursor.world(&trace, view.t_ns());
            let mut out = Vec::new();
            canvas.show(frame(Some(&world), &view, lesson, size, Theme::DEFAULT), &mut out).unwrap();
            written.push(out.len());
            update(&mut view, &stage, Input::Tick(FRAME_NS));
        }
        written
    }

    #[test]
    fn a_run_that_plays_stays_within_six_kilobytes_a_frame() {
        const MEAN_MAX: usize = 6 * 1024;
        let source = lesson::find("3").unwrap();
        let lesson = source.read().unwrap();
        let recorded = |step: &usize| lesson.steps[*step].lab().is_some_and(|lab| lab.recording.is_some());
        for step in (0..lesson.steps.len()).filter(recorded) {
            let written = played(&lesson, source, step, Size::new(120, 36));
            // A trial is over in a moment: its first frame, which is whole, says nothing of the others.
            if lesson.steps[step].lab().is_some_and(|lab| lab.kind == Kind::Trials) {
                continue;
            }
            assert!(written.len() >= 5, "step {} plays {} frames only", step + 1, written.len());
            let mean = written.iter().sum::<usize>() / written.len();
            assert!(mean <= MEAN_MAX, "step {}: {mean} bytes a frame in the mean", step + 1);
        }
    }
}
