//! What can be wrong with a fault as typed.

/// A fault that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {typed:?}: {problem}")]
pub struct ParseError {
    /// As typed.
    pub typed: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a fault as typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// What stands before the colon.
    #[error("unknown direction {0:?}: expected up, down or both")]
    Direction(String),
    /// Nothing stands before the colon, or there is none.
    #[error("{0} needs a direction: up:{0}, down:{0} or both:{0}")]
    NoDirection(&'static str),
    /// It is done to a client before anything moves.
    #[error("{0} takes no direction")]
    NeedlessDirection(&'static str),
    /// There is no such fault.
    #[error("unknown kind {typed:?}: expected one of {known}")]
    Kind {
        /// As typed.
        typed: String,
        /// All that there are.
        known: String,
    },
    /// The fault has no such parameter.
    #[error("{kind} has no parameter {typed:?}: it has {known}")]
    Parameter {
        /// The fault.
        kind: &'static str,
        /// As typed.
        typed: String,
        /// All that it has.
        known: String,
    },
    /// A parameter stands alone.
    #[error("{0:?} has no value: expected parameter=value")]
    NoValue(String),
    /// A parameter was given twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A parameter without which the fault cannot be.
    #[error("{name} is missing: expected {name}={expected}")]
    Missing {
        /// The parameter.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A value that the parameter does not take.
    #[error("{name}={typed}: expected {expected}", typed = typed.escape_debug())]
    Value {
        /// The parameter.
        name: &'static str,
        /// As typed.
        typed: String,
        /// What it takes.
        expected: &'static str,
    },
}

/// A fault that does not fit what a relay carries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {spec}: it is for {needs}, and this relay carries {carries}")]
pub struct Unsuitable {
    /// The fault, as it can be typed.
    pub spec: String,
    /// What it needs: `bytes` or `messages`.
    pub needs: &'static str,
    /// What there is.
    pub carries: &'static str,
}
