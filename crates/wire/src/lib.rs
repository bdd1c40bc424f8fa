//! Byte formats of the kernel that concern Unix sockets: bytes in, value out.
//!
//! Nothing here opens a descriptor, reads a clock or asks the kernel: the caller brings the bytes. No function panics,
//! whatever the bytes are; what cannot be understood is an error that says at which byte.
//!
//! Numbers in netlink and BTF have the byte order of the machine that runs this code.
//!
//! # Examples
//!
//! The request that asks for every Unix socket, and the answer to it:
//!
//! ```
//! use sockeye_wire::unix_diag::{self, Message, Show};
//!
//! let request = unix_diag::dump_request(Show::NAME | Show::PEER, 1);
//! // … written to a NETLINK_SOCK_DIAG socket; `answer` is what one recv returned:
//! # assert_eq!(request.len(), 40);
//! # let answer: Vec<u8> = Vec::new();
//! for message in unix_diag::messages(&answer) {
//!     match message? {
//!         Message::Socket(socket) => println!("{} {:?}", socket.inode, socket.name),
//!         Message::Done => break,
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok::<(), sockeye_wire::Malformed>(())
//! ```

#![forbid(unsafe_code)]

mod device; // device numbers as the kernel keeps them
mod malformed; // what is wrong, and at which byte

pub mod unix_diag; // every socket of a network namespace, by netlink

pub mod proc; // the files of /proc, one module each

pub mod btf; // the kernel's type information, cut to size

pub use device::Device;
pub use malformed::Malformed;
