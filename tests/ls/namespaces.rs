//! Both ends of a connection, wherever they live.

use std::process::Command;

use crate::command::{endpoint, folder, json, list, ls, pids, text};
use crate::scene::{CONNECT, Program, SERVE};

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
    std::fs::create_dir(&inner).unwrap();
    let path = inner.join("app.sock");
    let mut command = Command::new("unshare");
    let mount = "mount -t tmpfs none \"$0\" && exec python3 \"$@\"";
    command.args(["--mount", "sh", "-c", mount, text(&inner)]);
    let server = Program::python_under(command, SERVE, &[text(&path)]);
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
