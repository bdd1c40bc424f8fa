//! All faults of a relay.

use super::error::Unsuitable;
use super::lot::Direction;
use super::piece::Passing;
use super::spec::{On, Spec};

/// All faults of a relay, and the seed of their random numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// In the order in which what passes comes to them.
    pub faults: Vec<Spec>,
    /// The same seed gives the same run: the same connections, counted in the order in which they were made, have the
    /// same faults, and the same messages are lost.
    pub seed: u64,
}

impl Settings {
    /// Whether there is none for a direction.
    pub fn is_clear(&self, direction: Direction) -> bool {
        !self.faults.iter().any(|spec| spec.on().is_on(direction))
    }

    /// Whether all can be where this passes.
    ///
    /// # Errors
    ///
    /// [`Unsuitable`]: the first that cannot.
    pub fn check(&self, passing: Passing) -> Result<(), Unsuitable> {
        self.faults.iter().try_for_each(|spec| spec.check(passing))
    }

    /// Whether a client is to be refused.
    pub fn refuses(&self, connection: u64) -> bool {
        let refusing = self.faults.iter().filter(|spec| spec.on() == On::Client);
        refusing
            .enumerate()
            .any(|(nth, spec)| spec.draw(self.seed, connection, None, nth).is_some())
    }

    /// Those that a direction of a connection has, with their random numbers.
    pub(super) fn drawn(
        &self,
        connection: u64,
        direction: Direction,
        passing: Passing,
    ) -> impl Iterator<Item = (&Spec, fastrand::Rng)> {
        let on = move |spec: &&Spec| spec.on().is_on(direction) && spec.kind().fits(passing);
        let all = self
            .faults
            .iter()
            .enumerate()
            .filter(move |(_, spec)| on(spec));
        all.filter_map(move |(index, spec)| {
            let same = |other: &&Spec| on(other) && other.kind().name == spec.kind().name;
            let nth = self.faults[..index].iter().filter(same).count();
            let rng = spec.draw(self.seed, connection, Some(direction), nth)?;
            Some((spec, rng))
        })
    }
}
