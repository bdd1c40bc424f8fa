//! What the way to the socket ends at.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::server::listening;
use crate::{doctor, folder, text};

#[test]
fn a_missing_file_comes_with_its_near_misses() {
    let folder = folder();
    let there = folder.path().join("docker.sock");
    let _server = listening(&there, 5);
    let missing = folder.path().join("dokcer.sock");
    let meant = format!("did you mean {}?", text(&there));
    doctor([&missing]).says(
        1,
        &[
            "✗",
            "missing",
            "no: there is no file",
            text(&missing),
            &meant,
        ],
    );
    doctor([&folder.path().join("docker.socket")]).says(1, &[&meant]);
}

#[test]
fn a_missing_folder_is_the_part_that_is_missing() {
    let folder = folder();
    fs::create_dir(folder.path().join("service")).unwrap();
    let there = folder.path().join("service/app.sock");
    let _server = listening(&there, 5);
    let missing = folder.path().join("servcie");
    let no_folder = format!("no: there is no folder {}", text(&missing));
    let meant = format!("did you mean {}?", text(&there));
    doctor([&missing.join("app.sock")]).says(1, &[&no_folder, &meant]);
}

#[test]
fn the_same_name_in_another_folder_may_be_meant() {
    let (here, there) = (folder(), folder());
    let name = format!("only-{}.sock", std::process::id());
    let _server = listening(&there.path().join(&name), 5);
    let meant = format!("did you mean {}?", text(&there.path().join(&name)));
    doctor([&here.path().join(&name)]).says(1, &[&meant]);
}

#[rstest::rstest]
#[case::file("file", "is a regular file and no socket")]
#[case::folder("folder", "is a folder and no socket")]
#[case::slash_behind_a_file("file/", "regular file and no folder")]
#[case::more_behind_a_file("file/app.sock", "regular file and no folder")]
fn something_else_is_called_by_its_name(#[case] path: &str, #[case] sentence: &str) {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    doctor([folder.path().join(path)]).says(1, &["✗", sentence]);
}

#[test]
fn links_are_followed_one_at_a_time() {
    let folder = folder();
    fs::create_dir(folder.path().join("run")).unwrap();
    symlink("run", folder.path().join("var")).unwrap();
    symlink("../run/app.sock", folder.path().join("run/link.sock")).unwrap();
    let _server = listening(&folder.path().join("run/app.sock"), 5);
    let answer = doctor([folder.path().join("var/link.sock")]);
    answer.says(
        0,
        &[
            "link to run\n",
            "link to ../run/app.sock\n",
            "run/app.sock ",
            "yes: ",
        ],
    );
}

#[test]
fn links_in_a_circle_end() {
    let folder = folder();
    symlink("two", folder.path().join("one")).unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    let answer = doctor([folder.path().join("one")]);
    answer.says(1, &["no: the path has more than 40 symbolic links"]);
    assert!(answer.text.lines().count() < 20, "{answer:#?}");
}

#[test]
#[ignore = "needs root"]
fn a_file_without_a_socket_is_stale() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    let remove = format!("rm {}", text(&path));
    doctor([&path]).says(1, &["no: ", "is stale", "start the server again", &remove]);
}

#[test]
fn a_refused_connect_proves_that_a_file_is_stale() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    doctor([text(&path), "--connect"]).says(1, &["no: ", "is stale", "Connection refused"]);
}

#[test]
fn a_socket_whose_file_was_removed_is_told_apart_from_none() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    let pid = format!("(pid {})", std::process::id());
    doctor([&path]).says(
        1,
        &[
            "still has a socket of the name",
            "its file was removed",
            &pid,
            "restart",
        ],
    );
}

#[test]
fn an_older_listener_of_the_same_path_is_noted() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _older = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    let _newer = listening(&path, 5);
    doctor([&path]).says(0, &["yes: ", "had this path before"]);
}

#[test]
fn what_can_be_no_path_is_too_long() {
    let part = format!("/tmp/{}/app.sock", "a".repeat(256));
    doctor([&part]).says(
        1,
        &["a part of the path is 256 bytes long and can be 255 at most"],
    );
    let path = format!("/{}", "a/".repeat(2100));
    doctor([&path]).says(1, &["the path is 4201 bytes long and can be 4095 at most"]);
}

#[test]
fn a_path_too_long_for_an_address_works_and_is_noted() {
    let folder = folder();
    let deep = folder.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();
    let path = deep.join("app.sock");
    let _server = with_short_path(&deep, |short| listening(&short.join("app.sock"), 5));
    let note = format!(
        "note: the path is {} bytes long and an address holds 107",
        path.as_os_str().len()
    );
    doctor([path.as_os_str(), "--connect".as_ref()])
        .says(0, &["yes: ", "tried: a stream connect succeeded", &note]);
}

/// A way to a folder that fits into an address.
fn with_short_path<T>(folder: &Path, work: impl FnOnce(PathBuf) -> T) -> T {
    let links = self::folder();
    symlink(folder, links.path().join("short")).unwrap();
    work(links.path().join("short"))
}

#[test]
fn hostile_names_reach_no_terminal() {
    let folder = folder();
    let name = std::ffi::OsStr::from_bytes(b"\x1b[2J\n\xff.sock");
    let path = folder.path().join(name);
    crate::sockets::stale::leave_stale(&path);
    let answer = doctor([path.as_os_str(), "--connect".as_ref()]);
    answer.says(1, &[r"\x1b[2J\x0a\xff.sock is stale", r"\033"]);
    assert!(!answer.text.contains('\x1b'));
}

#[test]
fn a_socket_whose_file_was_renamed_is_found_where_it_is() {
    let folder = folder();
    let (old, new) = (
        folder.path().join("old.sock"),
        folder.path().join("new.sock"),
    );
    let _server = listening(&old, 5);
    fs::rename(&old, &new).unwrap();
    let remedy = format!("sockeye connect {}", text(&new));
    let answer = doctor([&old]);
    answer.says(1, &["but its file is at", &remedy]);
    assert!(!answer.text.contains("removed"), "{answer:?}");
}
