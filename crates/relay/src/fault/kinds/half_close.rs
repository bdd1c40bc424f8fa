//! `half-close`: the direction ends and the other goes on.

use super::cut::{self, AFTER, Puts, TIME};
use crate::fault::kind::{Kind, Scope};

pub(super) static KIND: Kind = Kind {
    name: "half-close",
    help: "this direction ends, the other goes on",
    scope: Scope::Any,
    parameters: &[&AFTER, &TIME],
    read: |typed| cut::read(typed, Puts::End),
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn the_end_comes_early_and_once() {
        let mut bench = Bench::new(&["up:half-close,after=2"], Passing::Bytes);
        bench.pass("abc");
        bench.pass("d");
        bench.end();
        assert_eq!(bench.run(), ["0s ab", "0s end"]);
    }

    #[test]
    fn an_end_that_has_come_does_not_come_again() {
        let mut bench = Bench::new(&["up:half-close,time=1s"], Passing::Bytes);
        bench.pass("a");
        bench.end();
        assert_eq!(bench.run(), ["0s a", "0s end"]);
        bench.wait(Duration::from_secs(2));
        assert!(bench.run().is_empty());
    }
}
