//! OpenSSH: as the way to a target on another machine, and as a program that speaks through a relay.

use crate::program::noise;
use crate::server::Running;
use crate::stage::{Stage, place};

/// An sshd that lets in who runs the tests.
struct Sshd {
    running: Running,
    place: std::net::SocketAddrV4,
    user: String,
}

fn server(stage: &Stage) -> Sshd {
    for key in ["host", "user"] {
        let make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key];
        stage.run(&make);
    }
    let place = place();
    let configuration = format!(
        "ListenAddress {place}\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\nPidFile none\n\
         PermitRootLogin yes\n",
        stage.text("host"),
        stage.text("user.pub"),
    );
    stage.write("sshd_config", configuration);
    let key = String::from_utf8(stage.read("host.pub")).unwrap();
    let (ip, port) = (place.ip(), place.port());
    stage.write("known_hosts", format!("[{ip}]:{port},sshd.test {key}"));
    if rustix::process::geteuid().is_root() {
        // As the service of the system does: sshd does not run as root without it.
        std::fs::create_dir_all("/run/sshd").unwrap();
    }
    let file = stage.text("sshd_config");
    let running = stage.server(&["sshd", "-D", "-e", "-f", &file], "Server listening on ");
    let user = stage.run(&["id", "-un"]).trim().to_owned();
    Sshd {
        running,
        place,
        user,
    }
}

/// What ssh needs to know here, and nothing of the user's own settings.
const OPTIONS: [&str; 5] = [
    "-Fnone",
    "-oIdentityFile=./user",
    "-oIdentitiesOnly=yes",
    "-oUserKnownHostsFile=./known_hosts",
    "-oGlobalKnownHostsFile=/dev/null",
];

#[test]
fn many_clients_reach_a_socket_there_by_one_login() {
    let stage = Stage::new();
    let sshd = server(&stage);
    let _target = crate::redis::server(&stage);
    let options = OPTIONS.map(|option| format!("--ssh-option={option}"));
    let options: Vec<&str> = options.iter().map(|option| &**option).collect();
    let path = stage.text("redis.sock");
    let Sshd { user, place, .. } = &sshd;
    let target = format!("ssh://{user}@{place}{path}");
    let relay = stage.relay(&[&options[..], &["./in.sock", &target]].concat());

    let cli = ["redis-cli", "-s", "in.sock"];
    let value = noise(3_000_000);
    let set = ["-x", "SET", "value"];
    stage.run_with(&[&cli[..], &set].concat(), &value);
    let one = || stage.start(&[&cli[..], &["-r", "10", "INCR", "count"]].concat());
    let clients: Vec<_> = std::iter::repeat_with(one).take(20).collect();
    for client in clients {
        client.end().succeeded();
    }
    let get = |name| stage.run_with(&[&cli[..], &["GET", name]].concat(), b"");
    assert_eq!(get("count"), b"200\n");
    assert!(get("value").strip_suffix(b"\n") == Some(&value));
    relay.stop_without_failure();
    let said = sshd.running.said();
    assert_eq!(said.matches("Accepted publickey").count(), 1, "{said}");
}

#[test]
fn ssh_speaks_through_a_relay() {
    let stage = Stage::new();
    let sshd = server(&stage);
    let target = format!("tcp:{}", sshd.place);
    let relay = stage.relay(&["./in.sock", &target]);
    let sockeye = env!("CARGO_BIN_EXE_sockeye");
    let proxy = format!("-oProxyCommand={sockeye} connect ./in.sock");
    let user = format!("-l{}", sshd.user);
    let ssh = [&["ssh"], &OPTIONS[..], &[&proxy, &user, "sshd.test"]].concat();
    let content = noise(3_000_000);
    // The program there answers when its input has ended, not before.
    let sum = stage.run_with(&[&ssh[..], &["sha256sum"]].concat(), &content);
    assert_eq!(sum, stage.run_with(&["sha256sum"], &content));
    assert!(stage.run_with(&[&ssh[..], &["cat"]].concat(), &content) == content);
    let ended = stage.start(&[&ssh[..], &["exit 3"]].concat()).end();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    relay.stop_without_failure();
}
