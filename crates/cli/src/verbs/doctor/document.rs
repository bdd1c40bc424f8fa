//! `--json`: the document of docs/json.md, section "doctor", with the schema docs/schema/doctor.v1.json.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::Serialize;
use sockeye_address::escape::escape;
use sockeye_doctor::{Diagnosis, Found, Processes, Step, Verdict};
use sockeye_privilege::{Names, User};

use super::remedy;
use crate::error::{Error, error_with};

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document {
    version: u32,
    kind: &'static str,
    address: String,
    user: UserPart,
    would_connect: Option<bool>,
    verdict: &'static str,
    sentence: String,
    remedies: Vec<String>,
    notes: Vec<NotePart>,
    steps: Vec<StepPart>,
    processes: Vec<ProcessPart>,
    near: Vec<String>,
    connect: Option<ConnectPart>,
}

#[derive(Serialize)]
struct UserPart {
    uid: u32,
    name: Option<String>,
    gid: u32,
    groups: Vec<u32>,
}

#[derive(Serialize)]
struct NotePart {
    note: &'static str,
    sentence: String,
}

#[derive(Serialize)]
struct StepPart {
    path: String,
    found: &'static str,
    target: Option<String>,
    mode: Option<String>,
    uid: Option<u32>,
    user: Option<String>,
    gid: Option<u32>,
    group: Option<String>,
    allowed: Option<bool>,
}

#[derive(Serialize)]
struct ProcessPart {
    pid: u32,
    name: String,
    uid: u32,
}

#[derive(Serialize)]
struct ConnectPart {
    kind: &'static str,
    errno: Option<i32>,
    message: Option<String>,
}

/// The document, closed by a newline.
pub(crate) fn text(diagnosis: &Diagnosis) -> Result<String, Error> {
    let document = document(diagnosis);
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::failure(error_with("write JSON", std::io::Error::from(error))))?;
    text.push('\n');
    Ok(text)
}

fn document(diagnosis: &Diagnosis) -> Document {
    let verdict = &diagnosis.verdict;
    let mut names = Names::default();
    let notes = diagnosis.notes.iter();
    Document {
        version: VERSION,
        kind: "doctor",
        address: diagnosis.address.to_string(),
        user: user(&diagnosis.user),
        would_connect: (!verdict.is_undecided()).then(|| verdict.would_connect()),
        verdict: verdict.word(),
        sentence: verdict.to_string(),
        remedies: remedy::remedies(diagnosis),
        notes: notes
            .map(|note| NotePart {
                note: note.word(),
                sentence: note.to_string(),
            })
            .collect(),
        steps: diagnosis
            .steps
            .iter()
            .map(|part| step(part, &mut names))
            .collect(),
        processes: processes(verdict),
        near: near(verdict),
        connect: diagnosis.probe.as_ref().map(|probe| ConnectPart {
            kind: probe.kind.word(),
            errno: probe.outcome.err().map(rustix::io::Errno::raw_os_error),
            message: probe
                .outcome
                .err()
                .map(|errno| std::io::Error::from(errno).to_string()),
        }),
    }
}

fn user(user: &User) -> UserPart {
    UserPart {
        uid: user.uid,
        name: user.name.clone(),
        gid: user.gid,
        groups: user.groups.clone(),
    }
}

fn step(step: &Step, names: &mut Names) -> StepPart {
    let target = match &step.found {
        Found::Link(target) => Some(shown(target)),
        _ => None,
    };
    let owner = step.owner;
    StepPart {
        path: shown(&step.path),
        found: step.found.word(),
        target,
        mode: owner.map(|owner| format!("{:04o}", owner.mode)),
        uid: owner.map(|owner| owner.uid),
        user: owner.and_then(|owner| names.user(owner.uid).map(str::to_owned)),
        gid: owner.map(|owner| owner.gid),
        group: owner.and_then(|owner| names.group(owner.gid).map(str::to_owned)),
        allowed: step.allowed,
    }
}

/// The processes behind the socket, where the verdict knows them.
fn processes(verdict: &Verdict) -> Vec<ProcessPart> {
    let none = Processes::default();
    let processes = match verdict {
        Verdict::WouldConnect(cause) => &cause.processes,
        Verdict::Elsewhere(cause) => &cause.processes,
        Verdict::Deleted(cause) => &cause.processes,
        Verdict::NotListening(cause) => &cause.processes,
        Verdict::OtherPeer(cause) => &cause.processes,
        Verdict::ClientLimitReached(cause) => &cause.processes,
        Verdict::DoesNotAccept(cause) => &cause.processes,
        Verdict::QueueFull(cause) => &cause.processes,
        _ => &none,
    };
    let part = |process: &sockeye_census::Process| ProcessPart {
        pid: process.pid.0,
        name: escape(&process.name, ""),
        uid: process.uid,
    };
    processes.0.iter().map(part).collect()
}

fn near(verdict: &Verdict) -> Vec<String> {
    let near = match verdict {
        Verdict::NoSuchFile(cause) => cause.near.as_slice(),
        Verdict::NoSuchName(cause) => cause.near.as_slice(),
        _ => &[],
    };
    near.iter().map(|near| near.name.to_string()).collect()
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes(), "")
}
