//! What cannot be is told in one clear line, with the documented status.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;

use crate::program::{Ended, Program, run, run_with, sockeye};
use crate::stage::Stage;

/// The line that tells what is wrong; behind it there may be one that says what can be done.
#[track_caller]
fn problem(ended: &Ended) -> &str {
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(matches!(lines.len(), 1 | 2), "{ended:?}");
    if let Some(remedy) = lines.get(1) {
        assert!(remedy.starts_with("  "), "{ended:?}");
    }
    lines[0].strip_prefix("sockeye: ").unwrap()
}

#[rstest]
#[case("nowhere /b", "read address nowhere: ")]
#[case("/a nowhere", "read address nowhere: ")]
#[case("/a tcp:host", "read address tcp:host: ")]
#[case("/a unix:/b,mod=660", "read address unix:/b,mod=660: ")]
#[case("ssh://host/a /b", "listen on ssh://host/a: only a target")]
#[case(
    "unix:/a,retry=3 /b",
    "listen on unix:/a,retry=3: a listener has no use for the option retry"
)]
#[case(
    "/a tcp:b:80,backlog=3",
    "connect tcp:b:80,backlog=3: a target has no use for the option backlog"
)]
#[case(
    "/a unix:/b,mode=660",
    "connect unix:/b,mode=660: a target has no use for the option mode"
)]
#[case("/a tcp:b:0", "connect tcp:b:0: nobody can be reached at port 0")]
#[case("/a vsock::80", "connect vsock::80: it names no machine")]
#[case(
    "UNIX-CONNECT:/a /b",
    "listen on UNIX-CONNECT:/a: unix-connect connects"
)]
#[case("/a TCP-LISTEN:80", "connect TCP-LISTEN:80: tcp-listen listens")]
#[case("/a /a", "relay /a to /a: it is the same end")]
#[case("- -", "relay - to -: it is the same end")]
#[case(
    "--dgram unix-stream:/a /b",
    "listen on unix-stream:/a: the address says stream, the flag datagram"
)]
#[case("--dgram tcp::80 /b", "listen on tcp::80: --dgram is for Unix sockets")]
#[case(
    "--mode 660 tcp::80 /b",
    "listen on tcp::80: --mode is for Unix sockets"
)]
#[case("--mode 660 @a /b", "listen on @a: an abstract name has no file")]
#[case(
    "--backlog 3 udp::80 udp:b:80",
    "listen on udp::80: nobody waits there"
)]
#[case(
    "--user nobody-of-this-name /a /b",
    "find user nobody-of-this-name: there is none"
)]
#[case(
    "--allow uid:0 tcp::80 /b",
    "listen on tcp::80: --allow and --deny need a Unix socket"
)]
#[case("--max-per-uid 1 tcp::80 /b", "listen on tcp::80: --max-per-uid need")]
#[case(
    "--allow user:nobody-of-this-name /a /b",
    "resolve rule user:nobody-of-this-name: there is no such user"
)]
#[case(
    "--allow exe:/no/such /a /b",
    "resolve rule exe:/no/such: No such file"
)]
#[case(
    "--deny exe:/bin/sh unix-dgram:/a /b",
    "listen on unix-dgram:/a: a datagram does not tell"
)]
#[case(
    "tls::443 /b",
    "listen on tls::443: a TLS listener has to show a certificate"
)]
#[case(
    "--seqpacket /a tcp:b:80",
    "relay unix-seqpacket:/a to tcp:b:80: unix-seqpacket:/a carries messages"
)]
#[case(
    "/a udp:b:80",
    "relay /a to udp:b:80: /a carries bytes, udp:b:80 messages"
)]
#[case(
    "--framing lines /a tcp:b:80",
    "relay /a: --framing has no use, all ends carry bytes"
)]
#[case(
    "--fault up:loss,share=1 /a /b",
    "fault up:loss,share=1: it is for messages"
)]
#[case(
    "--descriptors pass /a tcp:b:80",
    "pass descriptors: they cannot cross tcp:b:80"
)]
#[case(
    "--descriptors refuse --max-descriptors 3 /a /b",
    "read --max-descriptors: none are passed"
)]
#[case(
    "--credentials client /a tcp:b:80",
    "connect with the credentials of clients: tcp:b:80 is no Unix socket"
)]
#[case(
    "--ssh-option=-4 /a /b",
    "read --ssh-option: no target is on another machine"
)]
#[case("--metrics udp::1 /a /b", "serve metrics at udp::1: it is neither")]
#[case(
    "--metrics /a /a /b",
    "serve metrics at /a: the relay /a listens there"
)]
#[case(
    "--control /a.sock /a /b",
    "use /a.sock as a control socket: its name does not end in .ctl"
)]
#[case(
    "--log json --dump text /a /b",
    "dump what passes on standard error: --log json writes objects there"
)]
fn what_cannot_be_is_one_line_and_status_2(#[case] arguments: &str, #[case] expected: &str) {
    // Nothing is opened: --check and a run tell the same.
    let typed = || ["relay"].into_iter().chain(arguments.split(' '));
    let ended = run(typed().chain(["--check"]));
    assert!(problem(&ended).starts_with(expected), "{ended:?}");
    assert_eq!(ended.status, Some(2), "{ended:?}");
    let again = run(typed());
    assert_eq!(again.stderr, ended.stderr);
    assert_eq!(again.status, Some(2));
}

#[rstest]
#[case("", "required arguments")]
#[case("/a", "required arguments")]
#[case("--config f /a /b", "cannot be used with")]
#[case("--config f --mode 660", "cannot be used with")]
#[case("--allow uid /a /b", "expected uid:, user:, gid:, group: or exe:")]
#[case("--max-clients 0 /a /b", "number would be zero")]
#[case("--max-descriptors 254 /a /b", "254 is not in 1..=253")]
#[case("--idle-timeout 0 /a /b", "that is not 0")]
#[case(
    "--connect-timeout soon /a /b",
    "expected a span of time such as 500ms"
)]
#[case(
    "--fault up:nonsense /a /b",
    "unknown kind \"nonsense\": expected one of"
)]
#[case("--balance best /a /b", "possible values: round-robin, first-alive")]
#[case("--log loud /a /b", "possible values: text, json, none")]
#[case("--nonsense /a /b", "unexpected argument '--nonsense'")]
fn what_cannot_be_read_is_status_2(#[case] arguments: &str, #[case] expected: &str) {
    let words = arguments.split(' ').filter(|word| !word.is_empty());
    let ended = run(["relay"].into_iter().chain(words));
    assert!(ended.stderr.contains(expected), "{ended:?}");
    assert_eq!(ended.status, Some(2), "{ended:?}");
}

/// Runs a relay that cannot begin.
#[track_caller]
fn failed(stage: &Stage, arguments: &[&str]) -> String {
    let ended = Program::start(&mut stage.relay(arguments)).end();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    problem(&ended).to_owned()
}

#[test]
fn an_address_that_is_taken_is_status_3_and_nothing_is_left_behind() {
    let stage = Stage::new();
    let echo = stage.text("echo.sock");
    let problem = failed(&stage, &[&echo, "/b"]);
    assert!(problem.starts_with(&format!("bind {echo}: ")), "{problem}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", taken.local_addr().unwrap());
    let problem = failed(&stage, &[&address, &echo]);
    let expected = format!("listen on {address}: Address already in use");
    assert!(problem.starts_with(&expected), "{problem}");
    // Where the figures cannot be served, nobody is.
    let input = stage.text("in.sock");
    let problem = failed(&stage, &["--metrics", &address, &input, &echo]);
    let expected = format!("serve metrics at {address}: ");
    assert!(problem.starts_with(&expected), "{problem}");
    assert!(!stage.path("in.sock").exists());
    assert!(!stage.path("relay.ctl").exists());
}

#[test]
fn a_folder_that_is_not_there_is_status_3() {
    let stage = Stage::new();
    let absent = stage.text("absent/in.sock");
    let problem = failed(&stage, &[&absent, "/b"]);
    assert!(
        problem.contains(&absent) && problem.ends_with("No such file or directory (os error 2)"),
        "{problem}"
    );
    let input = stage.text("in.sock");
    let dump = stage.text("absent/dump");
    let problem = failed(&stage, &["--dump-file", &dump, &input, "/b"]);
    assert!(problem.starts_with(&format!("write {dump}: ")), "{problem}");
}

#[test]
fn certificates_that_are_no_good_are_status_3() {
    let stage = Stage::new();
    let absent = stage.text("absent.pem");
    let problem = failed(&stage, &[&format!("tls::0,cert={absent}"), "/b"]);
    let expected = format!("load certificate {absent}: No such file");
    assert!(problem.starts_with(&expected), "{problem}");
    stage.write("no.pem", "nothing");
    let bad = stage.text("no.pem");
    let problem = failed(&stage, &[&format!("tls::0,cert={bad}"), "/b"]);
    assert_eq!(problem, format!("load certificate {bad}: it is not PEM"));
    let input = stage.text("in.sock");
    let problem = failed(&stage, &[&input, &format!("tls:localhost:1,ca={bad}")]);
    assert_eq!(problem, format!("load authorities {bad}: it is not PEM"));
}

#[test]
fn sockets_that_were_not_handed_over_are_status_3() {
    let stage = Stage::new();
    let problem = failed(&stage, &["activation:web", "/b"]);
    assert!(
        problem.starts_with("listen on activation:web: "),
        "{problem}"
    );
    let problem = failed(&stage, &["fd:99", "/b"]);
    assert!(problem.starts_with("use descriptor 99: "), "{problem}");
}

#[test]
fn a_target_that_cannot_be_reached_costs_one_client_which_is_told() {
    let stage = Stage::new();
    let (input, absent) = (stage.text("in.sock"), stage.text("absent.sock"));
    let program = Program::start(&mut stage.relay([&input, &absent]));
    program.says("ready");
    for number in 1..=2 {
        let mut client = stage.connect();
        assert_eq!(std::io::Read::read(&mut client, &mut [0]).unwrap(), 0);
        program.says(&format!("#{number} "));
    }
    let ended = program.stop().succeeded();
    let refused = format!("connect {absent}: No such file or directory");
    assert_eq!(ended.stderr.matches(&refused).count(), 2, "{ended:?}");
    assert!(
        ended.stderr.contains(": 2 clients, 0 refused, 2 failed, "),
        "{ended:?}"
    );
}

#[test]
fn a_target_that_cannot_be_reached_ends_a_relay_with_one_client() {
    let stage = Stage::new();
    let absent = stage.text("absent.sock");
    let problem = failed(&stage, &["-", &absent]);
    assert_eq!(
        problem,
        format!("relay -: connect {absent}: No such file or directory (os error 2)")
    );
    let ended = run_with(["relay", "-", &stage.text("echo.sock")], b"hello").succeeded();
    assert_eq!(
        (ended.text().as_str(), ended.stderr.as_str()),
        ("hello", "")
    );
}

#[test]
#[ignore = "needs root"]
fn what_another_user_may_not_do_is_told() {
    use std::os::unix::process::CommandExt as _;
    let stage = Stage::new();
    std::fs::set_permissions(stage.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (input, echo) = (stage.text("in.sock"), stage.text("echo.sock"));
    let as_nobody = |arguments: &[&str]| {
        let mut command = sockeye(["relay"]);
        command.args(arguments).uid(65534).gid(65534);
        Program::start(&mut command).end()
    };
    let ended = as_nobody(&["--credentials", "client", &input, &echo]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        problem(&ended).contains("this process has no cap_set"),
        "{ended:?}"
    );
    let ended = as_nobody(&[&input, &echo]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(problem(&ended).contains("Permission denied"), "{ended:?}");
}

#[test]
fn what_cannot_be_written_to_standard_output_is_a_failure() {
    let stage = Stage::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = sockeye(["relay", "-", &stage.text("echo.sock")]);
    let mut relay = command
        .stdin(std::process::Stdio::piped())
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut relay.stdin.take().unwrap(), b"echo this").unwrap();
    let ended = relay.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("sockeye: write standard output: "),
        "{said}"
    );
}
