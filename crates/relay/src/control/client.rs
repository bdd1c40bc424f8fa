//! Who asks.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;
use serde_json::Value;
use sockeye_address::{Kind, Name};
use sockeye_socket::{Connection, Life};

use super::answer::Answer;
use super::request::Request;
use super::{Error, VERSION, path};

/// A process that does not answer for so long is stopped, or something else.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A connection to a control socket. It blocks.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    path: Name,
    uid: u32,
    read: Vec<u8>,
    passed: VecDeque<OwnedFd>,
}

impl Client {
    /// Connects to the process that serves a control socket.
    ///
    /// # Errors
    /// [`Error::Nobody`] when none does, [`Error::Stranger`] when it is neither of this user nor of root (root itself
    /// believes everybody).
    pub fn connect(path: &Path) -> Result<Self, Error> {
        path::check_folder(path)?;
        let name = Name::Path(path.to_owned());
        let life = Life::default();
        let answer = Connection::connect_within(&name, Some(Kind::Stream), PATIENCE, &life);
        let connection = answer.map_err(|error| match error.io_kind() {
            Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => {
                Error::Nobody { path: name.clone() }
            }
            _ => error.into(),
        })?;
        let uid = connection.credentials()?.uid;
        let own = geteuid().as_raw();
        if ![own, 0].contains(&uid) && own != 0 {
            return Err(Error::Stranger { path: name, uid });
        }
        connection.set_receive_timeout(Some(PATIENCE))?;
        Ok(Client {
            connection,
            path: name,
            uid,
            read: Vec::new(),
            passed: VecDeque::new(),
        })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] when the relay answers with an error; [`Error::Silent`], [`Error::Closed`],
    /// [`Error::Garbled`] and [`Error::Version`] when it gives none that can be understood.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        // Whoever turns us away does not read, and says why. Whoever ends reads and says nothing.
        let sent = self.connection.send_all(&request.line());
        let is_gone =
            |error: &sockeye_socket::Error| error.io_kind() == Some(std::io::ErrorKind::BrokenPipe);
        if let Err(error) = sent
            && !is_gone(&error)
        {
            return Err(error.into());
        }
        let line = self.read_line()?;
        self.understand(&line)
    }

    /// The user that serves the socket.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    /// Takes a descriptor that came with an answer.
    pub(super) fn take_passed(&mut self) -> Option<OwnedFd> {
        self.passed.pop_front()
    }

    pub(super) fn garbled(&self, problem: &impl ToString) -> Error {
        Error::Garbled {
            path: self.path.clone(),
            problem: problem.to_string(),
        }
    }

    fn read_line(&mut self) -> Result<Vec<u8>, Error> {
        let path = || self.path.clone();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut searched = 0;
        loop {
            let end = self.read[searched..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let rest = self.read.split_off(searched + end + 1);
                return Ok(std::mem::replace(&mut self.read, rest));
            }
            searched = self.read.len();
            let message = match self.connection.receive_message(&mut chunk) {
                Ok(message) if message.is_empty() => return Err(Error::Closed { path: path() }),
                Ok(message) => message,
                Err(error) if error.would_block() => {
                    let waited = PATIENCE;
                    return Err(Error::Silent {
                        path: path(),
                        waited,
                    });
                }
                Err(error) if error.io_kind() == Some(std::io::ErrorKind::ConnectionReset) => {
                    return Err(Error::Closed { path: path() });
                }
                Err(error) => return Err(error.into()),
            };
            self.read.extend_from_slice(&chunk[..message.length_bytes]);
            self.passed.extend(message.descriptors);
        }
    }

    fn understand(&self, line: &[u8]) -> Result<Answer, Error> {
        let mut document: Value = serde_json::from_slice(line).map_err(|e| self.garbled(&e))?;
        match document["version"].as_u64() {
            Some(VERSION) => {}
            Some(theirs) => {
                let path = self.path.clone();
                return Err(Error::Version { path, theirs });
            }
            None => return Err(self.garbled(&"it has no version")),
        }
        if let Some(reason) = document["error"].as_str() {
            let reason = reason.to_owned();
            return Err(Error::Refused { reason });
        }
        serde_json::from_value(document["ok"].take()).map_err(|e| self.garbled(&e))
    }
}
