//! A trace as a picture: what the screen shows of it at a time, with all its words for people who hear it.

use ratatui::layout::{Rect, Size};

use super::svg::{Words, described};
use crate::lesson::{Block, Kind, Lesson, Show, playground};
use crate::plain;
use crate::screen::{Pane, Playhead, Run, State, Theme, View, frame};
use crate::trace::{Header, Probing};
use crate::trials;
use crate::world::World;

/// The numbers of a trial's table.
const OF_TRIALS: &[&str] = &["syscalls", "voluntary_switches", "involuntary_switches", "cpu_ns"];

/// What a world looks like, as an SVG document. Its description is what the plain edition says.
pub fn picture(world: &World<'_>, size: Size, theme: Theme) -> String {
    let lesson = around(world.header);
    let (playhead, when) = match world.t_ns {
        u64::MAX => (Playhead::End(world.end_ns()), "at its end".to_owned()),
        t_ns => (Playhead::Frozen(t_ns), format!("at {} s", seconds(t_ns))),
    };
    let machine = &world.header.capabilities.machine;
    let recorded = Some(format!("Linux {}, {} CPUs", machine.kernel, machine.cpus));
    let run = Run::Some { step: 0, state: State::Over, recorded };
    let view = View { pane: Pane::Lab, playhead, run, ..View::new(0) };
    // The last row is the keys', which nobody can press in a picture.
    let with_keys = Size { height: size.height.saturating_add(1), ..size };
    let mut cells = frame(Some(world), &view, &lesson, with_keys, theme).buffer;
    cells.resize(Rect::new(0, 0, size.width, size.height));
    let title = format!("iolab: {}, {when}", world.header.servers.join(", "));
    described(&cells, &Words { title: &title, says: &plain::lab(world) }, theme.palette)
}

/// A lesson of one step around the trace, so that the screens of lessons can show it.
fn around(header: &Header) -> Lesson {
    let mut lesson = playground(header.servers.clone(), header.load.clone(), Probing::Auto);
    let are_trials = header.servers.iter().all(|name| trials::by_name(name).is_some());
    for block in lesson.steps.iter_mut().flat_map(|step| &mut step.blocks) {
        if let Block::Lab(lab) = block
            && are_trials
        {
            lab.kind = Kind::Trials;
            lab.show = vec![Show::Metrics, Show::Insights, Show::Story, Show::Rings, Show::Names];
            lab.metrics = OF_TRIALS.iter().map(ToString::to_string).collect();
        }
    }
    lesson
}

fn seconds(ns: u64) -> String {
    let ms = ns / 1_000_000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
