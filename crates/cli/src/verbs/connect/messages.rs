//! Seqpacket and datagram connections: each line of input is a message, each message is output.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use sockeye_socket::Connection;

use crate::Exit;
use crate::error::{Error, error_with};
use crate::verbs::talk::passed::Passed;
use crate::verbs::talk::pump::{Input, Upward};
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::screen::Screen;
use crate::verbs::talk::stop::{Stop, timespec};

/// A line that is longer goes in several messages.
const LINE_BYTES: usize = 64 * 1024;
/// Larger than any message an unprivileged sender can send with the kernel's defaults.
pub(crate) const MESSAGE_BYTES: usize = 256 * 1024;

/// Joins standard input and output to a connection that keeps message boundaries.
pub(crate) fn join(connection: Connection, stop: &Stop, linger: Duration) -> Result<Exit, Error> {
    let connection = Arc::new(connection);
    let upward = Upward::start(Arc::clone(&connection), send_lines)?;
    let mut incoming = Incoming::new();
    let mut patience = Patience::WhileInput;
    loop {
        match wait(&connection, stop, &upward, patience)? {
            Next::Stop => return Ok(upward.give_up(&connection, stop)),
            Next::TimedOut => return upward.join().map(|()| Exit::Success),
            Next::InputEnded => {}
            Next::Message if incoming.show(&connection, stop)? => {
                if let Patience::WhileInput = patience {
                    continue;
                }
            }
            Next::Message => return upward.finish(&connection, stop),
        }
        patience = if connection.kind().is_connected() {
            Patience::UntilTheEnd
        } else {
            Patience::Until(Instant::now() + linger)
        };
    }
}

/// How long to wait for messages.
#[derive(Debug, Clone, Copy)]
enum Patience {
    /// There may be more to send.
    WhileInput,
    /// All is sent; the peer will end its side.
    UntilTheEnd,
    /// All is sent; the peer has no way to say that it will say no more.
    Until(Instant),
}

enum Next {
    Stop,
    Message,
    InputEnded,
    TimedOut,
}

fn wait(
    connection: &Connection,
    stop: &Stop,
    upward: &Upward,
    patience: Patience,
) -> Result<Next, Error> {
    let mut watched = [
        PollFd::new(stop, PollFlags::IN),
        PollFd::new(connection, PollFlags::IN),
        PollFd::new(upward, PollFlags::IN),
    ];
    let (count, timeout) = match patience {
        Patience::WhileInput => (3, None),
        Patience::UntilTheEnd => (2, None),
        Patience::Until(moment) => (
            2,
            Some(timespec(moment.saturating_duration_since(Instant::now()))),
        ),
    };
    loop {
        match poll(&mut watched[..count], timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Err(number) => return Err(Error::failure(error_with("wait", number))),
            Ok(0) => return Ok(Next::TimedOut),
            Ok(_) => break,
        }
    }
    let [stopped, readable, ended] = watched.map(|fd| !fd.revents().is_empty());
    Ok(match (stopped, readable, ended) {
        (true, ..) => Next::Stop,
        (_, true, _) => Next::Message,
        _ => Next::InputEnded,
    })
}

fn send_lines(connection: &Connection, input: &Input) -> Result<(), Error> {
    let mut buffer = vec![0; LINE_BYTES];
    let mut filled = 0;
    loop {
        let length = input.read(&mut buffer[filled..])?;
        filled += length;
        let mut sent = 0;
        for line in buffer[..filled].split_inclusive(|byte| *byte == b'\n') {
            let is_whole = line.ends_with(b"\n") || line.len() == LINE_BYTES || length == 0;
            if is_whole {
                connection.send_all(line).map_err(refused)?;
                sent += line.len();
            }
        }
        if length == 0 {
            return Ok(());
        }
        buffer.copy_within(sent..filled, 0);
        filled -= sent;
    }
}

/// Messages that arrive on a connection.
pub(crate) struct Incoming {
    buffer: Vec<u8>,
    screen: Screen,
    passed: Passed,
}

impl Incoming {
    /// Nothing has arrived.
    pub(crate) fn new() -> Self {
        Incoming {
            buffer: vec![0; MESSAGE_BYTES],
            screen: Screen::new(),
            passed: Passed::new(None),
        }
    }

    /// Receives one message and shows it; `false` at the end.
    pub(crate) fn show(&mut self, connection: &Connection, stop: &Stop) -> Result<bool, Error> {
        let message = connection
            .receive_message(&mut self.buffer)
            .map_err(refused)?;
        if message.is_empty() && connection.is_at_end().map_err(refused)? {
            return Ok(false);
        }
        if message.is_cut() {
            let (kept, full) = (message.length_bytes, message.full_length_bytes);
            crate::terminal::note(format_args!(
                "message of {full} bytes: only the first {kept} could be taken"
            ));
        }
        if message.descriptors_lost {
            Passed::lost("");
        }
        let stop = Some(stop);
        self.passed.show(message.descriptors, "", stop)?;
        self.screen
            .write(&self.buffer[..message.length_bytes], stop)?;
        self.screen.end(stop)?;
        Ok(true)
    }
}
