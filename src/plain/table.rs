//! A table of text: the first column to the left, the others to the right, as wide as they need to be.

use unicode_width::UnicodeWidthStr;

/// Rows of cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// The lines, each indented by two.
    pub fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        self.rows.iter().map(|row| line(row, &widths)).collect()
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::from(" ");
    for (column, cell) in row.iter().enumerate() {
        let pad = " ".repeat(widths[column] - cell.width());
        out.push(' ');
        match column {
            0 => out.extend([cell.as_str(), &pad]),
            _ => out.extend([" ", &pad, cell]),
        }
    }
    out.trim_end().to_owned()
}
