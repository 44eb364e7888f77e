//! TOML inside a lesson: the front matter and the fenced blocks, with mistakes at their place in the file.

use serde::de::DeserializeOwned;

use super::mistake::Unfit;

/// Reads TOML that starts at byte `at` of its file. `example` shows what a right one looks like.
pub(super) fn toml<T: DeserializeOwned>(
    body: &str,
    at: usize,
    kind: &str,
    example: &str,
) -> Result<T, Unfit> {
    toml::from_str(body).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let what = format!("{kind}: {}", error.message().trim().replace('\n', " "));
        Unfit::new(at + offset, what, format!("write it like this: {example}"))
    })
}

/// What stands between the `+++` lines, and what follows them: `(matter, its byte, body, its byte)`.
pub(super) fn front_matter(text: &str) -> Result<(&str, usize, &str, usize), Unfit> {
    let missing = |what| Unfit::new(0, what, "begin the file with TOML between two lines `+++`");
    let is_fence = |line: &str| line.trim_end() == "+++";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| is_fence(line)).ok_or_else(|| missing("no front matter"))?;
    let matter_at = first.len();
    let mut matter_end = matter_at;
    for line in lines {
        if is_fence(line) {
            let body_at = matter_end + line.len();
            return Ok((&text[matter_at..matter_end], matter_at, &text[body_at..], body_at));
        }
        matter_end += line.len();
    }
    Err(missing("front matter without an end"))
}
