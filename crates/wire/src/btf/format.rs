//! The header, and what each kind of type has behind its first twelve bytes.

use crate::Malformed;

/// Bytes of the header that are known here; a newer kernel may write more.
pub(super) const HEADER: usize = 24;
/// Bytes that every type has: the name, the kind and a count, and a size or another type.
pub(super) const TYPE: usize = 12;
/// The first four bytes: magic number 0xeb9f, version 1, no flags.
pub(super) const MAGIC: u16 = 0xeb9f;
pub(super) const VERSION: u8 = 1;

pub(super) const INT: u32 = 1;
pub(super) const PTR: u32 = 2;
pub(super) const ARRAY: u32 = 3;
pub(super) const STRUCT: u32 = 4;
pub(super) const UNION: u32 = 5;
pub(super) const ENUM: u32 = 6;
pub(super) const FWD: u32 = 7;
pub(super) const TYPEDEF: u32 = 8;
pub(super) const VOLATILE: u32 = 9;
pub(super) const CONST: u32 = 10;
pub(super) const RESTRICT: u32 = 11;
pub(super) const FUNC: u32 = 12;
pub(super) const FUNC_PROTO: u32 = 13;
pub(super) const VAR: u32 = 14;
pub(super) const DATASEC: u32 = 15;
pub(super) const FLOAT: u32 = 16;
pub(super) const DECL_TAG: u32 = 17;
pub(super) const TYPE_TAG: u32 = 18;
pub(super) const ENUM64: u32 = 19;

/// The second word of a type: its kind, and how many members or parameters it has.
pub(super) const fn info(kind: u32, count: u16) -> u32 {
    kind << 24 | count as u32
}

pub(super) const fn kind(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// Bytes behind the first twelve, as the second word tells them; `None` for a kind that is not known.
pub(super) const fn extra(info: u32) -> Option<usize> {
    let count = (info & 0xffff) as usize;
    Some(match kind(info) {
        INT | VAR | DECL_TAG => 4,
        ARRAY => 12,
        STRUCT | UNION | DATASEC | ENUM64 => 12 * count,
        ENUM | FUNC_PROTO => 8 * count,
        PTR | FWD | TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | FLOAT | TYPE_TAG => 0,
        _ => return None,
    })
}

/// The word `offset` bytes into `bytes`.
pub(super) fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

pub(super) const fn malformed(offset: usize, what: &'static str) -> Malformed {
    Malformed {
        format: "BTF",
        offset,
        what,
    }
}

/// The two sections of a blob.
#[derive(Clone, Copy)]
pub(super) struct Sections<'a> {
    pub(super) types: &'a [u8],
    /// Where the types start in the blob.
    pub(super) types_offset: usize,
    pub(super) strings: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, Malformed> {
        let header = blob
            .get(..HEADER)
            .ok_or_else(|| malformed(0, "header cut short"))?;
        if header.first_chunk() != Some(&MAGIC.to_ne_bytes()) {
            return Err(malformed(0, "magic number is not that of this machine"));
        }
        if header.get(2) != Some(&VERSION) {
            return Err(malformed(2, "version is not 1"));
        }
        let field = |offset| {
            let field = word(header, offset).unwrap_or_default();
            usize::try_from(field).unwrap_or(usize::MAX)
        };
        let section = |start: usize, length: usize| {
            let start = field(4).checked_add(field(start))?;
            let section = blob.get(start..start.checked_add(field(length))?)?;
            Some((start, section))
        };
        let (types_offset, types) =
            section(8, 12).ok_or_else(|| malformed(8, "types reach behind the end"))?;
        let (_, strings) =
            section(16, 20).ok_or_else(|| malformed(16, "strings reach behind the end"))?;
        if strings.first().is_some_and(|byte| *byte != 0) {
            return Err(malformed(16, "first string is not empty"));
        }
        Ok(Self {
            types,
            types_offset,
            strings,
        })
    }
}
