//! Errors as a person reads them: `operation object: cause`, then the remedy.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::Exit;

/// What went wrong, how the program ends for it, and what may help.
#[derive(Debug)]
pub(crate) struct Error {
    exit: Exit,
    source: Box<dyn StdError + Send + Sync>,
    remedy: Option<String>,
}

impl Error {
    /// The operation failed (exit status 3).
    pub(crate) fn failure(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            exit: Exit::Failure,
            source: source.into(),
            remedy: None,
        }
    }

    /// The command line asks for something that cannot be (exit status 2).
    pub(crate) fn usage(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            exit: Exit::Usage,
            source: source.into(),
            remedy: None,
        }
    }

    /// Time ran out (exit status 4).
    pub(crate) fn timed_out(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            exit: Exit::TimedOut,
            source: source.into(),
            remedy: None,
        }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says where it was written what cannot be: `FILE line 3: …`.
    #[must_use]
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        let source = At {
            place: place.to_string(),
            source: self.source,
        };
        Error {
            source: Box::new(source),
            ..self
        }
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        if self.is_broken_pipe() {
            Exit::Success
        } else {
            self.exit
        }
    }

    /// Whether the reader of our output left, which is its right: `sockeye ls | head` succeeds in silence.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(self.source.as_ref());
        while let Some(error) = cause {
            if error.downcast_ref::<OutputClosed>().is_some() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  {remedy}")?;
        }
        Ok(())
    }
}

/// An error, and where it was written what cannot be.
#[derive(Debug, thiserror::Error)]
#[error("read {place}")]
struct At {
    place: String,
    source: Box<dyn StdError + Send + Sync>,
}

/// Standard output was closed by whoever read it.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(crate) struct OutputClosed;

/// Turns a failed write to standard output into an error; a reader that left is told apart from a full disk.
pub(crate) fn output(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Error::failure(OutputClosed)
    } else {
        Error::failure(error_with("write standard output", error))
    }
}

/// An I/O error with the operation it happened in.
#[derive(Debug, thiserror::Error)]
#[error("{operation}")]
pub(crate) struct During {
    operation: String,
    source: io::Error,
}

/// Says what was being done when `source` happened.
pub(crate) fn error_with(operation: impl Into<String>, source: impl Into<io::Error>) -> During {
    During {
        operation: operation.into(),
        source: source.into(),
    }
}
