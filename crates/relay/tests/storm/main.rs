//! Hundreds of connections at once, each with a script drawn by lot. `STORM_SEED` repeats a run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod alone; // one storm at a time, and what it leaves behind
mod bed; // relays, and who is at both ends
mod blocked; // one direction that stands still
mod descriptor; // descriptors that can be told apart
mod end; // an end of a connection, whatever it speaks
mod long; // messages longer than usual
mod play; // an end that does what its script says
mod refusal; // descriptors that may not pass
mod script; // what is said on a connection
mod stopped; // processes that stand still for a while
mod storms; // all at once
