//! `--json` and its schema.

use serde_json::Value;

use crate::server::{bound, connected, listening};
use crate::{doctor, folder, text};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/schema/doctor.v1.json")).unwrap()
}

#[track_caller]
fn document(arguments: &[&str]) -> (Option<i32>, Value) {
    let answer = doctor(arguments.iter().chain(&["--json"]));
    let document =
        serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:#?}"));
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:#?} in {document:#}");
    (answer.status, document)
}

#[test]
fn every_kind_of_answer_fits_the_schema() {
    let folder = folder();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let _listener = listening(at("app.sock").as_ref(), 0);
    drop(bound(
        at("stale.sock").as_ref(),
        rustix::net::SocketType::STREAM,
    ));
    std::os::unix::fs::symlink("app.sock", at("link.sock")).unwrap();
    let cases = [
        (vec![at("app.sock")], 0, "would-connect"),
        (
            vec![at("link.sock"), "--connect".to_owned()],
            0,
            "would-connect",
        ),
        (vec![at("app.sock"), "--dgram".to_owned()], 1, "wrong-kind"),
        (vec![at("stale.sock"), "--connect".to_owned()], 1, "stale"),
        (vec![at("ap.sock")], 1, "no-such-file"),
        (vec![at("")], 1, "not-a-socket"),
        (
            vec!["@sockeye doctor: no such name".to_owned()],
            1,
            "no-such-name",
        ),
        (vec![at(&"a".repeat(256))], 1, "name-too-long"),
    ];
    for (arguments, status, verdict) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (ended, document) = document(&arguments);
        assert_eq!(document["verdict"], verdict, "{document:#}");
        assert_eq!(ended, Some(status), "{document:#}");
        assert_eq!(document["would_connect"], status == 0);
    }
}

#[test]
fn the_document_has_the_parts_of_the_text() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    let _client = connected(&path);
    let (_, document) = document(&[text(&path), "--connect"]);
    assert_eq!(
        (&document["version"], &document["kind"]),
        (&1.into(), &"doctor".into())
    );
    assert_eq!(document["verdict"], "does-not-accept");
    assert_eq!(document["processes"][0]["pid"], std::process::id());
    assert_eq!(document["connect"]["errno"], Value::Null);
    let last = document["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["path"], &last["found"]),
        (&text(&path).into(), &"socket".into())
    );
    assert_eq!(last["allowed"], true);
}

#[test]
fn the_schema_knows_every_verdict() {
    let schema = schema();
    let words = schema["properties"]["verdict"]["enum"].as_array().unwrap();
    let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, sockeye::doctor::Verdict::WORDS);
}
