//! `cargo xtask picture`: the picture in the README, of real output.
//!
//! Real programs are started, Sockeye looks at them, and what it prints becomes `docs/picture.svg`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Outcome, cargo};

/// A program that runs while the picture is taken, and ends with it.
struct Player(Child);

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run() -> Outcome {
    cargo::run(&mut cargo::cargo(&["build", "--release", "--quiet"]))?;
    let sockeye = cargo::workspace().join("target/release/sockeye");
    // No random part: the folder is in the picture.
    let folder = tempfile::Builder::new()
        .prefix("app")
        .rand_bytes(0)
        .tempdir_in("/run")?;
    let _players = play(&sockeye, folder.path())?;
    let pattern = format!("{}/*", folder.path().display());
    let doctor = folder.path().join("old.sock");
    let mut text = String::new();
    for words in [
        vec!["ls", "--connections", &pattern],
        vec!["doctor", doctor.to_str().unwrap_or_default()],
    ] {
        writeln!(text, "\u{1b}[2m$\u{1b}[0m sockeye {}", words.join(" "))?;
        let output = Command::new(&sockeye)
            .arg("--color=always")
            .args(&words)
            .output()?;
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        text.push('\n');
    }
    let picture = cargo::workspace().join("docs/picture.svg");
    fs::write(&picture, anstyle_svg::Term::new().render_svg(&text))?;
    println!("picture: wrote docs/picture.svg");
    Ok(())
}

/// redis with three clients, one of which nobody answers, an echo server, a log sink, and a file left behind.
fn play(sockeye: &Path, folder: &Path) -> Outcome<Vec<Player>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let redis = path("redis.sock");
    let mut players = Vec::new();
    let redis_words = [
        "--port",
        "0",
        "--save",
        "",
        "--unixsocketperm",
        "770",
        "--unixsocket",
    ];
    players.push(start(
        Command::new("redis-server").args(redis_words).arg(&redis),
    )?);
    players.push(start(Command::new(sockeye).args([
        "listen",
        &path("echo.sock"),
        "--echo",
    ]))?);
    players.push(start(Command::new(sockeye).args([
        "listen",
        "--dgram",
        &path("log.sock"),
    ]))?);
    let mut gone = start(Command::new(sockeye).args(["listen", &path("old.sock")]))?;
    for name in ["redis.sock", "echo.sock", "log.sock", "old.sock"] {
        wait_for(&folder.join(name))?;
    }
    gone.0.kill()?;
    gone.0.wait()?;
    for _ in 0..3 {
        players.push(start(Command::new("redis-cli").args([
            "-s",
            &redis,
            "SUBSCRIBE",
            "news",
        ]))?);
    }
    players.push(start(
        Command::new(sockeye).args(["connect", &path("echo.sock")]),
    )?);
    wait_until(|| {
        let output = Command::new(sockeye).args(["ls", "-c"]).output();
        output.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout)
                .matches("redis-cli")
                .count()
                == 3
        })
    })?;
    Ok(players)
}

fn start(command: &mut Command) -> Outcome<Player> {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(Player(command.spawn()?))
}

fn wait_for(path: &Path) -> Outcome {
    wait_until(|| path.exists())
        .map_err(|cause| format!("wait for {}: {cause}", path.display()).into())
}

fn wait_until(condition: impl Fn() -> bool) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > deadline {
            return Err("it does not happen".into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
