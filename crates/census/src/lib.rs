//! Every Unix socket of the machine, who holds it, and who is at the other end.
//!
//! A [`Census`] is taken once and then only read. It joins what the kernel says of sockets (`unix_diag`, in every
//! network namespace that can be entered), of descriptors (a BPF iterator, or `/proc`) and of files (`statx`). No
//! listed socket is opened, connected to or otherwise disturbed.
//!
//! ```
//! use sockeye_census::{Census, Options};
//!
//! let census = Census::take(&Options::default())?;
//! for endpoint in census.endpoints() {
//!     println!("{} is {}, {} clients", endpoint.name, endpoint.state.word(), endpoint.clients);
//! }
//! // What was not seen is part of the answer.
//! println!("{} processes could not be looked into", census.unseen().processes);
//! # Ok::<(), sockeye_census::Error>(())
//! ```

mod error;
mod files; // looking at socket files as the kernel tells them apart
mod holders; // who holds the sockets: a BPF iterator, or a walk of /proc
mod index; // sockets by inode
mod join; // sockets, holders and files into endpoints and connections
mod model; // what a census holds: sockets, processes, endpoints, connections
mod namespace; // network namespaces: which there are, and how to ask in each
mod process; // more about a process, read when asked
pub mod scan; // socket files anywhere on disk
mod source; // who to ask for sockets: unix_diag, or /proc/net/unix
mod survey; // sockets and files into endpoints: deleted, replaced, stale
mod take;
mod unlisted; // sockets that are held and in no list // the whole of it: ask every source, then join

pub use error::Error;
pub use holders::HolderSource;
pub use model::{
    Connection, Device, Endpoint, EndpointState, Fault, FileFacts, FileId, Holder, NetNamespace,
    Pid, Process, Queue, Socket, SocketInode, SocketState, Unseen,
};
pub use take::{Census, Options};
