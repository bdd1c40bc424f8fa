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

/// Lifts both limits to `count` where they are lower, which takes `CAP_SYS_RESOURCE`; without it, the soft limit to
/// the hard one. Returns the limit that holds then.
pub(crate) fn raise_towards(count: u64) -> Outcome<u64> {
    let now = getrlimit(Resource::Nofile);
    let limit = |now: Option<u64>| now.map(|now| now.max(count));
    let wanted = Rlimit {
        current: limit(now.current),
        maximum: limit(now.maximum),
    };
    if setrlimit(Resource::Nofile, wanted).is_err() {
        raise()?;
    }
    Ok(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}
