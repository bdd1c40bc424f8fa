//! What each fault declares of itself.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::error::Problem;
use super::parameter::{Describe, PROBABILITY, Typed};
use super::piece::{Effect, Passing};

/// A kind of fault, declared once: help, documentation and parsing follow from it.
pub struct Kind {
    /// As typed: `latency`.
    pub name: &'static str,
    /// What it does, one line without a full stop.
    pub help: &'static str,
    /// Where it can be.
    pub scope: Scope,
    pub(super) parameters: &'static [&'static dyn Describe],
    /// Takes the parameters and says how the fault begins on a connection that has it.
    pub(super) read: fn(&mut Typed<'_>) -> Result<Start, Problem>,
}

/// Where a fault can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In one direction, whatever passes.
    Any,
    /// In one direction of a stream of bytes.
    Bytes,
    /// In one direction in which messages pass.
    Messages,
    /// On a client as a whole, before anything passes.
    Client,
}

/// A parameter of a fault, for help texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As typed: `delay`.
    pub name: &'static str,
    /// What stands for its value: `TIME`, `BYTES`, `RATE`, `SHARE` or `N`.
    pub value: &'static str,
    /// What it means, one line without a full stop.
    pub help: &'static str,
    /// Whether the fault cannot be without it.
    pub needed: bool,
    /// What it is when it was not given, if it is anything then.
    pub default: Option<String>,
}

/// How a fault begins on a connection.
pub(super) type Start = Arc<dyn Fn(Begin) -> Box<dyn Effect> + Send + Sync>;

/// What a fault is given to begin with.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) now: Instant,
    pub(super) passing: Passing,
    pub(super) rng: fastrand::Rng,
}

/// Makes a [`Start`] of a function.
pub(super) fn start<E: Effect + 'static>(
    begin: impl Fn(Begin) -> E + Send + Sync + 'static,
) -> Start {
    Arc::new(move |with| Box::new(begin(with)))
}

impl Kind {
    /// Its own parameters, then the one that every fault has.
    pub fn parameters(&self) -> impl Iterator<Item = Described> {
        let every: &dyn Describe = &PROBABILITY;
        let own = self.parameters.iter().copied();
        own.chain([every]).map(Describe::describe)
    }

    /// How it is typed, what can be left out in brackets.
    ///
    /// ```
    /// # use sockeye_relay::fault::KINDS;
    /// let loss = KINDS.iter().find(|kind| kind.name == "loss").unwrap();
    /// assert_eq!(loss.usage(), "DIRECTION:loss,share=SHARE[,probability=SHARE]");
    /// ```
    pub fn usage(&self) -> String {
        let direction = match self.scope {
            Scope::Client => "",
            Scope::Any | Scope::Bytes | Scope::Messages => "DIRECTION:",
        };
        let parameters = self.parameters().map(|parameter| {
            let Described { name, value, .. } = parameter;
            if parameter.needed {
                format!(",{name}={value}")
            } else {
                format!("[,{name}={value}]")
            }
        });
        format!("{direction}{}{}", self.name, parameters.collect::<String>())
    }

    /// Whether it can be where this passes.
    pub(super) fn fits(&self, passing: Passing) -> bool {
        match self.scope {
            Scope::Any | Scope::Client => true,
            Scope::Bytes => passing == Passing::Bytes,
            Scope::Messages => passing == Passing::Messages,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}
