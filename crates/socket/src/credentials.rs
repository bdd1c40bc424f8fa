//! Who is at the other end.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use crate::life::{DescriptorNumber, SystemCall};
use crate::{Connection, Error, sys};

/// The process that called `connect` or `listen`, as it was at that moment (`SO_PEERCRED`, `unix(7)`). Whoever holds
/// the descriptor now may be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// Its number; `None` when it lives in a pid namespace that cannot be seen from here.
    pub pid: Option<u32>,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

impl Connection {
    /// Who is at the other end.
    ///
    /// # Examples
    /// ```
    /// use sockeye_socket::{Connection, Kind, Life};
    /// let (near, _far) = Connection::pair(Kind::Seqpacket, &Life::default())?;
    /// assert_eq!(near.credentials()?.pid, Some(std::process::id()));
    /// # Ok::<(), sockeye_socket::Error>(())
    /// ```
    pub fn credentials(&self) -> Result<Credentials, Error> {
        let answer = sys::peer_credentials(self.as_fd());
        let credentials = answer.map(|(pid, uid, gid)| Credentials {
            pid: u32::try_from(pid).ok().filter(|pid| *pid > 0),
            uid,
            gid,
        });
        self.life().tell(
            || SystemCall::PeerCredentials {
                fd: DescriptorNumber::of(self),
                credentials: credentials.as_ref().ok(),
            },
            credentials.map(|_| 0),
        );
        credentials.map_err(|number| self.error("ask for the credentials of", number))
    }

    /// The supplementary groups of the process at the other end.
    ///
    /// # Minimum kernel
    /// Linux 4.13 (`SO_PEERGROUPS`, `unix(7)`).
    pub fn peer_groups(&self) -> Result<Vec<u32>, Error> {
        sys::peer_groups(self.as_fd()).map_err(|number| self.error("ask for the groups of", number))
    }

    /// A handle on the process at the other end that no later process can be mistaken for; `None` where the kernel
    /// has none to give.
    ///
    /// # Minimum kernel
    /// Linux 6.5 (`SO_PEERPIDFD`); older ones answer `None`.
    pub fn peer_pidfd(&self) -> Result<Option<OwnedFd>, Error> {
        match sys::peer_pidfd(self.as_fd()) {
            Ok(pidfd) => Ok(Some(pidfd)),
            // No such option; no peer; a peer that was reaped.
            Err(Errno::NOPROTOOPT | Errno::NODATA | Errno::SRCH | Errno::INVAL) => Ok(None),
            Err(number) => Err(self.error("ask for the process of", number)),
        }
    }

    /// The security label of the peer, without its closing NUL; `None` where no security module labels sockets.
    pub fn peer_security_label(&self) -> Result<Option<Vec<u8>>, Error> {
        match sys::peer_security_label(self.as_fd()) {
            Ok(label) => Ok(Some(label)),
            Err(Errno::NOPROTOOPT | Errno::OPNOTSUPP) => Ok(None),
            Err(number) => Err(self.error("ask for the label of", number)),
        }
    }
}
