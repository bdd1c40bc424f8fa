//! The docker client. Its attach and exec say with a half-close that their input is over, and wait for what comes after.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Program, noise};
use crate::server::{Running, find};
use crate::stage::Stage;
use crate::terminal::terminal;

/// As in the scenario of `sockeye ls`: a mount namespace makes the fixed places it writes to its own.
const START: &str = r#"
for folder in /etc/docker /opt /run; do
    mkdir -p "$folder"
    mount -t tmpfs none "$folder"
done
dir=$1
exec dockerd --config-file="$dir/daemon.json" --data-root="$dir/data" --exec-root="$dir/exec" --pidfile="$dir/pid" \
    --host="unix://$dir/docker.sock" --group=root --storage-driver=vfs --bridge=none \
    --iptables=false --ip6tables=false --ip-forward=false
"#;

/// At `docker.sock`.
fn server(stage: &Stage) -> Running {
    stage.write("daemon.json", "{}");
    let folder = stage.folder().to_str().unwrap();
    let run = ["unshare", "--mount", "sh", "-ec", START, "sh", folder];
    let ready = format!("API listen on {}", stage.text("docker.sock"));
    stage.server(&run, &ready)
}

/// The client, through `in.sock`.
struct Docker<'a> {
    stage: &'a Stage,
    host: String,
}

impl<'a> Docker<'a> {
    fn new(stage: &'a Stage) -> Self {
        let host = format!("--host=unix://{}", stage.text("in.sock"));
        Docker { stage, host }
    }

    fn words<'b>(&'b self, more: &[&'b str]) -> Vec<&'b str> {
        [&["docker", &self.host], more].concat()
    }

    #[track_caller]
    fn run(&self, more: &[&str]) -> String {
        self.stage.run(&self.words(more))
    }

    #[track_caller]
    fn run_with(&self, more: &[&str], input: &[u8]) -> Vec<u8> {
        self.stage.run_with(&self.words(more), input)
    }

    /// Makes an image of nothing but busybox, called `box`.
    fn import(&self) {
        let busybox = find("busybox").expect("busybox-static is needed: `cargo xtask setup`");
        let programs = self.stage.path("image/bin");
        std::fs::create_dir_all(&programs).unwrap();
        std::fs::copy(busybox, programs.join("busybox")).unwrap();
        for name in ["sh", "cat", "sleep"] {
            std::os::unix::fs::symlink("busybox", programs.join(name)).unwrap();
        }
        let image = archive(&self.stage.path("image"));
        self.run_with(&["import", "-", "box"], &image);
    }
}

fn archive(folder: &Path) -> Vec<u8> {
    let mut tar = Command::new("tar");
    let output = tar.arg("-cC").arg(folder).arg(".").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
#[ignore = "needs root"]
fn the_daemon_is_asked_and_watched() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./docker.sock"]);
    let docker = Docker::new(&stage);
    let version = docker.run(&["version", "--format", "{{.Server.Os}}"]);
    assert_eq!(version, "linux\n");

    docker.run(&["volume", "create", "crate"]);
    let watcher = stage.start(&docker.words(&["events", "--since=1h"]));
    watcher.prints("volume create crate");
    docker.run(&["volume", "create", "barrel"]);
    watcher.prints("volume create barrel");
    // The answer has no end: it is cut by the client.
    watcher.stop();
    relay.stop_without_failure();
}

#[test]
#[ignore = "needs root"]
fn what_runs_gets_the_end_of_its_input_and_still_answers() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./docker.sock"]);
    let docker = Docker::new(&stage);
    docker.import();
    let input = noise(3_000_000);

    let run = ["run", "-i", "--rm", "--network=none", "box", "cat"];
    assert!(docker.run_with(&run, &input) == input);

    let create = ["create", "-i", "--name=later", "--network=none", "box"];
    // It answers when its input has ended, not before.
    let program = ["sh", "-c", "n=$(cat); echo got $n; exit 3"];
    docker.run(&[&create[..], &program].concat());
    let start = docker.words(&["start", "-ai", "later"]);
    let ended = stage.fed(&start, b"a fish");
    assert_eq!((ended.status, &*ended.text()), (Some(3), "got a fish\n"));

    let detached = ["run", "-d", "--init", "--name=long", "--network=none"];
    docker.run(&[&detached[..], &["box", "sleep", "100000"]].concat());
    let hi = docker.run_with(&["exec", "-i", "long", "cat"], b"hi\n");
    assert_eq!(hi, b"hi\n");
    assert!(docker.run_with(&["exec", "-i", "long", "cat"], &input) == input);
    docker.run(&["rm", "-f", "later", "long"]);
    relay.stop_without_failure();
}

#[test]
#[ignore = "needs root"]
fn a_terminal_is_attached_to_a_container() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./docker.sock"]);
    let docker = Docker::new(&stage);
    docker.import();
    let (mut person, end) = terminal();
    let run = ["run", "-it", "--rm", "--network=none", "box", "sh"];
    let mut command = stage.command(&docker.words(&run));
    command.stdin(end.try_clone().unwrap());
    command
        .stdout(end.try_clone().unwrap())
        .stderr(Stdio::from(end));
    let client = Program::start(&mut command);
    person.sees("/ # ", 1);
    person.types(b"echo $((6 * 7))\r");
    person.sees("\r\n42\r\n", 1);
    person.types(b"exit 5\r");
    let ended = client.end();
    assert_eq!(ended.status, Some(5), "{ended:?} {}", person.seen);
    relay.stop_without_failure();
}
