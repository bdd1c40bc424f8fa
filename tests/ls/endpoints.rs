//! One row per listening or bound endpoint.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rustix::net::SocketType;
use serde_json::json;

use crate::command::{all_in, endpoint, folder, json, ls, text};
use crate::scene::{Program, bound, connected, listening, listening_abstract, listening_far_down};

#[test]
fn a_listener_is_shown_with_its_process_file_clients_and_queue() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(super::scene::SERVE, &[text(&path)]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let _accepted = connected(&path);
    server.go_on();
    let _waiting = connected(&path);

    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap().trim().to_owned();
    let group = Command::new("id").arg("-gn").output().unwrap().stdout;
    let group = String::from_utf8(group).unwrap().trim().to_owned();

    let answer = ls([&all_in(folder.path())]);
    let cells = answer.cells(text(&path));
    let process = format!("python3[{}] {user}", server.pid());
    let file = format!("640 {user}:{group}");
    let expected = [
        text(&path),
        "stream",
        "listening",
        &process,
        &file,
        "2",
        "1/5",
    ];
    assert_eq!(cells, expected, "{answer:#?}");
    assert!(answer.text.starts_with("ADDRESS"), "{answer:#?}");

    let document = json([&all_in(folder.path())]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(endpoint["address"], text(&path));
    assert_eq!(endpoint["socket_kind"], "stream");
    assert_eq!(endpoint["state"], "listening");
    assert_eq!(endpoint["fault"], json!(null));
    assert_eq!(endpoint["clients"], 2);
    assert_eq!(endpoint["queue"], json!({"used": 1, "limit": 5}));
    let process = &endpoint["processes"][0];
    assert_eq!(
        (&process["pid"], &process["name"]),
        (&server.pid().into(), &"python3".into())
    );
    assert_eq!(
        (&process["user"], &process["uid"]),
        (&user.into(), &rustix::process::geteuid().as_raw().into())
    );
    assert_eq!(endpoint["file"]["mode"], "0640");
    assert_eq!(endpoint["file"]["path"]["text"], text(&path));
    let metadata = std::fs::metadata(&path).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata) & u64::from(u32::MAX);
    assert_eq!(endpoint["file"]["inode"], inode);
}

#[test]
fn every_kind_of_socket_has_a_row() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let _stream = listening(&at("stream"), 5);
    let _unready = bound(&at("unready"), SocketType::STREAM);
    let _datagram = bound(&at("datagram"), SocketType::DGRAM);
    let seqpacket = bound(&at("seqpacket"), SocketType::SEQPACKET);
    rustix::net::listen(&seqpacket, 7).unwrap();

    let document = json([&all_in(folder.path())]);
    for (name, kind, state, queue) in [
        (
            "stream",
            "stream",
            "listening",
            json!({"used": 0, "limit": 5}),
        ),
        ("unready", "stream", "bound", json!(null)),
        ("datagram", "datagram", "bound", json!(null)),
        (
            "seqpacket",
            "seqpacket",
            "listening",
            json!({"used": 0, "limit": 7}),
        ),
    ] {
        let endpoint = endpoint(&document, text(&at(name)));
        assert_eq!(endpoint["socket_kind"], kind, "{endpoint:#}");
        assert_eq!(endpoint["state"], state, "{endpoint:#}");
        assert_eq!(endpoint["queue"], queue, "{endpoint:#}");
        assert_eq!(endpoint["clients"], 0, "{endpoint:#}");
        assert!(
            super::command::pids(endpoint).contains(&std::process::id()),
            "{endpoint:#}"
        );
    }
}

#[test]
fn an_abstract_name_has_a_row_without_a_file() {
    let name = format!("sockeye-ls-abstract-{}", std::process::id());
    let _listener = listening_abstract(name.as_bytes());
    let shown = format!("@{name}");
    let answer = ls([&shown]);
    assert_eq!(
        answer.cells(&shown)[..3],
        [&shown, "stream", "listening"],
        "{answer:#?}"
    );
    assert!(
        !answer.text.contains("FILE"),
        "a column without anything is left out: {answer:#?}"
    );
    let document = json([&shown]);
    let endpoint = endpoint(&document, &name);
    assert_eq!(endpoint["name"]["type"], "abstract");
    assert_eq!(endpoint["file"], json!(null));
}

#[test]
fn a_name_longer_than_the_kernel_takes_is_shown_with_its_real_path() {
    let folder = folder();
    let deep = folder.path().join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(&deep).unwrap();
    let _listener = listening_far_down(&deep, "app.sock");
    let path = deep.join("app.sock");
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(endpoint["state"], "listening", "{document:#}");
    assert_eq!(endpoint["fault"], json!(null), "{document:#}");
    assert_eq!(endpoint["file"]["path"]["text"], text(&path));
}

#[test]
fn a_relative_name_is_shown_with_its_real_path() {
    let folder = folder();
    let program = "os.chdir(sys.argv[1])\nserver = socket(AF_UNIX)\nserver.bind('./app.sock')\nserver.listen()\nwait()";
    let _server = Program::python(program, &[text(folder.path())]);
    let path = folder.path().join("app.sock");
    let document = json([&path]);
    assert_eq!(
        endpoint(&document, text(&path))["address"],
        text(&path),
        "{document:#}"
    );
}

#[test]
fn sockeye_alone_is_sockeye_ls() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = Program::python(super::scene::SERVE, &[text(&path)]);
    let line = |arguments: &[&str]| {
        let answer = super::command::answer(super::command::sockeye().args(arguments));
        assert_eq!(answer.status, Some(0), "{answer:#?}");
        answer.cells(text(&path)).join(" | ")
    };
    assert_eq!(line(&[]), line(&["ls"]));
    assert!(line(&[]).contains(&format!("python3[{}]", server.pid())));
    let filtered = super::command::answer(
        super::command::sockeye().args(["--pid", &server.pid().to_string()]),
    );
    assert_eq!(filtered.text.lines().count(), 2, "{filtered:#?}");
}
