//! The processes at the far end of a relay: a sink and an echo.
//!
//! Each gets its listening socket as standard input, so that it listens before it runs, and ends with the
//! program that started it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use clap::Subcommand;
use rustix::net::{SocketFlags, accept_with};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::super::myself;
use super::super::stream::{BLOCK, Blocks};
use super::echo;
use super::place::{Place, SILENCE};
use crate::Outcome;

/// What the far end does with its connections.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum End {
    /// Take in one connection after the other and print how much came in how many nanoseconds
    Sink,
    /// The same, comparing every byte
    VerifyingSink,
    /// Send back what comes, on any number of connections at once
    Echo,
}

/// Does the work of one such process.
pub(crate) fn run(end: End) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let listener = std::io::stdin();
    match end {
        End::Sink => sink(&listener, drain),
        End::VerifyingSink => sink(&listener, verify),
        End::Echo => echo::serve(&listener),
    }
}

/// What came on one connection.
struct Arrival {
    bytes: u64,
    /// From the first to the last of them.
    time: Duration,
}

fn sink(listener: impl AsFd, take: impl Fn(File) -> Outcome<Arrival>) -> Outcome {
    loop {
        let client = accept_with(&listener, SocketFlags::CLOEXEC)?;
        let mut output = std::io::stdout().lock();
        match take(File::from(client)) {
            // Somebody asked whether the relay is up.
            Ok(arrival) if arrival.bytes == 0 => {}
            Ok(arrival) => writeln!(output, "{} {}", arrival.bytes, arrival.time.as_nanos())?,
            Err(failure) => writeln!(output, "{failure}")?,
        }
        output.flush()?;
    }
}

fn drain(mut client: File) -> Outcome<Arrival> {
    let mut buffer = vec![0; BLOCK];
    let mut bytes = client.read(&mut buffer)? as u64;
    let first = Instant::now();
    let mut last = first;
    loop {
        match client.read(&mut buffer)? {
            0 => break,
            count => bytes += count as u64,
        }
        last = Instant::now();
    }
    Ok(Arrival {
        bytes,
        time: last - first,
    })
}

fn verify(client: File) -> Outcome<Arrival> {
    let start = Instant::now();
    let received = Blocks::new().verify(client)?;
    Ok(Arrival {
        bytes: received.bytes,
        time: received.last - start,
    })
}

/// A far end that runs, and ends when it is forgotten.
pub(super) struct Server {
    child: Child,
    pub(super) place: Place,
    reports: Receiver<String>,
}

impl Server {
    pub(super) fn start(end: End, place: &Place) -> Outcome<Self> {
        let (listener, place) = place.listen()?;
        let word = match end {
            End::Sink => "sink",
            End::VerifyingSink => "verifying-sink",
            End::Echo => "echo",
        };
        let mut command = myself();
        command.args(["relay-end", word]).stdin(listener);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| format!("start the {word}: {cause}"))?;
        let output = child.stdout.take().ok_or("start a server: no output")?;
        Ok(Self {
            child,
            place,
            reports: read_lines(output),
        })
    }

    /// How fast the last connection was, in MiB/s; fails when not all that was sent has come.
    pub(super) fn speed(&self, sent: u64) -> Result<f64, String> {
        let line = self.reports.recv_timeout(SILENCE);
        let line = line.map_err(|_| format!("nothing came to its end within {SILENCE:?}"))?;
        let mut numbers = line.split(' ').map(str::parse::<u64>);
        let (Some(Ok(bytes)), Some(Ok(nanoseconds))) = (numbers.next(), numbers.next()) else {
            return Err(line);
        };
        if bytes != sent {
            return Err(format!("{bytes} of {sent} bytes arrived"));
        }
        #[expect(clippy::cast_precision_loss, reason = "a speed has three figures")]
        let mib = bytes as f64 / BLOCK as f64;
        Ok(mib / Duration::from_nanos(nanoseconds).as_secs_f64())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines read aside, so that waiting for one can have a limit.
fn read_lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// One byte there and back.
pub(super) fn exchange_a_byte(connection: &OwnedFd) -> std::io::Result<()> {
    let mut byte = [0];
    if rustix::io::write(connection, b"?")? == 1 && rustix::io::read(connection, &mut byte)? == 1 {
        return Ok(());
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}
