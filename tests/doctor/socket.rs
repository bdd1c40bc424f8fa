//! What the socket itself answers.

use rustix::net::{self, SocketAddrUnix, SocketType};

use crate::server::{bound, listening, socket};
use crate::{doctor, folder, text};

#[test]
fn a_listener_can_be_connected_to() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    let pid = format!("(pid {}) listens on {}", std::process::id(), text(&path));
    doctor([&path]).says(
        0,
        &[
            "✓",
            "may pass",
            "may write",
            "yes: a connect would work",
            &pid,
        ],
    );
}

#[test]
fn no_connect_is_made_unless_asked_for() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = listening(&path, 5);
    rustix::io::ioctl_fionbio(&server, true).unwrap();
    doctor([&path]).says(0, &["yes: "]);
    assert_eq!(net::accept(&server).unwrap_err(), rustix::io::Errno::AGAIN);
    doctor([path.as_os_str(), "--connect".as_ref()])
        .says(0, &["tried: a stream connect succeeded"]);
    net::accept(&server).unwrap();
}

#[test]
fn each_kind_is_reached_by_its_own_flag_only() {
    let folder = folder();
    let kinds = [
        ("--stream", SocketType::STREAM),
        ("--dgram", SocketType::DGRAM),
        ("--seqpacket", SocketType::SEQPACKET),
    ];
    for (flag, kind) in kinds {
        let path = folder.path().join(flag);
        let server = bound(&path, kind);
        if kind != SocketType::DGRAM {
            net::listen(&server, 5).unwrap();
        }
        for (asked, _) in kinds {
            let answer = doctor([text(&path), asked, "--connect"]);
            if asked == flag {
                answer.says(0, &["yes: ", "connect succeeded"]);
            } else {
                let right = format!("use {flag}; in a program, SOCK_");
                answer.says(
                    1,
                    &[
                        "no: ",
                        " socket cannot reach it",
                        "wrong type for socket",
                        &right,
                    ],
                );
            }
        }
    }
}

#[test]
fn what_is_not_known_of_a_datagram_socket_is_said() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = bound(&path, SocketType::DGRAM);
    doctor([&path]).says(
        0,
        &[
            "yes: a send would work",
            "note: how full its receive queue is cannot be seen",
        ],
    );
}

#[test]
fn a_datagram_socket_with_a_peer_takes_messages_from_there_only() {
    let folder = folder();
    let (path, other) = (
        folder.path().join("app.sock"),
        folder.path().join("other.sock"),
    );
    let server = bound(&path, SocketType::DGRAM);
    let _peer = bound(&other, SocketType::DGRAM);
    net::connect(&server, &SocketAddrUnix::new(&other).unwrap()).unwrap();
    doctor([text(&path), "--connect"])
        .says(1, &["takes messages from there only", "not permitted"]);
}

#[test]
fn a_socket_that_is_bound_and_does_not_listen_refuses() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = bound(&path, SocketType::STREAM);
    doctor([text(&path), "--connect"]).says(1, &["does not listen on it", "Connection refused"]);
}

#[test]
fn abstract_names_are_found_and_missed() {
    let name = format!("sockeye doctor {}", std::process::id());
    let server = socket(SocketType::STREAM);
    net::bind(
        &server,
        &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap(),
    )
    .unwrap();
    net::listen(&server, 5).unwrap();
    doctor([format!("@{name}"), "--connect".to_owned()]).says(0, &["yes: ", "connect succeeded"]);
    let meant = format!("did you mean '@{name}'?");
    doctor([format!("@{}", name.replace("doctor", "docotr"))])
        .says(1, &["no socket of this network namespace", &meant]);
}

#[test]
fn the_same_abstract_name_is_apart_for_each_kind() {
    let name = format!("sockeye kinds {}", std::process::id());
    let address = SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
    let listener = socket(SocketType::STREAM);
    net::bind(&listener, &address).unwrap();
    net::listen(&listener, 5).unwrap();
    let receiver = socket(SocketType::DGRAM);
    net::bind(&receiver, &address).unwrap();
    let name = format!("@{name}");
    doctor([&*name, "--stream", "--connect"]).says(
        0,
        &["yes: a connect would work", "stream connect succeeded"],
    );
    doctor([&*name, "--dgram", "--connect"])
        .says(0, &["yes: a send would work", "datagram connect succeeded"]);
    doctor([&*name, "--seqpacket", "--connect"]).says(
        1,
        &["a seqpacket socket cannot reach it", "Connection refused"],
    );
}

#[test]
fn nuls_behind_an_abstract_name_are_pointed_out() {
    let name = format!("sockeye nuls {}", std::process::id());
    let server = socket(SocketType::STREAM);
    let padded = format!("{name}\0\0\0");
    net::bind(
        &server,
        &SocketAddrUnix::new_abstract_name(padded.as_bytes()).unwrap(),
    )
    .unwrap();
    net::listen(&server, 5).unwrap();
    let meant = format!(r"did you mean '@{name}\x00\x00\x00'? its server bound it with NULs");
    doctor([format!("@{name}")]).says(1, &[&meant]);
}
