//! Any bytes as an address; an address prints in a form that is read back as the same.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use sockeye_address::Address;

fuzz_target!(|typed: &[u8]| {
    let Ok(address) = Address::parse(OsStr::from_bytes(typed)) else {
        return;
    };
    let printed = address.to_string();
    match Address::parse(OsStr::new(&printed)) {
        Ok(again) => assert_eq!(again, address, "printed as {printed:?}"),
        Err(error) => panic!("{address:?} printed as {printed:?}: {error}"),
    }
});
