//! `reset`: the connection breaks, as if an end of it had crashed.

use super::cut::{self, AFTER, Puts, TIME};
use crate::fault::kind::{Kind, Scope};

pub(super) static KIND: Kind = Kind {
    name: "reset",
    help: "the connection breaks: both ends see it reset",
    scope: Scope::Any,
    parameters: &[&AFTER, &TIME],
    read: |typed| cut::read(typed, Puts::Reset),
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::fault::tests::Bench;
    use crate::fault::{Passing, What};

    #[test]
    fn exactly_so_many_bytes_pass() {
        let mut bench = Bench::new(&["up:reset,after=5"], Passing::Bytes);
        bench.pass("abc");
        bench.pass("defghi");
        bench.pass("jkl");
        assert!(bench.chain().is_over());
        assert_eq!(bench.run(), ["0s abc", "0s de", "0s reset"]);
    }

    #[test]
    fn the_last_byte_that_may_pass_brings_it() {
        let mut bench = Bench::new(&["up:reset,after=3"], Passing::Bytes);
        bench.pass("abc");
        assert_eq!(bench.run(), ["0s abc", "0s reset"]);
    }

    #[test]
    fn messages_stay_whole() {
        let mut bench = Bench::new(&["up:reset,after=5"], Passing::Messages);
        bench.pass("abc");
        bench.pass("defghi");
        assert_eq!(bench.run(), ["0s abc", "0s defghi", "0s reset"]);
    }

    #[test]
    fn the_clock_brings_it_without_anything_passing() {
        let mut bench = Bench::new(&["up:reset,time=2s"], Passing::Bytes);
        bench.wait(Duration::from_millis(1999));
        bench.pass("a");
        assert_eq!(bench.run(), ["1999ms a", "2s reset"]);
    }

    #[test]
    fn nothing_said_is_at_once_and_both_said_what_comes_first() {
        let mut bench = Bench::new(&["up:reset"], Passing::Bytes);
        assert_eq!(bench.run(), ["0s reset"]);
        let mut bench = Bench::new(&["up:reset,after=0,time=1s"], Passing::Bytes);
        assert_eq!(bench.run(), ["0s reset"]);
        let mut bench = Bench::new(&["up:reset,after=1,time=1s"], Passing::Bytes);
        assert_eq!(bench.run(), ["1s reset"]);
        let mut bench = Bench::new(&["up:reset,after=1,time=1s"], Passing::Bytes);
        bench.pass("a");
        assert_eq!(bench.run(), ["0s a", "0s reset"]);
    }

    #[test]
    fn by_the_clock_it_does_not_wait_for_a_peer_that_takes_nothing() {
        let mut bench = Bench::new(&["up:reset,time=2s"], Passing::Bytes);
        bench.pass("never taken");
        assert_eq!(
            bench.chain().breaks_at(),
            Some(bench.at(Duration::from_secs(2)))
        );
        bench.wait(Duration::from_millis(1999));
        assert!(bench.take_break().is_none());
        bench.wait(Duration::from_millis(1));
        assert!(matches!(bench.take_break(), Some(What::Reset)));
        assert!(bench.run().is_empty());
    }

    #[test]
    fn by_bytes_it_waits_until_they_are_taken() {
        let mut bench = Bench::new(&["up:reset,after=1"], Passing::Bytes);
        bench.pass("a");
        assert_eq!(bench.chain().breaks_at(), None);
        assert!(bench.take_break().is_none());
        assert_eq!(bench.run(), ["0s a", "0s reset"]);
    }
}
