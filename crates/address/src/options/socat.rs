//! socat's words for options (`socat(1)`): other names of ours, and what needs no option here.

use super::read::Said;
use super::table::{Refusal, once, yes_or_no};
use crate::Kind;
use crate::kinds::network;

/// socat's names, and what the same is called here. Those that are called alike need no line.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("perm", "mode"),
    ("uid", "user"),
    ("owner", "user"),
    ("gid", "group"),
    ("max-children", "max-clients"),
    ("maxchildren", "max-clients"),
    ("intervall", "interval"),
    ("certificate", "cert"),
    ("openssl-certificate", "cert"),
    ("openssl-key", "key"),
    ("cafile", "ca"),
    ("openssl-cafile", "ca"),
    ("openssl-verify", "verify"),
    ("commonname", "name"),
    ("cn", "name"),
    ("openssl-commonname", "name"),
    ("snihost", "name"),
    ("openssl-snihost", "name"),
];

/// Our name of an option, when socat has another for it.
pub(crate) fn our_name(word: &str) -> Option<&'static str> {
    let found = OTHER_NAMES.iter().find(|(theirs, _)| *theirs == word);
    found.map(|(_, ours)| *ours)
}

/// What a listening end of the network understands besides.
pub(crate) const NETWORK_LISTENER: &[&str] = &["fork", "reuseaddr", "so-reuseaddr", "bind"];
/// What an end of the network understands besides, whichever it is.
pub(crate) const NETWORK: &[&str] = &["fork", "reuseaddr", "so-reuseaddr"];
/// What a connecting end of the network understands besides: there, `fork` would be to connect again and again.
pub(crate) const NETWORK_CLIENT: &[&str] = &["reuseaddr", "so-reuseaddr"];
/// What a Unix socket understands besides, unless it is clearly a client.
pub(crate) const UNIX: &[&str] = &[
    "fork",
    "unlink",
    "unlink-early",
    "unlink-close",
    "reuseaddr",
    "so-reuseaddr",
    "type",
    "socktype",
    "so-type",
];
/// What a Unix client understands besides.
pub(crate) const UNIX_CLIENT: &[&str] = &["type", "socktype", "so-type"];

/// Takes one of the words above.
pub(super) fn take(said: &mut Said, word: &str, value: &[u8]) -> Result<(), Refusal> {
    match word {
        "type" | "socktype" | "so-type" => once(&mut said.socket_type, socket_type(value)),
        "bind" => once(&mut said.bind, network::listening_host(value)),
        // Every client is served at once, a stale file is taken over, an own file removed, an address used again.
        _ => match yes_or_no(value) {
            Some(true) => Ok(()),
            Some(false) => Err(Refusal::Always),
            None => Err(Refusal::Value),
        },
    }
}

/// The numbers of Linux (`socket(2)`).
fn socket_type(value: &[u8]) -> Option<Kind> {
    match value {
        b"1" => Some(Kind::Stream),
        b"2" => Some(Kind::Datagram),
        b"5" => Some(Kind::Seqpacket),
        _ => None,
    }
}
