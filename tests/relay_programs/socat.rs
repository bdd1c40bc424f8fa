//! socat as a client that says a word and leaves.

use rustix::process::Signal;

use crate::stage::{AS_NOBODY, Stage};

/// The kernel takes no credentials of a process that has ended.
#[test]
#[ignore = "needs root"]
fn what_a_client_of_another_user_said_arrives_when_it_has_ended() {
    let stage = Stage::for_all();
    let sockeye = env!("CARGO_BIN_EXE_sockeye");
    let server = stage.start(&[sockeye, "listen", "--mode", "666", "./out.sock"]);
    server.says("listening on ");
    let options = ["--mode", "666", "--credentials", "client"];
    let ends = ["./in.sock", "./out.sock"];
    let relay = stage.relay(&[&options[..], &ends].concat());
    // Until it goes on, nobody accepts.
    relay.signal(Signal::STOP);
    let socat = ["socat", "-u", "STDIN", "UNIX-CONNECT:in.sock"];
    stage.run_with(&[&AS_NOBODY[..], &socat].concat(), b"last words");
    relay.signal(Signal::CONT);
    server.prints("last words");
    server.stop();
    relay.stop_without_failure();
}
