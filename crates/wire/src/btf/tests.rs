//! Against blobs put together by hand, and the running kernel's own where it may be read.

use proptest::prelude::*;
use rstest::rstest;

use super::format::*;
use super::*;

/// Types and strings as they are written down in a test.
struct Handmade {
    types: Vec<u32>,
    strings: Vec<u8>,
}

impl Handmade {
    fn blob(&self) -> Vec<u8> {
        let types = u32::try_from(4 * self.types.len()).unwrap();
        let strings = u32::try_from(self.strings.len()).unwrap();
        let mut blob = MAGIC.to_ne_bytes().to_vec();
        blob.extend([VERSION, 0]);
        let header = [24, 0, types, types, strings];
        blob.extend(
            header
                .iter()
                .chain(&self.types)
                .flat_map(|word| word.to_ne_bytes()),
        );
        blob.extend(&self.strings);
        blob
    }

    fn cut(&self, seeds: &[Seed<'_>]) -> Result<Cut, BtfError> {
        cut(&self.blob(), seeds)
    }
}

/// ```c
/// typedef unsigned long ulong;                       // 1, 2
/// struct other { ulong a; };                         // 3
/// struct inner { const ulong b[4]; };                // 4: const, 5: array, 6: struct
/// struct outer { struct inner i; struct other *p; struct outer *q; };   // 7, 8: pointers, 9
/// ulong work(struct outer *);                        // 10, 11
/// ```
fn example() -> Handmade {
    let strings = b"\0unsigned long\0ulong\0other\0a\0inner\0b\0outer\0i\0p\0q\0work\0".to_vec();
    let name = |name: &str| {
        let name = [b"\0", name.as_bytes(), b"\0"].concat();
        u32::try_from(memchr::memmem::find(&strings, &name).unwrap() + 1).unwrap()
    };
    let types = [
        &[name("unsigned long"), info(INT, 0), 8, 64][..],
        &[name("ulong"), info(TYPEDEF, 0), 1],
        &[name("other"), info(STRUCT, 1), 8, name("a"), 2, 0],
        &[0, info(CONST, 0), 2],
        &[0, info(ARRAY, 0), 0, 4, 1, 4],
        &[name("inner"), info(STRUCT, 1), 32, name("b"), 5, 0],
        &[0, info(PTR, 0), 3],
        &[0, info(PTR, 0), 9],
        &[
            name("outer"),
            info(STRUCT, 3),
            48,
            name("i"),
            6,
            0,
            name("p"),
            7,
            256,
        ],
        &[name("q"), 8, 320],
        &[0, info(FUNC_PROTO, 1), 2, 0, 8],
        &[name("work"), info(FUNC, 0), 10],
    ];
    Handmade {
        types: types.concat(),
        strings,
    }
}

/// Each type as its words, with names as text: independent of where strings and types start.
fn dump(blob: &[u8]) -> Vec<(String, Vec<u32>)> {
    let sections = Sections::parse(blob).unwrap();
    let mut rest = sections.types;
    let mut types = Vec::new();
    while !rest.is_empty() {
        let end = TYPE + extra(word(rest, 4).unwrap()).unwrap();
        let words: Vec<u32> = (4..end)
            .step_by(4)
            .map(|at| word(rest, at).unwrap())
            .collect();
        types.push((text(sections, word(rest, 0).unwrap()), words));
        rest = &rest[end..];
    }
    types
}

fn text(sections: Sections<'_>, offset: u32) -> String {
    let rest = &sections.strings[usize::try_from(offset).unwrap()..];
    let name = rest.split(|byte| *byte == 0).next().unwrap();
    String::from_utf8(name.to_vec()).unwrap()
}

fn names(blob: &[u8]) -> Vec<String> {
    dump(blob).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_struct_brings_what_it_holds_and_not_what_it_points_to() {
    let small = example().cut(&[Seed::Struct("outer")]).unwrap();
    let types = dump(&small.types);
    let found: Vec<_> = types.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(
        found,
        ["outer", "inner", "", "", "", "unsigned long", "ulong"]
    );
    let sections = Sections::parse(&small.types).unwrap();
    let (_, outer) = &types[0];
    assert_eq!(outer[..2], [info(STRUCT, 3), 48]);
    // inner is type 2 now; both pointers are type 3.
    assert_eq!([outer[3], outer[6], outer[9]], [2, 3, 3]);
    assert_eq!([outer[4], outer[7], outer[10]], [0, 256, 320]);
    assert_eq!(
        [2, 5, 8].map(|at| text(sections, outer[at])),
        ["i", "p", "q"]
    );
    assert_eq!(types[2].1, [info(PTR, 0), 0]);
    assert_eq!(types[3].1, [info(ARRAY, 0), 0, 5, 6, 4]); // of const ulong, counted by unsigned long
    assert_eq!(types[4].1, [info(CONST, 0), 7]);
    assert_eq!(types[6].1, [info(TYPEDEF, 0), 6]);
    assert_eq!(small.function_ids, []);
}

#[test]
fn a_function_brings_its_prototype_and_its_id() {
    let small = example().cut(&[Seed::Function("work")]).unwrap();
    assert_eq!(small.function_ids, [("work".to_owned(), 11)]);
    assert_eq!(
        names(&small.types),
        ["work", "", "ulong", "", "unsigned long"]
    );
}

#[test]
fn a_cut_of_a_cut_is_the_same() {
    let seeds = [
        Seed::Struct("outer"),
        Seed::Struct("other"),
        Seed::Function("work"),
    ];
    let once = example().cut(&seeds).unwrap();
    let twice = cut(&once.types, &seeds).unwrap();
    assert_eq!(once.types, twice.types);
    assert_eq!(twice.function_ids, [("work".to_owned(), 3)]);
}

#[test]
fn all_structs_of_a_name_are_kept_and_the_first_function() {
    let mut twice = example();
    let structure = twice.types[7..13].to_vec();
    let function = twice.types[twice.types.len() - 3..].to_vec();
    twice.types.extend([structure, function].concat());
    let seeds = [Seed::Function("work"), Seed::Struct("other")];
    let small = twice.cut(&seeds).unwrap();
    assert_eq!(small.function_ids, [("work".to_owned(), 11)]);
    let names = names(&small.types);
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!((count("other"), count("work")), (2, 1));
}

#[test]
fn a_name_that_is_there_twice_is_written_once() {
    let mut twice = example();
    // A second "other" in the strings, for a function that comes first.
    let second = u32::try_from(twice.strings.len()).unwrap();
    twice.strings.extend(b"other\0first\0");
    let parameter = [0, info(FUNC_PROTO, 1), 0, second, 2];
    let function = [second + 6, info(FUNC, 0), 12];
    twice.types.extend([&parameter[..], &function].concat());
    let seeds = [Seed::Function("first"), Seed::Struct("other")];
    let small = twice.cut(&seeds).unwrap();
    let found = memchr::memmem::find_iter(&small.types, b"\0other\0");
    assert_eq!(found.count(), 1);
    assert!(cut(&small.types, &seeds).is_ok());
}

#[rstest]
#[case::no_such_string(Seed::Struct("absent"), "find struct absent: the kernel has none")]
#[case::a_function_is_no_struct(Seed::Struct("work"), "find struct work: the kernel has none")]
#[case::part_of_a_name(Seed::Struct("ute"), "find struct ute: the kernel has none")]
#[case::no_name(Seed::Function(""), "find function : the kernel has none")]
#[case::two_names(Seed::Struct("a\0inner"), "find struct a\0inner: the kernel has none")]
fn a_seed_that_is_not_there_is_named(#[case] seed: Seed<'_>, #[case] text: &str) {
    assert_eq!(example().cut(&[seed]).unwrap_err().to_string(), text);
}

#[rstest]
#[case::reference_too_high(&[1, 4 << 24 | 1, 8, 0, 2, 0], "reference to a type that is not")]
#[case::holds_a_variable(&[1, 4 << 24 | 1, 8, 0, 2, 0, 0, 14 << 24, 0, 0], "reference to what is no type")]
#[case::unknown_kind(&[1, 20 << 24, 8], "type of unknown kind")]
#[case::header_cut_short(&[1, 4 << 24], "type cut short")]
#[case::members_cut_short(&[1, 4 << 24 | 1, 8, 0, 0], "type cut short")]
#[case::name_outside(&[1, 4 << 24 | 1, 8, 99, 0, 0], "name reaches behind the end")]
fn a_bad_type_is_an_error(#[case] types: &[u32], #[case] what: &str) {
    let blob = Handmade {
        types: types.to_vec(),
        strings: b"\0a\0".to_vec(),
    };
    let error = blob.cut(&[Seed::Struct("a")]).unwrap_err();
    assert!(
        matches!(&error, BtfError::Malformed(error) if error.what == what),
        "{error}"
    );
}

#[test]
fn a_name_longer_than_any_is_an_error() {
    let mut blob = Handmade {
        types: vec![1, info(STRUCT, 1), 8, 3, 0, 0],
        strings: [b"\0a\0", &[b'x'; 511][..], b"\0"].concat(),
    };
    assert!(blob.cut(&[Seed::Struct("a")]).is_ok());
    blob.strings.insert(3, b'x');
    assert!(blob.cut(&[Seed::Struct("a")]).is_err());
}

#[rstest]
#[case::other_byte_order(0, 0xff, "magic number is not that of this machine")]
#[case::version(2, 9, "version is not 1")]
#[case::types_outside(15, 0x7f, "types reach behind the end")]
#[case::strings_outside(23, 0x7f, "strings reach behind the end")]
#[cfg(target_endian = "little")] // the bytes are counted so
fn a_bad_header_is_an_error(#[case] at: usize, #[case] byte: u8, #[case] what: &str) {
    let mut blob = example().blob();
    blob[at] = byte;
    let error = cut(&blob, &[]).unwrap_err();
    assert!(
        matches!(&error, BtfError::Malformed(error) if error.what == what),
        "{error}"
    );
}

#[test]
fn a_blob_cut_short_anywhere_is_an_error() {
    let blob = example().blob();
    for end in 0..blob.len() {
        assert!(cut(&blob[..end], &[Seed::Struct("outer")]).is_err());
    }
}

#[rstest]
#[case(1)]
#[case(2)]
#[case(64_252)]
fn a_function_is_found_at_the_id_it_was_put(#[case] id: u32) {
    let blob = with_function_at(id, "work");
    let types = dump(&blob);
    let place = usize::try_from(id).unwrap() - 1;
    assert!(
        types[..place]
            .iter()
            .all(|(name, words)| name.is_empty() && words == &[info(FWD, 0), 0])
    );
    assert_eq!(
        types[place],
        ("work".to_owned(), vec![info(FUNC, 0), id + 1])
    );
    let found = cut(&blob, &[Seed::Function("work")]).unwrap();
    assert_eq!(found.function_ids, [("work".to_owned(), id)]);
}

#[rstest]
#[case::void(0, "work")]
#[case::too_high(MAX_TYPE_ID + 1, "work")]
#[case::highest(u32::MAX, "work")]
fn an_id_that_no_type_has_gives_no_types(#[case] id: u32, #[case] name: &str) {
    assert_eq!(dump(&with_function_at(id, name)), []);
}

#[test]
fn the_running_kernel_is_cut_to_a_hundredth() {
    // Not every kernel has the file; what is checked here holds for those that do.
    let Ok(vmlinux) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        return;
    };
    let seeds = [
        Seed::Struct("sock"),
        Seed::Struct("file"),
        Seed::Function("bpf_iter_task_file"),
    ];
    let small = cut(&vmlinux, &seeds).unwrap();
    assert!(small.types.len() < vmlinux.len() / 100);
    let names = names(&small.types);
    for name in ["sock", "sock_common", "file", "bpf_iter_task_file"] {
        assert!(names.iter().any(|found| found == name), "{name}");
    }
    let again = cut(&small.types, &seeds).unwrap();
    assert_eq!(again.types, small.types);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = cut(&bytes, &[Seed::Struct("a")]);
    }

    #[test]
    fn no_change_of_a_blob_makes_it_panic(
        changes in prop::collection::vec((0usize..300, any::<u8>()), 1..8),
    ) {
        let mut blob = example().blob();
        for (at, byte) in changes {
            if let Some(place) = blob.get_mut(at) {
                *place = byte;
            }
        }
        if let Ok(small) = cut(&blob, &[Seed::Struct("outer")]) {
            prop_assert!(cut(&small.types, &[Seed::Struct("outer")]).is_ok());
        }
    }
}
