//! Puts a blob together: types, strings, and at last the header.

use super::format::{FWD, HEADER, MAGIC, TYPE, VERSION, info};

pub(super) struct Blob {
    /// Room for the header, then the types.
    bytes: Vec<u8>,
    strings: Vec<u8>,
}

impl Default for Blob {
    fn default() -> Self {
        Self {
            bytes: vec![0; HEADER],
            strings: vec![0], // the empty string, at offset 0
        }
    }
}

impl Blob {
    pub(super) fn reserve_types(&mut self, count: u32) {
        let count = usize::try_from(count).unwrap_or_default();
        self.bytes.reserve(count.saturating_mul(TYPE));
    }

    /// Adds a name to the strings; gives where it starts.
    pub(super) fn name(&mut self, name: &[u8]) -> u32 {
        // What follows a NUL would be another string.
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        if name.is_empty() {
            return 0;
        }
        let offset = length(&self.strings);
        self.strings.extend_from_slice(name);
        self.strings.push(0);
        offset
    }

    pub(super) fn words(&mut self, words: &[u32]) {
        for word in words {
            self.bytes.extend_from_slice(&word.to_ne_bytes());
        }
    }

    /// Adds the shortest type there is: a forward declaration without a name.
    pub(super) fn placeholder(&mut self) {
        self.words(&[0, info(FWD, 0), 0]);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let Self { mut bytes, strings } = self;
        let [m0, m1] = MAGIC.to_ne_bytes();
        let start = u32::from_ne_bytes([m0, m1, VERSION, 0]);
        let types = length(&bytes) - 24;
        let header = [start, 24, 0, types, types, length(&strings)];
        let room = bytes.chunks_exact_mut(4);
        for (room, word) in room.zip(header) {
            room.copy_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(&strings);
        bytes
    }
}

/// Neither section can come near 4 GiB: types are limited by [`MAX_TYPE_ID`](super::MAX_TYPE_ID), strings by the input.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
