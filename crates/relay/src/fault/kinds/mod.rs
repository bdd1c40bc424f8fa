//! The faults, one file each.

mod bandwidth; // so many bytes a second
mod black_hole; // nothing comes any more
mod close; // the connection ends
mod duplicate; // a message comes twice
mod half_close; // one direction ends
mod latency; // later
mod loss; // a message does not come
mod refuse; // not even begun
mod reorder; // a message is overtaken
mod reset; // the connection breaks
mod slice; // in small pieces
mod slow_close; // the end comes late

mod cut; // what ends a direction, after so many bytes or at a time

use super::kind::Kind;

/// All of them, in the order of the help text.
pub static KINDS: [&Kind; 12] = [
    &latency::KIND,
    &bandwidth::KIND,
    &slice::KIND,
    &slow_close::KIND,
    &half_close::KIND,
    &close::KIND,
    &reset::KIND,
    &black_hole::KIND,
    &loss::KIND,
    &duplicate::KIND,
    &reorder::KIND,
    &refuse::KIND,
];
