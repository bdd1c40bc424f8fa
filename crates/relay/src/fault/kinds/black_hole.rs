//! `black-hole`: everything is taken and dropped, and the connection stays open.

use super::cut::{self, AFTER, Puts, TIME};
use crate::fault::kind::{Kind, Scope};

pub(super) static KIND: Kind = Kind {
    name: "black-hole",
    help: "everything is taken and dropped, the connection stays open",
    scope: Scope::Any,
    parameters: &[&AFTER, &TIME],
    read: |typed| cut::read(typed, Puts::Nothing),
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn nothing_comes_not_even_the_end() {
        let mut bench = Bench::new(&["up:black-hole"], Passing::Bytes);
        bench.pass("abc");
        bench.end();
        assert!(bench.run().is_empty());
        assert!(bench.chain().is_over());
    }

    #[test]
    fn it_takes_any_amount() {
        let mut bench = Bench::new(&["up:black-hole,after=4"], Passing::Bytes);
        bench.pass("abc");
        for _ in 0..100 {
            bench.pass_bytes(vec![b'd'; 100_000]);
        }
        assert!(!bench.chain().is_full());
        assert_eq!(bench.run(), ["0s abc", "0s d"]);
    }

    #[test]
    fn once_gone_it_lets_pass_what_comes_then() {
        let mut bench = Bench::new(&["up:black-hole"], Passing::Bytes);
        bench.pass("abc");
        bench.wait(Duration::from_secs(1));
        bench.change(&[]);
        bench.pass("def");
        assert_eq!(bench.run(), ["1s def"]);
    }

    #[test]
    fn an_end_that_it_swallowed_comes_when_it_is_gone() {
        let mut bench = Bench::new(&["up:black-hole"], Passing::Bytes);
        bench.end();
        bench.wait(Duration::from_secs(1));
        bench.change(&["up:latency,delay=1s"]);
        assert_eq!(bench.run(), ["2s end"]);
    }
}
