//! psql.

use std::io::Write as _;
use std::path::PathBuf;

use crate::server::{Running, find};
use crate::stage::{AS_NOBODY, Stage, place, until};

/// The name of every socket of it; only the folder can be chosen.
const SOCKET: &str = ".s.PGSQL.5432";

/// Where Debian keeps the programs of each version, or where they are found by name.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let folders = versions.flatten().map(|entry| entry.path().join("bin"));
    let newest = folders
        .filter(|folder| folder.join("postgres").is_file())
        .max();
    let by_name = || Some(find("initdb")?.parent()?.to_owned());
    newest
        .or_else(by_name)
        .expect("initdb is needed: `cargo xtask setup` installs what the tests need")
}

/// A server at `server/SOCKET`, which never runs as root, made with the `rights` of initdb.
fn server(stage: &Stage, rights: [&str; 3]) -> Running {
    for folder in ["server", "relayed"] {
        std::fs::create_dir(stage.path(folder)).unwrap();
        crate::stage::open(&stage.path(folder));
    }
    let is_root = rustix::process::geteuid().is_root();
    let before: &[&str] = if is_root { &AS_NOBODY } else { &[] };
    let program = |name: &str| programs().join(name).to_str().unwrap().to_owned();
    let (initdb, postgres) = (program("initdb"), program("postgres"));
    let (data, sockets) = (stage.text("data"), stage.text("server"));
    let make = [&initdb, "--no-sync", "-D", &data];
    stage.run(&[before, &make, &rights].concat());
    let run = [&postgres, "-F", "-D", &data, "-k", &sockets, "-h", ""];
    stage.server(&[before, &run].concat(), "ready to accept connections")
}

/// One user, who need not prove anything.
const ADA: [&str; 3] = ["--auth=trust", "-U", "ada"];

fn psql<'a>(folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "psql", "-X", "-q", "-A", "-t", "-U", "ada", "-d", "postgres",
    ];
    [&fixed[..], &["-v", "ON_ERROR_STOP=1", "-h", folder], more].concat()
}

const ROWS: &str = "COPY (SELECT i, md5(i::text) FROM generate_series(1, 100000) i) TO STDOUT";

/// Rows out and in again, compared with what the server says without a relay.
fn copy_rows(stage: &Stage, folder: &str) {
    let direct = stage.run_with(&psql(&stage.text("server"), &["-c", ROWS]), b"");
    let lines = String::from_utf8_lossy(&direct).lines().count();
    assert_eq!(lines, 100_000);
    assert!(stage.run_with(&psql(folder, &["-c", ROWS]), b"") == direct);

    let make = "CREATE TABLE fish (number int, name text)";
    stage.run(&psql(folder, &["-c", make]));
    let copy = ["-c", r"\copy fish FROM STDIN"];
    stage.run_with(&psql(folder, &copy), &direct);
    let same = "SELECT count(*) FROM fish WHERE name = md5(number::text)";
    assert_eq!(stage.run(&psql(folder, &["-c", same])), "100000\n");
}

#[test]
fn rows_are_copied_out_and_in() {
    let stage = Stage::for_all();
    let _server = server(&stage, ADA);
    let [listen, target] = ["relayed", "server"].map(|name| format!("./{name}/{SOCKET}"));
    let relay = stage.relay(&[&listen, &target]);
    let folder = stage.text("relayed");
    assert_eq!(stage.run(&psql(&folder, &["-c", "SELECT 6 * 7"])), "42\n");
    copy_rows(&stage, &folder);
    relay.stop_without_failure();
}

#[test]
fn rows_are_copied_over_tcp_by_two_relays() {
    let stage = Stage::for_all();
    let _server = server(&stage, ADA);
    let [listen, target] = ["relayed", "server"].map(|name| format!("./{name}/{SOCKET}"));
    let middle = format!("tcp:{}", place());
    let far = stage.relay(&[&middle, &target]);
    let near = stage.relay(&[&listen, &middle]);
    copy_rows(&stage, &stage.text("relayed"));
    near.stop_without_failure();
    far.stop_without_failure();
}

#[test]
fn notices_arrive_and_what_runs_is_cancelled() {
    let stage = Stage::for_all();
    let _server = server(&stage, ADA);
    let [listen, target] = ["relayed", "server"].map(|name| format!("./{name}/{SOCKET}"));
    let relay = stage.relay(&[&listen, &target]);
    let folder = stage.text("relayed");
    let mut listener = stage.start_with_input(&psql(&folder, &[]));
    let mut input = listener.stdin();
    input
        .write_all(b"LISTEN news;\n\\echo listening\n")
        .unwrap();
    listener.prints("listening\n");
    stage.run(&psql(&folder, &["-c", "NOTIFY news, 'salmon'"]));
    // It shows what has come behind its next answer.
    input.write_all(b"SELECT 'asked';\n").unwrap();
    listener.prints(r#"notification "news" with payload "salmon""#);
    drop(input);
    listener.end().succeeded();

    // The request to cancel comes by a connection of its own, to the same address.
    let sleeper = stage.start(&psql(&folder, &["-c", "SELECT pg_sleep(1000)"]));
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("the query to run", || {
        stage.run(&psql(&folder, &["-c", sleeping])) == "1\n"
    });
    sleeper.signal(rustix::process::Signal::INT);
    let ended = sleeper.end();
    assert!(ended.stderr.contains("canceling statement"), "{ended:?}");
    relay.stop_without_failure();
}

/// The server compares the role with the user of whom the kernel names as its client.
#[test]
#[ignore = "needs root"]
fn with_the_credentials_of_the_client_the_server_knows_its_user() {
    let stage = Stage::for_all();
    let _server = server(&stage, ["--auth=peer", "-U", "nobody"]);
    let [listen, target] = ["relayed", "server"].map(|name| format!("./{name}/{SOCKET}"));
    let folder = stage.text("relayed");
    let who = ["-U", "nobody", "-c", "SELECT session_user"];
    let ask = [&AS_NOBODY[..], &psql(&folder, &who)].concat();
    let options = ["--mode", "666", "--credentials"];

    let relay = stage.relay(&[&options[..], &["client", &listen, &target]].concat());
    assert_eq!(stage.run(&ask), "nobody\n");
    relay.stop_without_failure();

    let relay = stage.relay(&[&options[..], &["own", &listen, &target]].concat());
    let ended = stage.start(&ask).end();
    let refusal = "Peer authentication failed for user";
    assert!(ended.stderr.contains(refusal), "{ended:?}");
    relay.stop();
}
