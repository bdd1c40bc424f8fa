use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use sockeye_relay::ssh::{Master, Settings};

use super::server::Server;
use super::{PATIENCE, Record, ask, echo_at, until};

/// Processes that have the folder in their command line, or that are called by it.
fn processes_about(folder: &Path) -> Vec<i32> {
    let needle = folder.to_str().unwrap().to_owned();
    let numbers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let number = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line);
        line.contains(&needle).then_some(number)
    });
    numbers.collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn one_session_serves_many_clients_and_keeps_their_half_closes() {
    let server = Server::start();
    let socket = server.path("echo.sock");
    echo_at(&socket);
    let master = Arc::new(Master::new(&server.address(&socket), server.settings()));
    let clients: Vec<_> = (0..20_usize)
        .map(|number| {
            let master = Arc::clone(&master);
            std::thread::spawn(move || {
                // Each has a runtime of its own, as the threads of a relay have.
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                let fd = runtime.block_on(master.connect(PATIENCE)).unwrap();
                let question: Vec<u8> = (0..100_000)
                    .map(|index| u8::try_from((index * (number + 1)) % 251).unwrap())
                    .collect();
                assert!(ask(fd, &question) == question);
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn a_path_that_means_something_to_ssh_is_taken_as_it_is() {
    let server = Server::start();
    let socket = server.path("a:b %h ${HOME} \\x.sock");
    echo_at(&socket);
    let master = Master::new(&server.address(&socket), server.settings());
    let fd = master.connect(PATIENCE).await.unwrap();
    assert_eq!(ask(fd, b"hello"), b"hello");
}

#[tokio::test]
async fn a_dropped_master_leaves_neither_a_process_nor_a_file() {
    let server = Server::start();
    let socket = server.path("echo.sock");
    echo_at(&socket);
    let master = Master::new(&server.address(&socket), server.settings());
    master.connect(PATIENCE).await.unwrap();
    let private = server.path("private");
    assert!(!processes_about(&private).is_empty());
    drop(master);
    assert_eq!(processes_about(&private), Vec::<i32>::new());
    assert!(is_empty(&private));
}

#[tokio::test]
async fn a_session_that_was_cut_is_made_again_without_a_client() {
    let server = Server::start();
    let socket = server.path("echo.sock");
    echo_at(&socket);
    let record = Record::default();
    let settings = Settings {
        listener: Some(record.listener()),
        ..server.settings()
    };
    let master = Master::new(&server.address(&socket), settings);
    master.connect(PATIENCE).await.unwrap();
    server.cut();
    until("a second session", || record.count("Up") == 2).await;
    assert_eq!(record.count("Down(Ended("), 1);
    let fd = master.connect(PATIENCE).await.unwrap();
    assert_eq!(ask(fd, b"again"), b"again");
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn a_client_that_comes_while_ssh_is_away_waits_for_it() {
    let server = Server::start();
    let socket = server.path("echo.sock");
    echo_at(&socket);
    let record = Record::default();
    let settings = Settings {
        listener: Some(record.listener()),
        ..server.settings()
    };
    let master = Master::new(&server.address(&socket), settings);
    master.connect(PATIENCE).await.unwrap();
    server.cut();
    until("the end", || record.count("Down") == 1).await;
    let fd = master.connect(PATIENCE).await.unwrap();
    assert_eq!(ask(fd, b"again"), b"again");
}

/// A process that has a master, until it is killed.
#[tokio::test]
#[ignore = "it is a part of another test, which runs it in a process of its own"]
async fn a_process_that_is_killed() {
    let Some(parts) = std::env::var_os("SOCKEYE_TEST_MASTER") else {
        return;
    };
    let parts = parts.into_string().unwrap();
    let (program, folder) = parts.split_once('|').unwrap();
    let settings = Settings {
        program: program.into(),
        folder: Some(folder.into()),
        ..Settings::default()
    };
    let sockeye_address::Address::Ssh(path) = "ssh://nobody@nowhere/run/x".parse().unwrap() else {
        unreachable!()
    };
    let master = Master::new(&path, settings);
    let _ = master.connect(PATIENCE * 10).await;
}

#[tokio::test]
async fn a_killed_process_leaves_neither_ssh_nor_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ssh");
    // It does not end by itself, and says that it runs.
    let script = "#!/bin/sh\necho > \"$0.runs\"\nexec tail -f /dev/null\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let private = folder.path().join("private");
    std::fs::create_dir(&private).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "serving::a_process_that_is_killed", "--ignored"])
        .env(
            "SOCKEYE_TEST_MASTER",
            format!("{}|{}", program.display(), private.display()),
        )
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("ssh runs", || folder.path().join("ssh.runs").exists()).await;
    let group = processes_about(&private);
    assert!(!group.is_empty());
    kill_process(Pid::from_child(&process), Signal::KILL).unwrap();
    process.wait().unwrap();
    until("nothing is left", || is_empty(&private)).await;
    until("nobody is left", || group.iter().all(|pid| has_ended(*pid))).await;
}

/// Whether it runs no more; whoever is now its parent may not have reaped it.
fn has_ended(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}
