//! `-`: standard input and output as one end of a connection.
//!
//! They may be files, pipes, terminals or sockets, and they are shared with other processes, so they are never made
//! non-blocking: two threads move bytes between them and a pair of sockets, whose other end is the relay's.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::stdio;
use sockeye_address::Kind;
use sockeye_socket::{Connection, Life};
use tokio::sync::oneshot;

const PIECE_BYTES: usize = 64 * 1024;

/// Standard input and output while they are an end.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::fs::File;
/// use std::io::{Read as _, Write as _};
/// use sockeye_relay::stdio::Stdio;
///
/// let (input, mut typed) = std::io::pipe()?;
/// let (mut shown, output) = std::io::pipe()?;
/// let (end, stdio) = Stdio::between(input.into(), output.into())?;
/// let mut end = File::from(end);
/// typed.write_all(b"question")?;
/// drop(typed);
/// let mut text = String::new();
/// end.read_to_string(&mut text)?;
/// assert_eq!(text, "question");
/// end.write_all(b"answer")?;
/// drop(end);
/// assert_eq!(stdio.written().await?, 6);
/// text.clear();
/// shown.read_to_string(&mut text)?;
/// assert_eq!(text, "answer");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stdio {
    written: oneshot::Receiver<io::Result<u64>>,
}

/// Whose descriptors they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Standard input and output of this process: when an end is done it is replaced by `/dev/null`, for whoever is at
    /// the other side of a pipe sees its end only when nobody has it open.
    Process,
    Caller,
}

impl Stdio {
    /// Takes standard input and output of this process, for good. The answer is the end that the relay uses, a stream
    /// socket over which no descriptors can be passed. To be called once.
    ///
    /// # Errors
    /// No descriptor or thread is left, or standard input or output is closed.
    pub fn of_process() -> io::Result<(OwnedFd, Self)> {
        let input = stdio::stdin().try_clone_to_owned()?;
        let output = stdio::stdout().try_clone_to_owned()?;
        Stdio::open(input, output, Owner::Process)
    }

    /// The same with any two descriptors; they need not be two files.
    ///
    /// # Errors
    /// No descriptor or thread is left.
    pub fn between(input: OwnedFd, output: OwnedFd) -> io::Result<(OwnedFd, Self)> {
        Stdio::open(input, output, Owner::Caller)
    }

    fn open(input: OwnedFd, output: OwnedFd, owner: Owner) -> io::Result<(OwnedFd, Self)> {
        let (near, far) = Connection::pair(Kind::Stream, &Life::default())?;
        let near = near.into_fd();
        let again = near.try_clone()?;
        let (tell, written) = oneshot::channel();
        thread::Builder::new()
            .name("relay-stdin".into())
            .spawn(move || read_all(&input, &again, owner))?;
        thread::Builder::new()
            .name("relay-stdout".into())
            .spawn(move || {
                let _ = tell.send(write_all(output, &near, owner));
            })?;
        Ok((far.into_fd(), Stdio { written }))
    }

    /// Waits until everything that the relay has sent is written to standard output, or cannot be; how many bytes it
    /// was. That is after the relay has ended or closed its end: to be waited for before the process exits.
    ///
    /// # Errors
    /// What the kernel said to the write; [`io::ErrorKind::BrokenPipe`] when the reader of standard output has gone.
    pub async fn written(self) -> io::Result<u64> {
        self.written
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
    }
}

/// Moves everything from standard input to the relay, until either ends.
fn read_all(input: &OwnedFd, near: &OwnedFd, owner: Owner) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(true) = wait_for_input(input, near) {
        match rustix::io::read(input, &mut piece) {
            Ok(0) => break,
            Ok(length) => {
                let piece = piece.get(..length).unwrap_or_default();
                if send_all(near, piece).is_err() {
                    break;
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A terminal whose other side is closed says EIO: that is its end.
            Err(_) => break,
        }
    }
    let _ = shutdown(near, Shutdown::Write);
    if owner == Owner::Process {
        let _ = null().and_then(|null| Ok(stdio::dup2_stdin(null)?));
    }
}

/// Waits until something can be read; `false` when the relay has closed its end.
fn wait_for_input(input: &OwnedFd, near: &OwnedFd) -> io::Result<bool> {
    let mut watched = [
        PollFd::new(input, PollFlags::IN),
        PollFd::new(near, PollFlags::empty()),
    ];
    loop {
        match poll(&mut watched, None) {
            Err(Errno::INTR) => {}
            answer => {
                answer?;
                let [_, near] = &watched;
                return Ok(near.revents().is_empty());
            }
        }
    }
}

fn send_all(near: &OwnedFd, mut piece: &[u8]) -> Result<(), Errno> {
    while !piece.is_empty() {
        match rustix::net::send(near, piece, rustix::net::SendFlags::NOSIGNAL) {
            Ok(sent) => piece = piece.get(sent..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Moves everything from the relay to standard output.
fn write_all(output: OwnedFd, near: &OwnedFd, owner: Owner) -> io::Result<u64> {
    let mut output = File::from(output);
    let result = copy(near, &mut output);
    if result.is_err() {
        // The relay's sends fail from now on, as those of anybody who writes to standard output.
        let _ = shutdown(near, Shutdown::Read);
    }
    // It fails for what is no socket. Of one that is standard input, too, the other direction goes on.
    let _ = shutdown(&output, Shutdown::Write);
    if owner == Owner::Process {
        let _ = null().and_then(|null| Ok(stdio::dup2_stdout(null)?));
    }
    result
}

fn copy(near: &OwnedFd, output: &mut File) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut moved_bytes = 0;
    loop {
        match rustix::io::read(near, &mut piece) {
            // A relay that closes with something unread resets the pair, when all it has sent was read.
            Ok(0) | Err(Errno::CONNRESET) => return Ok(moved_bytes),
            Ok(length) => {
                write_piece(output, piece.get(..length).unwrap_or_default())?;
                moved_bytes += length as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn write_piece(output: &mut File, mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        match output.write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => piece = piece.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Somebody who shares it has made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_for_room(output.as_fd())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for_room(output: BorrowedFd<'_>) -> io::Result<()> {
    let mut watched = [PollFd::from_borrowed_fd(output, PollFlags::OUT)];
    loop {
        match poll(&mut watched, None) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer.map(drop)?),
        }
    }
}

fn null() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}
