//! Messages from anybody, and whose they are.

use std::os::fd::AsFd as _;

use rustix::net::{RecvFlags, recv, sockopt};

use crate::message::{Message, retry, tell_received};
use crate::sys::{self, Told};
use crate::{Credentials, Datagram, Error};

/// What stands in place of a user or group that was not recorded, or that has no number in this user namespace
/// (`overflowuid`, `kernel/sys.c`).
const OVERFLOW_ID: u32 = 65534;

impl Datagram {
    /// Has the kernel record with each message from now on who sends it, for [`Self::receive_told`]. Nobody can
    /// pretend to be another without the privilege for it (`CAP_SETUID`, `CAP_SETGID`, `CAP_SYS_ADMIN` for the pid).
    pub fn ask_for_credentials(&self) -> Result<(), Error> {
        sockopt::set_socket_passcred(self, true)
            .map_err(|number| Error::call("set up", self.name(), number))
    }

    /// How long the next message is. It waits for one, unless the socket does not wait.
    pub fn next_length_bytes(&self) -> Result<usize, Error> {
        let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
        retry(|| recv(self, &mut [0_u8; 0][..], flags))
            .map(|(_, length_bytes)| length_bytes)
            .map_err(|number| Error::call("receive on", self.name(), number))
    }

    /// Receives one message from anybody, with who sent it: the process that called `send`, or whom it gave for
    /// itself where it may. `None` where the kernel does not know: the message was sent before
    /// [`Self::ask_for_credentials`], or its sender can be seen from here neither by number nor by user and group.
    ///
    /// # Examples
    /// ```
    /// use sockeye_socket::{BindOptions, Datagram, Life, Name};
    ///
    /// let inbox = Datagram::bind(&Name::Unnamed, &BindOptions::new())?;
    /// inbox.ask_for_credentials()?;
    /// Datagram::unbound(&Life::default())?.send_to(b"ping", inbox.name())?;
    /// assert_eq!(inbox.next_length_bytes()?, 4);
    /// let (message, sender) = inbox.receive_told(&mut [0; 8])?;
    /// assert_eq!(message.length_bytes, 4);
    /// assert_eq!(sender.and_then(|sender| sender.pid), Some(std::process::id()));
    /// # Ok::<(), sockeye_socket::Error>(())
    /// ```
    pub fn receive_told(&self, buffer: &mut [u8]) -> Result<(Message, Option<Credentials>), Error> {
        let mut credentials = None;
        let message = retry(|| sys::receive_told(self.descriptor().as_fd(), buffer)).map(|told| {
            let Told {
                full_length_bytes,
                control_was_cut,
                sender,
                credentials: recorded,
                descriptors,
            } = told;
            credentials = recorded.and_then(known);
            Message {
                length_bytes: full_length_bytes.min(buffer.len()),
                full_length_bytes,
                descriptors,
                descriptors_lost: control_was_cut,
                sender,
            }
        });
        tell_received(self.descriptor(), buffer, &message);
        message
            .map(|message| (message, credentials))
            .map_err(|number| Error::call("receive on", self.name(), number))
    }
}

fn known((pid, uid, gid): (i32, u32, u32)) -> Option<Credentials> {
    if (pid, uid, gid) == (0, OVERFLOW_ID, OVERFLOW_ID) {
        return None;
    }
    Some(Credentials {
        pid: u32::try_from(pid).ok().filter(|pid| *pid > 0),
        uid,
        gid,
    })
}
