//! Processes at either end that stand still for a while.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use sockeye_address::{Kind, Name};
use sockeye_socket::{BindOptions, Connection, Listener};

use crate::alone::Alone;
use crate::bed::{Bed, Server, plan};
use crate::end::{End, PATIENCE};
use crate::script::pattern;

/// More than the queues on the way there and back hold.
const BYTES: usize = 3 << 20;
const PAIRS: usize = 12;

/// A process that echoes at one end of a connection.
struct Echo(Child);

impl Echo {
    fn at(end: End) -> Self {
        let End::Unix(connection) = end else {
            unreachable!("all are Unix sockets");
        };
        let socket = Connection::into_fd(connection);
        // What it inherits must be able to wait: it knows nothing of sockets.
        let again = socket.try_clone().unwrap();
        let mut command = Command::new("cat");
        command
            .stdin(Stdio::from(socket))
            .stdout(Stdio::from(again));
        Echo(command.spawn().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Stops it, and waits until it stands still.
    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let stat = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::yield_now();
        }
    }

    fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It has ended already, unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends everything, and receives as much back.
fn exchange(end: &End, number: usize) {
    let data = pattern(number * 1000..number * 1000 + BYTES);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            end.send_all(data).unwrap();
            end.say_no_more();
        });
        let mut buffer = vec![0; 1 << 16];
        let mut heard = 0;
        while heard < BYTES {
            let length = end.receive(&mut buffer).unwrap();
            assert_eq!(buffer[..length], data[heard..][..length]);
            assert_ne!(length, 0, "the end after {heard} bytes");
            heard += length;
        }
        assert_eq!(end.receive(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn a_process_that_stands_still_loses_nothing_and_holds_nobody_up() {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let name = |file: &str| Name::Path(folder.path().join(file));
    let server = Listener::bind(&name("out.sock"), Kind::Stream, &BindOptions::new()).unwrap();
    let server = Server::Unix(server);
    let plan = plan(name("in.sock"), Kind::Stream, name("out.sock"));
    let bed = Bed::new(folder, vec![plan]);
    let (mut echoes, mut ends) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let (near, far) = (bed.connect(Kind::Stream), server.accept());
        let (process, own) = if number % 2 == 0 {
            (far, near)
        } else {
            (near, far)
        };
        echoes.push(Echo::at(process));
        ends.push(own);
    }
    let (still, moving) = ends.split_at(PAIRS / 2);
    std::thread::scope(|scope| {
        // Some before, some while something is on its way to them.
        let (before, meanwhile) = echoes[..still.len()].split_at(still.len() / 2);
        before.iter().for_each(Echo::stop);
        let exchanging = |(number, end)| scope.spawn(move || exchange(end, number));
        let waiting: Vec<_> = still.iter().enumerate().map(exchanging).collect();
        meanwhile.iter().for_each(Echo::stop);
        let others: Vec<_> = moving.iter().enumerate().map(exchanging).collect();
        for other in others {
            other.join().unwrap();
        }
        assert!(!waiting[0].is_finished());
        echoes[..still.len()].iter().for_each(Echo::go_on);
        for end in waiting {
            end.join().unwrap();
        }
    });
    drop((echoes, ends));
    bed.empties();
    drop((bed, server));
    alone.nothing_is_left();
}
