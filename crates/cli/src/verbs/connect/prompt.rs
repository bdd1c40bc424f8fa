//! A person at a terminal: lines are edited and remembered, what arrives appears above the prompt.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use sockeye_address::Kind;
use sockeye_socket::{Connection, Direction};

use super::messages::MESSAGE_BYTES;
use crate::Exit;
use crate::error::{Error, error_with};
use crate::terminal::{self, note};
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::screen::harmless;

const PROMPT: &str = "> ";

/// Talks until the server closes or the person has said all (Ctrl-D) and has read the answer.
pub(crate) fn talk(connection: &Arc<Connection>, linger: Duration) -> Result<Exit, Error> {
    let failed = |error: ReadlineError| Error::failure(error);
    let config = Config::builder().auto_add_history(true).build();
    let mut editor = Editor::<(), FileHistory>::with_config(config).map_err(failed)?;
    let history = history_file();
    if let Some(history) = &history {
        let _ = editor.load_history(history);
    }
    let printer = editor.create_external_printer().map_err(failed)?;
    let all_said = Arc::new(AtomicBool::new(false));
    let receiver = receive_beside(Arc::clone(connection), printer, Arc::clone(&all_said))?;
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => {
                if let Some(history) = &history {
                    let _ = editor.append_history(history);
                }
                connection
                    .send_all(format!("{line}\n").as_bytes())
                    .map_err(refused)?;
            }
            Err(ReadlineError::Eof) => break,
            Err(ReadlineError::Interrupted) => return Ok(Exit::Signal(2)),
            Err(error) => return Err(failed(error)),
        }
    }
    all_said.store(true, Ordering::Relaxed);
    // Nobody reads what the printer passes on any more: from now on it is written at once.
    drop(editor);
    if connection.kind() == Kind::Datagram {
        // Datagrams have no end; an answer that takes longer is not waited for.
        #[expect(
            clippy::disallowed_methods,
            reason = "the printer thread shows what arrives meanwhile"
        )]
        std::thread::sleep(linger);
        return Ok(Exit::Success);
    }
    connection.shutdown(Direction::Write).map_err(refused)?;
    let _ = receiver.join();
    Ok(Exit::Success)
}

/// Shows what arrives. The thread ends the program when the server has ended: the prompt cannot be interrupted.
fn receive_beside(
    connection: Arc<Connection>,
    mut printer: impl ExternalPrinter + Send + 'static,
    all_said: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, Error> {
    let before = tcgetattr(std::io::stdin()).ok();
    let run = move || {
        let mut buffer = vec![0; MESSAGE_BYTES];
        loop {
            match connection.receive_message(&mut buffer) {
                Ok(message) if !message.is_empty() || !connection.is_at_end().unwrap_or(true) => {
                    let text = with_line_end(&buffer[..message.length_bytes]);
                    if printer.print(text.clone()).is_err() {
                        let _ = terminal::stdout().write_all(text.as_bytes());
                    }
                }
                outcome => {
                    let error = outcome.err().map(refused);
                    leave(
                        before.as_ref(),
                        error.as_ref(),
                        all_said.load(Ordering::Relaxed),
                    )
                }
            }
        }
    };
    std::thread::Builder::new()
        .spawn(run)
        .map_err(|error| Error::failure(error_with("start a thread", error)))
}

/// Gives the terminal back as it was found and ends the program.
fn leave(before: Option<&Termios>, error: Option<&Error>, is_expected: bool) -> ! {
    if let Some(before) = before {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
    }
    let exit = match error {
        None => {
            if !is_expected {
                note("\nthe server has closed the connection");
            }
            Exit::Success
        }
        Some(error) => {
            note(format_args!("\n{error}"));
            error.exit()
        }
    };
    std::process::exit(i32::from(exit.status()))
}

fn with_line_end(bytes: &[u8]) -> String {
    let mut text = harmless(bytes);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// `$XDG_STATE_HOME/sockeye/history`, private.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let folder = state
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?
        .join("sockeye");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
