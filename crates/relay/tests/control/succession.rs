//! One process after another, and no client is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sockeye_address::{Address, Kind};
use sockeye_relay::control::{Error, Request, Server, take_over};
use sockeye_socket::{BindOptions, Connection, Datagram, Life};

use crate::stage::{PATIENCE, Running, Stage, connect, plan, talk};

/// Replaces a process by one that runs the same relay.
fn replace(stage: &Stage, listen: &str) -> Running {
    let adopted = take_over(&stage.control(), &stage.address(listen))
        .unwrap()
        .unwrap();
    stage.run(vec![(stage.plan(listen), Some(adopted.into()))])
}

#[test]
fn a_relay_is_replaced_and_nobody_is_refused_or_lost() {
    let stage = Stage::new();
    let mut running = stage.run(vec![(stage.plan("in"), None)]);
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let name = stage.name("in");
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (stop, served, name) = (Arc::clone(&stop), Arc::clone(&served), name.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    talk(&connect(&name));
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..10 {
        let before = served.load(Ordering::Relaxed);
        let new = replace(&stage, "in");
        running.ended();
        running = new;
        assert!(stage.path("in").exists());
        running.becomes(|status| status.accepted >= 5);
        assert!(served.load(Ordering::Relaxed) > before);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    running.stop();
    assert!(!stage.path("in").exists());
    assert!(!stage.control().exists());
}

#[test]
fn clients_that_are_there_stay_with_the_old_process() {
    let stage = Stage::new();
    let old = stage.run(vec![(stage.plan("in"), None)]);
    let client = stage.connect("in");
    talk(&client);
    let new = replace(&stage, "in");
    let newer = stage.connect("in");
    talk(&newer);
    talk(&client);
    assert!(!old.has_ended());
    let status = new.status();
    assert_eq!(
        (status.accepted, status.connections.len()),
        (1, 1),
        "{status:#?}"
    );
    drop(client);
    old.ended();
    talk(&newer);
    assert!(stage.path("in").exists());
    // The control socket is the new one's.
    new.becomes(|status| status.up_bytes == 10);
    drop(newer);
    new.stop();
}

#[test]
fn a_client_that_waits_to_be_accepted_is_served_by_the_new_process() {
    let stage = Stage::new();
    let old = stage.run(vec![(stage.plan("in"), None)]);
    let adopted = take_over(&stage.control(), &stage.address("in"))
        .unwrap()
        .unwrap();
    assert_eq!(adopted.path, Some(stage.path("in").canonicalize().unwrap()));
    // Nobody accepts now.
    let waiting = stage.connect("in");
    waiting.send_all(b"hel").unwrap();
    old.ended();
    let new = stage.run(vec![(stage.plan("in"), Some(adopted.into()))]);
    waiting.send_all(b"lo").unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 8];
    while got.len() < 5 {
        let length = waiting.receive(&mut buffer).unwrap();
        assert_ne!(length, 0);
        got.extend_from_slice(&buffer[..length]);
    }
    assert_eq!(got, b"hello");
    drop(waiting);
    new.stop();
}

#[test]
fn where_there_is_nothing_to_take_over_that_is_said() {
    let stage = Stage::new();
    let listen = stage.address("in");
    assert!(take_over(&stage.control(), &listen).unwrap().is_none());
    // A socket file of a process that was killed.
    std::mem::forget(Server::open(&stage.control()).unwrap());
    let running = stage.run_beside(&listen);
    assert!(
        take_over(&running.control, &stage.address("other"))
            .unwrap()
            .is_none()
    );
    let client = stage.connect("in");
    talk(&client);
    running.ask(&Request::Drain { relay: None }).unwrap();
    running.becomes(|status| status.phase == "draining");
    assert!(take_over(&running.control, &listen).unwrap().is_none());
    drop(client);
    running.ended();
}

impl Stage {
    fn run_beside(&self, listen: &Address) -> Running {
        let relay = plan(listen.clone(), self.address("target"));
        self.run_at("beside.ctl", vec![(relay, None)])
    }
}

#[test]
fn a_control_socket_is_given_up_only_when_no_relay_of_it_accepts() {
    let stage = Stage::new();
    let old = stage.run(vec![(stage.plan("one"), None), (stage.plan("two"), None)]);
    let held = Server::open(&stage.control()).unwrap_err();
    assert!(matches!(held, Error::Held { .. }), "{held:?}");
    let one = take_over(&stage.control(), &stage.address("one"))
        .unwrap()
        .unwrap();
    let held = Server::open(&stage.control()).unwrap_err();
    assert!(matches!(held, Error::Held { .. }), "{held:?}");
    assert!(
        take_over(&stage.control(), &stage.address("one"))
            .unwrap()
            .is_none()
    );
    let two = take_over(&stage.control(), &stage.address("two"))
        .unwrap()
        .unwrap();
    let new = stage.run(vec![
        (stage.plan("one"), Some(one.into())),
        (stage.plan("two"), Some(two.into())),
    ]);
    old.ended();
    talk(&stage.connect("one"));
    talk(&stage.connect("two"));
    new.stop();
    assert!(!stage.path("one").exists() && !stage.path("two").exists());
}

#[test]
fn a_process_that_drains_leaves_the_control_socket_to_the_next() {
    let stage = Stage::new();
    let old = stage.run(vec![(stage.plan("in"), None)]);
    let client = stage.connect("in");
    talk(&client);
    old.ask(&Request::Drain { relay: None }).unwrap();
    old.becomes(|status| status.phase == "draining" && !stage.path("in").exists());
    let new = stage.run(vec![(stage.plan("in"), None)]);
    assert_eq!(new.status().accepted, 0);
    talk(&client);
    drop(client);
    old.ended();
    assert!(stage.control().exists());
    new.stop();
}

#[test]
fn sockets_without_a_file_are_taken_over_too() {
    let stage = Stage::new();
    // A port that was free a moment ago: the relay is asked for by the address it listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let addresses = [
        format!("@{}", stage.path("abstract").display()),
        format!("tcp:127.0.0.1:{port}"),
    ];
    for address in addresses {
        let listen: Address = address.parse().unwrap();
        let relay = || plan(listen.clone(), stage.address("target"));
        let old = stage.run(vec![(relay(), None)]);
        let adopted = take_over(&stage.control(), &listen).unwrap().unwrap();
        assert_eq!((&adopted.path, adopted.identity), (&None, None));
        let new = stage.run(vec![(relay(), Some(adopted.into()))]);
        old.ended();
        if let Address::Unix(unix) = &listen {
            talk(&connect(&unix.name));
        }
        new.stop();
    }
}

#[test]
fn datagrams_that_wait_are_relayed_by_the_new_process() {
    let stage = Stage::new();
    let target = Datagram::bind(&stage.name("datagrams"), &BindOptions::new()).unwrap();
    target.set_receive_timeout(Some(PATIENCE)).unwrap();
    let address = |name: &str| -> Address {
        format!("unix-dgram:{}", stage.path(name).display())
            .parse()
            .unwrap()
    };
    let relay = || plan(address("in"), address("datagrams"));
    let old = stage.run(vec![(relay(), None)]);
    let life = Life::default();
    let sender = Connection::connect(&stage.name("in"), Some(Kind::Datagram), &life).unwrap();
    let adopted = take_over(&stage.control(), &address("in"))
        .unwrap()
        .unwrap();
    sender.send_all(b"while nobody looks").unwrap();
    let new = stage.run(vec![(relay(), Some(adopted.into()))]);
    let mut buffer = [0; 64];
    let length = target.receive(&mut buffer).unwrap().length_bytes;
    assert_eq!(&buffer[..length], b"while nobody looks");
    old.ended();
    // A sender of datagrams never says that it has sent all.
    let cut = Request::Cut {
        relay: None,
        connection: 1,
    };
    new.ask(&cut).unwrap();
    new.stop();
}
