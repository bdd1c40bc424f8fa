//! Client process → address → server process.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept, recv, send, socketpair,
};
use serde_json::{Value, json};

use crate::command::{Answer, all_in, endpoint, folder, json, list, ls, pids, text};
use crate::scene::{
    CONNECT, Program, SERVE, bound, connected, connected_as, listening, listening_abstract,
};

/// The cells of the only row of the connection table with `part`.
#[track_caller]
fn row<'a>(answer: &'a Answer, part: &str) -> Vec<&'a str> {
    let (_, table) = answer.text.split_once("\n\n").expect("two tables");
    let lines: Vec<&str> = table.lines().filter(|line| line.contains(part)).collect();
    assert_eq!(lines.len(), 1, "{answer:#?}");
    lines[0]
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

#[track_caller]
fn only_connection(document: &Value) -> &Value {
    let [connection] = list(document, "connections") else {
        panic!("not one connection in {document:#}");
    };
    connection
}

#[test]
fn a_connection_names_both_processes() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(SERVE, &[text(&path)]);
    let client = Program::python(CONNECT, &[text(&path)]);
    let answer = ls(["--connections", &all_in(folder.path())]);
    assert_eq!(row(&answer, "waits to be accepted").len(), 6, "{answer:#?}");
    server.go_on();

    let answer = ls(["--connections", &all_in(folder.path())]);
    let cells = row(&answer, "→");
    assert!(
        cells[0].starts_with(&format!("python3[{}] ", client.pid())),
        "{answer:#?}"
    );
    assert_eq!(cells[1..4], ["→", text(&path), "→"], "{answer:#?}");
    assert!(
        cells[4].starts_with(&format!("python3[{}] ", server.pid())),
        "{answer:#?}"
    );

    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(pids(&connection["client"]), [client.pid()]);
    assert_eq!(pids(&connection["server"]), [server.pid()]);
    assert_eq!(
        (&connection["address"], &connection["endpoint"]),
        (&text(&path).into(), &0.into())
    );
    assert_eq!(
        (&connection["socket_kind"], &connection["waiting"]),
        (&"stream".into(), &false.into())
    );
}

#[test]
fn an_abstract_name_has_connections_like_any_other() {
    let name = format!("@sockeye-ls-connection-{}", std::process::id());
    let mut server = Program::python(SERVE, &[&name]);
    let client = Program::python(CONNECT, &[&name]);
    server.go_on();
    let document = json([&name]);
    let connection = only_connection(&document);
    assert_eq!(
        (pids(&connection["client"]), pids(&connection["server"])),
        (vec![client.pid()], vec![server.pid()])
    );
}

#[test]
fn naming_an_endpoint_asks_for_its_connections_and_a_pattern_does_not() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    let _client = connected(&path);
    ls([&path]).says(&["SERVER", "waits to be accepted"]);
    let answer = ls([&all_in(folder.path())]);
    assert!(!answer.text.contains("SERVER"), "{answer:#?}");
}

#[test]
fn unread_bytes_are_counted_in_each_direction() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let client = connected(&path);
    let served = accept(&listener).unwrap();
    send(&client, &[b'x'; 4096], SendFlags::empty()).unwrap();
    send(&served, &[b'y'; 17], SendFlags::empty()).unwrap();
    recv(&served, &mut [0; 96], RecvFlags::empty()).unwrap();
    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(connection["to_server_bytes"], 4000, "{document:#}");
    assert_eq!(connection["to_client_bytes"], 17, "{document:#}");
    ls([&path]).says(&["4000→ ←17"]);
}

#[test]
fn clients_that_wait_to_be_accepted_are_told_by_their_process() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = Program::python(SERVE, &[text(&path)]);
    let program =
        "client = socket(AF_UNIX)\nclient.connect(sys.argv[1])\nclient.send(b'hello')\nwait()";
    let client = Program::python(program, &[text(&path)]);
    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(pids(&connection["client"]), [client.pid()]);
    assert_eq!(
        (&connection["waiting"], &connection["server"]),
        (&true.into(), &json!(null))
    );
    assert_eq!(endpoint(&document, text(&path))["queue"]["used"], 1);
    let answer = ls([&path]);
    assert!(
        row(&answer, "→")[4].contains(&format!("[{}]", server.pid())),
        "who will accept it: {answer:#?}"
    );
    // A client that gave up is still in the queue, and nobody's.
    drop(client);
    let document = json([&path]);
    assert_eq!(
        endpoint(&document, text(&path))["queue"]["used"],
        1,
        "{document:#}"
    );
    assert_eq!(
        endpoint(&document, text(&path))["clients"],
        1,
        "{document:#}"
    );
    ls([&path]).says(&["(closed)", "waits to be accepted"]);
}

#[test]
fn bytes_that_a_waiting_client_sent_are_counted_exactly_or_not_at_all() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let client = connected(&path);
    send(&client, b"hello", SendFlags::empty()).unwrap();
    let document = json([&path]);
    let waiting = only_connection(&document)["to_server_bytes"].clone();
    // Before it is accepted the kernel counts the buffers of the sender, which are not bytes.
    assert_eq!(waiting, json!(null), "{document:#}");
    ls([&path]).says(&["?→"]);
    let _served = accept(&listener).unwrap();
    let document = json([&path]);
    assert_eq!(
        only_connection(&document)["to_server_bytes"],
        5,
        "{document:#}"
    );
}

#[test]
fn an_unnamed_pair_is_shown_by_its_two_processes() {
    let program = "ours, theirs = socketpair()\n\
                   child = os.fork()\n\
                   if child == 0:\n    ours.close()\n    theirs.send(b'seven b')\n    signal.pause()\n\
                   theirs.close()\n\
                   ours.recv(7, MSG_PEEK)\n\
                   ready(child)\npause()\nos.kill(child, signal.SIGKILL)\nos.wait()\nready()\npause()";
    let mut parent = Program::python(program, &[]);
    let pid = parent.pid().to_string();
    let document = json(["--pid", &pid]);
    let unnamed: Vec<&Value> = list(&document, "connections")
        .iter()
        .filter(|connection| {
            connection["address"].is_null()
                && connection["client"]["processes"][0]["name"] == "python3"
        })
        .collect();
    let [pair] = unnamed[..] else {
        panic!("{document:#}")
    };
    let mut ends = [pids(&pair["client"]), pids(&pair["server"])].concat();
    ends.retain(|pid| *pid != parent.pid());
    assert_eq!(ends.len(), 1, "{document:#}");
    let total =
        pair["to_client_bytes"].as_u64().unwrap() + pair["to_server_bytes"].as_u64().unwrap();
    assert_eq!(total, 7, "{document:#}");
    let answer = ls(["--connections", "--pid", &pid]);
    answer.says(&[
        "(unnamed)",
        "↔",
        &format!("python3[{}]", parent.pid()),
        &format!("python3[{}]", ends[0]),
    ]);
    parent.go_on();
}

#[test]
fn a_datagram_client_is_a_connection_one_way() {
    let folder = folder();
    let [path, client_path] = ["log.sock", "client.sock"].map(|name| folder.path().join(name));
    let _server = bound(&path, SocketType::DGRAM);
    let client = connected_as(&path, SocketType::DGRAM);
    send(&client, b"twelve bytes", SendFlags::empty()).unwrap();
    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(connection["socket_kind"], "datagram");
    assert_eq!(connection["to_server_bytes"], 12, "{document:#}");
    assert_eq!(connection["to_client_bytes"], 0, "{document:#}");
    assert_eq!(endpoint(&document, text(&path))["clients"], 1);
    assert_eq!(endpoint(&document, text(&path))["state"], "bound");
    // A client with an address of its own is an endpoint and a client.
    let named = bound(&client_path, SocketType::DGRAM);
    rustix::net::connect(&named, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    let document = json([&all_in(folder.path())]);
    assert_eq!(
        endpoint(&document, text(&path))["clients"],
        2,
        "{document:#}"
    );
    assert_eq!(
        endpoint(&document, text(&client_path))["clients"],
        0,
        "{document:#}"
    );
    assert_eq!(list(&document, "connections").len(), 2, "{document:#}");
}

#[test]
fn a_client_that_closed_before_its_server_is_shown_as_closed() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let client = connected(&path);
    let _served = accept(&listener).unwrap();
    send(&client, b"bye", SendFlags::empty()).unwrap();
    drop(client);
    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(connection["client"], json!(null), "{document:#}");
    assert_eq!(connection["to_server_bytes"], 3, "{document:#}");
    ls([&path]).says(&["(closed)", "3→"]);
}

#[test]
fn a_server_that_closed_before_its_client_is_shown_as_closed() {
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\n\
                   client = socket(AF_UNIX)\nclient.connect(sys.argv[1])\nserver.accept()[0].close()\nwait()";
    let folder = folder();
    let path = folder.path().join("app.sock");
    let both = Program::python(program, &[text(&path)]);
    let document = json(["--pid", &both.pid().to_string()]);
    let connections = list(&document, "connections");
    let half = connections
        .iter()
        .find(|connection| connection["server"].is_null());
    let half = half.unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(pids(&half["client"]), [both.pid()], "{document:#}");
    ls(["-c", "--pid", &both.pid().to_string()]).says(&["(closed)"]);
}

#[test]
fn a_seqpacket_connection_is_like_a_stream() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = bound(&path, SocketType::SEQPACKET);
    rustix::net::listen(&listener, 5).unwrap();
    let client = connected_as(&path, SocketType::SEQPACKET);
    let _served = accept(&listener).unwrap();
    send(&client, b"one", SendFlags::empty()).unwrap();
    let document = json([&path]);
    let connection = only_connection(&document);
    assert_eq!(
        (&connection["socket_kind"], &connection["waiting"]),
        (&"seqpacket".into(), &false.into())
    );
    assert_eq!(connection["to_server_bytes"], 3, "{document:#}");
}

#[test]
fn many_clients_are_all_counted() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 64);
    let clients: Vec<_> = (0..50).map(|_| connected(&path)).collect();
    let _served: Vec<_> = (0..20).map(|_| accept(&listener).unwrap()).collect();
    let document = json([&path]);
    assert_eq!(endpoint(&document, text(&path))["clients"], clients.len());
    assert_eq!(endpoint(&document, text(&path))["queue"]["used"], 30);
    let waiting = list(&document, "connections")
        .iter()
        .filter(|connection| connection["waiting"] == true);
    assert_eq!(waiting.count(), 30, "{document:#}");
}

#[test]
fn a_connection_of_a_process_is_shown_whichever_end_it_holds() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(SERVE, &[text(&path)]);
    let client = Program::python(CONNECT, &[text(&path)]);
    server.go_on();
    for program in [&server, &client] {
        let document = json(["--pid", &program.pid().to_string()]);
        let connection = list(&document, "connections")
            .iter()
            .find(|connection| connection["address"] == text(&path));
        let connection = connection.unwrap_or_else(|| panic!("{document:#}"));
        assert_eq!(pids(&connection["client"]), [client.pid()], "{document:#}");
        assert_eq!(
            connection["endpoint"].is_null(),
            program.pid() == client.pid(),
            "{document:#}"
        );
    }
}

#[test]
fn a_pair_of_sockets_with_names_at_both_ends_is_one_connection() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let client = super::scene::socket(SocketType::STREAM);
    let client_path = folder.path().join("client.sock");
    rustix::net::bind(
        &client,
        &rustix::net::SocketAddrUnix::new(&client_path).unwrap(),
    )
    .unwrap();
    rustix::net::connect(&client, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    let _served = accept(&listener).unwrap();
    let document = json([&all_in(folder.path())]);
    let connection = only_connection(&document);
    assert_eq!(
        connection["address"],
        text(&path),
        "the listener's, not the client's own: {document:#}"
    );
}

#[test]
fn a_socketpair_within_one_process_is_no_mystery() {
    let (_ours, _theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let _listener =
        listening_abstract(format!("sockeye-ls-pair-{}", std::process::id()).as_bytes());
    let document = json([
        "--pid",
        &std::process::id().to_string(),
        "--kind",
        "seqpacket",
    ]);
    let pair = list(&document, "connections")
        .iter()
        .find(|connection| connection["address"].is_null());
    let pair = pair.unwrap_or_else(|| panic!("{document:#}"));
    assert!(
        pids(&pair["client"]).contains(&std::process::id()),
        "{document:#}"
    );
    assert!(
        pids(&pair["server"]).contains(&std::process::id()),
        "{document:#}"
    );
}

/// The kernel keeps abstract names apart for each kind.
#[test]
fn the_same_abstract_name_of_three_kinds_is_three_endpoints_with_connections_of_their_own() {
    let name = format!("@sockeye-ls-kinds-{}", std::process::id());
    let program = "kept = []\n\
                   for kind, clients in [(SOCK_STREAM, 1), (SOCK_SEQPACKET, 2), (SOCK_DGRAM, 3)]:\n    \
                       server = socket(AF_UNIX, kind)\n    server.bind(sys.argv[1].replace('@', '\\0'))\n    \
                       if kind != SOCK_DGRAM: server.listen(5)\n    kept.append(server)\n    \
                       for number in range(clients):\n        \
                           client = socket(AF_UNIX, kind)\n        client.connect(server.getsockname())\n        \
                           kept.append(client)\n\
                   wait()";
    let _server = Program::python(program, &[&name]);
    let document = json([&name]);
    let clients: Vec<_> = list(&document, "endpoints")
        .iter()
        .map(|endpoint| (endpoint["socket_kind"].clone(), endpoint["clients"].clone()))
        .collect();
    let expected = [("stream", 1), ("seqpacket", 2), ("datagram", 3)];
    for (kind, count) in expected {
        assert!(
            clients.contains(&(kind.into(), count.into())),
            "{document:#}"
        );
    }
    assert_eq!(clients.len(), 3, "{document:#}");
}
