//! What a parameter can be: each quantity is read, shown and explained in one place.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use sockeye_address::duration;

/// A quantity that can be typed. What is shown reads back as the same.
pub(super) trait Quantity: Copy + PartialEq + Send + Sync + 'static {
    /// What stands for it in a usage line.
    const WORD: &'static str;
    /// What is expected, for an error message.
    const EXPECTED: &'static str;

    fn read(text: &str) -> Option<Self>;
    fn show(self) -> String;
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteCount(pub(super) u64);

/// A number of bytes that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) NonZeroU64);

/// Bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(pub(super) NonZeroU64);

/// From 0, never, to 1, always.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share(f64);

/// How many, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) NonZeroU32);

impl Share {
    pub(super) const ALWAYS: Share = Share(1.0);

    /// Whether it happens this time.
    pub(super) fn happens(self, rng: &mut fastrand::Rng) -> bool {
        rng.f64() < self.0
    }
}

impl Quantity for Duration {
    const WORD: &'static str = "TIME";
    const EXPECTED: &'static str = "a time such as 100ms, 2s or 1m";

    fn read(text: &str) -> Option<Self> {
        duration::parse(text)
    }

    fn show(self) -> String {
        duration::show(self)
    }
}

impl Quantity for ByteCount {
    const WORD: &'static str = "BYTES";
    const EXPECTED: &'static str = "a number of bytes such as 100, 10KB or 1MiB";

    fn read(text: &str) -> Option<Self> {
        read_bytes(text).map(ByteCount)
    }

    fn show(self) -> String {
        show_bytes(self.0)
    }
}

impl Quantity for Size {
    const WORD: &'static str = "BYTES";
    const EXPECTED: &'static str = "a number of bytes such as 100, 10KB or 1MiB, and not 0";

    fn read(text: &str) -> Option<Self> {
        read_bytes(text).and_then(NonZeroU64::new).map(Size)
    }

    fn show(self) -> String {
        show_bytes(self.0.get())
    }
}

impl Quantity for Rate {
    const WORD: &'static str = "RATE";
    const EXPECTED: &'static str = "bytes a second such as 500, 64KB or 1MiB, and not 0";

    fn read(text: &str) -> Option<Self> {
        let text = text.strip_suffix("/s").unwrap_or(text);
        read_bytes(text).and_then(NonZeroU64::new).map(Rate)
    }

    fn show(self) -> String {
        show_bytes(self.0.get())
    }
}

impl Quantity for Share {
    const WORD: &'static str = "SHARE";
    const EXPECTED: &'static str = "a share from 0 to 1 such as 0.3, or 30%";

    fn read(text: &str) -> Option<Self> {
        let (number, whole) = text
            .strip_suffix('%')
            .map_or((text, 1.0), |number| (number, 100.0));
        // Digits at both ends: neither a sign, an exponent nor "inf" is meant.
        let plain = number.starts_with(|c: char| c.is_ascii_digit())
            && number.ends_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.');
        let share = number.parse::<f64>().ok().filter(|_| plain)? / whole;
        (0.0..=1.0).contains(&share).then_some(Share(share))
    }

    fn show(self) -> String {
        self.0.to_string()
    }
}

impl Quantity for Count {
    const WORD: &'static str = "N";
    const EXPECTED: &'static str = "a number of at least 1";

    fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Count)
    }

    fn show(self) -> String {
        self.0.to_string()
    }
}

/// What may stand behind a number of bytes; the largest first, as they are tried for showing one.
const UNITS: [(&str, u64); 6] = [
    ("Gi", 1 << 30),
    ("G", 1_000_000_000),
    ("Mi", 1 << 20),
    ("M", 1_000_000),
    ("Ki", 1 << 10),
    ("K", 1_000),
];

fn read_bytes(text: &str) -> Option<u64> {
    let number_ends = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let unit = unit.strip_suffix('B').unwrap_or(unit);
    let unit_bytes = match unit {
        "" => 1,
        _ => {
            UNITS
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(unit))?
                .1
        }
    };
    number.parse::<u64>().ok()?.checked_mul(unit_bytes)
}

fn show_bytes(bytes: u64) -> String {
    let exact = UNITS
        .iter()
        .find(|(_, unit_bytes)| bytes != 0 && bytes.is_multiple_of(*unit_bytes));
    match exact {
        Some((word, unit_bytes)) => format!("{}{word}B", bytes / unit_bytes),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rstest::rstest]
    #[case("0", 0)]
    #[case("1500", 1500)]
    #[case("1500B", 1500)]
    #[case("1K", 1000)]
    #[case("1k", 1000)]
    #[case("1KB", 1000)]
    #[case("1Ki", 1024)]
    #[case("1KiB", 1024)]
    #[case("2M", 2_000_000)]
    #[case("2MiB", 2 << 20)]
    #[case("3GB", 3_000_000_000)]
    #[case("3GiB", 3 << 30)]
    fn bytes_may_have_a_unit(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(read_bytes(text), Some(bytes));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("B")]
    #[case("MB")]
    #[case("-1")]
    #[case("1.5M")]
    #[case("1 MB")]
    #[case("1Mb")]
    #[case("1TB")]
    #[case("1BB")]
    #[case("18446744073709551616")]
    #[case("18446744073709551615K")]
    fn what_is_no_number_of_bytes_is_refused(#[case] text: &str) {
        assert_eq!(read_bytes(text), None);
    }

    #[rstest::rstest]
    #[case("0", Some(0.0))]
    #[case("1", Some(1.0))]
    #[case("0.25", Some(0.25))]
    #[case("25%", Some(0.25))]
    #[case("100%", Some(1.0))]
    #[case("1.01", None)]
    #[case("101%", None)]
    #[case("-0.1", None)]
    #[case("-0", None)]
    #[case(".5", None)]
    #[case("1e-3", None)]
    #[case("nan", None)]
    #[case("inf", None)]
    #[case("%", None)]
    #[case("", None)]
    fn a_share_is_from_0_to_1(#[case] text: &str, #[case] share: Option<f64>) {
        assert_eq!(Share::read(text), share.map(Share));
    }

    #[test]
    fn nothing_is_no_rate_size_or_count() {
        assert_eq!(Rate::read("0"), None);
        assert_eq!(Size::read("0KB"), None);
        assert_eq!(Count::read("0"), None);
        assert_eq!(Count::read("+1"), None);
        assert_eq!(Rate::read("1MB/s"), Rate::read("1M"));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(bytes: u64, few in 0..5000_u64, share in 0.0..=1.0_f64, count in 1..=u32::MAX) {
            for bytes in [bytes, few, few << 20, few * 1_000_000] {
                prop_assert_eq!(read_bytes(&show_bytes(bytes)), Some(bytes));
            }
            prop_assert_eq!(Share::read(&Share(share).show()), Some(Share(share)));
            prop_assert_eq!(Count::read(&count.to_string()).map(Count::show), Some(count.to_string()));
        }
    }
}
