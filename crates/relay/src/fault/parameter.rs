//! The parameters of a fault: how they are declared, and how they are taken from what was typed.

use super::error::Problem;
use super::kind::Described;
use super::quantity::{Quantity, Share};

/// A parameter, declared.
#[derive(Debug)]
pub(super) struct Parameter<T> {
    pub(super) name: &'static str,
    /// One line, without a full stop.
    pub(super) help: &'static str,
    pub(super) without: Without<T>,
}

/// What is when a parameter was not given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Without<T> {
    /// It must be.
    Refused,
    /// This.
    Is(T),
    /// Nothing.
    Nothing,
}

/// Every fault has it.
pub(super) const PROBABILITY: Parameter<Share> = Parameter {
    name: "probability",
    help: "how likely a connection has this fault at all",
    without: Without::Is(Share::ALWAYS),
};

/// A parameter, whatever its quantity is.
pub(super) trait Describe: Sync {
    fn describe(&self) -> Described;
}

impl<T: Quantity> Describe for Parameter<T> {
    fn describe(&self) -> Described {
        Described {
            name: self.name,
            value: T::WORD,
            help: self.help,
            needed: matches!(self.without, Without::Refused),
            default: match self.without {
                Without::Is(value) => Some(value.show()),
                Without::Refused | Without::Nothing => None,
            },
        }
    }
}

/// What was typed behind the name of a fault. A fault takes its parameters out of it; those that it takes are kept as
/// they are shown.
#[derive(Debug)]
pub(super) struct Typed<'a> {
    left: Vec<(&'a str, &'a str)>,
    shown: Vec<(&'static str, String)>,
}

impl<'a> Typed<'a> {
    /// Reads `key=value,key=value`.
    pub(super) fn read(text: Option<&'a str>) -> Result<Self, Problem> {
        let pairs = text.into_iter().flat_map(|text| text.split(','));
        let left = pairs.map(|pair| {
            pair.split_once('=')
                .ok_or_else(|| Problem::NoValue(pair.to_owned()))
        });
        Ok(Typed {
            left: left.collect::<Result<_, _>>()?,
            shown: Vec::new(),
        })
    }

    /// A parameter that is given or has a default.
    pub(super) fn take<T: Quantity>(&mut self, parameter: &Parameter<T>) -> Result<T, Problem> {
        match (self.take_given(parameter)?, parameter.without) {
            (Some(value), _) | (None, Without::Is(value)) => Ok(value),
            (None, Without::Refused | Without::Nothing) => Err(Problem::Missing {
                name: parameter.name,
                expected: T::WORD,
            }),
        }
    }

    /// A parameter, if it was given.
    pub(super) fn take_given<T: Quantity>(
        &mut self,
        parameter: &Parameter<T>,
    ) -> Result<Option<T>, Problem> {
        let name = parameter.name;
        let Some(index) = self.left.iter().position(|(key, _)| *key == name) else {
            return Ok(None);
        };
        let (_, text) = self.left.remove(index);
        if self.left.iter().any(|(key, _)| *key == name) {
            return Err(Problem::Twice(name));
        }
        let value = T::read(text).ok_or_else(|| Problem::Value {
            name,
            typed: text.to_owned(),
            expected: T::EXPECTED,
        })?;
        self.shown.push((name, value.show()));
        Ok(Some(value))
    }

    /// The names of those that nobody took yet.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.left.iter().map(|(key, _)| *key)
    }

    /// Those that were taken, as they are shown.
    pub(super) fn into_shown(self) -> Vec<(&'static str, String)> {
        self.shown
    }
}
