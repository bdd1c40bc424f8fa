//! Medians, markdown tables, and bars.

use std::fmt;
use std::time::Duration;

/// A markdown table with aligned columns, numbers to the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(3)
        };
        for (index, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                match column {
                    0 => write!(f, "| {cell:<0$} |", width(0))?,
                    _ => write!(f, " {cell:>0$} |", width(column))?,
                }
            }
            writeln!(f)?;
            if index == 0 {
                write!(f, "| {:-<1$} |", "", width(0))?;
                for column in 1..row.len() {
                    write!(f, " {:-<1$}: |", "", width(column) - 1)?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// A promise of the issue, and how it went.
pub(crate) struct Bar {
    /// What is measured, as it reads in front of the number.
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: Limit,
}

/// Which side of the limit is the good one.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    pub(crate) fn met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured <= limit,
            Limit::AtLeast(limit) => self.measured >= limit,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.met() { "pass" } else { "MISSED" };
        write!(f, "{word}: {} {:.3}, ", self.what, self.measured)?;
        match self.limit {
            Limit::AtMost(limit) => write!(f, "at most {limit:.3}"),
            Limit::AtLeast(limit) => write!(f, "at least {limit:.3}"),
        }
    }
}

/// The middle value; of an even number the mean of the two. Zero of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.as_slice() {
        [] => 0.0,
        all if all.len() % 2 == 1 => all[middle],
        all => f64::midpoint(all[middle - 1], all[middle]),
    }
}

/// The smallest value; infinity of none.
pub(crate) fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The largest value; zero of none.
pub(crate) fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn a_table_is_markdown_with_numbers_to_the_right() {
        let mut table = Table::new(&["program", "ms"]);
        table.row(vec!["ss".to_owned(), "1234".to_owned()]);
        assert_eq!(
            table.to_string(),
            "| program |   ms |\n| ------- | ---: |\n| ss      | 1234 |\n"
        );
    }

    #[test]
    fn a_bar_says_on_which_side_it_is() {
        let bar = |measured, limit| Bar {
            what: "x".to_owned(),
            measured,
            limit,
        };
        assert!(bar(0.2, Limit::AtMost(0.2)).met());
        assert!(!bar(2.9, Limit::AtLeast(3.0)).met());
        assert_eq!(
            bar(2.9, Limit::AtLeast(3.0)).to_string(),
            "MISSED: x 2.900, at least 3.000"
        );
    }
}
