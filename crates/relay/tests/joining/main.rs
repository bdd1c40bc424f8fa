//! Clients and servers through a relay, with real sockets.

mod descriptors; // what is passed with the bytes
mod ends; // half-close, hang-up, reset
mod faults; // what goes wrong on purpose
mod flow; // bytes, messages, back-pressure
mod stage; // a relay between a server and clients of the test
