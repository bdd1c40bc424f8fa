//! The sockets that the service manager has handed to this process, each to be taken once.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use sockeye_socket::activation::{self, Inherited};

static SOCKETS: Mutex<Vec<Inherited>> = Mutex::new(Vec::new());

/// Takes the socket of a name; `None` when there is none, or none left.
pub(crate) fn take(name: &str) -> Result<Option<OwnedFd>, sockeye_socket::Error> {
    let mut sockets = SOCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    // All of them come with the first call, and none with later ones.
    sockets.extend(activation::take()?);
    let place = sockets.iter().position(|socket| socket.name == name);
    Ok(place.map(|place| sockets.swap_remove(place).fd))
}
