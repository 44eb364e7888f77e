//! A book as mdBook 0.5 hands it to a preprocessor, and takes it back.

use serde::{Deserialize, Serialize};

/// The chapters, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// What the summary lists.
    pub items: Vec<Item>,
}

/// A line of the summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// A chapter, with those below it.
    Chapter(Chapter),
    /// A line between two parts.
    Separator,
    /// The title of a part.
    PartTitle(String),
}

/// A chapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Its title in the summary.
    pub name: String,
    /// Its text, in Markdown.
    pub content: String,
    /// Its number, part by part; `None` for those that are not counted.
    pub number: Option<Vec<u32>>,
    /// The chapters below it.
    pub sub_items: Vec<Item>,
    /// Where its page goes, from the book's root.
    pub path: Option<String>,
    /// The file that it was read from; `None` for one that was made.
    pub source_path: Option<String>,
    /// The titles of the chapters above it.
    pub parent_names: Vec<String>,
}

impl Book {
    /// Every chapter of the summary, those below others too, to be changed.
    pub fn chapters_mut(&mut self) -> Vec<&mut Chapter> {
        chapters_of(&mut self.items)
    }
}

/// The chapters at one level; those below them are reached through them.
fn chapters_of(items: &mut [Item]) -> Vec<&mut Chapter> {
    items
        .iter_mut()
        .filter_map(|item| if let Item::Chapter(chapter) = item { Some(chapter) } else { None })
        .collect()
}

impl Chapter {
    /// Puts a page below this one.
    pub(super) fn add(&mut self, name: &str, path: String, content: String) {
        let number = self.number.as_ref().map(|above| {
            let next = u32::try_from(self.sub_items.len()).unwrap_or(u32::MAX).saturating_add(1);
            above.iter().copied().chain([next]).collect()
        });
        let parent_names = self.parent_names.iter().cloned().chain([self.name.clone()]).collect();
        self.sub_items.push(Item::Chapter(Self {
            name: name.to_owned(),
            content,
            number,
            sub_items: Vec::new(),
            path: Some(path),
            source_path: None,
            parent_names,
        }));
    }
}
