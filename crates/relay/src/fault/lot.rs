//! The random numbers of one fault on one connection.

/// Which way something passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the target.
    Up,
    /// From the target to the client.
    Down,
}

/// One direction of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line {
    /// The number of the connection: which one it was since the relay began.
    pub connection: u64,
    /// Which way.
    pub direction: Direction,
}

impl Direction {
    /// As typed and printed: `up` or `down`.
    pub const fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// Random numbers that are the same in each run with the same seed, and that no other fault, direction or connection
/// has a part in: neither the order in which connections are served nor a fault that is added changes them.
///
/// `nth` is which one of this kind it is where there are several, from 0.
pub(super) fn draw(
    seed: u64,
    connection: u64,
    direction: Option<Direction>,
    kind: &str,
    nth: usize,
) -> fastrand::Rng {
    let mut mixed = fastrand::Rng::with_seed(seed).u64(..);
    let mut mix = |number: u64| mixed = fastrand::Rng::with_seed(mixed ^ number).u64(..);
    mix(connection);
    mix(match direction {
        None => 0,
        Some(Direction::Up) => 1,
        Some(Direction::Down) => 2,
    });
    for byte in kind.bytes() {
        mix(u64::from(byte));
    }
    mix(nth as u64);
    fastrand::Rng::with_seed(mixed)
}
