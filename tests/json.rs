//! docs/json.md: real documents of `ls` and `show` against their schema, and the page against the schema.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use rustix::net::{
    self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept, bind, connect, listen,
    send,
};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../docs/schema/ls.v1.json")).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[track_caller]
fn check(text: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(text).unwrap();
    let problems: Vec<String> = validator()
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    document
}

#[track_caller]
fn document(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(arguments)
        .output()
        .unwrap();
    check(&output.stdout)
}

fn socket(kind: SocketType) -> OwnedFd {
    net::socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap()
}

fn bound(path: &Path, kind: SocketType) -> OwnedFd {
    let socket = socket(kind);
    bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

fn connected(path: &Path, kind: SocketType) -> OwnedFd {
    let client = socket(kind);
    connect(&client, &SocketAddrUnix::new(path).unwrap()).unwrap();
    client
}

/// A socket of every state and fault, connections of every sort, and names of every sort.
fn scene(folder: &Path) -> Vec<OwnedFd> {
    let at = |name: &str| folder.join(name);
    let mut kept = Vec::new();
    for (name, kind) in [
        ("stream", SocketType::STREAM),
        ("seqpacket", SocketType::SEQPACKET),
    ] {
        let listener = bound(&at(name), kind);
        listen(&listener, 0).unwrap();
        let client = connected(&at(name), kind);
        send(&client, b"hello", net::SendFlags::empty()).unwrap();
        kept.push(accept(&listener).unwrap());
        // This one waits, has sent something, and fills the queue.
        let waiting = connected(&at(name), kind);
        send(&waiting, b"hello", net::SendFlags::empty()).unwrap();
        kept.extend([listener, client, waiting]);
    }
    let datagram = bound(&at("datagram"), SocketType::DGRAM);
    kept.extend([
        datagram,
        connected(&at("datagram"), SocketType::DGRAM),
        bound(&at("unready"), SocketType::STREAM),
    ]);
    drop(bound(&at("stale"), SocketType::STREAM));
    for name in ["deleted", "replaced", "moved", "closed"] {
        let listener = bound(&at(name), SocketType::STREAM);
        listen(&listener, 5).unwrap();
        if name == "closed" {
            kept.push(connected(&at(name), SocketType::STREAM));
            kept.push(accept(&listener).unwrap());
        } else {
            kept.push(listener);
        }
    }
    std::fs::remove_file(at("deleted")).unwrap();
    std::fs::write(at("replacing"), "").unwrap();
    std::fs::rename(at("replacing"), at("replaced")).unwrap();
    std::fs::rename(at("moved"), at("moved there")).unwrap();
    for name in ["\u{1b}[2J\n", "\u{202e}", "qu\"ote\\", "a*b"] {
        kept.push(bound(&at(name), SocketType::DGRAM));
    }
    let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff\xfe");
    kept.push(bound(&folder.join(bytes), SocketType::DGRAM));
    let hostile = [folder.as_os_str().as_encoded_bytes(), b"\0\xff\n"].concat();
    let named = socket(SocketType::STREAM);
    bind(
        &named,
        &SocketAddrUnix::new_abstract_name(&hostile).unwrap(),
    )
    .unwrap();
    kept.push(named);
    let pair = net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    kept.extend([pair.0, pair.1]);
    kept
}

fn words<'a>(document: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let mut words: Vec<&str> = document[list]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item[field].as_str())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&schema()));
}

#[test]
fn ls_fits_the_schema_whatever_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let _kept = scene(folder.path());
    let pattern = format!("{}/*", folder.path().display());
    for source in ["auto", "proc"] {
        document(&["ls", "--json", "--holders", source]);
        document(&["ls", "--json", "--connections", "--holders", source]);
        let all = document(&[
            "ls",
            "--json",
            "--connections",
            "--holders",
            source,
            &pattern,
        ]);
        let mut states = words(&all, "endpoints", "state");
        states.retain(|state| !["stale", "unclaimed"].contains(state));
        assert_eq!(states, ["bound", "closed", "listening"], "{all:#}");
        let mut faults = words(&all, "endpoints", "fault");
        faults.retain(|fault| *fault != "stale");
        assert_eq!(faults, ["deleted", "full", "replaced"], "{all:#}");
        assert_eq!(
            words(&all, "endpoints", "socket_kind"),
            ["datagram", "seqpacket", "stream"],
            "{all:#}"
        );
        assert_eq!(all["connections"].as_array().unwrap().len(), 6, "{all:#}");
    }
}

#[test]
fn show_fits_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let _kept = scene(folder.path());
    for name in ["stream", "datagram", "stale", "closed", "replaced", "none"] {
        let document = document(&["show", "--json", folder.path().join(name).to_str().unwrap()]);
        assert_eq!(document["kind"], "show");
        assert_eq!(
            document["endpoints"].as_array().unwrap().len(),
            usize::from(name != "none"),
            "{document:#}"
        );
    }
}

#[test]
fn a_connection_tells_the_place_of_its_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let _kept = scene(folder.path());
    let all = document(&["ls", "--json", "--connections"]);
    let connections = all["connections"].as_array().unwrap();
    assert!(
        connections
            .iter()
            .any(|connection| connection["endpoint"].is_null()),
        "the pair: {all:#}"
    );
    for connection in connections {
        if let Some(at) = connection["endpoint"].as_u64() {
            assert_eq!(
                connection["address"],
                all["endpoints"][usize::try_from(at).unwrap()]["address"],
                "{connection:#}"
            );
        } else {
            assert_eq!(connection["address"], Value::Null, "{connection:#}");
        }
    }
}

#[test]
fn every_round_of_a_watch_fits_the_schema() {
    let output = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args([
            "ls",
            "--json",
            "--connections",
            "--watch=0.1",
            "--rounds",
            "2",
        ])
        .output()
        .unwrap();
    let lines: Vec<&[u8]> = output
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        check(line);
    }
}

#[test]
#[ignore = "needs root"]
fn what_nobody_sees_fits_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let binary = folder.path().join("sockeye-for-all");
    std::fs::copy(env!("CARGO_BIN_EXE_sockeye"), &binary).unwrap();
    let _kept = scene(folder.path());
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&binary);
    let output = command
        .args(["ls", "--json", "--connections"])
        .output()
        .unwrap();
    let document = check(&output.stdout);
    assert!(
        document["unseen"]["processes"].as_u64() > Some(0),
        "{document:#}"
    );
    assert!(
        document["unseen"]["bpf_refused"].is_string(),
        "{document:#}"
    );
    assert!(
        words(&document, "endpoints", "state").contains(&"unclaimed"),
        "{document:#}"
    );
}

#[test]
fn the_page_documents_every_field_and_word() {
    fn names<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
        match schema {
            Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), value) {
                        ("properties", Value::Object(fields)) => {
                            found.extend(fields.keys().map(String::as_str));
                        }
                        ("enum", Value::Array(words)) => {
                            found.extend(words.iter().filter_map(Value::as_str));
                        }
                        _ => {}
                    }
                    names(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let page = include_str!("../docs/json.md");
    let doctor: Value =
        serde_json::from_str(include_str!("../docs/schema/doctor.v1.json")).unwrap();
    let ls = schema();
    let mut all = Vec::new();
    names(&ls, &mut all);
    names(&doctor, &mut all);
    let missing: Vec<&&str> = all
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
}
