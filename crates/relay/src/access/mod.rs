//! Who may connect, and how many.
//!
//! A [`Rule`] is what is typed, a [`Resolved`] rule what it means on this machine; [`Rules`] are both lists, and judging
//! a [`Peer`] by them is a pure function. Everything that cannot be found out about a peer counts against it.
//!
//! | rule | whom it means | known from |
//! | --- | --- | --- |
//! | `uid:1000`, `uid:1000-1999` | the effective user at the moment of the connect | `SO_PEERCRED` |
//! | `user:ada` | the same, by the name that the user database has when the relay starts | `SO_PEERCRED` |
//! | `gid:27`, `gid:100-199` | the effective group or any supplementary one | `SO_PEERCRED`, `SO_PEERGROUPS` |
//! | `group:docker` | the same, by name | the same |
//! | `exe:/usr/bin/psql` | the program that the process runs when it is accepted | `SO_PEERPIDFD`, `/proc/PID/exe` |
//! | `all`, `any` | everybody | – |
//!
//! A user or group that the relay's user namespace has no number for appears as the overflow number, 65534 unless
//! changed (`user_namespaces(7)`): inside such a namespace a rule about that number, or about the name `nobody` that
//! mostly has it, is about all of them.

mod executable; // what a process runs, beyond the reach of a reused pid
mod judge; // rules against facts
mod occupancy; // how many are connected
mod peer; // the facts
mod resolve; // what a rule means on this machine
mod rule; // what is typed

pub use judge::{Needs, Refusal, Rules, Verdict};
pub use occupancy::{Full, Occupancy, Seat};
pub use peer::{Peer, Unknown};
pub use resolve::{Resolved, Unresolved};
pub use rule::{BadRule, Rule, RuleProblem};
