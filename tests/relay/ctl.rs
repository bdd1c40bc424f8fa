//! Relays that are seen and changed while they run.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::echo;
use crate::program::{Ended, Place, Program, run_with, sockeye};

struct Scene {
    place: Place,
    relay: Program,
}

impl Scene {
    /// A relay from `in` to an echo, with its control socket where it is by default.
    fn new() -> Self {
        let place = Place::new();
        echo::serve(&place.folder().join("target"));
        let mut command = sockeye(["relay"]);
        command.args([place.folder().join("in"), place.folder().join("target")]);
        let relay = Program::start(&mut command);
        relay.says("ready");
        crate::controlled(&place.folder().join("in"));
        Scene { place, relay }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder().join(name)
    }

    fn ctl<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        let mut command = sockeye(["relay", "ctl"]);
        command.arg(self.path("in")).args(arguments);
        Program::start(&mut command).end()
    }

    /// The answer, which fits the schema.
    #[track_caller]
    fn answer(&self, arguments: &[&str]) -> Value {
        let ended = self.ctl(arguments.iter().chain(&["--json"])).succeeded();
        let document = checked(&ended.stdout);
        assert_eq!(document["version"], 1);
        document["ok"].clone()
    }
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/schema/relay-ctl.v1.json")).unwrap()
}

#[track_caller]
fn checked(text: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(text).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?} in {document:#}");
    document
}

#[test]
fn the_status_is_shown_to_people_and_to_programs() {
    let scene = Scene::new();
    let client = echo::connect(&scene.path("in"));
    echo::talk(&client, b"hello");
    let shown = scene.ctl::<&str>([]).succeeded().text();
    let ends = format!(
        "{} -> {}\n",
        scene.path("in").display(),
        scene.path("target").display()
    );
    assert!(shown.starts_with(&ends), "{shown}");
    assert!(
        shown.contains("1 client: 1 open, 0 refused, 0 failed"),
        "{shown}"
    );
    assert!(shown.contains("NUMBER  CLIENT"), "{shown}");
    assert!(
        shown.contains(&format!("pid {}", std::process::id())),
        "{shown}"
    );
    let status = scene.answer(&["status"]);
    assert_eq!(
        status["relays"][0]["connections"][0]["client"]["type"],
        "unix"
    );
    assert_eq!(status["relays"][0]["phase"], "serving");
    drop(client);
    scene.relay.stop().succeeded();
}

#[test]
fn faults_are_changed_while_it_runs() {
    let scene = Scene::new();
    assert_eq!(scene.ctl(["faults"]).succeeded().text(), "no faults\n");
    let set = [
        "set-faults",
        "up:latency,delay=10ms",
        "down:bandwidth,rate=1MB",
        "--seed",
        "7",
    ];
    let answer = scene.answer(&set);
    assert_eq!(answer["relays"][0]["seed"], 7);
    let shown = scene
        .ctl(["add-fault", "refuse,probability=0"])
        .succeeded()
        .text();
    assert!(shown.starts_with("up:latency,delay=10ms\n"), "{shown}");
    assert!(shown.ends_with("seed 7\n"), "{shown}");
    assert_eq!(
        scene.answer(&["faults"])["relays"][0]["faults"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    echo::talk(&echo::connect(&scene.path("in")), b"hello");
    assert_eq!(
        scene.ctl(["clear-faults"]).succeeded().text(),
        "no faults\n"
    );
    let wrong = scene.ctl(["add-fault", "up:gremlins"]);
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
    let unfit = scene.ctl(["add-fault", "up:loss,share=0.5"]);
    assert_eq!(unfit.status, Some(3), "{unfit:?}");
    assert!(
        unfit.stderr.contains("this relay carries bytes"),
        "{unfit:?}"
    );
    scene.relay.stop().succeeded();
}

#[test]
fn a_connection_is_cut_and_then_the_relay_drains() {
    let scene = Scene::new();
    let mut cut = echo::connect(&scene.path("in"));
    let other = echo::connect(&scene.path("in"));
    echo::talk(&cut, b"hello");
    echo::talk(&other, b"hello");
    let answer = scene.answer(&["cut", "1"]);
    assert_eq!(answer["connection"], 1);
    assert!(matches!(cut.read(&mut [0; 8]), Ok(0) | Err(_)));
    let none = scene.ctl(["cut", "99"]);
    assert_eq!(none.status, Some(3), "{none:?}");
    assert!(none.stderr.contains("cut connection 99: "), "{none:?}");
    assert_eq!(scene.answer(&["reload"])["answer"], "reload");
    assert_eq!(scene.answer(&["drain"])["answer"], "drain");
    echo::talk(&other, b"hello");
    drop(other);
    scene.relay.end().succeeded();
}

#[test]
fn a_relative_path_finds_the_same_relay() {
    let scene = Scene::new();
    let mut command = sockeye(["relay", "ctl", "./in", "status"]);
    let shown = Program::start(command.current_dir(scene.place.folder())).end();
    assert!(shown.succeeded().text().contains("serving"));
    scene.relay.stop().succeeded();
}

#[test]
fn where_no_relay_is_that_is_said() {
    let place = Place::new();
    let path = place.path();
    let ended = Program::start(sockeye(["relay", "ctl"]).arg(&path).arg("status")).end();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains(": no relay is controlled here\n"),
        "{ended:?}"
    );
}

#[test]
fn what_is_asked_by_hand_is_answered_by_the_schema() {
    let place = Place::new();
    echo::serve(&place.folder().join("target"));
    let control = place.folder().join("hand.ctl");
    let mut command = sockeye(["relay"]);
    command.args([place.folder().join("in"), place.folder().join("target")]);
    let relay = Program::start(command.arg("--control").arg(&control));
    relay.says("ready");
    crate::controlled(&control);
    let requests = [
        r#"{"version":1,"request":"status"}"#,
        r#"{"version":1,"request":"set-faults","faults":["refuse"],"seed":18446744073709551615}"#,
        r#"{"version":1,"request":"add-fault","fault":"nonsense"}"#,
        r#"{"version":1,"request":"clear-faults"}"#,
        r#"{"version":1,"request":"cut","connection":5}"#,
        r#"{"version":1,"request":"reload"}"#,
        r#"{"version":1,"request":"hand-over","listen":"nowhere"}"#,
        r#"{"version":1,"request":"release"}"#,
        "nonsense",
    ];
    for request in &requests[..8] {
        checked(request.as_bytes());
    }
    let input = requests.join("\n");
    let asked = run_with(
        [OsStr::new("connect"), control.as_os_str()],
        input.as_bytes(),
    );
    let answers: Vec<Value> = asked
        .succeeded()
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .map(checked)
        .collect();
    let done = answers.iter().map(|answer| answer["error"].is_null());
    let expected = [true, true, false, true, false, true, true, false, false];
    assert_eq!(done.collect::<Vec<_>>(), expected, "{answers:#?}");
    // The relay's own path is no control socket, and its control socket is one.
    let shown = Program::start(sockeye(["relay", "ctl"]).arg(&control)).end();
    assert!(shown.succeeded().text().contains("serving"));
    relay.stop().succeeded();
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
                        ("const", Value::String(word)) => found.push(word),
                        _ => {}
                    }
                    names(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let page = include_str!("../../docs/json.md");
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let mut all = Vec::new();
    names(&schema, &mut all);
    // These are shown as they are sent.
    all.retain(|name| !["ok", "error", "request"].contains(name));
    let missing: Vec<&&str> = all
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
}
