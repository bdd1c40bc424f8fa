//! Word for the service manager, sent by a thread of its own: its queue may be full.

use std::sync::mpsc::{Sender, channel};

use sockeye_socket::{Notifier, State};

use crate::error::Error;

/// What is told.
#[derive(Debug, Clone)]
pub(super) enum Word {
    /// All relays can be connected to; this process is the service from now on, if it says so.
    Ready {
        status: String,
        is_main: bool,
    },
    Reloading,
    Stopping {
        status: String,
    },
}

/// The way to the service manager, if one waits for word.
#[derive(Debug)]
pub(super) struct Manager {
    words: Option<Sender<Word>>,
}

impl Manager {
    /// Looks whether somebody waits for word.
    ///
    /// # Errors
    /// `$NOTIFY_SOCKET` is no address, or no thread can be started.
    pub(super) fn find() -> Result<Self, Error> {
        let Some(notifier) = Notifier::from_environment().map_err(Error::failure)? else {
            return Ok(Manager { words: None });
        };
        let (words, heard) = channel();
        std::thread::Builder::new()
            .name("notify".into())
            .spawn(move || {
                for word in heard {
                    // The service goes on without.
                    let _ = tell(&notifier, &word);
                }
            })
            .map_err(|error| Error::failure(crate::error::error_with("start a thread", error)))?;
        Ok(Manager { words: Some(words) })
    }

    pub(super) fn tell(&self, word: Word) {
        if let Some(words) = &self.words {
            let _ = words.send(word);
        }
    }
}

fn tell(notifier: &Notifier, word: &Word) -> Result<(), sockeye_socket::Error> {
    match word {
        Word::Ready { status, is_main } => {
            let mut states = vec![State::Ready, State::Status(status)];
            if *is_main {
                states.push(State::MainProcess(std::process::id()));
            }
            notifier.tell(&states)
        }
        Word::Reloading => notifier.tell(&[State::Reloading]),
        Word::Stopping { status } => notifier.tell(&[State::Stopping, State::Status(status)]),
    }
}
