//! `close`: the connection is closed in both directions, in the middle of whatever it is.

use super::cut::{self, AFTER, Puts, TIME};
use crate::fault::kind::{Kind, Scope};

pub(super) static KIND: Kind = Kind {
    name: "close",
    help: "the connection is closed in both directions",
    scope: Scope::Any,
    parameters: &[&AFTER, &TIME],
    read: |typed| cut::read(typed, Puts::Close),
};

#[cfg(test)]
mod tests {
    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn exactly_so_many_bytes_pass() {
        let mut bench = Bench::new(&["up:close,after=2"], Passing::Bytes);
        bench.pass("abc");
        bench.end();
        assert_eq!(bench.run(), ["0s ab", "0s close"]);
    }

    #[test]
    fn a_black_hole_does_not_keep_it_back() {
        let faults = ["up:close,time=5s", "up:black-hole"];
        let mut bench = Bench::new(&faults, Passing::Bytes);
        bench.pass("abc");
        assert_eq!(bench.run(), ["5s close"]);
    }
}
