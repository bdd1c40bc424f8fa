//! One process after another: the listening socket stays open all the time, so no client is refused.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sockeye_address::{Address, Name, escape};
use sockeye_socket::{Custody, FileIdentity};

use super::answer::{Answer, FileDocument};
use super::request::Request;
use super::{Client, Error, path};
use crate::handle::HandedOver;

/// A listening socket that another process had.
#[derive(Debug)]
pub struct Adopted {
    /// The socket, with whoever waits in its queue; bound, where it is one for datagrams.
    pub fd: OwnedFd,
    /// Its file, from the root; `None` where it has none, or where the service manager keeps it.
    pub path: Option<PathBuf>,
    /// Which file that is.
    pub identity: Option<FileIdentity>,
}

impl Adopted {
    /// Who removes the file: what [`Listener::adopt`](sockeye_socket::Listener::adopt) must know.
    pub fn custody(&self) -> Custody {
        match &self.path {
            None => Custody::Theirs,
            Some(path) => Custody::OursAt {
                path: path.clone(),
                identity: self.identity,
            },
        }
    }
}

/// Asks the process that serves the control socket `path` for the socket on which it listens at `listen`. It accepts no
/// more from then on, leaves the file where it is, and ends when its clients have. Clients that come meanwhile wait in
/// the queue of the socket. [`Server::open`](super::Server::open) takes its control socket over, once it has given all
/// its relays away.
///
/// `None` when nobody is there any more, or when it has no such socket to give: then the address is to be bound anew. This waits
/// for that process, for some seconds at most.
///
/// # Errors
/// [`Error::Stranger`] when it is neither of this user nor of root; otherwise as [`Client::ask`].
///
/// # Examples
/// ```
/// use sockeye_relay::control;
///
/// let folder = tempfile::tempdir()?;
/// let listen = folder.path().join("app.sock").display().to_string().parse()?;
/// let nobody = control::take_over(&folder.path().join("app.ctl"), &listen)?;
/// assert!(nobody.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn take_over(path: &Path, listen: &Address) -> Result<Option<Adopted>, Error> {
    let mut client = match Client::connect(path) {
        Err(Error::Nobody { .. }) => return Ok(None),
        answer => answer?,
    };
    // Even root asks anybody, but does not serve on a socket that anybody made.
    if ![geteuid().as_raw(), 0].contains(&client.uid()) {
        let (path, uid) = (Name::Path(path.to_owned()), client.uid());
        return Err(Error::Stranger { path, uid });
    }
    let listen = path::key(listen);
    let file = match client.ask(&Request::HandOver { listen }) {
        Ok(Answer::HandOver { passed: true, file }) => file,
        // The second is a process that was just ending.
        Ok(Answer::HandOver { passed: false, .. }) | Err(Error::Closed { .. }) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => return Err(client.garbled(&"it answers another question")),
    };
    let Some(fd) = client.take_passed() else {
        return Err(client.garbled(&"the socket did not come with it"));
    };
    let (path, identity) = match file.as_ref().map(place_of).transpose() {
        Ok(place) => place.unzip(),
        Err(error) => return Err(client.garbled(&error)),
    };
    Ok(Some(Adopted { fd, path, identity }))
}

impl From<Adopted> for HandedOver {
    /// What [`Relay::adopt`](crate::Relay::adopt) goes on with.
    fn from(adopted: Adopted) -> Self {
        HandedOver {
            fd: adopted.fd,
            file: adopted.identity,
        }
    }
}

fn place_of(file: &FileDocument) -> Result<(PathBuf, FileIdentity), escape::BadEscape> {
    let path = OsString::from_vec(escape::unescape(&file.path)?);
    let identity = FileIdentity {
        device: file.device,
        inode: file.inode,
    };
    Ok((path.into(), identity))
}
