//! The only unsafe code of the workspace: what rustix has no safe, or no safe enough, call for.

mod inherited;
mod name;
mod peer;
mod pieces;
mod told;

pub(crate) use inherited::{close_on_exec, duplicate, is_closed_on_exec, take_announced};
pub(crate) use name::name_of;
pub(crate) use peer::{peer_credentials, peer_groups, peer_pidfd, peer_security_label};
pub(crate) use pieces::whole_pieces;
pub(crate) use told::{Told, receive_told};
