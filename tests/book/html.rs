//! A page's tags and texts, in order. Enough of HTML for what mdBook writes.

/// A tag that opens, or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `<name attributes>`.
    Open(String, Vec<(String, String)>),
    /// `</name>`.
    Close(String),
    /// What stands between tags, with characters for their names.
    Text(String),
}

/// Takes a page to pieces. What stands in a script or a style is left out, and so are comments.
pub fn pieces(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        if !rest[..at].is_empty() {
            pieces.push(Piece::Text(unescaped(&rest[..at])));
        }
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let end = tag_end(rest);
        let tag = &rest[1..end];
        rest = rest.get(end + 1..).unwrap_or("");
        if let Some(name) = tag.strip_prefix('/') {
            pieces.push(Piece::Close(name.trim().to_ascii_lowercase()));
            continue;
        }
        let name: String = tag.chars().take_while(|c| !c.is_whitespace() && *c != '/').collect();
        let name = name.to_ascii_lowercase();
        pieces.push(Piece::Open(name.clone(), attributes(&tag[name.len()..])));
        if matches!(name.as_str(), "script" | "style") {
            let close = format!("</{name}");
            rest = rest.find(&close).map_or("", |at| &rest[at..]);
        }
    }
    pieces
}

/// Where a tag ends: at the first `>` outside of quotes.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '>') => return at,
            _ => {}
        }
    }
    tag.len()
}

fn attributes(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let name: String =
            text.chars().take_while(|c| !c.is_whitespace() && !matches!(c, '=' | '/')).collect();
        if name.is_empty() {
            return found;
        }
        text = &text[name.len()..];
        let mut value = String::new();
        if let Some(after) = text.strip_prefix("=\"") {
            let end = after.find('"').unwrap_or(after.len());
            value = unescaped(&after[..end]);
            text = after.get(end + 1..).unwrap_or("");
        }
        found.push((name.to_ascii_lowercase(), value));
    }
}

fn unescaped(text: &str) -> String {
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#10;", "\n")];
    let plain = named.iter().fold(text.to_owned(), |text, (name, c)| text.replace(name, c));
    plain.replace("&amp;", "&")
}

impl Piece {
    /// The value of an attribute.
    pub fn attribute(&self, wanted: &str) -> Option<&str> {
        let Self::Open(_, attributes) = self else { return None };
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// Whether it opens an element of that name.
    pub fn opens(&self, wanted: &str) -> bool {
        matches!(self, Self::Open(name, _) if name == wanted)
    }

    /// Whether it has that class.
    pub fn has_class(&self, wanted: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split(' ').any(|class| class == wanted))
    }
}

/// The pieces of the element that begins at `from`, itself included.
pub fn element(pieces: &[Piece], from: usize) -> &[Piece] {
    let Piece::Open(name, _) = &pieces[from] else { return &[] };
    let mut depth = 0;
    for (at, piece) in pieces.iter().enumerate().skip(from) {
        match piece {
            Piece::Open(open, _) if open == name => depth += 1,
            Piece::Close(close) if close == name => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &pieces[from..=at];
        }
    }
    &pieces[from..]
}

/// The text inside of pieces.
pub fn text(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .filter_map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None })
        .collect()
}
