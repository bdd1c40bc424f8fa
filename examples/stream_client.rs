//! The smallest honest stream client: send one line, say that it was all, print the answer.
//!
//! It uses nothing but the standard library, to stand beside the same program in other languages.
//! Run: `cargo run --example stream_client -- PATH TEXT`
#![expect(clippy::print_stderr, reason = "an example is a program of its own")]

use std::ffi::OsStr;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [path, text] = arguments.as_slice() else {
        eprintln!("usage: stream_client PATH TEXT");
        return ExitCode::FAILURE;
    };
    match talk(path, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err((doing, cause)) => {
            eprintln!("stream_client: {doing} {}: {cause}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// The error is what was being done, and why it did not work.
fn talk(path: &OsStr, text: &OsStr) -> Result<(), (&'static str, io::Error)> {
    // Succeeds as soon as the server's queue has room, before the server has accepted.
    let mut socket = address(path)
        .and_then(|address| UnixStream::connect_addr(&address))
        .map_err(|cause| ("connect", cause))?;

    let line = [text.as_bytes(), b"\n"].concat();
    socket
        .write_all(&line)
        // Half-close: the server reads end of stream, and this side can still receive.
        .and_then(|()| socket.shutdown(Shutdown::Write))
        .map_err(|cause| ("send to", cause))?;

    let mut output = io::stdout().lock();
    io::copy(&mut socket, &mut output)
        .and_then(|_| output.flush())
        .map_err(|cause| ("copy the answer of", cause))
}

/// An abstract name is known to the kernel and has no file.
fn address(path: &OsStr) -> io::Result<SocketAddr> {
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path),
    }
}
