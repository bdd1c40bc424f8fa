//! Unix sockets of every kind, with names of any length, passed descriptors, credentials, and an account of every
//! system call.
//!
//! Everything blocks unless told otherwise; there is no runtime. Descriptors are owned or borrowed, never integers.
//!
//! ```
//! use sockeye_socket::{BindOptions, Connection, Kind, Life, Listener, Name};
//!
//! let folder = tempfile::tempdir()?;
//! let name = Name::Path(folder.path().join("a.sock"));
//! let listener = Listener::bind(&name, Kind::Stream, &BindOptions::new())?;
//! let client = Connection::connect(&name, None, &Life::default())?; // succeeds before anybody accepts
//! let server_side = listener.accept()?;
//! client.send_all(b"hello")?;
//! let mut buffer = [0; 16];
//! let length = server_side.receive(&mut buffer)?;
//! assert_eq!(&buffer[..length], b"hello");
//! assert_eq!(server_side.credentials()?.pid, Some(std::process::id()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod activation; // sockets that were there when the process started
mod adopt; // sockets that another process made
mod bind; // names, owners and modes
mod connect; // the way to a socket that somebody serves
mod connection; // a socket with a peer
mod credentials; // who the peer is
mod datagram; // messages from anybody
mod descriptor; // an owned descriptor whose closing is told
mod error; // operation, object, cause
mod life; // the record of system calls
mod listener; // where clients come in
mod long_name; // paths over 108 bytes
mod message; // messages and passed descriptors
mod nature; // what a descriptor is
mod pieces; // what a stream keeps of the sends that filled it
mod rights_gauge; // which queued bytes carry no descriptors
mod service_manager; // telling it that the service is ready
mod socket_file; // the file of a socket, and its end
mod stale; // is anybody behind this file?
mod sys; // the unsafe code
mod told; // messages, and whose they are

pub use adopt::Custody;
pub use bind::{BindOptions, TakeOver};
pub use connection::Connection;
pub use credentials::Credentials;
pub use datagram::Datagram;
pub use error::Error;
pub use life::{DescriptorNumber, Direction, ErrorNumber, Event, Life, SystemCall};
pub use listener::Listener;
pub use message::{MAX_DESCRIPTORS, Message};
pub use nature::{Family, Nature};
pub use pieces::whole_pieces;
pub use rights_gauge::RightsGauge;
pub use service_manager::{Notifier, State};
pub use socket_file::FileIdentity;
pub use sockeye_address::{Kind, Mode, Name};

use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use descriptor::Descriptor;
use sys::name_of;

fn open(kind: Kind, life: &Life) -> Result<Descriptor, Error> {
    let answer = net::socket_with(
        AddressFamily::UNIX,
        socket_type(kind),
        SocketFlags::CLOEXEC,
        None,
    );
    let result = answer
        .as_ref()
        .map(|fd| long_name::number(DescriptorNumber::of(fd)))
        .map_err(|number| *number);
    life.tell(|| SystemCall::Socket { kind }, result);
    let fd =
        answer.map_err(|number| Error::call("make", &format_args!("a {kind} socket"), number))?;
    Ok(Descriptor::new(fd, life))
}

const fn socket_type(kind: Kind) -> SocketType {
    match kind {
        Kind::Stream => SocketType::STREAM,
        Kind::Datagram => SocketType::DGRAM,
        Kind::Seqpacket => SocketType::SEQPACKET,
    }
}
