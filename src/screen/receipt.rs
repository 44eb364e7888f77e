//! What stays in the terminal's scrollback when the screen is gone: a few lines of what was learned.

use super::Run;
use super::lesson::load;
use super::text::rounded;
use super::view::{View, same_lab};
use crate::lesson::{Lesson, Step};
use crate::world::{MetricId, World};

/// A few lines: where the learner was, what ran, what was predicted and measured.
pub fn receipt(world: Option<&World<'_>>, view: &View, lesson: &Lesson) -> Vec<String> {
    let mut lines = vec![format!(
        "iolab lesson {}, {}: step {} of {}, {}",
        lesson.number,
        lesson.title,
        view.step + 1,
        lesson.steps.len(),
        view.step(lesson).title
    )];
    if let (Some(world), Run::Some { step, recorded, .. }) = (world, &view.run) {
        let what = if recorded.is_some() { "a recorded run" } else { "the last run" };
        lines.push(format!("  {what}: {}", load(&world.header.load)));
        let hides = |server: &str| {
            same_lab(lesson, *step, view.step) && view.is_hidden(lesson, server, MetricId::SyscallsPerRequest)
        };
        for server in world.servers().iter().filter(|server| !hides(server.name)) {
            let calls = server.metric(MetricId::SyscallsPerRequest);
            if let Some((value, rung)) = calls.and_then(|calls| calls.value().zip(calls.rung())) {
                lines.push(format!(
                    "  {}: {} syscalls per echo ({})",
                    server.name,
                    rounded(value),
                    rung.word()
                ));
            }
        }
    }
    for asked in lesson.steps.iter().flat_map(Step::predictions) {
        if let Some(answer) = view.answers.get(&asked.id) {
            let measured = view.measured.get(&asked.id).copied();
            lines.push(format!("  predicted for {}: {}", asked.server, asked.judge(answer, measured)));
        }
    }
    let next = view.step + 1;
    lines.push(format!("  on with: iolab lesson {} --step {next}", lesson.number));
    lines
}
