//! Which rows are shown.

use std::os::unix::fs::symlink;

use rstest::rstest;
use rustix::net::SocketType;

use crate::command::{all_in, answer, endpoint, folder, json, list, ls, sockeye, text};
use crate::scene::{Program, SERVE, bound, listening, listening_abstract};

/// Names of what is shown in a folder, without the folder.
#[track_caller]
fn shown(folder: &std::path::Path, arguments: &[&str]) -> Vec<String> {
    let document = json(arguments);
    let start = format!("{}/", text(folder));
    let names = list(&document, "endpoints")
        .iter()
        .filter_map(|endpoint| endpoint["name"]["text"].as_str());
    names
        .filter_map(|name| Some(name.strip_prefix(&start)?.to_owned()))
        .collect()
}

#[test]
fn a_pattern_shows_what_matches() {
    let folder = folder();
    let _listeners: Vec<_> = ["app-1.sock", "app-2.sock", "app-10.sock", "other"]
        .map(|name| listening(&folder.path().join(name), 5))
        .into();
    let at = |pattern: &str| {
        shown(
            folder.path(),
            &[&format!("{}/{pattern}", text(folder.path()))],
        )
    };
    assert_eq!(at("app-?.sock"), ["app-1.sock", "app-2.sock"]);
    assert_eq!(at("app-*"), ["app-1.sock", "app-10.sock", "app-2.sock"]);
    assert_eq!(at("app-[2-9].sock"), ["app-2.sock"]);
    assert_eq!(
        at("*"),
        ["app-1.sock", "app-10.sock", "app-2.sock", "other"]
    );
    let folder_pattern = format!("unix:{}/o*", text(folder.path()));
    assert_eq!(
        shown(folder.path(), &[&folder_pattern]),
        ["other"],
        "as it stands behind a prefix"
    );
}

#[test]
fn several_addresses_are_all_shown() {
    let folder = folder();
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
    let _listeners = [0, 1, 2].map(|at| listening(&paths[at], 5));
    assert_eq!(
        shown(folder.path(), &[text(&paths[0]), text(&paths[2])]),
        ["a", "c"]
    );
}

#[test]
fn a_pattern_matches_abstract_names_as_they_are_shown() {
    let start = format!("sockeye-ls-glob-{}", std::process::id());
    let _plain = listening_abstract(format!("{start}-a").as_bytes());
    let _odd = listening_abstract(format!("{start}\0b").as_bytes());
    let names = |pattern: String| {
        let document = json([pattern]);
        list(&document, "endpoints").len()
    };
    assert_eq!(names(format!("@{start}*")), 2);
    assert_eq!(names(format!(r"@{start}\x00*")), 1);
    assert_eq!(names(format!("@{start}-?")), 1);
}

#[test]
fn a_name_with_a_star_in_it_is_that_name_when_there_is_one() {
    let folder = folder();
    let [star, other] = ["a*b", "a-b"].map(|name| folder.path().join(name));
    let _other = listening(&other, 5);
    assert_eq!(shown(folder.path(), &[text(&star)]), ["a-b"], "a pattern");
    let _star = listening(&star, 5);
    assert_eq!(shown(folder.path(), &[text(&star)]), ["a*b"], "a name");
}

#[test]
fn run_is_the_same_place_with_and_without_var() {
    let Ok(folder) = tempfile::Builder::new()
        .prefix("sockeye-ls-")
        .tempdir_in("/run")
    else {
        return; // only root may bind there, and the privileged twin of this test does
    };
    var_run(folder.path());
}

#[test]
#[ignore = "needs root"]
fn run_is_the_same_place_with_and_without_var_for_root() {
    let folder = tempfile::Builder::new()
        .prefix("sockeye-ls-")
        .tempdir_in("/run")
        .unwrap();
    var_run(folder.path());
}

fn var_run(folder: &std::path::Path) {
    let path = folder.join("app.sock");
    let _listener = listening(&path, 5);
    let var = format!("/var{}", text(&path));
    for typed in [
        text(&path),
        &var,
        &format!("{}/*", &var[..var.len() - 9]),
        &format!("unix:{var}"),
    ] {
        let document = json([typed]);
        assert_eq!(
            endpoint(&document, text(&path))["state"],
            "listening",
            "{typed}: {document:#}"
        );
    }
    let bound_with_var = folder.join("var.sock");
    let _other = listening(format!("/var{}", text(&bound_with_var)).as_ref(), 5);
    for typed in [
        text(&bound_with_var),
        &format!("/var{}", text(&bound_with_var)),
    ] {
        let document = json([typed]);
        assert_eq!(
            list(&document, "endpoints").len(),
            1,
            "{typed}: {document:#}"
        );
    }
}

#[test]
fn a_path_may_be_relative_roundabout_or_lead_through_a_link() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let path = folder.path().join("in/app.sock");
    let _listener = listening(&path, 5);
    symlink("in", folder.path().join("way")).unwrap();
    for typed in [
        "./in/app.sock",
        "in/../in/app.sock",
        "unix:in/app.sock",
        "way/app.sock",
        "./in//app.sock",
    ] {
        let answer = answer(sockeye().args(["ls", typed]).current_dir(folder.path()));
        assert!(answer.text.contains(text(&path)), "{typed}: {answer:#?}");
    }
}

#[test]
fn a_kind_before_the_address_is_a_filter() {
    let folder = folder();
    let path = folder.path().join("log");
    let _socket = bound(&path, SocketType::DGRAM);
    assert_eq!(
        shown(folder.path(), &[&format!("unix-dgram:{}", text(&path))]),
        ["log"]
    );
    assert_eq!(
        ls([&format!("unix-seqpacket:{}", text(&path))]).status,
        Some(1)
    );
}

#[test]
fn only_what_a_process_holds() {
    let folder = folder();
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    let _listener = listening(&ours, 5);
    let program = format!("open('/proc/self/comm', 'w').write('sockeye [odd]')\n{SERVE}");
    let server = Program::python(&program, &[text(&theirs)]);
    assert_eq!(
        shown(folder.path(), &["--pid", &server.pid().to_string()]),
        ["theirs"]
    );
    assert_eq!(
        shown(folder.path(), &["--process", "sockeye [[]odd]"]),
        ["theirs"]
    );
    assert_eq!(shown(folder.path(), &["--process", "sockeye*"]), ["theirs"]);
    let two = [
        "--pid",
        &server.pid().to_string(),
        "--pid",
        &std::process::id().to_string(),
    ];
    assert_eq!(shown(folder.path(), &two), ["ours", "theirs"]);
    let both = [
        "--pid",
        &std::process::id().to_string(),
        "--process",
        "sockeye*",
    ];
    assert_eq!(
        shown(folder.path(), &both),
        [""; 0],
        "one process has to be both"
    );
}

#[test]
#[ignore = "needs root"]
fn only_what_processes_of_a_user_hold_or_files_that_are_theirs() {
    let folder = folder();
    super::unprivileged::open(folder.path());
    let nobody = folder.path().join("nobody");
    let _server = Program::python_under(
        super::unprivileged::python_as_nobody(),
        SERVE,
        &[text(&nobody)],
    );
    let _root = listening(&folder.path().join("root"), 5);
    let stale = folder.path().join("stale");
    crate::sockets::stale::leave_stale(&stale);
    rustix::fs::chown(&stale, Some(rustix::process::Uid::from_raw(65534)), None).unwrap();
    assert_eq!(
        shown(folder.path(), &["--user", "nobody"]),
        ["nobody", "stale"]
    );
    assert_eq!(
        shown(folder.path(), &["--user", "65534"]),
        ["nobody", "stale"]
    );
    assert_eq!(
        shown(folder.path(), &["--user", "root", &all_in(folder.path())]),
        ["root"]
    );
}

#[test]
fn only_a_kind_or_a_state() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let _stream = listening(&at("stream"), 5);
    let _datagram = bound(&at("datagram"), SocketType::DGRAM);
    let seqpacket = bound(&at("seqpacket"), SocketType::SEQPACKET);
    rustix::net::listen(&seqpacket, 5).unwrap();
    crate::sockets::stale::leave_stale(&at("stale"));
    let deleted = listening(&at("deleted"), 5);
    std::fs::remove_file(at("deleted")).unwrap();
    let all = all_in(folder.path());
    for (filter, expected) in [
        (vec!["--kind", "stream"], vec!["deleted", "stream"]),
        (
            vec!["--kind", "datagram", "--kind", "seqpacket"],
            vec!["datagram", "seqpacket"],
        ),
        (vec!["--kind", "dgram"], vec!["datagram"]),
        (
            vec!["--state", "listening"],
            vec!["deleted", "seqpacket", "stream"],
        ),
        (vec!["--state", "bound"], vec!["datagram"]),
        (vec!["--state", "deleted"], vec!["deleted"]),
        (vec!["--stale"], vec!["stale"]),
        (
            vec!["--state", "listening", "--kind", "seqpacket"],
            vec!["seqpacket"],
        ),
    ] {
        assert_eq!(
            shown(folder.path(), &[&filter[..], &[&all]].concat()),
            expected,
            "{filter:?}"
        );
    }
    drop(deleted);
}

#[test]
fn a_well_known_name_shows_the_service_wherever_its_socket_is() {
    let runtime = folder();
    let path = runtime.path().join("bus");
    let _listener = listening(&path, 5);
    let answer = answer(
        sockeye()
            .args(["ls", "dbus-session"])
            .env("XDG_RUNTIME_DIR", runtime.path()),
    );
    answer.says(&[text(&path)]);
}

#[test]
#[ignore = "needs root"]
fn a_well_known_socket_is_named() {
    let folder = "/run/php";
    let made = std::fs::create_dir(folder).is_ok();
    let path = format!("{folder}/php{}-fpm.sock", std::process::id());
    let listener = listening(path.as_ref(), 5);
    let document = json([&path]);
    let named = ls(["php-fpm"]);
    let remark = ls([&path]);
    drop(listener);
    std::fs::remove_file(&path).unwrap();
    if made {
        let _ = std::fs::remove_dir(folder);
    }
    assert_eq!(
        endpoint(&document, &path)["service"],
        "php-fpm",
        "{document:#}"
    );
    named.says(&[&path]);
    remark.says(&["(PHP FastCGI)"]);
}

#[test]
fn nothing_found_is_status_1_and_says_so() {
    let folder = folder();
    let path = folder.path().join("none");
    for arguments in [
        &[text(&path)][..],
        &[&all_in(folder.path())],
        &["--pid", "4294967295"],
        &["tmux", "--kind", "seqpacket"],
    ] {
        let answer = ls(arguments);
        assert_eq!(answer.status, Some(1), "{arguments:?}: {answer:#?}");
        assert_eq!(answer.text, "", "{arguments:?}: {answer:#?}");
        assert!(
            answer.complaint.contains("nothing matches"),
            "{arguments:?}: {answer:#?}"
        );
    }
    let answer = ls(["--json", text(&path)]);
    assert_eq!(answer.status, Some(1));
    let document = crate::command::parsed(&answer);
    assert_eq!(list(&document, "endpoints").len(), 0, "{document:#}");
}

#[rstest]
#[case(&["app"], "unknown name")]
#[case(&["["], "pattern [")]
#[case(&["--process", "["], "pattern [")]
#[case(&["tcp:localhost:80"], "not a Unix socket")]
#[case(&["unix:"], "empty")]
#[case(&[r"@a\q"], "escape")]
#[case(&["unix://host/path"], "no host")]
#[case(&["--user", "no such user"], "no such user")]
#[case(&["--kind", "raw"], "raw")]
#[case(&["--state", "sleepy"], "sleepy")]
#[case(&["--pid", "-1"], "-1")]
#[case(&["--watch=0"], "0.1")]
#[case(&["--rounds", "3"], "--watch")]
#[case(&["--tree", "--json"], "--json")]
#[case(&["--no-such-flag"], "--no-such-flag")]
fn a_filter_that_cannot_be_read_is_status_2(#[case] arguments: &[&str], #[case] word: &str) {
    let answer = ls(arguments);
    assert_eq!(answer.status, Some(2), "{answer:#?}");
    assert_eq!(answer.text, "", "{answer:#?}");
    assert!(answer.complaint.contains(word), "{answer:#?}");
}
