//! What the kernel knows of whoever connected.

use std::io;
use std::path::PathBuf;

use sockeye_address::escape::escape;
use sockeye_socket::Connection;

use super::{Needs, executable};

/// The process at the other end of a connection, as far as rules ask.
///
/// User and groups are those of the moment of the connect, and whose they were stays true whoever holds the
/// descriptor later. The executable is that of the moment of [`of`](Self::of).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its number; `None` when it lives in a pid namespace that cannot be seen from here.
    pub pid: Option<u32>,
    /// Its effective user; the overflow number (mostly 65534) for one that this user namespace has no number for.
    pub uid: u32,
    /// Its effective group; the overflow number likewise.
    pub gid: u32,
    /// Its supplementary groups. The effective one is often, but need not be, among them.
    pub groups: Result<Vec<u32>, Unknown>,
    /// The file of the program that it runs.
    pub executable: Result<PathBuf, Unknown>,
}

/// Why something is not known of a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// No rule asked for it.
    #[error("it was not asked for")]
    NotAsked,
    /// The credentials that come with a datagram are process, user and group only.
    #[error("a datagram does not tell")]
    Datagram,
    /// The kernel gave no pidfd: it is older than Linux 6.5, or the process was gone.
    #[error("the kernel has no handle on its process: it has ended, or Linux is older than 6.5")]
    NoHandle,
    /// The process ended while it was looked at, or before.
    #[error("its process has ended")]
    Ended,
    /// The process has no number here.
    #[error("its process is in a pid namespace that cannot be seen from here")]
    OtherPidNamespace,
    /// The kernel refused.
    #[error("its executable cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// The file was removed or replaced since the process started it, or is memory only.
    #[error("its executable is no longer at {}", escape(.0, ""))]
    Removed(Vec<u8>),
    /// The path means another file to the peer than to the relay.
    #[error("its executable {} is another file than the one of that name here", escape(.0, ""))]
    OtherFile(Vec<u8>),
}

impl Peer {
    /// Finds out who is at the other end of a connection; of the costlier facts, those that are needed.
    ///
    /// An executable is believed only while the pidfd of the connection (`SO_PEERPIDFD`) shows that the process has
    /// not ended, so the number of an ended process, given to another, deceives nobody; and, if a rule is about its
    /// path, only if that path leads to the same file here, so a mount namespace in which somebody put their own
    /// program there deceives nobody either. It says what the process runs now: a process may connect, leave the
    /// connection to a child, and then execute the program that is allowed. Rules about executables tell programs
    /// apart; they do not stop somebody who can run any program as the same user.
    ///
    /// # Errors
    /// The kernel does not tell user or groups. Nobody should be admitted then.
    ///
    /// # Examples
    /// ```
    /// use sockeye_relay::access::{Needs, Peer};
    /// use sockeye_socket::{Connection, Kind, Life};
    /// let (near, _far) = Connection::pair(Kind::Stream, &Life::default())?;
    /// let peer = Peer::of(&near, &Needs { groups: true, ..Needs::default() })?;
    /// assert_eq!(peer.pid, Some(std::process::id()));
    /// assert!(peer.groups.is_ok());
    /// # Ok::<(), sockeye_socket::Error>(())
    /// ```
    ///
    /// # Privileges
    /// None for user and groups. The executable of processes of other users, and of those that are not dumpable,
    /// needs `CAP_SYS_PTRACE` (`proc_pid_exe(5)`).
    ///
    /// # Minimum kernel
    /// Linux 4.13 for groups, 6.5 for the executable (`unix(7)`).
    pub fn of(connection: &Connection, needs: &Needs) -> Result<Self, sockeye_socket::Error> {
        let credentials = connection.credentials()?;
        let groups = if needs.groups {
            Ok(connection.peer_groups()?)
        } else {
            Err(Unknown::NotAsked)
        };
        let executable = if needs.executables.is_empty() {
            Err(Unknown::NotAsked)
        } else {
            executable::of_peer(connection, credentials.pid, &needs.executables)
        };
        Ok(Peer {
            pid: credentials.pid,
            uid: credentials.uid,
            gid: credentials.gid,
            groups,
            executable,
        })
    }

    /// The sender of a datagram, from the credentials that came with it (`SCM_CREDENTIALS`). These hold neither
    /// supplementary groups nor a handle on the process, and what could be looked up by its number might be another's:
    /// so a rule about a group can only match the first one, and one about an executable never; deny rules of these
    /// kinds refuse every sender of whom the answer is not known.
    pub fn from_credentials(pid: Option<u32>, uid: u32, gid: u32) -> Self {
        Peer {
            pid,
            uid,
            gid,
            groups: Err(Unknown::Datagram),
            executable: Err(Unknown::Datagram),
        }
    }
}
