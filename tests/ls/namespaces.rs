//! Both ends of a connection, wherever they live.

use std::process::Command;

use crate::command::{endpoint, folder, json, list, ls, pids, text};
use crate::scene::{CONNECT, Program, SERVE, below_a_mount_of_its_own};

fn elsewhere(what: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args([what, "python3"]);
    command
}

#[test]
#[ignore = "needs root"]
fn a_client_in_another_network_namespace_is_one_joined_row() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(SERVE, &[text(&path)]);
    let client = Program::python_under(elsewhere("--net"), CONNECT, &[text(&path)]);
    for accepted in [false, true] {
        if accepted {
            server.go_on();
        }
        let document = json([&path]);
        let [connection] = list(&document, "connections") else {
            panic!("{document:#}")
        };
        assert_eq!(pids(&connection["client"]), [client.pid()], "{document:#}");
        assert_eq!(connection["waiting"], !accepted, "{document:#}");
        if accepted {
            assert_eq!(pids(&connection["server"]), [server.pid()], "{document:#}");
        }
        assert_eq!(list(&document, "endpoints").len(), 1, "{document:#}");
        assert_eq!(
            endpoint(&document, text(&path))["clients"],
            1,
            "{document:#}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn a_server_in_another_network_namespace_is_shown_with_its_client_here() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python_under(elsewhere("--net"), SERVE, &[text(&path)]);
    let client = Program::python(CONNECT, &[text(&path)]);
    server.go_on();
    let document = json([&path]);
    let [connection] = list(&document, "connections") else {
        panic!("{document:#}")
    };
    assert_eq!(pids(&connection["client"]), [client.pid()], "{document:#}");
    assert_eq!(pids(&connection["server"]), [server.pid()], "{document:#}");
    assert_eq!(
        endpoint(&document, text(&path))["fault"],
        serde_json::json!(null),
        "{document:#}"
    );
}

#[test]
#[ignore = "needs root"]
fn the_same_abstract_name_in_two_namespaces_is_two_endpoints() {
    let name = format!("@sockeye-ls-twice-{}", std::process::id());
    let here = Program::python(SERVE, &[&name]);
    let there = Program::python_under(elsewhere("--net"), SERVE, &[&name]);
    let document = json([&name]);
    let mut holders: Vec<u32> = list(&document, "endpoints").iter().flat_map(pids).collect();
    holders.sort_unstable();
    let mut expected = [here.pid(), there.pid()];
    expected.sort_unstable();
    assert_eq!(holders, expected, "{document:#}");
    let namespaces: Vec<u64> = list(&document, "endpoints")
        .iter()
        .map(|endpoint| endpoint["net_namespace"].as_u64().unwrap())
        .collect();
    assert_ne!(namespaces[0], namespaces[1], "{document:#}");
    let answer = ls([&name]);
    assert_eq!(
        answer.text.matches("in another network namespace").count(),
        1,
        "which is which: {answer:#?}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_file_in_another_mount_namespace_is_shown_and_said_to_be_there() {
    let folder = folder();
    let inner = folder.path().join("inner");
    let path = inner.join("app.sock");
    let server = below_a_mount_of_its_own(&inner, "true", &path);
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(pids(endpoint), [server.pid()], "{document:#}");
    assert_eq!(endpoint["in_other_mount_namespace"], true, "{document:#}");
    assert_eq!(endpoint["fault"], serde_json::json!(null), "{document:#}");
    ls([&path]).says(&["in another mount namespace"]);
}

#[test]
#[ignore = "needs root"]
fn an_unnamed_pair_across_namespaces_is_joined() {
    let program = "import ctypes\nours, theirs = socketpair()\n\
                   child = os.fork()\n\
                   if child == 0:\n    ours.close()\n    ctypes.CDLL(None).unshare(0x40000000)\n    theirs.send(b'x')\n    signal.pause()\n\
                   theirs.close()\nours.recv(1)\nready()\npause()\nos.kill(child, 9)\nready()";
    let mut parent = Program::python(program, &[]);
    let document = json(["--pid", &parent.pid().to_string(), "--kind", "stream"]);
    let pairs = list(&document, "connections")
        .iter()
        .filter(|connection| connection["address"].is_null());
    let joined = pairs.filter(|pair| pids(&pair["client"]) != pids(&pair["server"]));
    assert_eq!(joined.count(), 1, "{document:#}");
    parent.go_on();
}

/// `/proc/PID/root/link/…` would follow a whole path from the root of whoever looks.
#[test]
#[ignore = "needs root"]
fn a_link_with_a_whole_path_is_followed_from_the_root_of_the_process() {
    let folder = folder();
    let inner = folder.path().join("inner");
    let path = inner.join("link/app.sock");
    let prepare = "mkdir \"$0/real\" && ln -s \"$0/real\" \"$0/link\"";
    let _server = below_a_mount_of_its_own(&inner, prepare, &path);
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(endpoint["in_other_mount_namespace"], true, "{document:#}");
    assert_eq!(endpoint["fault"], serde_json::json!(null), "{document:#}");
}

/// Starts to listen at `/link/app.sock` of a folder that it takes for its root, where `/link` leads to `/real`.
fn in_another_root(folder: &std::path::Path) -> Program {
    std::fs::create_dir(folder.join("real")).unwrap();
    std::os::unix::fs::symlink("/real", folder.join("link")).unwrap();
    let program = "os.chroot(sys.argv[1])\nserver = socket(AF_UNIX)\nserver.bind('/link/app.sock')\n\
                   server.listen()\nwait()";
    Program::python(program, &[text(folder)])
}

#[test]
#[ignore = "needs root"]
fn a_server_with_another_root_is_shown_with_the_path_that_leads_there_from_here() {
    let folder = folder();
    let server = in_another_root(folder.path());
    let pid = server.pid().to_string();
    let document = json(["--pid", &pid]);
    let endpoint = endpoint(&document, "/link/app.sock");
    let path = folder.path().join("real/app.sock");
    assert_eq!(
        (&endpoint["fault"], &endpoint["in_other_mount_namespace"]),
        (&serde_json::json!(null), &false.into()),
        "{document:#}"
    );
    assert_eq!(
        endpoint["file"]["path"]["text"],
        text(&path),
        "{document:#}"
    );
    ls(["--pid", &pid]).says(&[&format!("at {}", text(&path))]);
}

/// Neither the processes nor the network namespaces outside can be seen, whoever asks.
#[test]
#[ignore = "needs root"]
fn root_of_a_pid_namespace_is_told_that_processes_are_out_of_sight() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let stale = folder.path().join("stale.sock");
    let _listener = crate::scene::listening(&path, 5);
    crate::sockets::stale::leave_stale(&stale);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]);
    command.args([
        env!("CARGO_BIN_EXE_sockeye"),
        "ls",
        text(&path),
        text(&stale),
    ]);
    let answer = crate::command::answer(&mut command);
    answer.says(&["(not visible)", "unclaimed"]);
    assert!(
        answer
            .complaint
            .contains("processes that /proc does not show"),
        "{answer:#?}"
    );
}
