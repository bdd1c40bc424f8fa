//! `unix:/run/app.sock`

use std::time::Duration;

use sockeye_address::UnixAddress;
use sockeye_socket::{Connection, Credentials, Life};

use super::{Error, Reached};
use crate::end::socket::Speech;

/// For whom a connection is made, who is shown to the target.
#[derive(Debug, Clone)]
pub(crate) struct OnBehalf {
    pub(crate) who: Credentials,
    pub(crate) groups: Vec<u32>,
}

/// The kernel answers at once unless the queue of the listener is full; for room in it, only a thread of its own waits:
/// here, all that wait would hold up the clients of other targets.
const AT_ONCE: Duration = Duration::ZERO;

pub(super) async fn connect(
    address: &UnixAddress,
    patience: Duration,
    behalf: Option<&OnBehalf>,
) -> Result<Reached, Error> {
    let connection = match behalf {
        Some(behalf) => in_a_thread(address, patience, Some(behalf.clone())).await?,
        None => {
            match Connection::connect_within(&address.name, address.kind, AT_ONCE, &Life::default())
            {
                Err(sockeye_socket::Error::TimedOut { .. }) => {
                    in_a_thread(address, patience, None).await?
                }
                answer => answer?,
            }
        }
    };
    let speech = Speech::of(connection.kind());
    Ok(Reached::socket(connection.into_fd(), speech))
}

async fn in_a_thread(
    address: &UnixAddress,
    patience: Duration,
    behalf: Option<OnBehalf>,
) -> Result<Connection, Error> {
    let (name, kind) = (address.name.clone(), address.kind);
    let connect = move || {
        let connect = || Connection::connect_within(&name, kind, patience, &Life::default());
        match behalf {
            None => Ok(connect()?),
            Some(OnBehalf { who, groups }) => Ok(sockeye_privilege::as_peer(
                who.uid, who.gid, &groups, connect,
            )??),
        }
    };
    match tokio::task::spawn_blocking(connect).await {
        Ok(answer) => answer,
        Err(cause) => std::panic::resume_unwind(cause.into_panic()),
    }
}
