//! `sockeye send`

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sockeye_address::escape::escape;
use sockeye_address::{Kind, UnixAddress};
use sockeye_socket::{Connection, Direction, Message};

use crate::address::{KindFlags, unix_address};
use crate::error::{Error, error_with};
use crate::terminal::note;
use crate::verbs::connect::{MESSAGE_BYTES, seconds};
use crate::verbs::talk::passed::Passed;
use crate::verbs::talk::refusal::{not_connected, refused};
use crate::verbs::talk::screen::Screen;
use crate::{Exit, explain};

/// Send a message, standard input or a file, and open descriptors
///
/// The bytes are sent exactly as they are. Over datagram and seqpacket sockets they are one message.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// The socket; its kind is found out when it is not said
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    /// What to send: TEXT, the content of a file (@FILE), or standard input (-, or nothing); @@ begins a text with @
    #[arg(value_name = "TEXT|@FILE|-")]
    pub content: Option<OsString>,
    #[command(flatten)]
    pub kind: KindFlags,
    /// Open FILE read-only and pass the descriptor along (repeatable); without TEXT nothing else is sent
    #[arg(long = "fd", value_name = "FILE")]
    pub descriptors: Vec<PathBuf>,
    /// Send a line end behind TEXT
    #[arg(long, short)]
    pub newline: bool,
    /// Wait for the answer and print it: one message, or all until the server ends the stream
    #[arg(long, short)]
    pub reply: bool,
    /// Leave with status 4 when the answer does not come for this long
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "reply")]
    pub timeout: Option<Duration>,
    /// Show every system call and what it means
    #[arg(long)]
    pub explain: bool,
}

const STANDARD_INPUT: &str = "standard input";

/// What there is to send.
enum Content {
    Bytes(Vec<u8>),
    /// Bytes from a file, and what it is called.
    Stream(Box<dyn Read>, PathBuf),
}

/// What the arguments mean.
struct Plan {
    address: UnixAddress,
    content: Content,
    descriptors: Vec<File>,
    reply: bool,
    timeout: Option<Duration>,
}

impl Plan {
    fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        let address = unix_address(&arguments.address, arguments.kind, "send")?;
        let open = |path: &PathBuf| File::open(path).map_err(|error| cannot("open", path, error));
        let descriptors = arguments
            .descriptors
            .iter()
            .map(open)
            .collect::<Result<Vec<_>, _>>()?;
        let content = match &arguments.content {
            None if !descriptors.is_empty() => Content::Bytes(Vec::new()),
            None => Content::Stream(Box::new(io::stdin()), STANDARD_INPUT.into()),
            Some(text) => Content::of(text, arguments.newline)?,
        };
        Ok(Plan {
            address,
            content,
            descriptors,
            reply: arguments.reply,
            timeout: arguments.timeout,
        })
    }
}

fn cannot(operation: &str, path: &Path, error: io::Error) -> Error {
    let shown = escape(path.as_os_str().as_bytes(), "");
    Error::failure(error_with(format!("{operation} {shown}"), error))
}

impl Content {
    fn of(text: &OsStr, newline: bool) -> Result<Self, Error> {
        let bytes = match text.as_bytes() {
            b"-" => {
                return Ok(Content::Stream(
                    Box::new(io::stdin()),
                    STANDARD_INPUT.into(),
                ));
            }
            [b'@', rest @ ..] if !rest.starts_with(b"@") => {
                let path = Path::new(OsStr::from_bytes(rest));
                let file = File::open(path).map_err(|error| cannot("open", path, error))?;
                return Ok(Content::Stream(Box::new(file), path.to_owned()));
            }
            [b'@', text @ ..] | text => text,
        };
        let line_end: &[u8] = if newline { b"\n" } else { b"" };
        Ok(Content::Bytes([bytes, line_end].concat()))
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let plan = Plan::resolve(arguments)?;
    let life = explain::life(arguments.explain);
    let connection = Connection::connect(&plan.address.name, plan.address.kind, &life)
        .map_err(not_connected(&plan.address))?;
    match plan.content {
        Content::Stream(source, name) if connection.kind() == Kind::Stream => {
            send_stream(&connection, source, &name, &plan.descriptors)?;
        }
        Content::Stream(mut source, name) => {
            let mut message = Vec::new();
            source
                .read_to_end(&mut message)
                .map_err(|error| cannot("read", &name, error))?;
            send_bytes(&connection, &message, &plan.descriptors)?;
        }
        Content::Bytes(message) => send_bytes(&connection, &message, &plan.descriptors)?,
    }
    if !plan.reply {
        return Ok(Exit::Success);
    }
    if connection.kind().is_connected() {
        connection.shutdown(Direction::Write).map_err(refused)?;
    }
    print_reply(&connection, plan.timeout)
}

fn send_stream(
    connection: &Connection,
    mut source: impl Read,
    name: &Path,
    descriptors: &[File],
) -> Result<(), Error> {
    let mut buffer = vec![0; MESSAGE_BYTES];
    let mut descriptors = descriptors;
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) if descriptors.is_empty() => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(cannot("read", name, error)),
        };
        send_bytes(connection, &buffer[..length], descriptors)?;
        descriptors = &[];
    }
}

fn send_bytes(connection: &Connection, bytes: &[u8], descriptors: &[File]) -> Result<(), Error> {
    if connection.kind().keeps_boundaries() && bytes.len() > 64 * 1024 {
        // A message must fit whole; what the kernel does not allow it says when it is sent.
        let _ = connection.set_send_buffer(bytes.len());
    }
    if descriptors.is_empty() {
        // Nothing is nothing on a stream, but a message like any other elsewhere.
        if bytes.is_empty() && !connection.kind().keeps_boundaries() {
            return Ok(());
        }
        return connection.send_all(bytes).map_err(refused);
    }
    let sent = connection
        .send_message(bytes, descriptors)
        .map_err(|error| {
            let is_bare = bytes.is_empty();
            let error = refused(error);
            if is_bare {
                error.remedy(
                    "a stream carries descriptors only beside data: say what to send with them",
                )
            } else {
                error
            }
        })?;
    match bytes.get(sent..) {
        Some(rest) if !rest.is_empty() => connection.send_all(rest).map_err(refused),
        _ => Ok(()),
    }
}

/// Prints one message, or a stream to its end.
fn print_reply(connection: &Connection, timeout: Option<Duration>) -> Result<Exit, Error> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut screen = Screen::new();
    let mut passed = Passed::new(None);
    let mut buffer = vec![0; MESSAGE_BYTES];
    loop {
        if let Some(deadline) = deadline {
            let left = deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1));
            connection
                .set_receive_timeout(Some(left))
                .map_err(refused)?;
        }
        let message: Message = connection.receive_message(&mut buffer).map_err(|error| {
            if error.would_block() {
                Error::timed_out("receive: no answer in time")
            } else {
                refused(error)
            }
        })?;
        let is_stream = connection.kind() == Kind::Stream;
        let is_end = message.is_empty();
        if is_end
            && connection.kind() == Kind::Seqpacket
            && connection.is_at_end().map_err(refused)?
        {
            return Err(Error::failure(format!(
                "receive from {}: it left without an answer",
                connection.peer()
            )));
        }
        if message.is_cut() {
            note(format_args!(
                "message of {} bytes: the end could not be taken",
                message.full_length_bytes
            ));
        }
        if message.descriptors_lost {
            Passed::lost("");
        }
        screen.write(&buffer[..message.length_bytes], None)?;
        passed.show(message.descriptors, "", None)?;
        if is_end || !is_stream {
            screen.end(None)?;
            return Ok(Exit::Success);
        }
    }
}
