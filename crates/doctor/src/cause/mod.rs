//! One file for each verdict: its data, how it is found, and its sentence.
//!
//! A new cause is a file with a type that implements `Cause`, and a line in the table below. The table is in the
//! order in which the kernel would stumble over the causes (`unix_find_bsd` and `unix_stream_connect` in
//! `net/unix/af_unix.c`): the first that is found is the verdict.

use std::fmt;

use rustix::io::Errno;

use crate::scene::Scene;

mod client_limit;
mod deleted;
mod does_not_accept;
mod elsewhere;
mod link_loop;
mod name_too_long;
mod near;
mod no_such_file;
mod no_such_name;
mod not_a_folder;
mod not_a_socket;
mod not_listening;
mod other_peer;
mod permission_denied;
mod queue_full;
mod refused;
mod stale;
mod undecided;
mod would_connect;
mod wrong_kind;

pub use client_limit::ClientLimitReached;
pub use deleted::Deleted;
pub use does_not_accept::{DoesNotAccept, Sign};
pub use elsewhere::{Elsewhere, Where};
pub use link_loop::LinkLoop;
pub use name_too_long::{NameTooLong, TooLong};
pub use near::{Near, Nearness};
pub use no_such_file::NoSuchFile;
pub use no_such_name::NoSuchName;
pub use not_a_folder::NotAFolder;
pub use not_a_socket::NotASocket;
pub use not_listening::NotListening;
pub use other_peer::OtherPeer;
pub use permission_denied::{Class, Part, PermissionDenied, Way};
pub use queue_full::QueueFull;
pub use refused::Refused;
pub use stale::Stale;
pub use undecided::{Undecided, Unseen};
pub use would_connect::NotRefused;
pub use wrong_kind::WrongKind;

/// Something that decides whether a connect works.
pub(crate) trait Cause: Sized + fmt::Display {
    /// The word used in JSON.
    const WORD: &'static str;
    /// What `connect` itself answers: success, an error, or either. A connect may succeed and yet nobody ever serve
    /// it.
    const CONNECT_SUCCEEDS: Option<bool> = Some(false);

    /// Looks for it.
    fn find(scene: &Scene<'_>) -> Option<Self>;
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident($type:ty),)*) => {
        /// The one answer. Displays as a plain sentence without a full stop.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Verdict {
            $($(#[$doc])* $variant($type),)*
        }

        impl Verdict {
            /// The word of every verdict, for the schema of the JSON document.
            pub const WORDS: &[&str] = &[$(<$type as Cause>::WORD),*];

            /// The word used in JSON.
            pub const fn word(&self) -> &'static str {
                match self {
                    $(Verdict::$variant(_) => <$type as Cause>::WORD,)*
                }
            }

            /// What `connect` itself would answer; `None` where it may be either.
            pub const fn connect_succeeds(&self) -> Option<bool> {
                match self {
                    $(Verdict::$variant(_) => <$type as Cause>::CONNECT_SUCCEEDS,)*
                }
            }

            pub(crate) fn of(scene: &Scene<'_>) -> Self {
                $(if let Some(cause) = <$type as Cause>::find(scene) {
                    return Verdict::$variant(cause);
                })*
                Verdict::Undecided(Undecided::nothing_found())
            }
        }

        impl fmt::Display for Verdict {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Verdict::$variant(cause) => fmt::Display::fmt(cause, f),)*
                }
            }
        }
    };
}

causes! {
    /// Longer than a path or a part of one can be.
    NameTooLong(NameTooLong),
    /// A folder on the way, or the socket itself, is closed to the user.
    PermissionDenied(PermissionDenied),
    /// The caller may not look so far.
    Undecided(Undecided),
    /// Links that lead in a circle.
    LinkLoop(LinkLoop),
    /// The path goes on behind something that is no folder.
    NotAFolder(NotAFolder),
    /// A listener with this name is in another mount or network namespace.
    Elsewhere(Elsewhere),
    /// The listener is there and its file is not.
    Deleted(Deleted),
    /// Nothing at the path.
    NoSuchFile(NoSuchFile),
    /// Nobody bound to the abstract name.
    NoSuchName(NoSuchName),
    /// Something else at the path.
    NotASocket(NotASocket),
    /// A socket file that no socket is bound to.
    Stale(Stale),
    /// A socket of another kind.
    WrongKind(WrongKind),
    /// Bound, and not listening.
    NotListening(NotListening),
    /// A datagram socket that takes messages of one peer only.
    OtherPeer(OtherPeer),
    /// The process has no descriptor left for a client.
    ClientLimitReached(ClientLimitReached),
    /// Somebody listens and nobody accepts.
    DoesNotAccept(DoesNotAccept),
    /// As many clients wait as may.
    QueueFull(QueueFull),
    /// Refused by the kernel for a reason that could not be found.
    Refused(Refused),
    /// Nothing stands in the way.
    WouldConnect(NotRefused),
}

impl Verdict {
    /// Whether a client would be connected and served, as far as can be told. For a datagram socket: whether a send
    /// would arrive.
    pub const fn would_connect(&self) -> bool {
        matches!(self, Verdict::WouldConnect(_))
    }

    /// Whether the answer is that there is none without more privilege or a real connect.
    pub const fn is_undecided(&self) -> bool {
        matches!(self, Verdict::Undecided(_))
    }

    /// What a refused connect proves, where it was open whether anybody is bound to the file.
    pub(crate) fn stale_if_refused(&self) -> Option<Stale> {
        match self {
            Verdict::Undecided(Undecided {
                unseen: Unseen::Namespaces(stale),
            }) => Some(stale.clone()),
            _ => None,
        }
    }

    pub(crate) fn refused(errno: Errno) -> Self {
        Verdict::Refused(Refused { errno })
    }
}
