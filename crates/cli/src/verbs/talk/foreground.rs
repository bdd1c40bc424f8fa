//! Standard input that is a terminal, and a shell that may have put this program into the background.

use std::io;
use std::time::Duration;

/// How often to look whether the program has come to the foreground: nothing tells.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Whether standard input may be read. To read the terminal from the background would stop this process with all it
/// serves (`SIGTTIN`, `credentials(7)`).
pub(crate) fn may_read() -> bool {
    // An error says that it is no terminal, or not the one that rules this process.
    rustix::termios::tcgetpgrp(io::stdin())
        .map_or(true, |group| group == rustix::process::getpgrp())
}
