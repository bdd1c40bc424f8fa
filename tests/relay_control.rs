//! `sockeye relay ctl` and `sockeye relay --takeover`.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
#[path = "relay/ctl.rs"]
mod ctl; // seen and changed while it runs
#[cfg(test)]
#[path = "relay/takeover.rs"]
mod takeover; // one process after another

/// Waits until the relay can be asked: that is a moment after it says that it is ready for clients.
#[cfg(test)]
fn controlled(address: &std::path::Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let ask = || program::Program::start(program::sockeye(["relay", "ctl"]).arg(address)).end();
    while ask().status != Some(0) {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[cfg(test)]
mod echo {
    //! A target and clients that are none of our own code.

    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    /// Sends back what it gets, for as long as the test process runs.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other side must not be our own code"
    )]
    pub(crate) fn serve(path: &Path) {
        let listener = UnixListener::bind(path).unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(mut client) = client else { return };
                std::thread::spawn(move || {
                    let mut back = client.try_clone().unwrap();
                    // A client may leave when it likes.
                    let _ = std::io::copy(&mut client, &mut back);
                    let _ = back.shutdown(std::net::Shutdown::Write);
                });
            }
        });
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the other side must not be our own code"
    )]
    pub(crate) fn connect(path: &Path) -> UnixStream {
        let client = UnixStream::connect(path).unwrap();
        // Far beyond what a slow machine needs; a test that gets here has failed.
        let patience = std::time::Duration::from_mins(1);
        client.set_read_timeout(Some(patience)).unwrap();
        client
    }

    /// Sends and gets the same back.
    #[track_caller]
    pub(crate) fn talk(mut client: &UnixStream, data: &[u8]) {
        client.write_all(data).unwrap();
        let mut answer = vec![0; data.len()];
        client.read_exact(&mut answer).unwrap();
        assert!(answer == data);
    }
}
