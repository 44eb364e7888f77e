//! What stays in the terminal's scrollback when the screen is gone: a few lines of what was learned.

use super::Run;
use super::lesson::load;
use super::text::{Told, measured, rounded};
use super::view::{View, same_lab};
use crate::lesson::Lesson;
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
    let servers = world.map(World::servers).unwrap_or_default();
    for (index, step) in lesson.steps.iter().enumerate() {
        // A run that was still under way at the end counts for the steps whose lab it is.
        let ran = matches!(view.run, Run::Some { step, .. } if same_lab(lesson, step, index));
        let told = Told::By(if ran { &servers } else { &[] });
        for asked in step.predictions() {
            if let Some(answer) = view.answers.get(&asked.id) {
                let verdict = asked.judge(answer, measured(view, asked, &told));
                lines.push(format!("  predicted for {}: {verdict}", asked.server));
            }
        }
    }
    let next = view.step + 1;
    lines.push(format!("  on with: iolab lesson {} --step {next}", lesson.number));
    lines
}
