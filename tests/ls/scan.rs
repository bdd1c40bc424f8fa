//! `--scan`: socket files anywhere on disk.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use rustix::net::SocketType;

use crate::command::{answer, folder, list, parsed, sockeye, text};
use crate::scene::{bound, listening, listening_far_down};
use crate::unprivileged::{as_nobody, open};

fn scanned(start: &std::path::Path, arguments: &[&str]) -> Vec<(String, String)> {
    let answer = answer(
        sockeye()
            .args(["ls", "--json", "--scan"])
            .arg(start)
            .args(arguments),
    );
    let document = parsed(&answer);
    let endpoints = list(&document, "endpoints").iter();
    let mut found: Vec<(String, String)> = endpoints
        .map(|endpoint| {
            let path = endpoint["file"]["path"]["text"]
                .as_str()
                .unwrap_or_else(|| panic!("{endpoint:#}"));
            (
                path.to_owned(),
                endpoint["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn live_and_stale_files_are_found_and_nothing_outside() {
    let outside = folder();
    let _other = listening(&outside.path().join("other.sock"), 5);
    let folder = folder();
    let live = folder.path().join("live.sock");
    let _live = listening(&live, 5);
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let stale = below.join("stale.sock");
    crate::sockets::stale::leave_stale(&stale);
    std::fs::write(folder.path().join("file"), "").unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::Mode::RUSR,
    )
    .unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink("live.sock", folder.path().join("link.sock")).unwrap();
    let stale_word = if crate::command::is_root() {
        "stale"
    } else {
        "unclaimed"
    };
    let expected = [
        (text(&stale).to_owned(), stale_word.to_owned()),
        (text(&live).to_owned(), "listening".to_owned()),
    ];
    assert_eq!(scanned(folder.path(), &[]), expected);
    assert_eq!(scanned(folder.path(), &["--stale"]), expected[..1]);
}

#[test]
fn a_deep_tree_is_searched_to_its_bottom() {
    let folder = folder();
    let mut deep = folder.path().to_owned();
    let mut expected: Vec<PathBuf> = Vec::new();
    for level in 0..60 {
        deep = deep.join(format!("level-{level:02}"));
        std::fs::create_dir(&deep).unwrap();
        if level % 20 == 19 {
            drop(listening_far_down(&deep, "s"));
            expected.push(deep.join("s"));
        }
    }
    expected.sort();
    let found: Vec<PathBuf> = scanned(folder.path(), &[])
        .into_iter()
        .map(|(path, _)| path.into())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_folder_of_thousands_of_entries_is_read_whole() {
    let folder = folder();
    for number in 0..3000 {
        std::fs::write(
            folder
                .path()
                .join(format!("{number:04}-{}", "x".repeat(60))),
            "",
        )
        .unwrap();
        if number % 100 == 0 {
            drop(bound(
                &folder.path().join(format!("s{number}")),
                SocketType::STREAM,
            ));
        }
    }
    assert_eq!(scanned(folder.path(), &[]).len(), 30);
}

#[test]
fn links_that_go_round_are_not_followed() {
    let folder = folder();
    let below = folder.path().join("a");
    std::fs::create_dir(&below).unwrap();
    symlink("..", below.join("up")).unwrap();
    symlink("self", below.join("self")).unwrap();
    drop(bound(&below.join("s"), SocketType::DGRAM));
    assert_eq!(scanned(folder.path(), &[]).len(), 1);
    // The start itself may be a link.
    let start = folder.path().join("start");
    symlink("a", &start).unwrap();
    assert_eq!(scanned(&start, &[]).len(), 1);
}

#[test]
fn a_folder_that_does_not_exist_is_counted() {
    let folder = folder();
    let answer = answer(
        sockeye()
            .args(["ls", "--scan"])
            .arg(folder.path().join("none")),
    );
    assert_eq!(answer.status, Some(1), "{answer:#?}");
    assert!(
        answer.complaint.contains("1 folder could not be searched"),
        "{answer:#?}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_folder_that_may_not_be_read_is_counted() {
    let folder = folder();
    open(folder.path());
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    crate::sockets::stale::leave_stale(&closed.join("hidden"));
    crate::sockets::stale::leave_stale(&folder.path().join("seen"));
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let (_home, binary) = crate::unprivileged::binary_for_all();
    let mut command = as_nobody(text(&binary));
    let answer = answer(command.args(["ls", "--json", "--scan"]).arg(folder.path()));
    let document = parsed(&answer);
    assert_eq!(list(&document, "endpoints").len(), 1, "{document:#}");
    assert_eq!(document["unseen"]["folders"], 1, "{document:#}");
    let answer = crate::command::answer(
        as_nobody(text(&binary))
            .args(["ls", "--scan"])
            .arg(folder.path()),
    );
    let note =
        "1 folder could not be searched for socket files: run as root, or with cap_dac_read_search";
    assert!(answer.complaint.contains(note), "{answer:#?}");
}
