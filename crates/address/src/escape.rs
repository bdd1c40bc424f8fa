//! Bytes from outside, shown so that a terminal is safe and nothing is lost.
//!
//! Socket names are chosen by whoever binds them: they may hold terminal commands, newlines that fake a row, bidi
//! marks that swap what is read, or bytes that are no text. [`escape`] turns all of that into printable characters
//! and [`unescape`] gives back exactly the same bytes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Writes `bytes` as printable text: `\\` for a backslash, `\x0a` for a byte that must not reach a terminal or is
/// no UTF-8, `\u{202e}` for a character that would not show as itself. `also` names further ASCII characters to
/// escape.
///
/// ```
/// use sockeye_address::escape::{escape, unescape};
/// assert_eq!(escape(b"a\nb\\c", ""), r"a\x0ab\\c");
/// assert_eq!(escape("x\u{202e}y".as_bytes(), ""), r"x\u{202e}y");
/// assert_eq!(unescape(&escape(b"\xff\0,", ","))?, b"\xff\0,");
/// # Ok::<(), sockeye_address::escape::BadEscape>(())
/// ```
pub fn escape(bytes: &[u8], also: &str) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut text, character, also);
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn push_escaped(text: &mut String, character: char, also: &str) {
    match character {
        '\\' => text.push_str("\\\\"),
        c if c.is_ascii_control() || also.contains(c) => {
            let _ = write!(text, "\\x{:02x}", u32::from(c));
        }
        c if hides(c) => {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
        }
        c => text.push(c),
    }
}

/// Whether `bytes` show as themselves: valid UTF-8 without anything [`escape`] would change, a backslash apart.
pub fn is_plain(bytes: &[u8]) -> bool {
    // Nearly every name is printable ASCII; the map of a machine asks this for each.
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        || std::str::from_utf8(bytes)
            .is_ok_and(|text| !text.chars().any(|c| c.is_ascii_control() || hides(c)))
}

/// Whether a character is invisible, moves the cursor, reorders its neighbours or passes for a space.
fn hides(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(
            u32::from(character),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
                | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
                | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
        )
}

/// Text that uses a backslash otherwise than [`escape`] does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "bad escape \"{sequence}\": expected \\\\, \\, or \\x and two hexadecimal digits or \\u{{…}}"
)]
pub struct BadEscape {
    /// What stands in the text, from the backslash on; what follows the backslash is escaped.
    pub sequence: String,
}

/// Gives back the bytes that [`escape`] wrote. `\,` is understood too, as it is the handiest way to type a comma.
///
/// # Errors
/// A backslash that begins none of the known sequences.
pub fn unescape(text: &str) -> Result<Vec<u8>, BadEscape> {
    unescape_bytes(text.as_bytes())
}

/// [`unescape`] for text that may hold bytes that are no UTF-8; those stand for themselves.
///
/// # Errors
/// A backslash that begins none of the known sequences.
pub fn unescape_bytes(text: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        bytes.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let used = sequence(rest, &mut bytes).ok_or_else(|| BadEscape {
            sequence: format!("\\{}", escape(&rest[1..rest.len().min(10)], "")),
        })?;
        rest = &rest[used..];
    }
    bytes.extend_from_slice(rest);
    Ok(bytes)
}

/// Reads one sequence, `text` beginning with its backslash; answers how many bytes of text it took.
fn sequence(text: &[u8], bytes: &mut Vec<u8>) -> Option<usize> {
    match text.get(1)? {
        literal @ (b'\\' | b',') => {
            bytes.push(*literal);
            Some(2)
        }
        b'x' => {
            let digits = std::str::from_utf8(text.get(2..4)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            Some(4)
        }
        b'u' => {
            let end = text.iter().take(10).position(|byte| *byte == b'}')?;
            let digits = std::str::from_utf8(text.get(3..end)?).ok()?;
            if text.get(2) != Some(&b'{') || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            {
                return None;
            }
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            Some(end + 1)
        }
        _ => None,
    }
}

/// Quotes a word for a POSIX shell where it needs it, so that what is shown can be pasted after a command.
///
/// ```
/// use sockeye_address::escape::shell_word;
/// assert_eq!(shell_word("/run/app.sock"), "/run/app.sock");
/// assert_eq!(shell_word(r"@a\x00b"), r"'@a\x00b'");
/// assert_eq!(shell_word("/tmp/it's"), r"'/tmp/it'\''s'");
/// ```
pub fn shell_word(word: &str) -> Cow<'_, str> {
    let safe_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    let safe = |c: char| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => safe_byte(byte),
        _ => !hides(c),
    };
    if !word.is_empty() && word.chars().all(safe) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terminal_commands_newlines_and_bidi_marks_never_pass() {
        let hostile =
            "\u{1b}[2J\r\n\u{7f}\u{9b}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{a0}\u{e0041}";
        let shown = escape(hostile.as_bytes(), "");
        assert!(shown.chars().all(|c| c.is_ascii_graphic()), "{shown}");
        assert_eq!(unescape(&shown).unwrap(), hostile.as_bytes());
    }

    #[rstest::rstest]
    #[case(r"\")]
    #[case(r"\q")]
    #[case(r"\x4")]
    #[case(r"\x+1")]
    #[case(r"\u{}")]
    #[case(r"\u{d800}")]
    #[case(r"\u{1234567}")]
    #[case(r"\u1f")]
    fn a_backslash_that_escapes_nothing_is_refused(#[case] text: &str) {
        assert!(unescape(text).is_err(), "{text}");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_and_show_plainly(bytes: Vec<u8>) {
            let shown = escape(&bytes, ",'");
            prop_assert!(is_plain(shown.as_bytes()));
            prop_assert_eq!(unescape(&shown).unwrap(), bytes);
        }
    }
}
