//! `fd:3`, `activation:name`: a connected socket that was handed over, for one client.

use std::sync::{Mutex, PoisonError};

use sockeye_address::Address;
use sockeye_socket::{Family, Nature};

use super::{Error, Reached};
use crate::end::socket::Speech;
use crate::listen;

/// Whether the client that there may be has been.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<bool>);

impl Once {
    /// Lets the one client pass.
    pub(super) fn spend(&self, address: &Address) -> Result<(), Error> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *spent, true) {
            return Err(Error::Spent(Box::new(address.clone())));
        }
        Ok(())
    }

    pub(super) fn take(&self, address: &Address) -> Result<Reached, Error> {
        self.spend(address)?;
        let unsuitable = || Error::Unsuitable(Box::new(address.clone()));
        let fd = match listen::inherited(address) {
            Ok(fd) => fd,
            Err(listen::Error::Unix(error)) => return Err(error.into()),
            Err(_) => return Err(unsuitable()),
        };
        let nature = Nature::of(&fd)?.ok_or_else(unsuitable)?;
        let speech = match (nature.family, nature.kind, nature.listening) {
            (Family::Unix, Some(kind), false) => Speech::of(kind),
            (_, Some(sockeye_address::Kind::Stream), false) => Speech::Bytes,
            (_, Some(sockeye_address::Kind::Datagram), false) => Speech::Datagrams,
            _ => return Err(unsuitable()),
        };
        Ok(Reached::socket(fd, speech))
    }
}
