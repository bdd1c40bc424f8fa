//! `bandwidth`: so many bytes a second.

use std::time::{Duration, Instant};

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Out, Passing, Piece, What, after};
use crate::fault::quantity::Rate;

const RATE: Parameter<Rate> = Parameter {
    name: "rate",
    help: "bytes a second",
    without: Without::Refused,
};

pub(super) static KIND: Kind = Kind {
    name: "bandwidth",
    help: "not more than so many bytes a second",
    scope: Scope::Any,
    parameters: &[&RATE],
    read: |typed| {
        let rate = typed.take(&RATE)?;
        Ok(start(move |begin| Bandwidth {
            bytes_a_second: rate.0.get(),
            part_bytes: part_bytes(rate, begin.passing),
            busy: None,
        }))
    },
};

/// A stream comes in parts of a hundredth of a second, so that it flows.
fn part_bytes(rate: Rate, passing: Passing) -> usize {
    match passing {
        Passing::Bytes => usize::try_from(rate.0.get() / 100)
            .map_or(PART_BYTES, |hundredth| hundredth.clamp(1, PART_BYTES)),
        Passing::Messages => usize::MAX,
    }
}

const PART_BYTES: usize = 64 * 1024;

struct Bandwidth {
    bytes_a_second: u64,
    part_bytes: usize,
    busy: Option<Busy>,
}

/// Since when the line is busy without a break, and with how much. Kept as a sum, so that nothing is rounded twice.
#[derive(Clone, Copy)]
struct Busy {
    since: Instant,
    bytes: u64,
}

impl Effect for Bandwidth {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        if !matches!(piece.what, What::Data { .. }) {
            out.push_back(piece);
            return;
        }
        let part_bytes = self.part_bytes;
        piece.cut(|| part_bytes, |part| out.push_back(self.carry(part)));
    }

    fn release(&mut self, _: Instant, _: &mut Out) {
        self.busy = None;
    }

    fn finest_bytes(&self) -> usize {
        self.part_bytes
    }
}

impl Bandwidth {
    /// A part is through when its last byte is.
    fn carry(&mut self, part: Piece) -> Piece {
        let idle = Busy {
            since: part.due,
            bytes: 0,
        };
        let mut busy = match self.busy {
            Some(busy) if self.free_at(busy) >= part.due => busy,
            Some(_) | None => idle,
        };
        busy.bytes += part.what.length_bytes() as u64;
        self.busy = Some(busy);
        part.not_before(self.free_at(busy))
    }

    fn free_at(&self, busy: Busy) -> Instant {
        let nanoseconds = u128::from(busy.bytes) * 1_000_000_000 / u128::from(self.bytes_a_second);
        let nanoseconds = u64::try_from(nanoseconds).unwrap_or(u64::MAX);
        after(busy.since, Duration::from_nanos(nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::tests::Bench;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_mebibyte_at_a_mebibyte_a_second_takes_a_second_and_flows() {
        let mut bench = Bench::new(&["up:bandwidth,rate=1MiB"], Passing::Bytes);
        bench.pass_bytes(vec![0; MIB]);
        bench.end();
        let mut passed = 0;
        while let Some(data) = bench.next_data() {
            passed += data.len();
            let expected = Duration::from_secs(1) * u32::try_from(passed).unwrap() / (1 << 20);
            assert!(bench.elapsed().abs_diff(expected) <= Duration::from_nanos(1));
            assert!(data.len() <= MIB / 100);
        }
        assert_eq!(passed, MIB);
        assert_eq!(bench.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn what_comes_while_the_line_is_busy_waits_and_an_idle_line_saves_nothing_up() {
        let mut bench = Bench::new(&["up:bandwidth,rate=10"], Passing::Messages);
        bench.pass("0123456789");
        bench.wait(Duration::from_millis(500));
        bench.pass("01234");
        assert_eq!(bench.run(), ["1s 0123456789", "1500ms 01234"]);
        bench.wait(Duration::from_secs(100));
        bench.pass("0");
        bench.pass("1");
        assert_eq!(bench.run(), ["101600ms 0", "101700ms 1"]);
    }

    #[test]
    fn a_slow_line_takes_in_no_more_than_it_can_cut_up() {
        let bench = Bench::new(&["up:bandwidth,rate=1"], Passing::Bytes);
        assert_eq!(bench.chain().room_bytes(), 4096);
    }
}
