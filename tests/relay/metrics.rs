//! Figures for Prometheus.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::stage::{Stage, exchange};

/// What curl gets, behind its status.
fn scrape(arguments: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "30",
            "--write-out",
            "%{http_code}",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut text = String::from_utf8(output.stdout).unwrap();
    let status = text.split_off(text.len() - 3);
    (status, text)
}

#[track_caller]
fn value(text: &str, metric: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(metric));
    let line = line.unwrap_or_else(|| panic!("{metric} is not in {text}"));
    line.trim().parse().unwrap()
}

#[test]
fn figures_are_true_while_a_client_is_connected() {
    let stage = Stage::new();
    let socket = stage.text("metrics.sock");
    let program = stage.serve(["--metrics", &socket, "--name", "web"]);
    let scrape_metrics = || {
        let (status, text) = scrape(&["--unix-socket", &socket, "http://localhost/metrics"]);
        assert_eq!(status, "200");
        text
    };
    let mut client = stage.connect();
    exchange(&mut client, b"hello");
    let text = scrape_metrics();
    assert_eq!(
        value(&text, r#"sockeye_relay_connections_open{relay="web"}"#),
        1
    );
    assert_eq!(
        value(&text, r#"sockeye_relay_accepted_total{relay="web"}"#),
        1
    );
    for direction in ["up", "down"] {
        let metric = format!(r#"sockeye_relay_bytes_total{{relay="web",direction="{direction}"}}"#);
        assert_eq!(value(&text, &metric), 5);
    }
    let target = stage.text("echo.sock");
    let connects =
        format!(r#"sockeye_relay_connect_seconds_count{{relay="web",target="{target}"}}"#);
    assert_eq!(value(&text, &connects), 1);
    drop(client);
    program.says(" ended ");
    // It is told of just before it is counted out.
    let open = r#"sockeye_relay_connections_open{relay="web"}"#;
    let deadline = Instant::now() + Duration::from_mins(1);
    while value(&scrape_metrics(), open) != 0 {
        assert!(Instant::now() < deadline, "it stays open");
    }
    program.stop().succeeded();
    assert!(!std::path::Path::new(&socket).exists());
}

#[test]
fn refusals_and_failures_are_counted_by_their_kind() {
    let stage = Stage::new();
    let socket = stage.text("metrics.sock");
    let uid = rustix::process::getuid().as_raw();
    let program = stage.serve([
        "--metrics",
        &socket,
        "--name",
        "web",
        "--deny",
        &format!("uid:{uid}"),
    ]);
    drop(stage.connect());
    program.says(" refused: ");
    let (_, text) = scrape(&["--unix-socket", &socket, "http://localhost/metrics"]);
    assert_eq!(
        value(
            &text,
            r#"sockeye_relay_refused_total{relay="web",reason="rule"}"#
        ),
        1
    );
    program.stop().succeeded();
}

#[test]
fn other_paths_and_methods_are_refused_and_a_slow_reader_disturbs_nobody() {
    let stage = Stage::new();
    let socket = stage.text("metrics.sock");
    let program = stage.serve(["--metrics", &socket]);
    // Connected, and silent.
    let slow: Vec<_> = (0..4)
        .map(|_| crate::stage::connect(&stage.path("metrics.sock")))
        .collect();
    let get = |arguments: &[&str]| scrape(&[&["--unix-socket", &socket], arguments].concat()).0;
    assert_eq!(get(&["http://localhost/"]), "404");
    assert_eq!(get(&["http://localhost/metrics/x"]), "404");
    assert_eq!(get(&["--data", "x", "http://localhost/metrics"]), "405");
    assert_eq!(get(&["http://localhost/metrics"]), "200");
    exchange(&mut stage.connect(), b"served meanwhile");
    program.stop().succeeded();
    drop(slow);
}

#[test]
fn figures_are_served_on_a_port_of_tcp() {
    let stage = Stage::new();
    // The kernel's choice, free again when it is used; nobody else asks for it in between but by chance.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let program = stage.serve(["--metrics", &format!("tcp:127.0.0.1:{port}")]);
    let (status, text) = scrape(&[&format!("http://127.0.0.1:{port}/metrics")]);
    assert_eq!(status, "200");
    assert!(text.ends_with("# EOF\n"), "{text}");
    program.stop().succeeded();
}
