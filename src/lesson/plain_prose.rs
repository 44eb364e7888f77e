//! Prose as plain lines, for pipes and screen readers: words, marks of lists, indented code, no escape codes.

use super::prose::{self, Block};
use super::wrap;

/// Lines of at most `width` columns, addresses aside, which stay whole; styles are left out, because the words carry the meaning.
pub fn lines(blocks: &[Block], width: usize) -> Vec<String> {
    wrap::lines_of_text(blocks, width).iter().map(|line| prose::words(line).trim_end().to_owned()).collect()
}

/// The same for a sentence that is no Markdown: a question, a reason, a verdict.
pub fn sentence(text: &str, width: usize) -> Vec<String> {
    let span = prose::Span { text: text.to_owned(), style: prose::Style::Plain };
    lines(&[Block::Paragraph(vec![span])], width)
}
