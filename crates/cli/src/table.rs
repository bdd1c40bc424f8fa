//! Columns for people.
//!
//! Nothing is ever cut: an address that does not fit could not be pasted back. Where a terminal is too narrow for one
//! line a row, the first cell gets a line of its own and the others follow below it.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::HEADING;

/// Which side of a column text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// Side its text stands on.
    pub align: Align,
}

/// A column of words.
pub const fn words(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Left,
    }
}

/// A column of numbers.
pub const fn numbers(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Right,
    }
}

/// Text in a row, with how it looks.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text that looks as it likes.
    pub fn styled(style: Style, text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            style,
        }
    }

    fn width(&self) -> usize {
        if self.text.is_ascii() {
            self.text.len()
        } else {
            self.text.width()
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell {
            text: text.into(),
            style: Style::new(),
        }
    }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[Cell; N]>,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// Blanks before what follows a first cell on its own line.
const INDENT: usize = 4;

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub fn new(columns: [Column; N]) -> Self {
        Table {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row at the end.
    pub fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// Writes headings and rows for a terminal of `width_columns`, or for a pipe, which is as wide as need be. A column
    /// that is empty in every row is left out.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write, width_columns: Option<usize>) -> io::Result<()> {
        let widths = self.widths();
        let shown: Vec<usize> = (0..N).filter(|at| widths[*at].is_some()).collect();
        let total: usize = widths
            .iter()
            .flatten()
            .map(|width| width + GAP)
            .sum::<usize>()
            .saturating_sub(GAP);
        let stacked = width_columns.is_some_and(|width| total > width);
        let mut line = String::new();
        let titles = self
            .columns
            .each_ref()
            .map(|column| Cell::styled(HEADING, column.title));
        for row in std::iter::once(&titles).chain(&self.rows) {
            line.clear();
            self.lay(&mut line, row, &shown, &widths, stacked);
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Width of each column, or `None` for an empty one.
    fn widths(&self) -> [Option<usize>; N] {
        let mut widest = [0; N];
        for row in &self.rows {
            for (widest, cell) in widest.iter_mut().zip(row) {
                *widest = cell.width().max(*widest);
            }
        }
        std::array::from_fn(|at| {
            Some(widest[at])
                .filter(|width| *width > 0)
                .map(|width| width.max(self.columns[at].title.len()))
        })
    }

    fn lay(
        &self,
        line: &mut String,
        row: &[Cell; N],
        shown: &[usize],
        widths: &[Option<usize>; N],
        stacked: bool,
    ) {
        for (place, at) in shown.iter().enumerate() {
            let cell = &row[*at];
            let last = place + 1 == shown.len();
            let alone = stacked && place == 0;
            let pad = widths[*at].unwrap_or_default().saturating_sub(cell.width());
            let (before, after) = match self.columns[*at].align {
                Align::Right if !alone => (pad, 0),
                _ => (0, if last || alone { 0 } else { pad }),
            };
            extend_blank(line, before);
            push_styled(line, cell);
            extend_blank(line, after);
            if alone {
                line.push('\n');
                extend_blank(line, INDENT);
            } else if !last {
                extend_blank(line, GAP);
            }
        }
        while line.ends_with(' ') {
            line.pop();
        }
        line.push('\n');
    }
}

fn extend_blank(line: &mut String, count: usize) {
    line.extend(std::iter::repeat_n(' ', count));
}

fn push_styled(line: &mut String, cell: &Cell) {
    if cell.style == Style::new() || cell.text.is_empty() {
        line.push_str(&cell.text);
    } else {
        use std::fmt::Write as _;
        let _ = write!(line, "{}{}{:#}", cell.style, cell.text, cell.style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new([words("ADDRESS"), numbers("CLIENTS"), words("NOTE")]);
        table.push(["/run/a.sock".into(), "3".into(), "".into()]);
        table.push(["@wörk".into(), "12".into(), "".into()]);
        table
    }

    fn written(table: &Table<3>, width: Option<usize>) -> String {
        let mut out = Vec::new();
        table.write(&mut out, width).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        insta::assert_snapshot!(written(&table(), None), @r"
        ADDRESS      CLIENTS
        /run/a.sock        3
        @wörk             12
        ");
    }

    #[test]
    fn a_narrow_terminal_gets_the_first_cell_on_its_own_line() {
        insta::assert_snapshot!(written(&table(), Some(15)), @r"
        ADDRESS
            CLIENTS
        /run/a.sock
                  3
        @wörk
                 12
        ");
    }
}
