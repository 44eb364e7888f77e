//! What stays in the terminal's scrollback when the screen is gone: a few lines of what was learned.

use super::Run;
use super::lesson::load;
use super::text::{Told, measured, rounded};
use super::view::{View, same_lab};
use crate::lesson::{Form, Lesson};
use crate::trace::{Load, Pace, Probing};
use crate::world::{MetricId, World};

/// A few lines: where the learner was, what ran, what was predicted and measured.
pub fn receipt(world: Option<&World<'_>>, view: &View, lesson: &Lesson) -> Vec<String> {
    let mut lines = vec![match lesson.form {
        Form::Playground => {
            format!("iolab lab: {}", view.lab(lesson).map_or_else(String::new, |lab| lab.servers.join(", ")))
        }
        Form::Observe => format!("iolab {}", lesson.title),
        Form::Course => format!(
            "iolab lesson {}, {}: step {} of {}, {}",
            lesson.number,
            lesson.title,
            view.step + 1,
            lesson.steps.len(),
            view.step(lesson).title
        ),
    }];
    if let (Some(world), Run::Some { step, recorded, .. }) = (world, &view.run) {
        let what = if recorded.is_some() { "a recorded run" } else { "the last run" };
        let servers = world.servers();
        let of_trials = servers.iter().any(|server| server.tells_totals());
        let under = match () {
            () if world.is_observed() => "the processes that were seen".to_owned(),
            () if of_trials => "trials".to_owned(),
            () => load(&world.header.load),
        };
        lines.push(format!("  {what}: {under}"));
        let (id, each) = match of_trials {
            true => (MetricId::Syscalls, "in all"),
            false => (MetricId::SyscallsPerRequest, "per echo"),
        };
        let hides = |server: &str| same_lab(lesson, *step, view.step) && view.is_hidden(lesson, server, id);
        for server in servers.iter().filter(|server| !hides(server.name)) {
            let calls = server.metric(id);
            if let Some((value, rung)) = calls.and_then(|calls| calls.value().zip(calls.rung())) {
                let (name, value, rung) = (server.name, rounded(value), rung.word());
                lines.push(format!("  {name}: {value} syscalls {each} ({rung})"));
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
    lines.push(format!("  on with: {}", again(view, lesson)));
    lines
}

/// The command that goes on from here.
fn again(view: &View, lesson: &Lesson) -> String {
    let lab = view.lab(lesson).filter(|_| lesson.form == Form::Playground);
    let Some(lab) = lab else { return format!("iolab lesson {} --step {}", lesson.number, view.step + 1) };
    let (load, usual) = (&lab.load, Load::default());
    let mut command = format!("iolab lab {}", lab.servers.join(" "));
    let mut flag = |name: &str, value: String, is_usual: bool| {
        if !is_usual {
            command += &format!(" --{name} {value}");
        }
    };
    flag("connections", load.connections.to_string(), load.connections == usual.connections);
    flag("idle", load.idle.to_string(), load.idle == usual.idle);
    flag("message", load.message_bytes.to_string(), load.message_bytes == usual.message_bytes);
    if let Pace::PerSecond(rate) = load.pace {
        flag("rate", rate.to_string(), false);
        flag("burst", load.burst.to_string(), load.burst == 1);
    }
    flag("probe", lab.probing.word().into(), lab.probing == Probing::Auto);
    command
}
