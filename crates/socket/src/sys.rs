//! The only unsafe code of the workspace: socket options that rustix has no safe call for.

mod peer;

pub(crate) use peer::{peer_credentials, peer_groups, peer_pidfd, peer_security_label};
