//! Spans of time as they are typed: `1`, `0.5`, `500ms`, `2s`, `1m`.

use std::time::Duration;

/// What may stand behind the number, and how many nanoseconds it is.
const UNITS: [(&str, u128); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
    ("", 1_000_000_000),
];

/// The longest that is understood: what fits into 32 bits of seconds, 136 years, so that no clock overflows by it.
const LONGEST_SECONDS: u64 = u32::MAX as u64;

/// Reads a number of seconds, or of another unit behind it: `ms`, `s`, `m` or `h`. `None` when it is neither, is
/// finer than a nanosecond or longer than 136 years.
///
/// ```
/// use sockeye_address::duration;
/// use std::time::Duration;
/// assert_eq!(duration::parse("0.5"), Some(Duration::from_millis(500)));
/// assert_eq!(duration::parse("1m"), Some(Duration::from_secs(60)));
/// assert_eq!(duration::parse("-1"), None);
/// ```
pub fn parse(text: &str) -> Option<Duration> {
    let number_ends = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let (_, unit_nanoseconds) = UNITS.iter().find(|(word, _)| *word == unit)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if part.len() > 18 {
        return None;
    }
    let digits = |text: &str| -> Option<u128> { text.parse::<u64>().ok().map(u128::from) };
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let parts = digits(part)? * unit_nanoseconds;
    let whole = digits(whole)?.checked_mul(*unit_nanoseconds)?;
    if parts % scale != 0 {
        return None;
    }
    let nanoseconds = whole.checked_add(parts / scale)?;
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
    (seconds <= LONGEST_SECONDS).then(|| Duration::new(seconds, rest))
}

/// Writes a span of time so that [`parse`] reads the same: `2s`, `500ms`, or a fraction of seconds where it is finer.
///
/// ```
/// use sockeye_address::duration;
/// use std::time::Duration;
/// assert_eq!(duration::show(Duration::from_secs(90)), "90s");
/// assert_eq!(duration::show(Duration::from_millis(1500)), "1500ms");
/// assert_eq!(duration::show(Duration::from_micros(1)), "0.000001s");
/// ```
pub fn show(span: Duration) -> String {
    match span.subsec_nanos() {
        0 => format!("{}s", span.as_secs()),
        nanoseconds if nanoseconds % 1_000_000 == 0 => format!("{}ms", span.as_millis()),
        nanoseconds => {
            let text = format!("{}.{nanoseconds:09}", span.as_secs());
            format!("{}s", text.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rstest::rstest]
    #[case("1", 1_000)]
    #[case("0", 0)]
    #[case("0.5", 500)]
    #[case("500ms", 500)]
    #[case("2s", 2_000)]
    #[case("2.25s", 2_250)]
    #[case("1.5m", 90_000)]
    #[case("1h", 3_600_000)]
    #[case("4294967295", 4_294_967_295_000)]
    fn a_span_is_seconds_or_has_its_unit(#[case] text: &str, #[case] milliseconds: u64) {
        assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("s")]
    #[case(".")]
    #[case("1.")]
    #[case(".5")]
    #[case("-1")]
    #[case("+1")]
    #[case("1e3")]
    #[case("1 s")]
    #[case("1S")]
    #[case("1d")]
    #[case("1.2.3")]
    #[case("0.0000000001")]
    #[case("4294967296")]
    #[case("99999999999999999999999999")]
    #[case("18446744073709551615h")]
    #[case("inf")]
    #[case("nan")]
    fn what_is_no_span_is_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }

    proptest! {
        #[test]
        fn any_span_reads_back(seconds: u32, nanoseconds in 0..1_000_000_000_u32) {
            for nanoseconds in [nanoseconds, nanoseconds / 1_000_000 * 1_000_000, 0] {
                let span = Duration::new(seconds.into(), nanoseconds);
                prop_assert_eq!(parse(&show(span)), Some(span));
            }
        }
    }
}
