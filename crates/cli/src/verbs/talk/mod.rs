//! What the talking verbs have in common: `send`, `recv`, `connect` and `listen`.

pub mod bound; // flags for the socket that is made
pub mod passed; // descriptors that were handed over
pub mod peer; // who is at the other end
pub mod pump; // bytes both ways at full speed
pub mod refusal; // errors with their remedies
pub mod screen; // what arrived, on standard output
pub mod stop; // signals that end the program
