//! From the text of `lesson.md` to a [`Lesson`]. Every check says file, line, what is wrong, how to mend it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Source;
use super::directive::{front_matter, toml};
use super::glossary::{self, TermText};
use super::lab::{Kind, Lab, LabText, LoadText, Show};
use super::mistake::{Mistake, Unfit};
use super::model::{Block, Form, Insight, Lesson, Objective, Step};
use super::prediction::Prediction;
use super::prose::{self, Piece};
use crate::exercise::EXERCISES;
use crate::trace::{Load, Probing};
use crate::trials::{self, TRIALS};

const FRONT_EXAMPLE: &str = "number = 3, name = \"io-uring-rings\", title = \"io_uring rings\", minutes = 30, \
                             servers = [\"epoll\", \"uring\"], [load] rate = 2000, [glossary] ring = \"…\"";
const PREDICT_EXAMPLE: &str = "id = \"batched\", ask = \"How many?\", server = \"uring\", metric = \
                               \"syscalls_per_request\", because = \"…\", within = { relative = 0.1 }";
const LAB_EXAMPLE: &str = "servers = [\"epoll\", \"uring\"], connections = 64, rate = 2000, burst = 64, show = \
                           [\"metrics\"], metrics = [\"syscalls_per_request\"], why = \"…\"";
const INSIGHT_EXAMPLE: &str = "id = \"single-sqe-enters\", server = \"uring-naive\"";

/// The front matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    number: u8,
    name: String,
    title: String,
    minutes: u16,
    servers: Vec<String>,
    #[serde(default)]
    objectives: Vec<Objective>,
    #[serde(default)]
    load: LoadText,
    #[serde(default)]
    glossary: BTreeMap<String, TermText>,
}

/// Reads one lesson; the first mistake ends it.
pub(super) fn read(source: &Source) -> Result<Lesson, Mistake> {
    let file = format!("lessons/{}/lesson.md", source.folder);
    lesson(source).map_err(|unfit| unfit.in_file(&file, source.text))
}

fn lesson(source: &Source) -> Result<Lesson, Unfit> {
    let (matter, matter_at, body, body_at) = front_matter(source.text)?;
    let front: Front = toml(matter, matter_at, "front matter", FRONT_EXAMPLE)?;
    if (front.number, front.name.as_str()) != (source.number(), source.name()) {
        let what =
            format!("number {} and name \"{}\" in the folder {}", front.number, front.name, source.folder);
        return Err(Unfit::new(matter_at, what, "name the folder NN-name after both"));
    }
    let base = Load::default();
    let load = front.load.over(&base).map_err(|(what, mend)| Unfit::new(matter_at, what, mend))?;
    let mut draft = Draft { source, front: &front, load: &load, steps: Vec::new(), titled: false };
    for (at, piece) in prose::pieces(body, body_at)? {
        draft.add(at, piece)?;
    }
    let placed = draft.finish(body_at)?;
    objectives(&front, &placed).map_err(|(what, mend)| Unfit::new(matter_at, what, mend))?;
    let glossary = glossary::build(front.glossary, &placed).map_err(|word| {
        let what = format!("the term \"{word}\" of the glossary is explained nowhere");
        Unfit::new(matter_at, what, format!("write **{word}** where the text explains it, or drop it"))
    })?;
    Ok(Lesson {
        form: Form::Course,
        number: front.number,
        name: front.name,
        title: front.title,
        minutes: front.minutes,
        objectives: front.objectives,
        servers: front.servers,
        load,
        steps: placed,
        glossary,
    })
}

/// Each objective is put to the test: by predictions of this lesson, or by exercises.
fn objectives(front: &Front, steps: &[Step]) -> Result<(), (String, String)> {
    for Objective { says, predictions, exercises } in &front.objectives {
        if predictions.is_empty() && exercises.is_empty() {
            let mend = "name a prediction or an exercise, or drop it".to_owned();
            return Err((format!("nothing puts the objective \"{says}\" to the test"), mend));
        }
        let asked = |id: &String| steps.iter().flat_map(Step::predictions).any(|asked| asked.id == *id);
        if let Some(id) = predictions.iter().find(|id| !asked(id)) {
            let mend = "name one of this lesson's predictions by its id".to_owned();
            return Err((
                format!("the objective \"{says}\" names no prediction of this lesson: \"{id}\""),
                mend,
            ));
        }
        let exists = |name: &String| EXERCISES.iter().any(|exercise| exercise.name() == name);
        if let Some(name) = exercises.iter().find(|name| !exists(name)) {
            let mend = "name an exercise as `iolab exercise list` does".to_owned();
            return Err((format!("the objective \"{says}\" names no exercise: \"{name}\""), mend));
        }
    }
    Ok(())
}

/// A lesson half read.
struct Draft<'a> {
    source: &'a Source,
    front: &'a Front,
    load: &'a Load,
    /// Steps with the places of their blocks.
    steps: Vec<(usize, Step, Vec<usize>)>,
    titled: bool,
}

impl Draft<'_> {
    fn add(&mut self, at: usize, piece: Piece) -> Result<(), Unfit> {
        let block = match piece {
            Piece::Title(1, title) => return self.title(at, &title),
            Piece::Title(_, title) => {
                self.steps.push((at, Step { title, blocks: Vec::new() }, Vec::new()));
                return Ok(());
            }
            Piece::Prose(block) => Block::Prose(block),
            Piece::Directive("predict", body, body_at) => self.predict(&body, body_at)?,
            Piece::Directive("lab", body, body_at) => self.lab(&body, body_at)?,
            Piece::Directive(_, body, body_at) => {
                Block::Insight(toml::<Insight>(&body, body_at, "insight", INSIGHT_EXAMPLE)?)
            }
        };
        let Some((_, step, places)) = self.steps.last_mut() else {
            return Err(Unfit::new(at, "text before the first step", "put a line `## Title` above it"));
        };
        if matches!(block, Block::Lab(_)) && step.lab().is_some() {
            return Err(Unfit::new(at, "a second lab in one step", "make it a step of its own"));
        }
        step.blocks.push(block);
        places.push(at);
        Ok(())
    }

    fn title(&mut self, at: usize, title: &str) -> Result<(), Unfit> {
        if self.titled || !self.steps.is_empty() || title != self.front.title {
            let mend = format!("write `# {}` once, right below the front matter", self.front.title);
            return Err(Unfit::new(at, format!("the heading \"{title}\""), mend));
        }
        self.titled = true;
        Ok(())
    }

    fn predict(&self, body: &str, at: usize) -> Result<Block, Unfit> {
        let asked: Prediction = toml(body, at, "predict", PREDICT_EXAMPLE)?;
        let twice =
            self.steps.iter().flat_map(|(_, step, _)| step.predictions()).any(|other| other.id == asked.id);
        if twice {
            let what = format!("a second prediction with the id \"{}\"", asked.id);
            return Err(Unfit::new(at, what, "choose another: answers are kept by id"));
        }
        if !(asked.within.relative >= 0.0 && asked.within.absolute >= 0.0) {
            return Err(Unfit::new(at, "a tolerance below 0", "give shares and amounts of 0 or more"));
        }
        Ok(Block::Predict(asked))
    }

    fn lab(&self, body: &str, at: usize) -> Result<Block, Unfit> {
        let text: LabText = toml(body, at, "lab", LAB_EXAMPLE)?;
        let (kind, servers, load) = match &text.trials {
            Some(trials) => (Kind::Trials, checked_trials(trials, &text, at)?, Load::default()),
            None => {
                let load = text.load().over(self.load).map_err(|(what, mend)| Unfit::new(at, what, mend))?;
                (Kind::Servers, self.checked_servers(text.servers.clone(), at)?, load)
            }
        };
        if servers.is_empty() || text.metrics.is_empty() {
            return Err(Unfit::new(
                at,
                "a lab that shows nothing",
                "name at least one server or trial, and one metric",
            ));
        }
        if let Some(name) = text.recording.as_ref().filter(|name| self.source.recording(name).is_none()) {
            let what = format!("the recorded run \"{name}\" is not embedded");
            return Err(Unfit::new(
                at,
                what,
                "put the file beside lesson.md and its name into the row in LESSONS",
            ));
        }
        let show = text.show.unwrap_or_else(|| vec![Show::Metrics]);
        let (metrics, recording, why) = (text.metrics, text.recording, text.why);
        let idle_then = text.idle_then.unwrap_or_default();
        Ok(Block::Lab(Lab {
            kind,
            servers,
            load,
            idle_then,
            probing: Probing::Auto,
            show,
            metrics,
            recording,
            why,
        }))
    }

    /// The servers of a lab; the lesson's own where it names none.
    fn checked_servers(&self, named: Option<Vec<String>>, at: usize) -> Result<Vec<String>, Unfit> {
        let servers = named.unwrap_or_else(|| self.front.servers.clone());
        if let Some(stranger) = servers.iter().find(|name| !self.is_ours(name)) {
            let what = format!("the server \"{stranger}\" is not one of this lesson's");
            return Err(Unfit::new(
                at,
                what,
                format!("use {}, or add it to servers", self.front.servers.join(", ")),
            ));
        }
        Ok(servers)
    }

    /// Whether a column is of one of the lesson's servers: `threads@64` is of `threads`.
    fn is_ours(&self, column: &str) -> bool {
        let name = column.split(['@', '+']).next().unwrap_or(column);
        self.front.servers.iter().any(|server| server == name)
    }

    /// Checks what only a whole lesson can break.
    fn finish(self, body_at: usize) -> Result<Vec<Step>, Unfit> {
        if self.steps.is_empty() {
            return Err(Unfit::new(body_at, "no step", "begin each step with a line `## Title`"));
        }
        for (at, step, places) in &self.steps {
            if step.blocks.is_empty() {
                return Err(Unfit::new(
                    *at,
                    format!("the step \"{}\" is empty", step.title),
                    "write it or drop it",
                ));
            }
            for (index, (block, at)) in step.blocks.iter().zip(places).enumerate() {
                answerable(block, &step.blocks[index..], *at)?;
            }
        }
        Ok(self.steps.into_iter().map(|(_, step, _)| step).collect())
    }
}

/// The trials of a lab: those of the table, beside no servers and under no load.
fn checked_trials(trials: &[String], text: &LabText, at: usize) -> Result<Vec<String>, Unfit> {
    if text.servers.is_some() {
        return Err(Unfit::new(at, "servers and trials in one lab", "make it two steps, with a lab each"));
    }
    if text.load() != LoadText::default() {
        return Err(Unfit::new(at, "a load for trials", "leave it out: nobody asks anything of a trial"));
    }
    if let Some(stranger) = trials.iter().find(|name| trials::by_name(name).is_none()) {
        let what = format!("there is no trial \"{stranger}\"");
        let names: Vec<_> = TRIALS.iter().map(|trial| trial.name).collect();
        return Err(Unfit::new(at, what, format!("use {}", names.join(", "))));
    }
    Ok(trials.to_vec())
}

/// A prediction needs a lab below it that measures its number; an insight one that runs its server.
fn answerable(block: &Block, below: &[Block], at: usize) -> Result<(), Unfit> {
    let lab_runs = |server: &String, metric: Option<&String>| {
        below.iter().any(|block| {
            matches!(block, Block::Lab(lab) if lab.servers.contains(server)
                && metric.is_none_or(|metric| lab.metrics.contains(metric)))
        })
    };
    match block {
        Block::Predict(asked) if !lab_runs(&asked.server, Some(&asked.metric)) => Err(Unfit::new(
            at,
            format!("no lab below the prediction \"{}\" measures it", asked.id),
            format!("put a lab below it that runs {} and shows {}", asked.server, asked.metric),
        )),
        Block::Insight(insight) if !lab_runs(&insight.server, None) => Err(Unfit::new(
            at,
            format!("no lab below the insight \"{}\" provokes it", insight.id),
            format!("put it above a lab that runs {}", insight.server),
        )),
        _ => Ok(()),
    }
}
