//! Errors of sockets, with what the user can do about them.

use std::io::ErrorKind;

use sockeye_address::escape::shell_word;
use sockeye_address::{Name, UnixAddress};
use sockeye_socket::Error as SocketError;

use crate::error::Error;

/// Turns an error of a socket into one that ends the program.
pub(crate) fn refused(error: SocketError) -> Error {
    let remedy = remedy(&error);
    let error = if error.would_block() {
        Error::timed_out(error)
    } else {
        Error::failure(error)
    };
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

/// [`refused`] for a connect to `address`: what `doctor` is to be asked has the kind that was tried.
pub(crate) fn not_connected(address: &UnixAddress) -> impl Fn(SocketError) -> Error {
    |error| match error.io_kind() {
        Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::PermissionDenied) => {
            let asked = address.to_string();
            refused(error).remedy(format!("`sockeye doctor {}` says why", shell_word(&asked)))
        }
        _ => refused(error),
    }
}

fn show(name: &Name) -> String {
    format!(
        "`sockeye show {}` says who it is",
        shell_word(&name.to_string())
    )
}

fn remedy(error: &SocketError) -> Option<String> {
    match error {
        SocketError::InUse { name } if name.as_path().is_some() => {
            Some(format!("{}; --force takes the address over", show(name)))
        }
        SocketError::InUse { name } => Some(show(name)),
        SocketError::NotASocket { .. } => {
            Some("choose another path, or remove the file yourself".into())
        }
        SocketError::OfOtherUser { .. } => Some(
            "nobody is behind it, but only its owner should remove it; --force does it anyway"
                .into(),
        ),
        SocketError::Unproven { .. } => Some("if nobody is behind it, --force replaces it".into()),
        SocketError::WrongKind { .. } => Some("leave the kind out and it is found out".into()),
        SocketError::Call { source, .. }
            if source.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) =>
        {
            Some("a message must fit into the send buffer: see net.core.wmem_max".into())
        }
        _ => None,
    }
}
