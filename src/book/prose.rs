//! Prose of a lesson as HTML.

use super::html::{block, code, escaped};
use crate::lesson::prose::{Block, Span, Style};

/// A block of prose as a block of Markdown.
pub(super) fn prose(of: &Block) -> String {
    block(&html(of))
}

fn html(of: &Block) -> String {
    match of {
        Block::Paragraph(text) => format!("<p>{}</p>", spans(text)),
        Block::Quote(blocks) => format!("<blockquote>{}</blockquote>", all(blocks)),
        Block::Code { language, lines } => code(language, lines),
        Block::List { first, items } => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", item_html(item))).collect();
            match first {
                None => format!("<ul>\n{items}</ul>"),
                Some(1) => format!("<ol>\n{items}</ol>"),
                Some(first) => format!("<ol start=\"{first}\">\n{items}</ol>"),
            }
        }
        Block::Table { head, rows } => table(head, rows),
    }
}

fn all(blocks: &[Block]) -> String {
    blocks.iter().map(html).collect::<Vec<_>>().join("\n")
}

/// An item of one paragraph is that paragraph's text.
fn item_html(item: &[Block]) -> String {
    match item {
        [Block::Paragraph(text), rest @ ..] => {
            let rest = all(rest);
            if rest.is_empty() { spans(text) } else { format!("{}\n{rest}", spans(text)) }
        }
        blocks => all(blocks),
    }
}

fn table(head: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) -> String {
    let row = |cells: &[Vec<Span>], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", spans(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let head = if head.iter().all(|cell| cell.is_empty()) { String::new() } else { row(head, "th") };
    let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
    format!(
        "<div class=\"table-wrapper\"><table>\n<thead>\n{head}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>"
    )
}

/// Text of several styles.
pub(super) fn spans(text: &[Span]) -> String {
    text.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    let text = escaped(&span.text);
    match &span.style {
        Style::Plain => text,
        Style::Strong | Style::Judged(_) => format!("<strong>{text}</strong>"),
        Style::Emphasis => format!("<em>{text}</em>"),
        Style::Code => format!("<code>{text}</code>"),
        Style::Link(address) => format!("<a href=\"{}\">{text}</a>", escaped(address)),
    }
}
