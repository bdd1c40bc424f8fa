//! Bytes both ways between a stream connection and this process's standard input and output, at full speed.
//!
//! Three ways to move bytes, the fastest that fits is taken:
//! - a pipe and the socket: `splice`, which hands pages over and copies nothing;
//! - a file to the socket: `sendfile`;
//! - anything else, and all with `--explain`: `read` and `write` with a large buffer.
//!
//! `splice` and `read` drop passed descriptors. They cannot be meant here: there is nobody to hand them to. `recv` and
//! `listen` show them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, splice};
use sockeye_socket::{Connection, Direction};

use super::foreground::{LOOK_AGAIN, may_read};
use super::refusal::refused;
use super::screen::Screen;
use super::stop::{Stop, out_of_the_way, timespec};
use crate::Exit;
use crate::error::{Error, OutputClosed, error_with, output};

/// Bytes moved by one call.
const CHUNK_BYTES: usize = 256 * 1024;

/// Joins standard input and output to a stream connection, until the peer ends.
///
/// The end of input ends our side only; the answer still arrives. When the peer has ended its side, input goes on to it
/// until it has closed altogether: then nobody is left to read it.
pub(crate) fn join(connection: Connection, stop: &Stop, explained: bool) -> Result<Exit, Error> {
    let _ = connection.set_send_buffer(2 * CHUNK_BYTES); // as large as the kernel allows; less works too
    enlarge(io::stdout().as_fd());
    enlarge(io::stdin().as_fd());
    let connection = Arc::new(connection);
    let upward = Upward::start(Arc::clone(&connection), move |connection, input| {
        copy_up(connection, input, explained)
    })?;
    if downward(&connection, stop, explained)? {
        return Ok(upward.give_up(&connection, stop));
    }
    upward.finish(&connection, stop)
}

/// Standard input, until it ends or is no longer wanted.
pub(crate) struct Input {
    cancelled: OwnedFd,
}

impl Input {
    /// Waits for input; `false` when it is no longer wanted.
    pub(crate) fn wait(&self) -> Result<bool, Error> {
        let stdin = io::stdin();
        let mut watched = [
            PollFd::new(&self.cancelled, PollFlags::IN),
            PollFd::new(&stdin, PollFlags::IN),
        ];
        loop {
            match poll(&mut watched, None) {
                Err(Errno::INTR) => {}
                Err(number) => return Err(failure("wait for standard input", number)),
                Ok(_) if !watched[0].revents().is_empty() => return Ok(false),
                Ok(_) if may_read() => return Ok(true),
                Ok(_) => self.wait_for_the_foreground()?,
            }
        }
    }

    fn wait_for_the_foreground(&self) -> Result<(), Error> {
        let mut watched = [PollFd::new(&self.cancelled, PollFlags::IN)];
        match poll(&mut watched, Some(&timespec(LOOK_AGAIN))) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(number) => Err(failure("wait for standard input", number)),
        }
    }

    /// Reads; 0 at the end, or when input is no longer wanted.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let stdin = io::stdin();
        while self.wait()? {
            match rustix::io::read(&stdin, &mut *buffer) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                answer => return answer.map_err(|number| failure("read standard input", number)),
            }
        }
        Ok(0)
    }
}

/// The thread that moves input to the peer, then ends our side.
pub(crate) struct Upward {
    /// Readable when the thread is done.
    done: OwnedFd,
    /// Closed when input is no longer wanted.
    cancel: OwnedFd,
    thread: thread::JoinHandle<Result<(), Error>>,
}

impl Upward {
    /// Starts `work`, which moves input to the connection.
    pub(crate) fn start(
        connection: Arc<Connection>,
        work: impl FnOnce(&Connection, &Input) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let pipe = || match rustix::pipe::pipe_with(PipeFlags::CLOEXEC) {
            Ok((reader, writer)) => Ok((out_of_the_way(reader), out_of_the_way(writer))),
            Err(number) => Err(failure("make a pipe", number)),
        };
        let ((done, sign), (cancelled, cancel)) = (pipe()?, pipe()?);
        let run = move || {
            let result = work(&connection, &Input { cancelled });
            drop(sign);
            // A peer that reads no more may still say something.
            result?;
            if connection.kind().is_connected() {
                connection.shutdown(Direction::Write).map_err(refused)
            } else {
                Ok(())
            }
        };
        let thread = thread::Builder::new()
            .spawn(run)
            .map_err(|error| Error::failure(error_with("start a thread", error)))?;
        Ok(Upward {
            done,
            cancel,
            thread,
        })
    }

    /// Waits until all input is sent, or nobody is left to send it to.
    pub(crate) fn finish(self, connection: &Connection, stop: &Stop) -> Result<Exit, Error> {
        // The connection is watched for what is always told: both directions have ended.
        let mut watched = [
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(&self.done, PollFlags::IN),
            PollFd::new(connection, PollFlags::empty()),
        ];
        while let Err(number) = poll(&mut watched, None) {
            if number != Errno::INTR {
                return Err(failure("wait", number));
            }
        }
        if stop.exit().is_some() {
            return Ok(self.give_up(connection, stop));
        }
        self.join().map(|()| Exit::Success)
    }

    /// Stops the thread, which may be waiting for the peer to read, after a signal.
    pub(crate) fn give_up(self, connection: &Connection, stop: &Stop) -> Exit {
        let _ = connection.shutdown(Direction::Both);
        let _ = self.join();
        stop.exit().unwrap_or(Exit::Success)
    }

    /// Ends input and waits for the thread.
    pub(crate) fn join(self) -> Result<(), Error> {
        drop(self.cancel);
        self.thread.join().unwrap_or(Ok(()))
    }
}

impl AsFd for Upward {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

fn copy_up(connection: &Connection, input: &Input, explained: bool) -> Result<(), Error> {
    let stdin = io::stdin();
    let pass_on = match file_type(stdin.as_fd()) {
        Some(FileType::Fifo) if !explained => splice_to,
        Some(FileType::RegularFile) if !explained => send_file,
        _ => return write_up(connection, input),
    };
    while input.wait()? {
        match pass_on(stdin.as_fd(), connection) {
            Ok(0) => return Ok(()),
            // Somebody else reads the same input, and was faster.
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
            Err(Errno::INVAL) => return write_up(connection, input),
            Err(number) => return Err(failure(&format!("send to {}", whom(connection)), number)),
        }
    }
    Ok(())
}

fn splice_to(stdin: BorrowedFd<'_>, connection: &Connection) -> Result<usize, Errno> {
    splice(
        stdin,
        None,
        connection,
        None,
        CHUNK_BYTES,
        SpliceFlags::MOVE,
    )
}

fn send_file(stdin: BorrowedFd<'_>, connection: &Connection) -> Result<usize, Errno> {
    rustix::fs::sendfile(connection, stdin, None, CHUNK_BYTES)
}

fn write_up(connection: &Connection, input: &Input) -> Result<(), Error> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(()),
            length => connection.send_all(&buffer[..length]).map_err(refused)?,
        }
    }
}

/// Moves what the peer says to standard output until it ends; whether a signal came first.
fn downward(connection: &Connection, stop: &Stop, explained: bool) -> Result<bool, Error> {
    let stdout = io::stdout();
    let stdout = stdout.as_fd();
    let mut splices = !explained && file_type(stdout) == Some(FileType::Fifo);
    let mut screen = Screen::new();
    let mut buffer = if splices {
        Vec::new()
    } else {
        vec![0; CHUNK_BYTES]
    };
    loop {
        if wait_for_input(connection, stdout, stop)? {
            return Ok(true);
        }
        let length = if splices {
            match splice(
                connection,
                None,
                stdout,
                None,
                CHUNK_BYTES,
                // A full pipe is waited for where a signal is heard.
                SpliceFlags::MOVE | SpliceFlags::NONBLOCK,
            ) {
                Ok(length) => length,
                Err(Errno::AGAIN) => {
                    stop.wait(stdout, PollFlags::OUT, None)?;
                    continue;
                }
                Err(Errno::INVAL) => {
                    splices = false;
                    buffer.resize(CHUNK_BYTES, 0);
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(Errno::PIPE) => return Err(Error::failure(OutputClosed)),
                Err(number) => {
                    return Err(failure(
                        &format!("receive from {}", whom(connection)),
                        number,
                    ));
                }
            }
        } else {
            let length = connection.receive(&mut buffer).map_err(refused)?;
            screen.write(&buffer[..length], Some(stop))?;
            length
        };
        if length == 0 {
            screen.end(Some(stop))?;
            return Ok(false);
        }
    }
}

fn whom(connection: &Connection) -> String {
    if connection.peer().is_unnamed() {
        "the client".into()
    } else {
        connection.peer().to_string()
    }
}

fn failure(operation: &str, number: Errno) -> Error {
    Error::failure(error_with(operation, number))
}

/// Whether a signal came before input did. A reader of our output that leaves is noticed too.
fn wait_for_input(
    connection: &Connection,
    stdout: BorrowedFd<'_>,
    stop: &Stop,
) -> Result<bool, Error> {
    loop {
        let mut watched = [
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(connection, PollFlags::IN),
            PollFd::from_borrowed_fd(stdout, PollFlags::empty()),
        ];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            Err(number) => return Err(failure("wait", number)),
            Ok(_) => {}
        }
        if stop.exit().is_some() {
            return Ok(true);
        }
        if watched[1].revents().is_empty() && watched[2].revents().contains(PollFlags::ERR) {
            return Err(output(io::ErrorKind::BrokenPipe.into()));
        }
        if !watched[1].revents().is_empty() {
            return Ok(false);
        }
    }
}

fn file_type(fd: BorrowedFd<'_>) -> Option<FileType> {
    rustix::fs::fstat(fd)
        .ok()
        .map(|stat| FileType::from_raw_mode(stat.st_mode))
}

/// A pipe of the default size holds a quarter of what one call can move.
fn enlarge(fd: BorrowedFd<'_>) {
    if file_type(fd) == Some(FileType::Fifo) {
        let _ = rustix::pipe::fcntl_setpipe_size(fd, CHUNK_BYTES);
    }
}
