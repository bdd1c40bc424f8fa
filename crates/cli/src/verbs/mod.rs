//! One folder or file per verb: typed arguments, what they resolve to, and the run.

pub mod completions;
pub mod connect;
pub mod demo;
pub mod doctor;
pub mod listen;
pub mod ls;
pub mod man;
pub mod recv;
pub mod send;
pub mod show;
mod talk;
