//! One sender: what it sends, and the way back to it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use sockeye_socket::Credentials;

use super::Message;
use super::queue::Queue;
use super::sender::{Key, Place, Unanswerable};
use super::socket::Outlet;
use super::table::Table;
use crate::event::Client;

/// A sender and what it sends. Dropping it ends it, with all that waits in it; a later message of the same sender is a
/// new session.
#[derive(Debug)]
pub(crate) struct Session {
    key: Key,
    client: Client,
    place: Result<Place, Unanswerable>,
    queue: Arc<Queue>,
    table: Arc<Table>,
    outlet: Arc<Outlet>,
}

impl Session {
    pub(super) fn new(
        key: Key,
        client: Client,
        queue: Arc<Queue>,
        table: Arc<Table>,
        outlet: Arc<Outlet>,
    ) -> Self {
        Session {
            key,
            place: Place::of(&client),
            client,
            queue,
            table,
            outlet,
        }
    }

    /// Who it is.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Who sent the first message; all others are of the same user and group. `None` on the network, and where the
    /// kernel does not know.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        match &self.client {
            Client::Unix { credentials, .. } => *credentials,
            _ => None,
        }
    }

    /// Whether it can be answered.
    #[cfg(test)]
    pub(crate) fn is_answerable(&self) -> bool {
        self.place.is_ok()
    }

    /// Waits for a message; `None` when no more will come because the inbox is gone. How long it may wait is its
    /// caller's business.
    ///
    /// # Cancel safety
    /// No message is lost.
    pub(crate) async fn receive(&self) -> Option<Message> {
        self.queue.take().await
    }

    /// Answers, waiting for room as long as it takes. To be called on a runtime, any.
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionRefused`] or [`NotFound`](io::ErrorKind::NotFound): a Unix sender has closed its
    /// socket. [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable): it has no name that could be answered. Of a
    /// sender on the network nobody says that it has gone. A message that is too long is an error (`EMSGSIZE`), and
    /// the next one may succeed. Descriptors can pass to Unix sockets only.
    ///
    /// # Cancel safety
    /// The message was sent by the poll that answers, or not at all.
    pub(crate) async fn send(&self, data: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
        match &self.place {
            Ok(place) => self.outlet.send(data, descriptors, place).await,
            Err(unanswerable) => Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                *unanswerable,
            )),
        }
    }

    /// Ends a session that was idle, unless a message has come at the last moment; answers whether it has ended. Nothing
    /// more comes then, and a later message of the same sender is a new session.
    pub(crate) fn retire(&self) -> bool {
        self.table.remove_if_empty(&self.key, &self.queue)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.table.remove(&self.key, &self.queue);
    }
}
