//! The only unsafe code of the workspace: what rustix has no safe, or no safe enough, call for.

mod name;
mod peer;

pub(crate) use name::name_of;
pub(crate) use peer::{peer_credentials, peer_groups, peer_pidfd, peer_security_label};
