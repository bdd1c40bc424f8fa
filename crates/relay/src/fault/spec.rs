//! One fault as typed: `up:latency,delay=100ms,jitter=20ms`.

use std::fmt;
use std::str::FromStr;

use super::error::{ParseError, Problem, Unsuitable};
use super::kind::{Kind, Scope, Start};
use super::kinds::KINDS;
use super::lot::{self, Direction};
use super::parameter::{PROBABILITY, Typed};
use super::piece::Passing;
use super::quantity::Share;

/// One fault with its parameters and where it is to be.
///
/// ```
/// use sockeye_relay::fault::Spec;
///
/// let spec: Spec = "up:latency,jitter=0.02,delay=100ms".parse()?;
/// assert_eq!(spec.to_string(), "up:latency,delay=100ms,jitter=20ms");
///
/// let error = "up:latency,dely=1s".parse::<Spec>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"fault "up:latency,dely=1s": latency has no parameter "dely": it has delay, jitter, probability"#
/// );
/// # Ok::<(), sockeye_relay::fault::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Spec {
    on: On,
    kind: &'static Kind,
    /// As they are shown, in the order in which they are declared.
    parameters: Vec<(&'static str, String)>,
    probability: Share,
    start: Start,
}

/// Where a fault is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// From the client to the target.
    Up,
    /// From the target to the client.
    Down,
    /// Both directions, each by itself.
    Both,
    /// On the client, before anything passes.
    Client,
}

impl On {
    /// Whether a direction is meant.
    pub const fn is_on(self, direction: Direction) -> bool {
        match self {
            On::Up => matches!(direction, Direction::Up),
            On::Down => matches!(direction, Direction::Down),
            On::Both => true,
            On::Client => false,
        }
    }

    /// As typed before the colon; empty for a client.
    pub const fn word(self) -> &'static str {
        match self {
            On::Up => "up",
            On::Down => "down",
            On::Both => "both",
            On::Client => "",
        }
    }
}

impl Spec {
    /// Where it is to be.
    pub fn on(&self) -> On {
        self.on
    }

    /// What it is.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Whether it can be where this passes.
    ///
    /// # Errors
    ///
    /// [`Unsuitable`]: what is lost, duplicated or reordered must be messages, what is sliced must be bytes.
    pub fn check(&self, passing: Passing) -> Result<(), Unsuitable> {
        if self.kind.fits(passing) {
            return Ok(());
        }
        let needs = match passing {
            Passing::Bytes => Passing::Messages,
            Passing::Messages => Passing::Bytes,
        };
        Err(Unsuitable {
            spec: self.to_string(),
            needs: needs.word(),
            carries: passing.word(),
        })
    }

    pub(super) fn start(&self) -> &Start {
        &self.start
    }

    /// The random numbers it has on a connection, if it is there at all.
    pub(super) fn draw(
        &self,
        seed: u64,
        connection: u64,
        direction: Option<Direction>,
        nth: usize,
    ) -> Option<fastrand::Rng> {
        let mut rng = lot::draw(seed, connection, direction, self.kind.name, nth);
        self.probability.happens(&mut rng).then_some(rng)
    }
}

impl FromStr for Spec {
    type Err = ParseError;

    /// Reads `DIRECTION:KIND,parameter=value,…`; a fault of a client has no direction.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        read(text).map_err(|problem| ParseError {
            typed: text.to_owned(),
            problem,
        })
    }
}

fn read(text: &str) -> Result<Spec, Problem> {
    let (head, tail) = match text.split_once(',') {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let (direction, name) = match head.split_once(':') {
        Some((direction, name)) => (Some(direction), name),
        None => (None, head),
    };
    let kind = find(name)?;
    let on = on(direction, kind)?;
    let mut typed = Typed::read(tail)?;
    // Before anything is said to be missing: a slip of the pen is both.
    known(kind, &typed)?;
    Ok(Spec {
        on,
        kind,
        start: (kind.read)(&mut typed)?,
        probability: typed.take(&PROBABILITY)?,
        parameters: typed.into_shown(),
    })
}

fn known(kind: &Kind, typed: &Typed<'_>) -> Result<(), Problem> {
    let known: Vec<_> = kind.parameters().map(|parameter| parameter.name).collect();
    match typed.names().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(unknown) => Err(Problem::Parameter {
            kind: kind.name,
            typed: unknown.to_owned(),
            known: known.join(", "),
        }),
    }
}

fn find(name: &str) -> Result<&'static Kind, Problem> {
    let found = KINDS.iter().find(|kind| kind.name == name);
    found.copied().ok_or_else(|| {
        let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        Problem::Kind {
            typed: name.to_owned(),
            known: known.join(", "),
        }
    })
}

fn on(typed: Option<&str>, kind: &'static Kind) -> Result<On, Problem> {
    let words = [On::Up, On::Down, On::Both];
    match (typed, kind.scope) {
        (None, Scope::Client) => Ok(On::Client),
        (Some(_), Scope::Client) => Err(Problem::NeedlessDirection(kind.name)),
        (None | Some(""), _) => Err(Problem::NoDirection(kind.name)),
        (Some(typed), _) => words
            .into_iter()
            .find(|on| on.word() == typed)
            .ok_or_else(|| Problem::Direction(typed.to_owned())),
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        // The rest follows from these.
        self.on == other.on
            && self.kind.name == other.kind.name
            && self.parameters == other.parameters
    }
}

impl fmt::Display for Spec {
    /// As it can be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.on != On::Client {
            write!(f, "{}:", self.on.word())?;
        }
        f.write_str(self.kind.name)?;
        for (name, value) in &self.parameters {
            write!(f, ",{name}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spec({self})")
    }
}
