//! Any bytes as type information; what is cut out of it can be cut again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye_wire::btf::{Seed, cut, with_function_at};

fuzz_target!(|blob: &[u8]| {
    // Names of few letters, so that they come up.
    let seeds = [Seed::Struct("s"), Seed::Function("f")];
    for seeds in [&seeds[..1], &seeds[1..], &seeds[..]] {
        if let Ok(once) = cut(blob, seeds) {
            let twice = cut(&once.types, seeds).expect("what was written can be read");
            assert_eq!(once.types.len(), twice.types.len());
            assert_eq!(once.function_ids.len(), twice.function_ids.len());
        }
    }
    if let Some((id, name)) = blob.split_first_chunk()
        && let Ok(name) = std::str::from_utf8(name)
        && !name.is_empty()
        && !name.contains('\0')
        && name.len() < 512
    {
        let id = 1 + u32::from(u16::from_ne_bytes(*id)) % 999;
        let found = cut(&with_function_at(id, name), &[Seed::Function(name)]).expect("it is there");
        assert_eq!(found.function_ids, [(name.to_owned(), id)]);
    }
});
