//! What the terminal can do, and text from outside made harmless for it.

use std::io::{self, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also into a pipe
    Always,
    /// Plain text
    Never,
}

impl Color {
    /// Makes the choice hold for everything printed through [`stdout`] and [`stderr`].
    pub(crate) fn apply(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Standard output; colours are taken out where they are not wanted.
pub(crate) type Stdout = anstream::AutoStream<io::StdoutLock<'static>>;

/// Locked standard output for text with styles.
pub(crate) fn stdout() -> Stdout {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// Standard output for much text: buffered, and with styles only if `Paint` says so. (Taking styles out again, as
/// [`stdout`] does, costs more than a whole map.)
pub(crate) fn bulk_stdout() -> (io::BufWriter<io::StdoutLock<'static>>, Paint) {
    let choice = anstream::AutoStream::choice(&io::stdout());
    let paint = if choice == anstream::ColorChoice::Never {
        Paint::Plain
    } else {
        Paint::Styled
    };
    (
        io::BufWriter::with_capacity(256 * 1024, io::stdout().lock()),
        paint,
    )
}

/// Whether text gets its styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Into a pipe, or as the user wishes.
    Plain,
    /// On a terminal.
    Styled,
}

/// Standard error for text with styles.
pub(crate) fn stderr() -> anstream::AutoStream<io::StderrLock<'static>> {
    anstream::AutoStream::auto(io::stderr().lock())
}

/// Whether a person reads standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal that standard output is, if it is one.
pub(crate) fn width_columns() -> Option<usize> {
    let stdout = io::stdout();
    let (width, _) = terminal_size::terminal_size_of(&stdout)?;
    Some(usize::from(width.0)).filter(|columns| *columns > 0)
}

/// Writes one line to standard error. That nobody reads it is no reason to stop.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// Headings of tables.
pub(crate) const HEADING: Style = Style::new().bold();
/// What is wrong.
pub(crate) const WRONG: Style = AnsiColor::Red.on_default().bold();
/// What may be wrong.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What is well.
pub(crate) const WELL: Style = AnsiColor::Green.on_default();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Addresses.
pub(crate) const ADDRESS: Style = AnsiColor::Cyan.on_default();

/// Text with a style, reset behind it.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
