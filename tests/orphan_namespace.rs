//! A test of its own binary, as what it makes can be seen by every other: while a network namespace cannot be entered,
//! no file is called stale.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Connects to its argument, says so and waits for the end of its input.
const CLIENT: &str = "
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
print('connected', flush=True)
sys.stdin.read()
";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn missed_namespaces() -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["ls", "--json"])
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document["unseen"]["namespaces"].as_u64().unwrap()
}

#[test]
#[ignore = "needs root"]
fn a_socket_in_a_namespace_that_nobody_lives_in_any_more_is_said_to_be_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    #[expect(clippy::disallowed_methods, reason = "a test's peer is any program")]
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--net", "python3", "-c", CLIENT]).arg(&path);
    let mut client = Running(
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(client.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "connected\n");
    // This end was made in the client's namespace and stays there.
    let accepted = listener.accept().unwrap();
    assert_eq!(missed_namespaces(), 0);
    drop(client);
    assert_eq!(missed_namespaces(), 1);
    drop(accepted);
    assert_eq!(missed_namespaces(), 0);
}
