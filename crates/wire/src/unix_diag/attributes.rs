//! Netlink attributes: length, type, value, padding to four bytes.

use crate::Malformed;

/// The error of this format, `offset` bytes into the buffer.
pub(super) const fn malformed(offset: usize, what: &'static str) -> Malformed {
    Malformed {
        format: "unix_diag",
        offset,
        what,
    }
}

/// The two bytes at the start of `bytes` as a number.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*bytes))
}

/// The four bytes at the start of `bytes` as a number.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// What is left of `bytes` after an element of `length` bytes and its padding.
pub(super) fn after(bytes: &[u8], length: usize) -> &[u8] {
    // The padding after the last element may be missing.
    bytes.get(length.next_multiple_of(4)..).unwrap_or_default()
}

pub(super) struct Attribute<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    /// Where the value starts in the buffer of the recv.
    pub(super) offset: usize,
}

pub(super) struct Attributes<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Attributes<'a> {
    pub(super) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            rest: bytes,
            offset,
        }
    }
}

const HEADER: usize = 4;
/// The two upper bits of a type are flags (`NLA_TYPE_MASK`).
const KIND: u16 = 0x3fff;

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let attribute = attribute(self.rest, self.offset);
        let length = match &attribute {
            Ok(attribute) => (HEADER + attribute.value.len()).next_multiple_of(4),
            Err(_) => self.rest.len(),
        };
        self.rest = after(self.rest, length);
        self.offset += length;
        Some(attribute)
    }
}

fn attribute(bytes: &[u8], offset: usize) -> Result<Attribute<'_>, Malformed> {
    let (Some(length), Some(kind)) = (u16_at(bytes, 0), u16_at(bytes, 2)) else {
        return Err(malformed(offset, "attribute header cut short"));
    };
    let length = usize::from(length);
    let Some(value) = bytes.get(HEADER..length) else {
        return Err(malformed(offset, "attribute length does not fit"));
    };
    Ok(Attribute {
        kind: kind & KIND,
        value,
        offset: offset + HEADER,
    })
}
