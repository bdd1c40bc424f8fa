//! The exit-status contract, documented in docs/exit-status.md: scripts rely on these numbers.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; for `doctor`, a connect would work; for `ls` and `show`, something was found.
    Success,
    /// 1: the answer is no: nothing matched (`ls`, `show`), a connect would not work (`doctor`).
    Negative,
    /// 2: the command line is wrong; nothing was done.
    Usage,
    /// 3: the operation failed: an address cannot be bound or connected to, a transfer broke; for `doctor`, the answer
    /// cannot be told without more privilege.
    Failure,
    /// 4: the time given with `--timeout` ran out.
    TimedOut,
    /// 128 + n: stopped by signal n before the work was done.
    Signal(u8),
}

impl Exit {
    /// The number.
    pub const fn status(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Negative => 1,
            Exit::Usage => 2,
            Exit::Failure => 3,
            Exit::TimedOut => 4,
            Exit::Signal(number) => 128 + number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.status())
    }
}
