//! The smallest honest datagram sender: one message, no connection.
//!
//! It uses nothing but the standard library, to stand beside the same program in other languages.
//! Run: `cargo run --example dgram_sender -- PATH TEXT`
#![expect(clippy::print_stderr, reason = "an example is a program of its own")]

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [path, text] = arguments.as_slice() else {
        eprintln!("usage: dgram_sender PATH TEXT");
        return ExitCode::FAILURE;
    };
    match send(path, text) {
        Ok(_) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("dgram_sender: send to {}: {cause}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn send(path: &OsStr, text: &OsStr) -> io::Result<usize> {
    let address = address(path)?;
    // All of the message or nothing: a datagram is never sent in part. It waits while the
    // receiver's queue is full. This socket has no name, so nobody could answer it.
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address)
}

/// An abstract name is known to the kernel and has no file.
fn address(path: &OsStr) -> io::Result<SocketAddr> {
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path),
    }
}
