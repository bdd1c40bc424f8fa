//! `sockeye listen`.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
#[path = "listen/clients.rs"]
mod clients; // many at once: labels, echo, limits
#[cfg(test)]
#[path = "listen/datagrams.rs"]
mod datagrams; // senders instead of clients
#[cfg(test)]
#[path = "listen/exec.rs"]
mod exec; // a command per client
#[cfg(test)]
#[path = "listen/file.rs"]
mod file; // the socket file: whose, which mode, taken over, removed

#[cfg(test)]
mod stranger {
    //! A client that is none of our own code.

    use std::os::unix::net::UnixStream;
    use std::path::Path;

    #[expect(clippy::disallowed_methods, reason = "the other side must not be our own code")]
    pub(crate) fn connect(path: &Path) -> UnixStream {
        UnixStream::connect(path).unwrap()
    }
}
