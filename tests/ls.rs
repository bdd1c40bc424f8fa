//! `sockeye ls`: the map of the machine, drawn of sockets that the tests make for real.

#[cfg(test)]
#[path = "ls/command.rs"]
mod command; // runs it and reads its answer
#[cfg(test)]
#[path = "ls/scene.rs"]
mod scene;
#[cfg(test)]
mod sockets; // sockets of this process, shared by test programs // sockets of this process, and programs with sockets of their own

#[cfg(test)]
#[path = "ls/connections.rs"]
mod connections; // client process → address → server process
#[cfg(test)]
#[path = "ls/endpoints.rs"]
mod endpoints; // one row per listening or bound endpoint
#[cfg(test)]
#[path = "ls/faults.rs"]
mod faults; // stale, deleted, replaced, moved, full
#[cfg(test)]
#[path = "ls/filters.rs"]
mod filters; // which rows are shown
#[cfg(test)]
#[path = "ls/holders.rs"]
mod holders; // many, none, and two ways to find them
#[cfg(test)]
#[path = "ls/hostile.rs"]
mod hostile; // names that want to do harm
#[cfg(test)]
#[path = "ls/namespaces.rs"]
mod namespaces; // both ends, wherever they live
#[cfg(test)]
#[path = "ls/scan.rs"]
mod scan; // socket files anywhere on disk
#[cfg(test)]
#[path = "ls/terminal.rs"]
mod terminal; // columns, colours, and the tree
#[cfg(test)]
#[path = "ls/unprivileged.rs"]
mod unprivileged; // what nobody sees
#[cfg(test)]
#[path = "ls/watch.rs"]
mod watch; // what came and went
