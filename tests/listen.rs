//! `sockeye listen`.

#[cfg(test)]
#[path = "sockets/stale.rs"]
mod stale; // a socket file that nobody is bound to

#[cfg(test)]
#[path = "talk/program.rs"]
mod program; // runs the real command
#[cfg(test)]
#[path = "talk/terminal.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod terminal; // a person at a terminal

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
#[path = "listen/typed.rs"]
mod typed; // standard input, for all

#[cfg(test)]
mod stranger {
    //! A client that is none of our own code.

    use std::os::unix::net::UnixStream;
    use std::path::Path;

    #[expect(
        clippy::disallowed_methods,
        reason = "the other side must not be our own code"
    )]
    pub(crate) fn connect(path: &Path) -> UnixStream {
        let client = UnixStream::connect(path).unwrap();
        // Far beyond what a slow machine needs; a test that gets here has failed.
        client
            .set_read_timeout(Some(std::time::Duration::from_mins(1)))
            .unwrap();
        client
    }
}
