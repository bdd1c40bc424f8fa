//! What may this process see and do, what does it miss without privilege, and who is who.
//!
//! | thing | needs | without it |
//! | --- | --- | --- |
//! | [`effective`] | nothing | – |
//! | [`Ability::missing`] | nothing: it compares | – |
//! | [`find_user`], [`Names`] | nothing but the user database | numbers instead of names |
//! | [`as_peer`] | `CAP_SETUID` and `CAP_SETGID` | an error; one's own identity is what peers see |
//! | [`as_user`] | `CAP_SETUID` and `CAP_SETGID` | an error; the caller's own rights can still be asked for directly |
//!
//! ```
//! use sockeye_privilege::{Ability, Names, caller, effective};
//!
//! let me = caller()?;
//! let mut names = Names::default();
//! println!("{} ({})", me.uid, names.user(me.uid).unwrap_or("no name"));
//! for capability in Ability::SeeHolders.missing(effective()) {
//!     println!("without {capability} the sockets of other users have no process");
//! }
//! # Ok::<(), sockeye_privilege::Error>(())
//! ```

mod ability; // what Sockeye wants to do, and which capabilities that takes
mod assume; // run a closure as another user, wholly or to peers only
mod capabilities; // what this thread may do
mod error;
mod identity; // users and groups by number and by name

pub use ability::Ability;
pub use assume::{as_peer, as_user};
pub use capabilities::{Capabilities, Capability, effective};
pub use error::Error;
pub use identity::{Group, Names, User, caller, find_group, find_user, group_name, user_name};
