//! See, reach and understand every Unix domain socket on a machine.
//!
//! This package is the `sockeye` command; as a library it is the door to the crates behind it:
//!
//! - [`address`]: names of sockets and the grammar of endpoints
//! - [`socket`]: open, accept, messages, passed descriptors, credentials
//! - [`census`]: who holds which socket, and who is at the other end
//! - [`doctor`]: why a connect fails
//! - [`relay`]: join any two endpoints
//! - [`privilege`]: what this process may see and do
//!
//! ```
//! let address: sockeye::address::Address = "unix:/run/app.sock".parse()?;
//! assert_eq!(address.to_string(), "/run/app.sock");
//! # Ok::<(), sockeye::address::ParseError>(())
//! ```

pub use sockeye_address as address;
pub use sockeye_census as census;
pub use sockeye_doctor as doctor;
pub use sockeye_privilege as privilege;
pub use sockeye_relay as relay;
pub use sockeye_socket as socket;
