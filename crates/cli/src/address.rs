//! From a typed address to the socket that is meant.

use sockeye_address::escape;
use sockeye_address::well_known::Service;
use sockeye_address::{Address, Kind, UnixAddress};

use crate::error::Error;

/// `--stream`, `--dgram`, `--seqpacket`: the kind of a bare address.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct KindFlags {
    /// Stream socket: bytes in order, no message boundaries
    #[arg(long, group = "kind_flag", help_heading = "Kind")]
    pub stream: bool,
    /// Datagram socket: messages without a connection
    #[arg(long, group = "kind_flag", help_heading = "Kind")]
    pub dgram: bool,
    /// Seqpacket socket: messages over a connection
    #[arg(long, group = "kind_flag", help_heading = "Kind")]
    pub seqpacket: bool,
}

impl KindFlags {
    /// The kind that was said, if one was.
    pub(crate) fn kind(self) -> Option<Kind> {
        match (self.stream, self.dgram, self.seqpacket) {
            (true, _, _) => Some(Kind::Stream),
            (_, true, _) => Some(Kind::Datagram),
            (_, _, true) => Some(Kind::Seqpacket),
            _ => None,
        }
    }
}

/// Reads an address and finds the Unix socket it means: a well-known word becomes the first of its places that
/// exists, or its first place.
///
/// # Errors
/// An address that cannot be read, one of another family, an option that this verb cannot honour, or a kind that
/// contradicts the prefix.
pub(crate) fn unix_address(
    typed: &std::ffi::OsStr,
    flags: KindFlags,
    verb: &str,
) -> Result<UnixAddress, Error> {
    let unix =
        match Address::parse(typed).map_err(|error| Error::usage(error_for(typed, &error)))? {
            Address::Unix(unix) => unix,
            Address::WellKnown(service) => UnixAddress::new(place_of(service)?),
            _ => {
                use std::os::unix::ffi::OsStrExt as _;
                let shown = escape::escape(typed.as_bytes(), "");
                let problem = format!("{verb} {shown}: not a Unix socket");
                return Err(Error::usage(problem)
                    .remedy("this verb takes a path, @name or a well-known name"));
            }
        };
    check_options(&unix, verb)?;
    match (unix.kind, flags.kind()) {
        (Some(said), Some(flag)) if said != flag => Err(Error::usage(format!(
            "{verb} {unix}: the address says {said}, the flag {flag}"
        ))),
        (None, Some(flag)) => Ok(unix.with_kind(flag)),
        _ => Ok(unix),
    }
}

/// Reads an address of any kind; a well-known word becomes the Unix socket that it means here.
///
/// # Errors
/// An address that cannot be read, or a word for which no place is known.
pub(crate) fn any_address(typed: &std::ffi::OsStr) -> Result<Address, Error> {
    match Address::parse(typed).map_err(|error| Error::usage(error_for(typed, &error)))? {
        Address::WellKnown(service) => Ok(Address::Unix(UnixAddress::new(place_of(service)?))),
        address => Ok(address),
    }
}

/// Options of the socket file that is made, and the verbs that make one.
const BOUND_OPTIONS: [&str; 4] = ["mode", "user", "group", "backlog"];
const BINDING_VERBS: [&str; 2] = ["listen", "recv"];
/// The verbs that only look at a socket: they take an address as it was pasted from another command.
const LOOKING_VERBS: [&str; 1] = ["doctor"];

/// Refuses what this verb would otherwise ignore.
fn check_options(unix: &UnixAddress, verb: &str) -> Result<(), Error> {
    if LOOKING_VERBS.contains(&verb) {
        return Ok(());
    }
    let honoured = |option: &str| BINDING_VERBS.contains(&verb) && BOUND_OPTIONS.contains(&option);
    let Some(option) = unix.options.given().find(|option| !honoured(option)) else {
        return Ok(());
    };
    let takers = if BOUND_OPTIONS.contains(&option) {
        "sockeye listen, recv and relay take it"
    } else {
        "sockeye relay takes it"
    };
    let problem = format!("{verb} {unix}: {verb} has no use for the option {option}");
    Err(Error::usage(problem).remedy(format!("leave it out; {takers}")))
}

fn error_for(typed: &std::ffi::OsStr, error: &sockeye_address::ParseError) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    format!(
        "read address {}: {error}",
        escape::escape(typed.as_bytes(), "")
    )
}

fn place_of(service: &'static Service) -> Result<sockeye_address::Name, Error> {
    let names = service.names(|variable| std::env::var(variable).ok());
    let exists =
        |name: &&sockeye_address::Name| name.as_path().is_some_and(std::path::Path::exists);
    names
        .iter()
        .find(exists)
        .or(names.first())
        .cloned()
        .ok_or_else(|| {
            Error::failure(format!(
                "find {}: no place is known for it in this environment",
                service.word
            ))
        })
}
