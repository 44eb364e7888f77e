//! Prose broken into lines of a width, styles kept. Faces differ only in what a style looks like.
//!
//! Widths are columns of a terminal (`unicode-width`), not characters or bytes. Any width from 1 on works.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::prose::{self, Block, Span, Style, Text};

/// A line: spans whose widths together do not exceed the width asked for (one character wider than it aside).
pub type Line = Vec<Span>;

/// Columns between the columns of a table.
const GAP: usize = 2;
/// Columns that the rest of a broken line of code stands to the right of its beginning.
const CODE_HANG: usize = 4;
/// Columns that code stands to the right of its text, where there is room.
const CODE_INDENT: usize = 2;

/// Columns that a line takes.
pub fn columns(line: &[Span]) -> usize {
    line.iter().map(|span| span.text.width()).sum()
}

/// The room for lines.
#[derive(Clone, Copy)]
struct Room {
    width: usize,
    /// What becomes of an address that is wider.
    addresses: Addresses,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    /// Cut, as any word: a screen has no more columns.
    Cut,
    /// In a line of its own that is too long: it can be copied from a text.
    Whole,
}

/// Breaks blocks into lines, one empty line between two blocks.
pub fn lines(blocks: &[Block], width: usize) -> Vec<Line> {
    of_blocks(blocks, Room { width: width.max(1), addresses: Addresses::Cut })
}

/// The same for a text: an address is never cut, the one thing that may be wider than `width`.
pub fn lines_of_text(blocks: &[Block], width: usize) -> Vec<Line> {
    of_blocks(blocks, Room { width: width.max(1), addresses: Addresses::Whole })
}

fn of_blocks(blocks: &[Block], room: Room) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            lines.push(Line::new());
        }
        lines.extend(block_lines(block, room));
    }
    lines
}

fn block_lines(block: &Block, room: Room) -> Vec<Line> {
    match block {
        Block::Paragraph(text) => fill(text, room),
        Block::Quote(blocks) => prefixed("> ", "> ", room, |rest| of_blocks(blocks, rest)),
        Block::Code { lines, .. } => {
            // One indent for all of it, or what stands below what would be lost.
            let whole = lines.iter().all(|line| line.width() + CODE_INDENT <= room.width);
            let indent = if whole { CODE_INDENT } else { 0 };
            lines.iter().flat_map(|line| code(line, indent, room.width)).collect()
        }
        Block::List { first, items } => list(*first, items, room),
        Block::Table { head, rows } => table(head, rows, room),
    }
}

fn list(first: Option<u64>, items: &[Vec<Block>], room: Room) -> Vec<Line> {
    let mut lines = Vec::new();
    for (item, number) in items.iter().zip(first.unwrap_or(0)..) {
        let mark = if first.is_some() { format!("{number}. ") } else { "- ".to_owned() };
        let indent = " ".repeat(mark.width());
        lines.extend(prefixed(&mark, &indent, room, |rest| of_blocks(item, rest)));
    }
    lines
}

/// Lines of what is left of the width, the first behind `mark`, the others behind `indent`. Where the
/// width has no room for both, the text goes first.
fn prefixed(mark: &str, indent: &str, room: Room, inner: impl Fn(Room) -> Vec<Line>) -> Vec<Line> {
    if room.width <= mark.width() * 2 {
        return inner(room);
    }
    let mut lines = inner(Room { width: room.width - mark.width(), ..room });
    for (index, line) in lines.iter_mut().enumerate() {
        let prefix = if index == 0 { mark } else { indent };
        if index == 0 || !line.is_empty() {
            line.insert(0, Span { text: prefix.to_owned(), style: Style::Plain });
        }
    }
    lines
}

/// A line of code: never filled, only broken where it must be, at a space if there is one; what follows hangs.
fn code(line: &str, indent: usize, width: usize) -> Vec<Line> {
    let span = |text: String| vec![Span { text, style: Style::Code }];
    let own = line.len() - line.trim_start_matches(' ').len();
    let hang = Some(own + CODE_HANG).filter(|hang| hang * 2 <= width).unwrap_or(0);
    let (mut lines, mut rest, mut lead) = (Vec::new(), line, indent);
    while rest.width() + lead > width {
        let Some((part, after)) = broken(rest, width - lead, own) else {
            let cut = cut(rest, width - lead);
            lines.extend(cut.into_iter().map(|part| span(" ".repeat(lead) + &part)));
            return lines;
        };
        lines.push(span(" ".repeat(lead) + part));
        (rest, lead) = (after, hang);
    }
    lines.push(span(" ".repeat(lead) + rest));
    lines
}

/// A line broken at its last space within so many columns, spaces at its beginning aside.
fn broken(line: &str, columns: usize, own: usize) -> Option<(&str, &str)> {
    let own = if line.starts_with(' ') { own } else { 0 };
    let spaces = line.char_indices().filter(|(at, c)| *c == ' ' && *at > own);
    let (at, _) = spaces.take_while(|(at, _)| line[..*at].width() <= columns).last()?;
    Some((line[..at].trim_end(), line[at..].trim_start()))
}

/// Columns that the last column of a table needs at least to have its cells broken into lines.
const LAST: usize = 24;

/// A table in columns where it fits, the cells of the last column broken into lines where that is enough; else each
/// row as lines "head: cell", which a narrow screen and a screen reader can follow.
fn table(head: &[Text], rows: &[Vec<Text>], room: Room) -> Vec<Line> {
    let cell_width = |text: &Text| prose::words(text).width();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.chain(head.get(column)).map(cell_width).max().unwrap_or(0)
        })
        .collect();
    let before_last = widths.iter().rev().skip(1).map(|width| width + GAP).sum::<usize>();
    let last = widths.last().copied().unwrap_or(0);
    if before_last + last.min(LAST) <= room.width {
        let bold = |text: &Text| vec![Span { text: prose::words(text), style: Style::Strong }];
        let head: Vec<Text> = head.iter().map(bold).collect();
        let last = Room { width: room.width - before_last, ..room };
        return std::iter::once(&head).chain(rows).flat_map(|row| in_columns(row, &widths, last)).collect();
    }
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            lines.push(Line::new());
        }
        let filled = head.iter().zip(row).filter(|(_, cell)| !prose::words(cell).is_empty());
        for (head, cell) in filled {
            let name = prose::words(head);
            // A column without a head holds the names of the rows.
            let lead = if name.is_empty() { name } else { name + ": " };
            let mut text = vec![Span { text: lead, style: Style::Strong }];
            text.extend(cell.iter().cloned());
            lines.extend(fill(&text, room));
        }
    }
    lines
}

/// A row in columns; what does not fit into its last cell goes on below.
fn in_columns(row: &[Text], widths: &[usize], last: Room) -> Vec<Line> {
    let Some((end, cells)) = row.split_last().filter(|(end, _)| columns(end) > last.width) else {
        return vec![padded(row, widths)];
    };
    let indent = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
    let mut lines = fill(end, last).into_iter();
    let mut first: Vec<Text> = cells.to_vec();
    first.push(lines.next().unwrap_or_default());
    let below = lines.map(|line| {
        let indent = Span { text: " ".repeat(indent), style: Style::Plain };
        std::iter::once(indent).chain(line).collect()
    });
    std::iter::once(padded(&first, widths)).chain(below).collect()
}

fn padded(row: &[Text], widths: &[usize]) -> Line {
    let mut line = Line::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        line.extend(cell.iter().cloned());
        if index + 1 < widths.len() {
            let space = GAP + width.saturating_sub(columns(cell));
            line.push(Span { text: " ".repeat(space), style: Style::Plain });
        }
    }
    line
}

/// Fills lines with the words of a text. The address of a link follows it, because not every terminal
/// can open one.
fn fill(text: &Text, room: Room) -> Vec<Line> {
    let width = room.width;
    let mut lines = Vec::new();
    let mut line = Line::new();
    for word in whole_numbers(words(text)) {
        let space = usize::from(!line.is_empty());
        if !line.is_empty() && columns(&line) + space + columns(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        let is_cut = room.addresses == Addresses::Cut || !has_address(&word);
        if columns(&word) > width && is_cut {
            lines.extend(split(&word, width));
            line = lines.pop().unwrap_or_default();
            continue;
        }
        append(&mut line, word);
    }
    lines.push(line);
    lines
}

/// Puts a word behind a line, with a space that is plain unless both sides are of one other style.
fn append(line: &mut Line, word: Vec<Span>) {
    if let (Some(last), Some(first)) = (line.last_mut(), word.first())
        && (last.style == first.style || last.style == Style::Plain)
    {
        last.text.push(' ');
    } else if !line.is_empty() {
        line.push(Span { text: " ".to_owned(), style: Style::Plain });
    }
    for span in word {
        match line.last_mut() {
            Some(last) if last.style == span.style => last.text.push_str(&span.text),
            _ => line.push(span),
        }
    }
}

/// The words of a text: what stands between white space, which may be of several styles.
fn words(text: &Text) -> Vec<Vec<Span>> {
    let mut words: Vec<Vec<Span>> = Vec::new();
    let mut glued = false;
    let mut add = |part: &str, style: &Style| {
        let mut starts = true;
        for piece in part.split(char::is_whitespace) {
            if !starts {
                glued = false;
            }
            starts = false;
            if piece.is_empty() {
                continue;
            }
            let span = Span { text: piece.to_owned(), style: style.clone() };
            match words.last_mut() {
                Some(word) if glued => word.push(span),
                _ => words.push(vec![span]),
            }
            glued = true;
        }
    };
    for span in text {
        add(&span.text, &span.style);
        if let Style::Link(address) = &span.style
            && *address != span.text
        {
            add(&format!(" <{address}>"), &Style::Plain);
        }
    }
    words
}

/// Joins what belongs to one number: `65 536` is not to be read as 65 at the end of a line.
fn whole_numbers(words: Vec<Vec<Span>>) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(before) if is_one_number(before, &word) => append(before, word),
            _ => joined.push(word),
        }
    }
    joined
}

fn is_one_number(before: &[Span], word: &[Span]) -> bool {
    let (Some(before), Some(group)) = (before.last(), word.first()) else { return false };
    before.style == group.style
        && before.text.ends_with(|c: char| c.is_ascii_digit())
        && is_group(&group.text)
}

/// Three digits, and whatever punctuation follows them.
fn is_group(text: &str) -> bool {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    digits == 3 && !text.chars().skip(3).any(char::is_alphanumeric)
}

fn has_address(word: &[Span]) -> bool {
    word.iter().any(|span| span.text.contains("://"))
}

/// A word that is wider than the line, cut to pieces.
fn split(word: &[Span], width: usize) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for span in word {
        for c in span.text.chars() {
            let c_width = c.width().unwrap_or(0);
            if let Some(line) = lines.last_mut() {
                if columns(line) + c_width > width && !line.is_empty() {
                    lines.push(vec![Span { text: c.to_string(), style: span.style.clone() }]);
                } else {
                    match line.last_mut() {
                        Some(last) if last.style == span.style => last.text.push(c),
                        _ => line.push(Span { text: c.to_string(), style: span.style.clone() }),
                    }
                }
            }
        }
    }
    lines
}

/// A line cut every `width` columns.
fn cut(line: &str, width: usize) -> Vec<String> {
    let whole = [Span { text: line.to_owned(), style: Style::Code }];
    split(&whole, width.max(1)).iter().map(|part| prose::words(part)).collect()
}
