//! redis-cli.

use crate::program::noise;
use crate::server::Running;
use crate::stage::{Stage, until};

pub(crate) fn server(stage: &Stage) -> Running {
    let path = stage.text("redis.sock");
    let words = ["redis-server", "--port", "0", "--unixsocket", &path];
    let more = ["--save", "", "--daemonize", "no", "--dir"];
    let folder = stage.text("");
    let run: Vec<&str> = words.into_iter().chain(more).chain([&*folder]).collect();
    stage.server(&run, "eady to accept connections at")
}

fn cli<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["redis-cli", "-s", "in.sock"], words].concat()
}

#[test]
fn a_value_of_five_megabytes_comes_back() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./redis.sock"]);
    assert_eq!(stage.run(&cli(&["SET", "word", "fish"])), "OK\n");
    assert_eq!(stage.run(&cli(&["GET", "word"])), "fish\n");

    let value = noise(5_000_000);
    stage.run_with(&cli(&["-x", "SET", "value"]), &value);
    assert_eq!(stage.run(&cli(&["STRLEN", "value"])), "5000000\n");
    let back = stage.run_with(&cli(&["GET", "value"]), b"");
    assert!(back.strip_suffix(b"\n") == Some(&value));
    relay.stop_without_failure();
}

#[test]
fn connections_that_wait_stay_open() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./redis.sock"]);
    let monitor = stage.start(&cli(&["MONITOR"]));
    monitor.prints("OK");
    let waiting = stage.start(&cli(&["BLPOP", "queue", "0"]));
    monitor.prints(r#""BLPOP" "queue""#);
    until("a blocked client", || {
        let clients = stage.run(&cli(&["INFO", "clients"]));
        clients.contains("blocked_clients:1")
    });
    stage.run(&cli(&["RPUSH", "queue", "caught"]));
    assert_eq!(waiting.end().succeeded().text(), "queue\ncaught\n");
    monitor.prints(r#""RPUSH" "queue" "caught""#);
    // Ended by a signal, it has no time to take leave.
    monitor.stop();
    until("the server to notice", || {
        let clients = stage.run(&cli(&["CLIENT", "LIST"]));
        !clients.contains("cmd=monitor")
    });
    relay.stop_without_failure();
}

#[test]
fn twenty_clients_at_once_are_served() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./redis.sock"]);
    let one = || stage.start(&cli(&["-r", "100", "INCR", "count"]));
    let clients: Vec<_> = std::iter::repeat_with(one).take(20).collect();
    for client in clients {
        assert_eq!(client.end().succeeded().text().lines().count(), 100);
    }
    assert_eq!(stage.run(&cli(&["GET", "count"])), "2000\n");
    let log = relay.stop_without_failure();
    assert!(log.contains(": 21 clients, "), "{log}");
}
