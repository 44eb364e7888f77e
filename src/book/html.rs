//! HTML inside Markdown. A block of it ends at an empty line, so none may be in it.

/// Text as HTML writes it, in elements and in attributes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// HTML that stands as one block in Markdown: line ends that would make an empty line are written as characters.
pub(super) fn block(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 2);
    let mut is_empty = true;
    for (index, line) in html.trim_end().lines().enumerate() {
        let line = line.trim_end();
        if index > 0 {
            // Where either line is empty, the end of the one before must not be one for Markdown.
            out.push_str(if line.is_empty() || is_empty { "&#10;" } else { "\n" });
        }
        out.push_str(line);
        is_empty = line.is_empty();
    }
    out.push_str("\n\n");
    out
}

/// Lines of code.
pub(super) fn code(language: &str, lines: &[String]) -> String {
    let class = if language.is_empty() { "text" } else { language };
    format!("<pre><code class=\"language-{class}\">{}\n</code></pre>", escaped(&lines.join("\n")))
}

/// A name as an id: letters, digits and hyphens.
pub(super) fn slug(name: &str) -> String {
    let parts: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_no_empty_line_and_loses_none() {
        let html = code("c", &["a".into(), String::new(), "  ".into(), "b < c".into()]);
        let block = block(&html);
        let inside = block.trim_end();
        assert!(inside.lines().all(|line| !line.trim().is_empty()), "{inside}");
        assert_eq!(inside.replace("&#10;", "\n").lines().count(), 5, "{inside}");
        assert!(inside.contains("b &lt; c"));
    }

    #[test]
    fn slugs_are_ids() {
        assert_eq!(slug("What epoll pays: O_NONBLOCK"), "what-epoll-pays-o-nonblock");
    }
}
