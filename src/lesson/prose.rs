//! Prose as a small document model, so that the terminal, the plain edition and the book draw one thing.
//!
//! Only what the course needs: paragraphs, lists, code, tables, quotes; spans of one style each. What
//! Markdown can do beyond that is a [`Mistake`](super::Mistake) with its line, never silently dropped.

use std::iter::Peekable;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, OffsetIter, Options, Parser, Tag, TagEnd};

use super::mistake::Unfit;

/// Text of one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; a line break in the source is a space here.
    pub text: String,
    /// How it is meant.
    pub style: Style,
}

/// How a span is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// Running text.
    Plain,
    /// A term where it is explained, or the point of a sentence.
    Strong,
    /// Stress.
    Emphasis,
    /// Names from programs: calls, fields, values.
    Code,
    /// A link to this address.
    Link(String),
    /// A judgement, as iolab's own pages have them; no lesson is written with it.
    Judged(Tone),
}

/// Which way a judgement goes. Its words say it, too: a colour alone says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Yes.
    Good,
    /// In part.
    Mixed,
    /// No.
    Bad,
    /// Nobody can tell.
    Open,
}

/// Running text of several styles.
pub type Text = Vec<Span>;

/// A block of prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Text),
    /// A list.
    List {
        /// Number of the first item; `None` for bullets.
        first: Option<u64>,
        /// Each item is blocks again.
        items: Vec<Vec<Block>>,
    },
    /// Lines that are shown as they are.
    Code {
        /// `c`, `rust`, `sh`, `text` or nothing.
        language: String,
        /// The lines, without their ends.
        lines: Vec<String>,
    },
    /// A table.
    Table {
        /// The heads of its columns.
        head: Vec<Text>,
        /// Its rows, each as long as the head.
        rows: Vec<Vec<Text>>,
    },
    /// Somebody's words.
    Quote(Vec<Block>),
}

/// The words of a text without their styles.
pub fn words(text: &[Span]) -> String {
    text.iter().map(|span| span.text.as_str()).collect()
}

/// Every text inside a block, in reading order: paragraphs, items, cells; not code.
pub fn texts(block: &Block) -> Vec<&Text> {
    match block {
        Block::Paragraph(text) => vec![text],
        Block::List { items, .. } => items.iter().flatten().flat_map(texts).collect(),
        Block::Quote(blocks) => blocks.iter().flat_map(texts).collect(),
        Block::Table { head, rows } => head.iter().chain(rows.iter().flatten()).collect(),
        Block::Code { .. } => Vec::new(),
    }
}

/// A part of `lesson.md` at its outermost level.
#[derive(Debug)]
pub(super) enum Piece {
    /// A heading of level 1 or 2.
    Title(u8, String),
    /// A fenced block with this name and content; the content starts at this byte of the file.
    Directive(&'static str, String, usize),
    /// Prose.
    Prose(Block),
}

/// Fences that are directives. The reader knows what each means.
pub(super) const DIRECTIVES: [&str; 3] = ["predict", "lab", "insight"];
/// Languages of the other fences.
const LANGUAGES: [&str; 5] = ["", "c", "rust", "sh", "text"];

/// Reads Markdown that starts at byte `base` of its file; each piece comes with its byte in the file.
pub(super) fn pieces(markdown: &str, base: usize) -> Result<Vec<(usize, Piece)>, Unfit> {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter().peekable();
    let mut scan = Scan { events, base };
    let mut pieces = Vec::new();
    while let Some((event, range)) = scan.events.next() {
        let at = base + range.start;
        let piece = match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                Piece::Title(1, words(&scan.text()?))
            }
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                Piece::Title(2, words(&scan.text()?))
            }
            Event::Start(Tag::CodeBlock(kind)) => scan.fence(kind, at)?,
            other => Piece::Prose(scan.block(other, at)?),
        };
        pieces.push((at, piece));
    }
    Ok(pieces)
}

/// A walk over the events of the Markdown parser.
struct Scan<'a> {
    events: Peekable<OffsetIter<'a>>,
    base: usize,
}

impl Scan<'_> {
    /// The block that `event` starts.
    fn block(&mut self, event: Event<'_>, at: usize) -> Result<Block, Unfit> {
        match event {
            Event::Start(Tag::Paragraph) => Ok(Block::Paragraph(self.text()?)),
            Event::Start(Tag::BlockQuote(_)) => Ok(Block::Quote(self.blocks()?)),
            Event::Start(Tag::List(first)) => self.list(first),
            Event::Start(Tag::Table(_)) => self.table(),
            Event::Start(Tag::CodeBlock(kind)) => match self.fence(kind, at)? {
                Piece::Prose(block) => Ok(block),
                _ => Err(Unfit::new(
                    at,
                    "a directive inside a list or a quote",
                    "put it at the outermost level",
                )),
            },
            other => Err(foreign(&other, at)),
        }
    }

    /// Blocks up to the end of what contains them. A tight list item holds bare text: a paragraph.
    fn blocks(&mut self) -> Result<Vec<Block>, Unfit> {
        let mut blocks = Vec::new();
        while let Some((event, range)) = self.events.peek() {
            if is_inline(event) {
                blocks.push(Block::Paragraph(self.text_until_block()?));
                continue;
            }
            let at = self.base + range.start;
            match self.events.next() {
                None | Some((Event::End(_), _)) => break,
                Some((event, _)) => blocks.push(self.block(event, at)?),
            }
        }
        Ok(blocks)
    }

    fn list(&mut self, first: Option<u64>) -> Result<Block, Unfit> {
        let mut items = Vec::new();
        while let Some((Event::Start(Tag::Item), _)) = self.events.next() {
            items.push(self.blocks()?);
        }
        Ok(Block::List { first, items })
    }

    fn table(&mut self) -> Result<Block, Unfit> {
        let mut rows = Vec::new();
        while let Some((Event::Start(Tag::TableHead | Tag::TableRow), _)) = self.events.next() {
            let mut row = Vec::new();
            while let Some((Event::Start(Tag::TableCell), _)) = self.events.next() {
                row.push(self.text()?);
            }
            rows.push(row);
        }
        let head = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        Ok(Block::Table { head, rows })
    }

    /// A fenced block: a directive, or code to show.
    fn fence(&mut self, kind: CodeBlockKind<'_>, at: usize) -> Result<Piece, Unfit> {
        let CodeBlockKind::Fenced(name) = kind else {
            return Err(Unfit::new(
                at,
                "code by indentation",
                "put it between ``` lines, which name a language",
            ));
        };
        let (mut body, mut starts_at) = (String::new(), None);
        while let Some((Event::Text(text), range)) = self.events.next() {
            starts_at.get_or_insert(self.base + range.start);
            body.push_str(&text);
        }
        if let Some(directive) = DIRECTIVES.into_iter().find(|known| *known == &*name) {
            return Ok(Piece::Directive(directive, body, starts_at.unwrap_or(at)));
        }
        if LANGUAGES.contains(&&*name) {
            let lines = body.lines().map(str::to_owned).collect();
            return Ok(Piece::Prose(Block::Code { language: name.into_string(), lines }));
        }
        Err(Unfit::new(
            at,
            format!("the fence `{name}` is neither a directive nor a language of the course"),
            format!("directives are {}; languages are c, rust, sh, text", DIRECTIVES.join(", ")),
        ))
    }

    /// Spans up to and with the end of what contains them.
    fn text(&mut self) -> Result<Text, Unfit> {
        let text = self.text_until_block()?;
        self.events.next();
        Ok(text)
    }

    /// Spans as long as there are any.
    fn text_until_block(&mut self) -> Result<Text, Unfit> {
        let mut text = Text::new();
        while let Some((event, range)) = self.events.next_if(|(event, _)| is_inline(event)) {
            let span = self.span(event, range)?;
            match text.last_mut() {
                Some(last) if last.style == span.style => last.text.push_str(&span.text),
                _ => text.push(span),
            }
        }
        Ok(text)
    }

    fn span(&mut self, event: Event<'_>, range: Range<usize>) -> Result<Span, Unfit> {
        let plain = |text: String| Span { text, style: Style::Plain };
        match event {
            Event::Text(text) => Ok(plain(text.into_string())),
            Event::SoftBreak | Event::HardBreak => Ok(plain(" ".to_owned())),
            Event::Code(text) => Ok(Span { text: text.into_string(), style: Style::Code }),
            Event::Start(Tag::Strong) => self.styled(Style::Strong, range),
            Event::Start(Tag::Emphasis) => self.styled(Style::Emphasis, range),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.styled(Style::Link(dest_url.into_string()), range)
            }
            other => Err(foreign(&other, self.base + range.start)),
        }
    }

    /// The inside of a styled span: text only, because a span has one style.
    fn styled(&mut self, style: Style, range: Range<usize>) -> Result<Span, Unfit> {
        let inner = self.text()?;
        if inner.iter().any(|span| span.style != Style::Plain) {
            let what = format!("two styles at once in \"{}\"", words(&inner));
            return Err(Unfit::new(self.base + range.start, what, "keep one of them"));
        }
        Ok(Span { text: words(&inner), style })
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::End(
            TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::CodeBlock
                | TagEnd::List(_)
                | TagEnd::Item
                | TagEnd::Table
                | TagEnd::TableHead
                | TagEnd::TableRow
                | TagEnd::TableCell
                | TagEnd::Strong
                | TagEnd::Emphasis
                | TagEnd::Link
        ) | Event::Start(
            Tag::Paragraph
                | Tag::BlockQuote(_)
                | Tag::CodeBlock(_)
                | Tag::List(_)
                | Tag::Item
                | Tag::Table(_)
        ) | Event::Rule
    )
}

fn foreign(event: &Event<'_>, at: usize) -> Unfit {
    let (what, mend) = match event {
        Event::Start(Tag::Heading { .. }) => ("a heading below `##`", "make it a step, or a sentence"),
        Event::Start(Tag::Image { .. }) => ("an image", "figures are drawn from observed data: use a lab"),
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => {
            ("HTML", "write it in Markdown; `<` in text goes between backticks")
        }
        Event::Rule => ("a rule", "leave it out: steps are divided by `##`"),
        _ => ("Markdown that the course does not use", "use paragraphs, lists, code, tables or quotes"),
    };
    Unfit::new(at, what, mend)
}
