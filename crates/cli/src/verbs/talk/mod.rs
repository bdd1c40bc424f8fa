//! What the talking verbs have in common: `send`, `recv`, `connect` and `listen`.

pub(crate) mod bound; // flags for the socket that is made
pub(crate) mod foreground; // a terminal that is not ours to read
pub(crate) mod output; // standard output that hears signals
pub(crate) mod passed; // descriptors that were handed over
pub(crate) mod peer; // who is at the other end
pub(crate) mod pump; // bytes both ways at full speed
pub(crate) mod refusal; // errors with their remedies
pub(crate) mod screen; // what arrived, on standard output
pub(crate) mod stop; // signals that end the program
