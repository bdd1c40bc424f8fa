//! Round trips between two threads, over each way they can talk.
//!
//! A first look only: one size, one pair, no pinning.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sockeye_address::{Kind, Name};
use sockeye_socket::{BindOptions, Connection, Datagram, Life, Listener};

const MESSAGE_BYTES: usize = 64;
/// Round trips before any is counted.
const WARM_UP: u32 = 200;

/// A way to talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A Unix stream socket.
    UnixStream,
    /// Two Unix datagram sockets.
    UnixDatagram,
    /// TCP over the loopback interface.
    TcpLoopback,
}

/// The ways that are compared.
pub(super) const WAYS: [Way; 3] = [Way::UnixStream, Way::UnixDatagram, Way::TcpLoopback];

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One end of a way: sends a message, or waits for one.
trait End: Send {
    fn send(&mut self, message: &[u8; MESSAGE_BYTES]) -> Result<(), Failure>;
    /// Answers whether there was one.
    fn receive(&mut self, message: &mut [u8; MESSAGE_BYTES]) -> Result<bool, Failure>;
    /// Tells the other end that no more will come.
    fn finish(&mut self) -> Result<(), Failure>;
}

/// The near end and the far end.
type Ends = (Box<dyn End>, Box<dyn End>);

/// What was measured, in order of size.
#[derive(Debug)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// Half of the round trips took no longer.
    pub(super) fn median_microseconds(&self) -> f64 {
        self.at(50)
    }

    /// 99 of 100 round trips took no longer.
    pub(super) fn p99_microseconds(&self) -> f64 {
        self.at(99)
    }

    fn at(&self, percent: usize) -> f64 {
        let at = self.0.len() * percent / 100;
        self.0
            .get(at)
            .or(self.0.last())
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }
}

impl Way {
    /// What it is called in a chart.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Way::UnixStream => "Unix stream",
            Way::UnixDatagram => "Unix datagram",
            Way::TcpLoopback => "TCP loopback",
        }
    }

    /// Sends messages there and back for so long.
    ///
    /// # Errors
    /// A socket that cannot be made, or breaks.
    pub(super) fn measure(self, folder: &Path, duration: Duration) -> Result<Times, Failure> {
        let (mut near, mut far) = self.ends(folder)?;
        thread::scope(|scope| {
            let echo = scope.spawn(move || echo(far.as_mut()));
            let times = ping(near.as_mut(), duration);
            near.finish()?;
            echo.join().map_err(|_| "the echoing thread died")??;
            times
        })
    }

    fn ends(self, folder: &Path) -> Result<Ends, Failure> {
        match self {
            Way::UnixStream => {
                let name = Name::Path(folder.join("latency-stream"));
                let listener = Listener::bind(&name, Kind::Stream, &BindOptions::new())?;
                let near = Connection::connect(&name, Some(Kind::Stream), &Life::default())?;
                let far = listener.accept()?;
                listener.close()?;
                Ok((Box::new(near), Box::new(far)))
            }
            Way::UnixDatagram => {
                let names =
                    ["near", "far"].map(|end| Name::Path(folder.join(format!("latency-{end}"))));
                let [near, far] = names
                    .each_ref()
                    .map(|name| Datagram::bind(name, &BindOptions::new()));
                let [near_name, far_name] = names;
                Ok((
                    Box::new(DatagramEnd {
                        socket: near?,
                        peer: far_name,
                    }),
                    Box::new(DatagramEnd {
                        socket: far?,
                        peer: near_name,
                    }),
                ))
            }
            Way::TcpLoopback => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let near = TcpStream::connect(listener.local_addr()?)?;
                let (far, _) = listener.accept()?;
                for end in [&near, &far] {
                    end.set_nodelay(true)?;
                }
                Ok((Box::new(near), Box::new(far)))
            }
        }
    }
}

fn ping(near: &mut dyn End, duration: Duration) -> Result<Times, Failure> {
    let mut message = [7; MESSAGE_BYTES];
    let mut times = Vec::with_capacity(100_000);
    for _ in 0..WARM_UP {
        near.send(&message)?;
        near.receive(&mut message)?;
    }
    let start = Instant::now();
    let mut before = start;
    while before - start < duration {
        near.send(&message)?;
        near.receive(&mut message)?;
        let now = Instant::now();
        times.push(now - before);
        before = now;
    }
    times.sort_unstable();
    Ok(Times(times))
}

fn echo(far: &mut dyn End) -> Result<(), Failure> {
    let mut message = [0; MESSAGE_BYTES];
    while far.receive(&mut message)? {
        far.send(&message)?;
    }
    Ok(())
}

impl End for Connection {
    fn send(&mut self, message: &[u8; MESSAGE_BYTES]) -> Result<(), Failure> {
        Ok(self.send_all(message)?)
    }

    fn receive(&mut self, message: &mut [u8; MESSAGE_BYTES]) -> Result<bool, Failure> {
        let mut filled = 0;
        while filled < message.len() {
            match Connection::receive(self, &mut message[filled..])? {
                0 => return Ok(false),
                length => filled += length,
            }
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.shutdown(sockeye_socket::Direction::Write)?)
    }
}

struct DatagramEnd {
    socket: Datagram,
    peer: Name,
}

impl End for DatagramEnd {
    fn send(&mut self, message: &[u8; MESSAGE_BYTES]) -> Result<(), Failure> {
        Ok(self.socket.send_to(message, &self.peer)?)
    }

    fn receive(&mut self, message: &mut [u8; MESSAGE_BYTES]) -> Result<bool, Failure> {
        Ok(self.socket.receive(message)?.length_bytes > 0)
    }

    /// Datagrams have no end; an empty one stands for it here.
    fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send_to(&[], &self.peer)?)
    }
}

impl End for TcpStream {
    fn send(&mut self, message: &[u8; MESSAGE_BYTES]) -> Result<(), Failure> {
        Ok(self.write_all(message)?)
    }

    fn receive(&mut self, message: &mut [u8; MESSAGE_BYTES]) -> Result<bool, Failure> {
        match self.read_exact(message) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.shutdown(std::net::Shutdown::Write)?)
    }
}
