//! Plain tables: a heading, columns as wide as they must be, two spaces between them.

use super::style::{Paint, Tone, width};

/// Rows under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new<const N: usize>(heading: [&'static str; N]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; an empty cell is shown as `-`, so that columns can be counted. The last may stay
    /// empty.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let mut cells = Vec::from(cells);
        let all_but_last = cells.len().saturating_sub(1);
        for cell in cells.iter_mut().take(all_but_last).filter(|cell| cell.is_empty()) {
            "-".clone_into(cell);
        }
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, without trailing blanks.
    pub(crate) fn lines(&self, paint: Paint) -> Vec<String> {
        let named = |name: &&str| match *name {
            "" => String::new(),
            name => paint.text(Tone::Faint, name.to_uppercase()),
        };
        let heading: Vec<String> = self.heading.iter().map(named).collect();
        let all = || std::iter::once(&heading).chain(&self.rows);
        let columns = self.heading.len();
        let widest = |column: usize| {
            all().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        all().map(|row| line(row, &widths)).collect()
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, column) in row.iter().zip(widths) {
        out.push_str(cell);
        out.push_str(&" ".repeat(column - width(cell) + 2));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["name", "state", "note"]);
        table.row(["web".into(), "running".into(), String::new()]);
        table.row(["database".into(), String::new(), "new".into()]);
        let expected = ["NAME      STATE    NOTE", "web       running", "database  -        new"];
        assert_eq!(table.lines(Paint(false)), expected);
    }
}
