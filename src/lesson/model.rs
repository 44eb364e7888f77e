//! What a lesson is: steps of one idea, each a sequence of prose, predictions, labs and insights.

use super::glossary::Term;
use super::lab::Lab;
use super::prediction::Prediction;
use super::prose;
use crate::trace::Load;

/// What a sequence of steps is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A lesson of the course.
    Course,
    /// A lab without a lesson around it.
    Playground,
    /// A program that is observed, in the form of one.
    Observe,
}

/// A lesson, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Of the course, or the playground.
    pub form: Form,
    /// Its number, as in `iolab lesson 3`.
    pub number: u8,
    /// Its name, as in `iolab lesson io-uring-rings`.
    pub name: String,
    /// Its title, for people.
    pub title: String,
    /// Minutes of work, by the author's estimate.
    pub minutes: u16,
    /// What somebody who is through can do.
    pub objectives: Vec<Objective>,
    /// The servers that it is about; a lab that names none runs these.
    pub servers: Vec<String>,
    /// The load that a lab has where it says nothing else.
    pub load: Load,
    /// Its steps, at least one.
    pub steps: Vec<Step>,
    /// Its terms, each with the step that explains it, in order of the words.
    pub glossary: Vec<Term>,
}

/// Something that a learner can do in the end, and by what it is put to the test.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// What, after "you can".
    pub says: String,
    /// Ids of the lesson's predictions that ask for it.
    #[serde(default)]
    pub predictions: Vec<String>,
    /// Names of the exercises that practise it.
    #[serde(default)]
    pub exercises: Vec<String>,
}

/// One step: one idea.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// What it consists of, in order.
    pub blocks: Vec<Block>,
}

/// A part of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Something to read.
    Prose(prose::Block),
    /// A number to predict before the lab below it runs.
    Predict(Prediction),
    /// Servers to run and what to look at.
    Lab(Lab),
    /// An insight that the lab of this step provokes on purpose.
    Insight(Insight),
}

/// An insight that is provoked on purpose.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insight {
    /// Its id among the rules, e.g. `single-sqe-enters`.
    pub id: String,
    /// The server whose run fires it.
    pub server: String,
}

impl Lesson {
    /// Number and title: `3 io_uring rings`.
    pub fn heading(&self) -> String {
        match self.form {
            Form::Course => format!("{} {}", self.number, self.title),
            Form::Playground | Form::Observe => self.title.clone(),
        }
    }
}

impl Step {
    /// The step's lab; the reader sees to it that there is at most one.
    pub fn lab(&self) -> Option<&Lab> {
        self.blocks.iter().find_map(|block| if let Block::Lab(lab) = block { Some(lab) } else { None })
    }

    /// The step's predictions, in order.
    pub fn predictions(&self) -> impl Iterator<Item = &Prediction> {
        self.blocks
            .iter()
            .filter_map(|block| if let Block::Predict(asked) = block { Some(asked) } else { None })
    }

    /// The insights that the step provokes.
    pub fn insights(&self) -> impl Iterator<Item = &Insight> {
        self.blocks
            .iter()
            .filter_map(|block| if let Block::Insight(insight) = block { Some(insight) } else { None })
    }
}
