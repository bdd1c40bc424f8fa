//! `sockeye relay` when it is killed, and when there is not enough of something.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
#[path = "relay/stage.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod stage; // relays, targets and clients

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    use rustix::process::{Resource, Rlimit, Signal, prlimit};

    use crate::program::Program;
    use crate::stage::{Stage, exchange};

    const PATIENCE: Duration = Duration::from_mins(1);
    /// A client that hears nothing for so long has not been accepted.
    const WAITING: Duration = Duration::from_millis(200);

    /// Sends until nothing more is taken.
    fn fill(client: &mut UnixStream) {
        client.set_nonblocking(true).unwrap();
        let refused = loop {
            if let Err(error) = client.write(&[1; 10_000]) {
                break error.kind();
            }
        };
        assert_eq!(refused, ErrorKind::WouldBlock);
    }

    fn open_descriptors(relay: &Program) -> usize {
        let folder = format!("/proc/{}/fd", relay.pid().as_raw_nonzero());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Leaves room for so many more descriptors.
    fn limit_descriptors(relay: &Program, more: usize) {
        let most = Some(u64::try_from(open_descriptors(relay) + more).unwrap());
        let limit = Rlimit {
            current: most,
            maximum: most,
        };
        prlimit(Some(relay.pid()), Resource::Nofile, limit).unwrap();
    }

    /// Whether it is served; otherwise it was turned away.
    fn is_served(client: &mut UnixStream) -> bool {
        let mut back = [0; 1];
        client.write_all(b"x").is_ok() && matches!(client.read(&mut back), Ok(1))
    }

    #[test]
    fn killed_in_the_middle_it_leaves_nothing_that_blocks_a_restart() {
        let stage = Stage::new();
        for _ in 0..3 {
            let relay = stage.serve([""; 0]);
            let mut clients: Vec<_> = (0..10).map(|_| stage.connect()).collect();
            clients.iter_mut().for_each(fill);
            relay.signal(Signal::KILL);
            assert_eq!(relay.end().status, None);
        }
        let _relay = stage.serve([""; 0]);
        exchange(&mut stage.connect(), b"again");
    }

    #[test]
    fn without_descriptors_some_are_turned_away_and_the_others_served() {
        let stage = Stage::new();
        let relay = stage.serve([""; 0]);
        let before = open_descriptors(&relay);
        limit_descriptors(&relay, 17);
        let clients: Vec<_> = (0..40).map(|_| stage.connect()).collect();
        let (mut served, mut others) = (Vec::new(), 0);
        for mut client in clients {
            // Some may wait to be accepted for as long as the others stay.
            client.set_read_timeout(Some(WAITING)).unwrap();
            if is_served(&mut client) {
                served.push(client);
            } else {
                others += 1;
            }
        }
        assert!(
            served.len() >= 5 && others > 0,
            "{}, {others}",
            served.len()
        );
        // Those that are served go on, through more than the queues hold.
        for client in &mut served {
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            exchange(client, &[7; 4000]);
            fill(client);
        }
        drop(served);
        let deadline = Instant::now() + PATIENCE;
        while !is_served(&mut stage.connect()) {
            let open = open_descriptors(&relay);
            assert!(
                Instant::now() < deadline,
                "it serves nobody, {open} of {before} open"
            );
        }
        relay.signal(Signal::TERM);
        relay.end().succeeded();
    }

    #[test]
    fn two_thousand_clients_that_come_and_go_leave_nothing_behind() {
        let stage = Stage::new();
        let relay = stage.serve([""; 0]);
        let mut first = stage.connect();
        exchange(&mut first, b"before all of them");
        let before = open_descriptors(&relay);
        for _ in 0..4 {
            let clients: Vec<_> = (0..500).map(|_| stage.connect()).collect();
            drop(clients);
        }
        exchange(&mut first, b"after all of them");
        let deadline = Instant::now() + PATIENCE;
        while open_descriptors(&relay) > before {
            assert!(Instant::now() < deadline, "{}", open_descriptors(&relay));
        }
    }
}
