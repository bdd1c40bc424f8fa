//! Fields, numbers and escapes, on bytes.

/// A decimal number and nothing else: no sign, no blank.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

/// A hexadecimal number and nothing else.
pub(super) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    number(digits, 16)
}

/// A decimal number that fits in 32 bits.
pub(super) fn decimal_u32(digits: &[u8]) -> Option<u32> {
    decimal(digits)?.try_into().ok()
}

fn number(digits: &[u8], base: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        number
            .checked_mul(base.into())?
            .checked_add(u64::from(digit))
    })
}

/// The non-empty pieces between blanks and tabs.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|field| !field.is_empty())
}

/// The lines of a text, without their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}
