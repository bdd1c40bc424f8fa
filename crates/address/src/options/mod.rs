//! What may follow a prefixed address: `,mode=660,user=app`.

use std::fmt;
use std::time::Duration;

pub mod duration; // 500ms, 2s, 1m
mod mode; // 660
mod read; // the options of one address, as typed
pub(crate) mod socat; // what socat calls the same
mod table; // one declaration per option
mod tls; // certificates and names

use crate::escape;
pub use mode::Mode;
pub(crate) use read::{Said, Takes};
pub use table::OPTION_NAMES;
pub use tls::TlsOptions;

/// Options of an address. Each has one meaning everywhere; a kind of address that has no use for one does not take
/// it, and a verb that cannot honour one says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Permission bits of the socket file that is made.
    pub mode: Option<Mode>,
    /// Owner of the socket file that is made: a name or a number.
    pub user: Option<String>,
    /// Group of the socket file that is made: a name or a number.
    pub group: Option<String>,
    /// How many clients may wait to be accepted.
    pub backlog: Option<u32>,
    /// How many clients are served at once; never 0.
    pub max_clients: Option<u32>,
    /// How often a failed connect is tried again.
    pub retry: Option<u32>,
    /// How long to wait before it is tried again.
    pub interval: Option<Duration>,
    /// How long one attempt to connect may take; never zero.
    pub connect_timeout: Option<Duration>,
    /// Certificates and names.
    pub tls: TlsOptions,
}

impl Options {
    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        *self == Options::default()
    }

    /// The names of those that were given.
    ///
    /// ```
    /// # use sockeye_address::Address;
    /// let Address::Tcp(tcp) = "tcp:localhost:80,retry=3,backlog=9".parse()? else { unreachable!() };
    /// assert_eq!(tcp.options.given().collect::<Vec<_>>(), ["backlog", "retry"]);
    /// # Ok::<(), sockeye_address::ParseError>(())
    /// ```
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = table::OPTIONS
            .iter()
            .filter(|option| !(option.shown)(self).is_empty());
        given.map(|option| option.name)
    }
}

impl fmt::Display for Options {
    /// As they follow an address, each behind its comma.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for option in table::OPTIONS {
            for value in (option.shown)(self) {
                write!(f, ",{}={}", option.name, escape::escape(&value, ","))?;
            }
        }
        Ok(())
    }
}
