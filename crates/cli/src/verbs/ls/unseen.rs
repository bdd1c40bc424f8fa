//! What the map does not show, and what would let it.

use sockeye_census::{Census, EndpointState};
use sockeye_privilege::Ability;

/// One line for each thing that could not be seen.
pub(super) fn notes(census: &Census) -> Vec<String> {
    let unseen = census.unseen();
    let mut notes = Vec::new();
    if unseen.diag_refused {
        notes.push(
            "the kernel refused unix_diag: no peers, queues or files of sockets are known"
                .to_owned(),
        );
    }
    if unseen.processes > 0 {
        notes.push(format!(
            "{} of other users {} not visible: run as root, or with {}, or with {}",
            counted(unseen.processes, "process", "processes"),
            if unseen.processes == 1 { "is" } else { "are" },
            needed(Ability::IterateHolders),
            needed(Ability::SeeHolders),
        ));
    }
    if unseen.namespaces > 0 {
        notes.push(format!(
            "{} could not be entered: run as root, or with {}",
            counted(unseen.namespaces, "network namespace", "network namespaces"),
            needed(Ability::EnterNamespaces),
        ));
    }
    if unseen.folders > 0 {
        notes.push(format!(
            "{} could not be searched for socket files: run as root, or with {}",
            counted(unseen.folders, "folder", "folders"),
            needed(Ability::SearchFolders),
        ));
    }
    let unclaimed = census
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.state == EndpointState::Unclaimed)
        .count();
    if unclaimed > 0 {
        let files = counted(
            u32::try_from(unclaimed).unwrap_or(u32::MAX),
            "unclaimed file",
            "unclaimed files",
        );
        notes.push(format!(
            "{files} may be stale, or bound in a network namespace that is not visible"
        ));
    }
    if unseen.changed_meanwhile {
        notes.push(
            "sockets came and went during the census: some rows may be incomplete".to_owned(),
        );
    }
    notes
}

/// The capabilities that something takes, as a sentence names them.
fn needed(ability: Ability) -> String {
    let names: Vec<&str> = ability
        .needs()
        .iter()
        .map(|capability| capability.name())
        .collect();
    names.join(" and ")
}

fn counted(count: u32, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
