//! One folder or file per verb: typed arguments, what they resolve to, and the run.

pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod listen;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod recv;
pub(crate) mod relay;
pub(crate) mod send;
pub(crate) mod show;
mod talk;
