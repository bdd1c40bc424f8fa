//! Errors of relays, with what the user can do about them.

use sockeye_relay::{ListenError, control, metrics};

use crate::error::Error;
use crate::verbs::talk::refusal::refused;

/// Turns what keeps a relay from running into an error that ends the program.
pub(super) fn cannot_run(error: sockeye_relay::Error) -> Error {
    match error {
        sockeye_relay::Error::Listen(ListenError::Unix(error)) => {
            let is_in_use = matches!(error, sockeye_socket::Error::InUse { .. });
            let refused = refused(error);
            if is_in_use {
                refused.remedy(
                    "`sockeye show ADDRESS` says who it is; --takeover takes it over from a relay, --force from anybody",
                )
            } else {
                refused
            }
        }
        error => Error::failure(error),
    }
}

/// The same for the control socket.
pub(super) fn cannot_control(error: control::Error) -> Error {
    match error {
        control::Error::Name { .. } => {
            Error::usage(error).remedy("choose a name that ends in .ctl")
        }
        control::Error::Held { .. } => {
            Error::failure(error).remedy("give --control another path, or end that process")
        }
        error => Error::failure(error),
    }
}

/// The same for the figures.
pub(super) fn cannot_serve_metrics(error: metrics::Error) -> Error {
    match error {
        metrics::Error::Unix(error) => refused(error),
        error => Error::failure(error),
    }
}
