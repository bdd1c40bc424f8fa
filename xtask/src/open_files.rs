//! The limit on open descriptors, inherited by every program a task starts.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Outcome;

/// Raises the soft limit to the hard limit; a test with 1,000 clients needs more than the usual 1,024.
pub(crate) fn raise() -> Outcome {
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    setrlimit(Resource::Nofile, wanted)
        .map_err(|cause| format!("raise the limit on open files: {cause}").into())
}
