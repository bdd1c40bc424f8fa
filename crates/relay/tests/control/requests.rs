//! What each request does.

use sockeye_relay::control::{Answer, Request};

use crate::stage::{Running, Stage, talk};

fn one() -> (Stage, Running) {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    (stage, running)
}

fn two() -> (Stage, Running) {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("one"), None), (stage.plan("two"), None)]);
    (stage, running)
}

#[test]
fn the_status_tells_of_clients_and_bytes() {
    let (stage, running) = one();
    let client = stage.connect("in");
    talk(&client);
    let status = running.becomes(|status| status.down_bytes == 5);
    assert_eq!(status.name, "in");
    assert_eq!(status.listen, stage.address("in").to_string());
    assert_eq!(status.targets, [stage.address("target").to_string()]);
    assert_eq!(status.phase, "serving");
    assert_eq!((status.accepted, status.refused, status.failed), (1, 0, 0));
    assert_eq!((status.up_bytes, status.down_bytes), (5, 5));
    let [open] = status.connections.as_slice() else {
        panic!("{status:#?}");
    };
    assert_eq!((open.connection, open.up_bytes, open.down_bytes), (1, 5, 5));
    assert_eq!(open.target, Some(status.targets[0].clone()));
    assert_eq!(open.client.r#type, "unix");
    assert_eq!(
        (&open.client.address, open.client.pid),
        (&None, Some(std::process::id()))
    );
    drop(client);
    running.becomes(|status| status.connections.is_empty() && status.up_bytes == 5);
    running.stop();
    assert!(!stage.control().exists());
}

#[test]
fn faults_are_set_added_and_cleared() {
    let (_stage, running) = one();
    let faults = |request: Request| match running.ask(&request).unwrap() {
        Answer::Faults { relays } => (relays[0].faults.clone(), relays[0].seed),
        other => panic!("{other:?}"),
    };
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(faults(Request::Faults { relay: None }), (vec![], 0));
    let set = Request::SetFaults {
        relay: None,
        faults: texts(&["up:latency,delay=0.1"]),
        seed: Some(u64::MAX),
    };
    assert_eq!(faults(set), (texts(&["up:latency,delay=100ms"]), u64::MAX));
    let add = Request::AddFault {
        relay: None,
        fault: "refuse,probability=0.5".to_owned(),
    };
    let both = (
        texts(&["up:latency,delay=100ms", "refuse,probability=0.5"]),
        u64::MAX,
    );
    assert_eq!(faults(add), both);
    assert_eq!(faults(Request::Faults { relay: None }), both);
    let clear = Request::ClearFaults { relay: None };
    assert_eq!(faults(clear), (vec![], u64::MAX));
    running.stop();
}

#[test]
fn a_fault_that_is_wrong_changes_nothing() {
    let (_stage, running) = one();
    let add = |fault: &str| Request::AddFault {
        relay: None,
        fault: fault.to_owned(),
    };
    running.ask(&add("refuse")).unwrap();
    let unknown = running.refusal(&add("up:gremlins"));
    assert!(
        unknown.starts_with(r#"fault "up:gremlins": unknown kind"#),
        "{unknown}"
    );
    let unsuitable = running.refusal(&add("up:loss,share=0.5"));
    assert!(
        unsuitable.ends_with("this relay carries bytes"),
        "{unsuitable}"
    );
    let faults = running.ask(&Request::Faults { relay: None }).unwrap();
    let Answer::Faults { relays } = faults else {
        panic!("{faults:?}");
    };
    assert_eq!(relays[0].faults, ["refuse"]);
    running.stop();
}

#[test]
fn a_fault_that_is_added_is_felt() {
    let (stage, running) = one();
    talk(&stage.connect("in"));
    let add = Request::AddFault {
        relay: None,
        fault: "refuse".to_owned(),
    };
    running.ask(&add).unwrap();
    let refused = stage.connect("in");
    // The end, or a reset, but no answer.
    let _ = refused.send_all(b"hello");
    assert!(matches!(refused.receive(&mut [0; 8]), Ok(0) | Err(_)));
    running.becomes(|status| status.refused == 1);
    running.ask(&Request::ClearFaults { relay: None }).unwrap();
    talk(&stage.connect("in"));
    running.stop();
}

#[test]
fn a_connection_is_cut_and_others_are_not() {
    let (stage, running) = one();
    let (cut, other) = (stage.connect("in"), stage.connect("in"));
    talk(&cut);
    talk(&other);
    let request = |connection| Request::Cut {
        relay: None,
        connection,
    };
    let unknown = running.refusal(&request(77));
    assert_eq!(unknown, "cut connection 77: in has none of this number");
    let answer = Answer::Cut {
        relay: "in".to_owned(),
        connection: 1,
    };
    assert_eq!(running.ask(&request(1)).unwrap(), answer);
    assert!(matches!(cut.receive(&mut [0; 8]), Ok(0) | Err(_)));
    talk(&other);
    running.becomes(|status| status.connections.len() == 1);
    drop(other);
    running.stop();
}

#[test]
fn a_relay_that_drains_ends_when_its_clients_have() {
    let (stage, running) = one();
    let client = stage.connect("in");
    talk(&client);
    let answer = running.ask(&Request::Drain { relay: None }).unwrap();
    let relays = vec!["in".to_owned()];
    assert_eq!(answer, Answer::Drain { relays });
    running.becomes(|status| status.phase == "draining");
    talk(&client);
    drop(client);
    running.ended();
    assert!(!stage.path("in").exists());
    assert!(!stage.control().exists());
}

#[test]
fn certificates_are_read_again_where_there_are_none_too() {
    let (_stage, running) = two();
    let answer = running.ask(&Request::Reload { relay: None }).unwrap();
    let relays = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(answer, Answer::Reload { relays });
    running.stop();
}

#[test]
fn one_of_several_relays_must_be_named_where_one_is_changed() {
    let (stage, running) = two();
    let clear = |relay: Option<&str>| Request::ClearFaults {
        relay: relay.map(ToOwned::to_owned),
    };
    assert_eq!(
        running.refusal(&clear(None)),
        "choose a relay: there are one, two"
    );
    let unknown = running.refusal(&clear(Some("three\u{1b}")));
    assert_eq!(unknown, r"find relay three\x1b: there is one, two");
    running.ask(&clear(Some("one"))).unwrap();
    let address = stage.address("two").to_string();
    let Answer::Faults { relays } = running.ask(&clear(Some(&address))).unwrap() else {
        panic!("another answer");
    };
    assert_eq!(relays[0].name, "two");
    let Answer::Status { pid, relays } = running.ask(&Request::Status { relay: None }).unwrap()
    else {
        panic!("another answer");
    };
    assert_eq!((pid, relays.len()), (std::process::id(), 2));
    running.stop();
}
