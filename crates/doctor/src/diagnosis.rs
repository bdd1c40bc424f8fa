//! The whole of it.

use rustix::io::Errno;
use sockeye_address::UnixAddress;
use sockeye_census::Census;
use sockeye_privilege::User;

use crate::cause::NotRefused;
use crate::scene::Scene;
use crate::walk::Walk;
use crate::{Error, Note, Probe, Step, Verdict, Who};

/// Why a connect would fail, or that it would work.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// What was asked about.
    pub address: UnixAddress,
    /// Whose connect it is.
    pub user: User,
    /// The parts of the path in the order the kernel meets them; none for an abstract name.
    pub steps: Vec<Step>,
    /// The answer: what the kernel stumbles over first.
    pub verdict: Verdict,
    /// What is true besides.
    pub notes: Vec<Note>,
    /// A real connect, if one was made.
    pub probe: Option<Probe>,
}

impl Diagnosis {
    /// Takes the outcome of [`try_connect`](crate::try_connect) into the answer: where it contradicts what was found,
    /// the kernel is right.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Self {
        let (expected, undecided) = (self.verdict.connect_succeeds(), self.verdict.is_undecided());
        match probe.outcome {
            Err(Errno::CONNREFUSED) if let Some(stale) = self.verdict.stale_if_refused() => {
                self.verdict = Verdict::Stale(stale);
            }
            Ok(()) if expected == Some(false) || undecided => {
                self.verdict = Verdict::WouldConnect(NotRefused::proven(&probe));
            }
            Err(errno) if expected == Some(true) || undecided => {
                self.verdict = Verdict::refused(errno);
            }
            _ => {}
        }
        self.probe = Some(probe);
        self
    }
}

/// Examines what stands between `who` and the socket of `address`. `look_again` takes another census, for a queue
/// that has to be watched for a moment (300 ms at most); `None` from it leaves open whether the queue moves.
///
/// # Errors
/// The user's identity cannot be taken on, or a part of the path cannot be looked at for a reason that is no verdict,
/// such as a failing disk.
///
/// # Privileges
/// None for the caller. For another user `CAP_SETUID` and `CAP_SETGID`; without `CAP_DAC_READ_SEARCH` the walk ends
/// at the first folder closed to the caller. What the census could not see is left open by the verdict or in a note.
pub fn examine(
    address: &UnixAddress,
    census: &Census,
    who: &Who,
    look_again: &dyn Fn() -> Option<Census>,
) -> Result<Diagnosis, Error> {
    let walk = address
        .name
        .as_path()
        .map(|path| Walk::of(path, who))
        .transpose()?;
    let scene = Scene::new(address, census, who, walk, look_again);
    let verdict = Verdict::of(&scene);
    let mut notes = Note::all(&scene);
    if matches!(verdict, Verdict::Stale(_)) {
        notes.retain(|note| *note != Note::AlsoStale);
    }
    let steps = scene.walk.map(|walk| walk.steps).unwrap_or_default();
    Ok(Diagnosis {
        address: address.clone(),
        user: who.user().clone(),
        steps,
        verdict,
        notes,
        probe: None,
    })
}
