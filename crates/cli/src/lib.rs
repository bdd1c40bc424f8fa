//! The `sockeye` command: flags, tables, JSON and exit codes.
//!
//! Everything that knows about sockets lives in the libraries; this crate turns what was typed into calls of them
//! and their answers into text. It is the only crate that prints.

mod address; // words into names: well-known services, kind flags
mod args; // the one declaration of every verb and flag
mod error; // operation object: cause, and the remedy
mod exit; // the exit-status contract
mod explain; // --explain: the life of a socket as it happens
mod json; // the documents that docs/json.md describes
mod main_loop; // typed arguments to a running verb
mod table; // columns for people
mod terminal; // colour, width, and names that cannot do harm
mod verbs; // one folder or file per verb

pub use args::command;
pub use exit::Exit;
pub use main_loop::run;
