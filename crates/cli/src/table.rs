//! Columns for people.
//!
//! Nothing is ever cut: an address that does not fit could not be pasted back. Where a terminal is too narrow for one
//! line a row, the first cell gets a line of its own and the others follow below it.

use std::io::{self, Write};
use std::rc::Rc;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{HEADING, Paint};

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
#[derive(Debug, Clone)]
pub struct Cell {
    text: Text,
    width_columns: usize,
    style: Style,
}

/// Text that a cell shows. A map repeats the same few labels in thousands of rows, so those are shared.
#[derive(Debug, Clone)]
pub enum Text {
    /// A word of ours.
    Fixed(&'static str),
    /// A label.
    Shared(Rc<str>),
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Text::Fixed(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.is_empty() {
            Text::Fixed("")
        } else {
            Text::Shared(text.into())
        }
    }
}

impl From<Rc<str>> for Text {
    fn from(text: Rc<str>) -> Self {
        Text::Shared(text)
    }
}

impl Cell {
    /// Text that looks as it likes.
    pub fn styled(style: Style, text: impl Into<Text>) -> Self {
        let text = text.into();
        let width_columns = match text.as_str() {
            text if text.is_ascii() => text.len(),
            text => text.width(),
        };
        Cell {
            text,
            width_columns,
            style,
        }
    }
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Text::Fixed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl Default for Cell {
    fn default() -> Self {
        Cell::styled(Style::new(), "")
    }
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::styled(Style::new(), text)
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
    pub fn write(
        &self,
        out: &mut impl Write,
        width_columns: Option<usize>,
        paint: Paint,
    ) -> io::Result<()> {
        let layout = Layout::new(self, width_columns, paint);
        let titles = self
            .columns
            .each_ref()
            .map(|column| Cell::styled(HEADING, column.title));
        let mut line = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            line.clear();
            layout.lay(&mut line, row);
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

/// How the rows of one table are laid out.
struct Layout<const N: usize> {
    columns: [Column; N],
    widths: [usize; N],
    /// Columns that are not empty.
    shown: Vec<usize>,
    /// The first cell has a line of its own.
    stacked: bool,
    paint: Paint,
}

impl<const N: usize> Layout<N> {
    fn new(table: &Table<N>, width_columns: Option<usize>, paint: Paint) -> Self {
        let mut widths = [0; N];
        for row in &table.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = cell.width_columns.max(*widest);
            }
        }
        let shown: Vec<usize> = (0..N).filter(|at| widths[*at] > 0).collect();
        for (width, column) in widths.iter_mut().zip(&table.columns) {
            *width = column.title.len().max(*width);
        }
        let total = shown
            .iter()
            .map(|at| widths[*at] + GAP)
            .sum::<usize>()
            .saturating_sub(GAP);
        let stacked = width_columns.is_some_and(|width| total > width);
        Layout {
            columns: table.columns,
            widths,
            shown,
            stacked,
            paint,
        }
    }

    fn lay(&self, line: &mut String, row: &[Cell; N]) {
        for (place, at) in self.shown.iter().enumerate() {
            let cell = &row[*at];
            let last = place + 1 == self.shown.len();
            let alone = self.stacked && place == 0;
            let pad = self.widths[*at].saturating_sub(cell.width_columns);
            let (before, after) = match self.columns[*at].align {
                Align::Right if !alone => (pad, 0),
                _ => (0, if last || alone { 0 } else { pad }),
            };
            extend_blank(line, before);
            push_styled(line, cell, self.paint);
            extend_blank(line, after);
            if alone {
                line.push('\n');
                extend_blank(line, INDENT);
            } else if !last {
                extend_blank(line, GAP);
            }
        }
        line.truncate(line.trim_end_matches(' ').len());
        line.push('\n');
    }
}

fn extend_blank(line: &mut String, count: usize) {
    const BLANKS: &str = "                                                                ";
    let mut left = count;
    while left > BLANKS.len() {
        line.push_str(BLANKS);
        left -= BLANKS.len();
    }
    line.push_str(&BLANKS[..left]);
}

fn push_styled(line: &mut String, cell: &Cell, paint: Paint) {
    let text = cell.text.as_str();
    if paint == Paint::Plain || cell.style == Style::new() || text.is_empty() {
        line.push_str(text);
    } else {
        use std::fmt::Write as _;
        let _ = write!(line, "{}{text}{:#}", cell.style, cell.style);
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
        table.write(&mut out, width, Paint::Plain).unwrap();
        String::from_utf8(out).unwrap()
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
