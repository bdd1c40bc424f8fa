//! What the map does not show, and what would let it.

use sockeye_census::{Census, EndpointState};
use sockeye_privilege::{Ability, effective};

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
            "{} of other users {} not visible: {}",
            counted(unseen.processes, "process", "processes"),
            if unseen.processes == 1 { "is" } else { "are" },
            remedy(&[Ability::IterateHolders, Ability::SeeHolders]),
        ));
    }
    if unseen.processes_hidden {
        notes.push(
            "processes that /proc does not show may hold sockets: run as root, outside of containers".to_owned(),
        );
    }
    if unseen.namespaces > 0 {
        notes.push(format!(
            "{} could not be entered: {}",
            counted(unseen.namespaces, "network namespace", "network namespaces"),
            remedy(&[Ability::EnterNamespaces]),
        ));
    }
    if unseen.folders > 0 {
        notes.push(format!(
            "{} could not be searched for socket files: {}",
            counted(unseen.folders, "folder", "folders"),
            remedy(&[Ability::SearchFolders]),
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

/// What would let it be seen, by any of these abilities.
fn remedy(abilities: &[Ability]) -> String {
    let has = |ability: &Ability| ability.missing(effective()).is_empty();
    if abilities.iter().any(has) {
        // Capabilities hold in the own user namespace; and some things are refused to everybody.
        return "not even with the capabilities of this process".to_owned();
    }
    let ways: Vec<String> = abilities
        .iter()
        .map(|ability| format!("or with {}", needed(*ability)))
        .collect();
    format!("run as root, {}", ways.join(", "))
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
