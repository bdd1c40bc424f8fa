//! The JSON documents that docs/json.md describes. Their fields are an API: what is here is tested against
//! docs/schema/, and a change that is not an addition makes a new version.

use std::io::Write;

use serde::Serialize;

use crate::error::{Error, error_with, output};

pub(crate) mod ls; // `ls --json` and `show --json`

/// Version of the documents of `ls` and `show`.
pub(crate) const VERSION: u32 = 1;

/// Writes a document for people to read and programs to parse.
pub(crate) fn write_pretty(out: &mut impl Write, document: &impl Serialize) -> Result<(), Error> {
    finish(serde_json::to_vec_pretty(document), out)
}

/// Writes a document on one line, for a stream of them.
pub(crate) fn write_line(out: &mut impl Write, document: &impl Serialize) -> Result<(), Error> {
    finish(serde_json::to_vec(document), out)
}

fn finish(text: serde_json::Result<Vec<u8>>, out: &mut impl Write) -> Result<(), Error> {
    let mut text = text.map_err(|error| Error::failure(error_with("write JSON", error)))?;
    text.push(b'\n');
    out.write_all(&text)
        .and_then(|()| out.flush())
        .map_err(output)
}
