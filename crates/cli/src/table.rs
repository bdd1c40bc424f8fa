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
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Heading.
    pub title: &'static str,
    /// Side its text stands on.
    pub align: Align,
    /// Where the first cell has a line of its own, this one stands there too.
    beside_first: bool,
}

impl Column {
    /// The same column, beside the first where that has a line of its own.
    pub(crate) const fn beside_first(self) -> Self {
        Column {
            beside_first: true,
            ..self
        }
    }
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Left,
        beside_first: false,
    }
}

/// A column of numbers.
pub(crate) const fn numbers(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Right,
        beside_first: false,
    }
}

/// Text in a row, with how it looks.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: Text,
    style: Style,
}

/// A cell as it is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// What it says.
    pub text: &'a str,
    /// How it looks.
    pub style: Style,
}

/// Something a table can show. A map has tens of thousands of rows, so some are smaller than an array of cells.
pub(crate) trait Row<const N: usize> {
    /// Its cells.
    fn cells(&self) -> [Shown<'_>; N];
}

impl<const N: usize> Row<N> for [Cell; N] {
    fn cells(&self) -> [Shown<'_>; N] {
        self.each_ref().map(Cell::shown)
    }
}

impl Shown<'_> {
    fn width_columns(&self) -> usize {
        if self.text.is_ascii() {
            self.text.len()
        } else {
            self.text.width()
        }
    }
}

/// Text that a cell shows. A map repeats the same few labels in thousands of rows, so those are shared.
#[derive(Debug, Clone)]
pub(crate) enum Text {
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
    pub(crate) fn styled(style: Style, text: impl Into<Text>) -> Self {
        Cell {
            text: text.into(),
            style,
        }
    }

    /// As it is laid out.
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown {
            text: self.text.as_str(),
            style: self.style,
        }
    }
}

impl Text {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
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
pub(crate) struct Table<const N: usize, R = [Cell; N]> {
    columns: [Column; N],
    rows: Vec<R>,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// Blanks before what follows a first cell on its own line.
const INDENT: usize = 4;
/// Bytes that are laid out before they are written.
const CHUNK_BYTES: usize = 128 * 1024;

impl<const N: usize, R: Row<N>> Table<N, R> {
    /// A table without rows.
    pub(crate) fn new(columns: [Column; N]) -> Self {
        Table {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row at the end.
    pub(crate) fn push(&mut self, row: R) {
        self.rows.push(row);
    }

    /// Writes headings and rows for a terminal of `width_columns`, or for a pipe, which is as wide as need be. A column
    /// that is empty in every row is left out.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(
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
        let mut text = String::with_capacity(CHUNK_BYTES + 4096);
        layout.lay(&mut text, &titles);
        for row in &self.rows {
            layout.lay(&mut text, row);
            if text.len() >= CHUNK_BYTES {
                out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        out.write_all(text.as_bytes())
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
    fn new<R: Row<N>>(table: &Table<N, R>, width_columns: Option<usize>, paint: Paint) -> Self {
        let mut widths = [0; N];
        for row in &table.rows {
            for (widest, cell) in widths.iter_mut().zip(row.cells()) {
                *widest = cell.width_columns().max(*widest);
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

    fn lay(&self, text: &mut String, row: &impl Row<N>) {
        let cells = row.cells();
        let is_stacked = |at: usize| self.stacked && (at == 0 || self.columns[at].beside_first);
        if self.stacked {
            for at in self.shown.iter().copied().filter(|at| is_stacked(*at)) {
                push_styled(text, &cells[at], self.paint);
                extend_blank(text, GAP);
            }
            end_line(text);
            extend_blank(text, INDENT);
        }
        for at in self.shown.iter().copied().filter(|at| !is_stacked(*at)) {
            let cell = &cells[at];
            let pad = self.widths[at].saturating_sub(cell.width_columns());
            let (before, after) = match self.columns[at].align {
                Align::Left => (0, pad),
                Align::Right => (pad, 0),
            };
            extend_blank(text, before);
            push_styled(text, cell, self.paint);
            extend_blank(text, after + GAP);
        }
        end_line(text);
    }
}

/// Takes the blanks at the end off and ends the line.
fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
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

fn push_styled(text: &mut String, cell: &Shown<'_>, paint: Paint) {
    if paint == Paint::Plain || cell.style == Style::new() || cell.text.is_empty() {
        text.push_str(cell.text);
    } else {
        use std::fmt::Write as _;
        let _ = write!(text, "{}{}{:#}", cell.style, cell.text, cell.style);
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

    fn remarked() -> Table<3> {
        let columns = [
            words("ADDRESS"),
            numbers("CLIENTS"),
            words("NOTE").beside_first(),
        ];
        let mut table = Table::new(columns);
        table.push(["/run/a.sock".into(), "3".into(), "full".into()]);
        table.push(["@b".into(), "0".into(), "".into()]);
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

    #[test]
    fn a_remark_stands_beside_the_first_cell_of_a_narrow_terminal() {
        insta::assert_snapshot!(written(&remarked(), Some(15)), @r"
        ADDRESS  NOTE
            CLIENTS
        /run/a.sock  full
                  3
        @b
                  0
        ");
        insta::assert_snapshot!(written(&remarked(), None), @r"
        ADDRESS      CLIENTS  NOTE
        /run/a.sock        3  full
        @b                 0
        ");
    }
}
