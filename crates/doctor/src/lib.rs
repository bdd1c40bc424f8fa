//! Why can I not connect to this socket?
//!
//! [`examine`] walks the path of a socket as the kernel does in `connect`, asks at each part whether the user may pass,
//! compares what it finds with a [census](sockeye_census), and ends in one [`Verdict`].
//!
//! ```
//! use sockeye_address::UnixAddress;
//! use sockeye_census::{Census, Options};
//! use sockeye_doctor::{Verdict, Who, examine};
//!
//! let take = || Census::take(&Options::default());
//! let address = UnixAddress::from_path("/run/no such folder/app.sock")?;
//! let diagnosis = examine(&address, &take()?, &Who::caller()?, &|| take().ok())?;
//! assert!(matches!(diagnosis.verdict, Verdict::NoSuchFile(_)));
//! println!("{}", diagnosis.verdict);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No connect is made: the server would take it for a client, and some then do what they do once per client. What
//! only a connect can tell (the hooks of security modules in `connect` itself, the receive queue of a datagram
//! socket) is said to be unknown; [`try_connect`] finds it out for those who ask for it.

pub mod cause; // one file for each verdict
mod diagnosis; // the whole of it
mod error;
mod note; // what is true besides the verdict
mod probe; // a real connect
mod process; // the processes behind a socket, and how they are
mod scene; // all that the causes are found in
mod step; // one part of the path, as met
mod walk; // from the root to the socket, one part at a time
mod watch; // whether an accept queue moves
mod who; // the caller or another user

pub use cause::Verdict;
pub use diagnosis::{Diagnosis, examine};
pub use error::Error;
pub use note::Note;
pub use probe::{Probe, try_connect};
pub use process::Processes;
pub use step::{FileKind, Found, Owner, Step};
pub use who::Who;
