//! Errors of sockets, with what the user can do about them.

use std::io::ErrorKind;

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

fn remedy(error: &SocketError) -> Option<String> {
    match error {
        SocketError::InUse { name } if name.as_path().is_some() => Some(format!(
            "`sockeye show {name}` says who it is; --force takes the address over"
        )),
        SocketError::InUse { name } => Some(format!("`sockeye show {name}` says who it is")),
        SocketError::NotASocket { .. } => {
            Some("choose another path, or remove the file yourself".into())
        }
        SocketError::OfOtherUser { .. } => Some(
            "nobody is behind it, but only its owner should remove it; --force does it anyway"
                .into(),
        ),
        SocketError::Unproven { .. } => Some("if nobody is behind it, --force replaces it".into()),
        SocketError::WrongKind { .. } => Some("leave the kind out and it is found out".into()),
        SocketError::Call {
            operation: "connect",
            object,
            source,
        } => match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::PermissionDenied => {
                Some(format!("`sockeye doctor {object}` says why"))
            }
            _ => None,
        },
        SocketError::Call { source, .. }
            if source.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) =>
        {
            Some("a message must fit into the send buffer: see net.core.wmem_max".into())
        }
        _ => None,
    }
}
