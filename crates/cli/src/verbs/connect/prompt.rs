//! A person at a terminal: lines are edited and remembered, what arrives appears above the prompt.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::{ReadlineError, Signal};
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
use crate::verbs::talk::stop::Stop;

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
    let found = Found::now();
    // After the editor, which takes SIGINT for itself.
    let stop = Stop::on_signals()?;
    leave_on_signals(stop, found.clone())?;
    let receiver = receive_beside(
        Arc::clone(connection),
        printer,
        Arc::clone(&all_said),
        found,
    )?;
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
            Err(ReadlineError::Interrupted | ReadlineError::Signal(Signal::Interrupt)) => {
                return Ok(Exit::Signal(2));
            }
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
    found: Found,
) -> Result<JoinHandle<()>, Error> {
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
                    // What was printed is painted by the thread that edits. It takes one text at a time, so when it has
                    // taken the first of these, the last answer is on the screen.
                    let _ = printer
                        .print(NOTHING.to_owned())
                        .and_then(|()| printer.print(NOTHING.to_owned()));
                    let error = outcome.err().map(refused);
                    found.leave(error.as_ref(), all_said.load(Ordering::Relaxed))
                }
            }
        }
    };
    start(run)
}

/// A text that leaves the screen as it is: up a line, and down again.
const NOTHING: &str = "\x1b[A\n";

/// Ends the program when a signal comes, whatever the prompt does.
fn leave_on_signals(stop: Stop, found: Found) -> Result<JoinHandle<()>, Error> {
    start(move || {
        if let Ok(exit) = stop.wait_for_signal() {
            found.give_back();
            std::process::exit(i32::from(exit.status()));
        }
    })
}

fn start(run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .spawn(run)
        .map_err(|error| Error::failure(error_with("start a thread", error)))
}

/// The terminal as it was found.
#[derive(Clone)]
struct Found(Option<Termios>);

impl Found {
    fn now() -> Self {
        Found(tcgetattr(std::io::stdin()).ok())
    }

    /// Gives the terminal back in the middle of an edited line.
    fn give_back(&self) {
        let Some(found) = &self.0 else {
            return;
        };
        let edits = |terminal: &Termios| !terminal.local_modes.contains(LocalModes::ICANON);
        if tcgetattr(std::io::stdin()).is_ok_and(|now| edits(&now) && !edits(found)) {
            let _ = std::io::stdout().write_all(BRACKETED_PASTE_OFF);
            let _ = std::io::stdout().flush();
        }
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, found);
    }

    /// Gives the terminal back and ends the program.
    fn leave(&self, error: Option<&Error>, is_expected: bool) -> ! {
        self.give_back();
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
}

/// The editor turns it on for each line.
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

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
