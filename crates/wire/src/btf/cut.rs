//! Picks the types out: one pass over all of them to find the seeds, then only along what they reach.

use std::collections::HashMap;

use memchr::{memchr, memmem};

use super::BtfError;
use super::blob::Blob;
use super::format::{
    ARRAY, CONST, DATASEC, DECL_TAG, ENUM, ENUM64, FUNC, FUNC_PROTO, PTR, RESTRICT, STRUCT,
    Sections, TYPE, TYPE_TAG, TYPEDEF, UNION, VAR, VOLATILE, extra, info, kind, malformed, word,
};
use crate::Malformed;

/// Something a program needs to know of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed<'a> {
    /// The layout of a structure.
    Struct(&'a str),
    /// The parameters of a function, and its id.
    Function(&'a str),
}

/// What [`cut`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// A blob of its own, with its own ids: the seeds and what they reach.
    pub types: Vec<u8>,
    /// The functions among the seeds, in their order, and the id each has in the *full* type information, which is the
    /// one to give to the kernel. See [`with_function_at`](super::with_function_at).
    pub function_ids: Vec<(String, u32)>,
}

/// Cuts the kernel's type information down to `seeds` and what they hold.
///
/// A pointer is kept, but what it points to is not followed and becomes `void`: to read through a pointer, a program
/// names both structures, and both are seeds. Where the kernel has several structures of one name, all are kept, as the
/// loader may choose between them; of several functions the first counts.
///
/// The strings are taken to hold each name once, as libbpf and pahole write them.
///
/// # Errors
///
/// When the blob does not follow the format or is of the other byte order, or when a seed is missing.
///
/// # Privileges
///
/// None here; /sys/kernel/btf/vmlinux may be read by everybody.
///
/// # Examples
///
/// ```
/// use sockeye_wire::btf::{BtfError, Seed, cut, with_function_at};
///
/// let full = with_function_at(100, "bpf_iter_task_file");
/// let small = cut(&full, &[Seed::Function("bpf_iter_task_file")])?;
/// assert_eq!(small.function_ids, [("bpf_iter_task_file".to_owned(), 100)]);
/// assert!(small.types.len() < 100);
///
/// let missing = cut(&full, &[Seed::Struct("sock")]).unwrap_err();
/// assert_eq!(missing.to_string(), "find struct sock: the kernel has none");
/// # Ok::<(), BtfError>(())
/// ```
pub fn cut(vmlinux: &[u8], seeds: &[Seed<'_>]) -> Result<Cut, BtfError> {
    let sections = Sections::parse(vmlinux)?;
    let wanted = seeds
        .iter()
        .map(|seed| Wanted::new(*seed, sections.strings))
        .collect::<Result<Vec<_>, _>>()?;
    let Survey { offsets, found } = survey(sections, &wanted)?;
    let mut function_ids = Vec::new();
    let mut picked = Picked::new(sections, offsets);
    for (at, wanted) in wanted.iter().enumerate() {
        let mut ids = found
            .iter()
            .filter(|(seed, _)| *seed == at)
            .map(|(_, id)| *id);
        let first = ids.next().ok_or_else(|| wanted.missing())?;
        picked.new_id(first)?;
        match wanted.seed {
            Seed::Function(name) => function_ids.push((name.to_owned(), first)),
            Seed::Struct(_) => ids.try_for_each(|id| picked.new_id(id).map(drop))?,
        }
    }
    Ok(Cut {
        types: picked.write()?,
        function_ids,
    })
}

/// A seed, as numbers that can be compared with a type's.
struct Wanted<'a> {
    seed: Seed<'a>,
    name: u32,
    kind: u32,
}

impl<'a> Wanted<'a> {
    fn new(seed: Seed<'a>, strings: &[u8]) -> Result<Self, BtfError> {
        let (Seed::Struct(name) | Seed::Function(name)) = seed;
        let mut wanted = Self {
            seed,
            name: 0,
            kind: match seed {
                Seed::Struct(_) => STRUCT,
                Seed::Function(_) => FUNC,
            },
        };
        if name.is_empty() || name.contains('\0') {
            return Err(wanted.missing());
        }
        let between_nuls = [b"\0", name.as_bytes(), b"\0"].concat();
        let at = memmem::find(strings, &between_nuls).ok_or_else(|| wanted.missing())?;
        wanted.name = u32::try_from(at + 1).map_err(|_| wanted.missing())?;
        Ok(wanted)
    }

    fn missing(&self) -> BtfError {
        match self.seed {
            Seed::Struct(name) => BtfError::NoStruct(name.to_owned()),
            Seed::Function(name) => BtfError::NoFunction(name.to_owned()),
        }
    }
}

/// What the pass over all types brings.
struct Survey {
    /// Where each type starts in its section; type 0, `void`, is nowhere.
    offsets: Vec<u32>,
    /// Which seed (by its place) is which type.
    found: Vec<(usize, u32)>,
}

fn survey(sections: Sections<'_>, wanted: &[Wanted<'_>]) -> Result<Survey, Malformed> {
    // One bit per name, so that nearly all types need no comparison.
    let maybe = wanted
        .iter()
        .fold(0u64, |bits, wanted| bits | 1 << (wanted.name & 63));
    let mut survey = Survey {
        offsets: Vec::with_capacity(1 + sections.types.len() / (2 * TYPE)),
        found: Vec::new(),
    };
    survey.offsets.push(u32::MAX);
    let mut rest = sections.types;
    let mut id = 0;
    while !rest.is_empty() {
        let offset = sections.types.len() - rest.len();
        let cut_short = || malformed(sections.types_offset + offset, "type cut short");
        let (head, after) = rest.split_first_chunk::<TYPE>().ok_or_else(cut_short)?;
        let info = word(head, 4).unwrap_or_default();
        let extra = extra(info)
            .ok_or_else(|| malformed(sections.types_offset + offset, "type of unknown kind"))?;
        rest = after.get(extra..).ok_or_else(cut_short)?;
        id += 1;
        survey
            .offsets
            .push(u32::try_from(offset).unwrap_or(u32::MAX)); // sections are smaller
        let name = word(head, 0).unwrap_or_default();
        if maybe >> (name & 63) & 1 != 0 {
            let this = |wanted: &Wanted<'_>| wanted.name == name && wanted.kind == kind(info);
            let seeds = wanted.iter().enumerate().filter(|(_, wanted)| this(wanted));
            survey.found.extend(seeds.map(|(seed, _)| (seed, id)));
        }
    }
    Ok(survey)
}

/// The kernel refuses longer names (`KSYM_NAME_LEN` in `include/linux/kallsyms.h`, with its NUL).
const NAME_MAX: usize = 511;

/// What one word of a type is, and so what becomes of it.
#[derive(Clone, Copy)]
enum Word {
    Name,
    Type,
    Plain,
}

/// What the words behind the first two are: the third, and those that repeat to the end.
const fn words_of(kind: u32) -> Option<(Word, &'static [Word])> {
    use Word::{Name, Plain, Type};
    Some(match kind {
        ARRAY => (Plain, &[Type, Type, Plain]),
        STRUCT | UNION => (Plain, &[Name, Type, Plain]),
        ENUM => (Plain, &[Name, Plain]),
        ENUM64 => (Plain, &[Name, Plain, Plain]),
        TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | TYPE_TAG => (Type, &[Plain]),
        FUNC_PROTO => (Type, &[Name, Type]),
        VAR | DATASEC | DECL_TAG => return None, // nothing can be of such a type
        _ => (Plain, &[Plain]),
    })
}

/// The types that are kept, in the order of their new ids.
struct Picked<'a> {
    sections: Sections<'a>,
    offsets: Vec<u32>,
    /// By old id; 0 for those that are not kept.
    new_ids: Vec<u32>,
    /// Old ids; the first has the new id 1.
    order: Vec<u32>,
    /// All pointers are the same once they point to nothing.
    pointer: Option<u32>,
    /// Where each name was written.
    names: HashMap<&'a [u8], u32>,
    blob: Blob,
}

impl<'a> Picked<'a> {
    fn new(sections: Sections<'a>, offsets: Vec<u32>) -> Self {
        Self {
            sections,
            new_ids: vec![0; offsets.len()],
            offsets,
            order: Vec::new(),
            pointer: None,
            names: HashMap::new(),
            blob: Blob::default(),
        }
    }

    /// The bytes of a type and of what comes after it.
    fn bytes(&self, id: u32) -> Option<&'a [u8]> {
        let offset = *self.offsets.get(usize::try_from(id).ok()?)?;
        self.sections.types.get(usize::try_from(offset).ok()?..)
    }

    /// The new id of a type, which is kept from now on.
    fn new_id(&mut self, old: u32) -> Result<u32, Malformed> {
        if old == 0 {
            return Ok(0);
        }
        let unknown = || {
            malformed(
                self.sections.types_offset,
                "reference to a type that is not",
            )
        };
        let is_pointer = self.bytes(old).and_then(|bytes| word(bytes, 4)).map(kind) == Some(PTR);
        if let Some(pointer) = self.pointer.filter(|_| is_pointer) {
            return Ok(pointer);
        }
        let next = u32::try_from(self.order.len() + 1).map_err(|_| unknown())?;
        let index = usize::try_from(old).map_err(|_| unknown())?;
        let new = self.new_ids.get_mut(index).ok_or_else(unknown)?;
        if *new == 0 {
            *new = next;
            self.order.push(old);
            self.pointer = self.pointer.or(is_pointer.then_some(next));
        }
        Ok(*new)
    }

    fn new_name(&mut self, old: u32) -> Result<u32, Malformed> {
        if old == 0 {
            return Ok(0);
        }
        let name = usize::try_from(old)
            .ok()
            .and_then(|start| self.sections.strings.get(start..))
            .and_then(|rest| rest.get(..memchr(0, rest.get(..=NAME_MAX).unwrap_or(rest))?))
            .ok_or_else(|| malformed(self.sections.types_offset, "name reaches behind the end"))?;
        let blob = &mut self.blob;
        Ok(*self.names.entry(name).or_insert_with(|| blob.name(name)))
    }

    /// Writes the types; what they hold is added to the order on the way.
    fn write(mut self) -> Result<Vec<u8>, Malformed> {
        let mut next = 0;
        while let Some(old) = self.order.get(next) {
            let bytes = self.bytes(*old).unwrap_or_default();
            self.write_type(bytes)?;
            next += 1;
        }
        Ok(self.blob.finish())
    }

    fn write_type(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let cut_short = || malformed(0, "type cut short"); // the survey has seen that it is not
        let info_word = word(bytes, 4).ok_or_else(cut_short)?;
        if kind(info_word) == PTR {
            self.blob.words(&[0, info(PTR, 0), 0]);
            return Ok(());
        }
        let (third, cycle) = words_of(kind(info_word))
            .ok_or_else(|| malformed(self.sections.types_offset, "reference to what is no type"))?;
        let name = self.new_name(word(bytes, 0).ok_or_else(cut_short)?)?;
        self.blob.words(&[name, info_word]);
        let end = TYPE + extra(info_word).ok_or_else(cut_short)?;
        let words = bytes.get(8..end).ok_or_else(cut_short)?.as_chunks().0;
        let roles = std::iter::once(&third).chain(cycle.iter().cycle());
        for (bytes, role) in words.iter().zip(roles) {
            let old = u32::from_ne_bytes(*bytes);
            let new = match role {
                Word::Name => self.new_name(old)?,
                Word::Type => self.new_id(old)?,
                Word::Plain => old,
            };
            self.blob.words(&[new]);
        }
        Ok(())
    }
}
