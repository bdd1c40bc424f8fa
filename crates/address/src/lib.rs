//! Names of Unix sockets and the one grammar of endpoints that every verb of Sockeye reads and prints.
//!
//! Pure: bytes in, value out. Nothing here opens, looks up or resolves anything.
//!
//! ```
//! use sockeye_address::{Address, Kind};
//!
//! let address: Address = "unix-dgram:/run/app.sock,mode=660".parse()?;
//! let Address::Unix(unix) = &address else { unreachable!() };
//! assert_eq!(unix.kind, Some(Kind::Datagram));
//! assert_eq!(unix.options.mode.map(|mode| mode.bits()), Some(0o660));
//! // Every address prints in a form that can be typed back in.
//! assert_eq!(address.to_string(), "unix-dgram:/run/app.sock,mode=660");
//! # Ok::<(), sockeye_address::ParseError>(())
//! ```

pub mod escape; // bytes from outside, shown reversibly
mod kind; // stream, datagram, seqpacket
pub mod kinds; // one file per kind of endpoint, and their table
mod name; // path, abstract, unnamed
mod options; // ,key=value after a prefixed address
mod parse; // text -> Address
pub mod well_known; // docker, containerd, journal, …

pub use kind::{Kind, UnknownKind};
pub use kinds::network::{HostPort, NetworkAddress};
pub use kinds::{Address, ssh::SshPath, unix::UnixAddress, vsock::VsockAddress};
pub use name::{AbstractName, Name, NameError, SUN_PATH_BYTES};
pub use options::{Mode, OPTION_NAMES, Options, TlsOptions, duration};
pub use parse::ParseError;
