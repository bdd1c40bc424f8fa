//! Signals that a relay understands.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::error::{Error, error_with};
use crate::verbs::talk::stop::is_ignored;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM, SIGINT: let clients finish; again: do not wait for them.
    Stop,
    /// SIGHUP: read certificates again.
    Reload,
}

/// Signals, in the order in which they arrive.
#[derive(Debug)]
pub(super) struct Requests {
    requests: UnboundedReceiver<Asked>,
    thread: Handle,
}

impl Requests {
    /// From now on those signals no longer end the process by themselves.
    pub(super) fn start() -> Result<Self, Error> {
        let failed = |error| Error::failure(error_with("listen for signals", error));
        let understood = [SIGTERM, SIGINT, SIGHUP];
        let understood = understood
            .into_iter()
            // Started by nohup, or in the background by a shell that has no jobs.
            .filter(|signal| *signal == SIGTERM || !is_ignored(*signal));
        let mut signals = Signals::new(understood).map_err(failed)?;
        let thread = signals.handle();
        let (sender, requests) = unbounded_channel();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    let asked = if signal == SIGHUP {
                        Asked::Reload
                    } else {
                        Asked::Stop
                    };
                    if sender.send(asked).is_err() {
                        return;
                    }
                }
            })
            .map_err(failed)?;
        Ok(Requests { requests, thread })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Asked {
        match self.requests.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.thread.close();
    }
}
