//! All at once.

use std::net::TcpListener;

use fastrand::Rng;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rstest::rstest;
use sockeye_address::{Address, Kind, Name};
use sockeye_relay::fault::Settings;
use sockeye_socket::{BindOptions, Listener};
use tempfile::TempDir;

use crate::alone::{Alone, seed, sockets};
use crate::bed::{Bed, Server, plan};
use crate::play::Progress;
use crate::script::{Script, Weather};

const CONNECTIONS: usize = 200;

fn scripts(count: usize, weather: Weather, seed: u64) -> Vec<Script> {
    let mut rng = Rng::with_seed(seed);
    (0..count)
        .map(|number| Script::draw(number, weather, &mut rng))
        .collect()
}

fn name(folder: &TempDir, file: &str) -> Name {
    Name::Path(folder.path().join(file))
}

fn unix_server(folder: &TempDir, kind: Kind) -> Server {
    let options = BindOptions::new().backlog(4096);
    Server::Unix(Listener::bind(&name(folder, "out.sock"), kind, &options).unwrap())
}

fn tcp_server() -> (Server, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    (Server::Tcp(listener), format!("tcp:{place}"))
}

/// Plays them, and sees that nothing is left of them.
fn play(bed: Bed, alone: &Alone, scripts: &[Script], server: Server) {
    let before = sockets();
    bed.play(scripts, &server, &Progress::default());
    bed.empties();
    assert_eq!(sockets(), before);
    let mut accepted: Vec<u64> = bed
        .handles
        .iter()
        .map(|handle| handle.status().accepted)
        .collect();
    accepted.dedup();
    assert_eq!(accepted, [u64::try_from(scripts.len()).unwrap()]);
    drop(server);
    drop(bed);
    alone.nothing_is_left();
}

const STREAM: Weather = Weather {
    descriptors: true,
    resets: true,
    last_words: true,
    ..Weather::FAIR
};

#[rstest]
#[case::stream(Kind::Stream, STREAM)]
#[case::seqpacket(Kind::Seqpacket, Weather { messages: true, ..STREAM })]
fn between_unix_ends_nothing_is_lost(#[case] kind: Kind, #[case] weather: Weather) {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let server = unix_server(&folder, kind);
    let plan = plan(name(&folder, "in.sock"), kind, name(&folder, "out.sock"));
    let bed = Bed::new(folder, vec![plan]);
    play(bed, &alone, &scripts(CONNECTIONS, weather, seed()), server);
}

/// What the scripts expect is what the kernel does.
#[rstest]
#[case::stream(Kind::Stream, STREAM)]
#[case::seqpacket(Kind::Seqpacket, Weather { messages: true, ..STREAM })]
fn without_a_relay_nothing_is_lost_either(#[case] kind: Kind, #[case] weather: Weather) {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let server = unix_server(&folder, kind);
    let mut bed = Bed::new(folder, Vec::new());
    bed.door = "out.sock";
    let scripts = scripts(CONNECTIONS, weather, seed());
    bed.play(&scripts, &server, &Progress::default());
    drop((bed, server));
    alone.nothing_is_left();
}

#[test]
fn from_unix_to_tcp_nothing_is_lost() {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let (server, target) = tcp_server();
    let target: Address = target.parse().unwrap();
    let plan = plan(name(&folder, "in.sock"), Kind::Stream, target);
    let bed = Bed::new(folder, vec![plan]);
    let weather = Weather {
        resets: true,
        ..Weather::FAIR
    };
    play(bed, &alone, &scripts(CONNECTIONS, weather, seed()), server);
}

#[test]
fn through_tls_between_two_relays_nothing_is_lost() {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let server = unix_server(&folder, Kind::Stream);
    certificates(&folder);
    let place = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let at = folder.path().display();
    let far = format!("tls:{place},cert={at}/host.pem,key={at}/host.key");
    let near = format!("tls:{place},ca={at}/ca.pem,name=host.test");
    let far: Address = far.parse().unwrap();
    let near: Address = near.parse().unwrap();
    let plans = vec![
        plan(name(&folder, "in.sock"), Kind::Stream, near),
        plan(far, Kind::Stream, name(&folder, "out.sock")),
    ];
    let bed = Bed::new(folder, plans);
    let weather = Weather {
        resets: true,
        ..Weather::FAIR
    };
    play(bed, &alone, &scripts(100, weather, seed()), server);
}

fn certificates(folder: &TempDir) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let host = CertificateParams::new(["host.test".to_owned()]).unwrap();
    let host = host.signed_by(&key, &authority).unwrap();
    let write = |file: &str, text| std::fs::write(folder.path().join(file), text).unwrap();
    write("ca.pem", authority.pem());
    write("host.pem", host.pem());
    write("host.key", key.serialize_pem());
}

#[rstest]
#[case::stream(Kind::Stream, STREAM)]
#[case::seqpacket(Kind::Seqpacket, Weather { messages: true, ..STREAM })]
fn faults_that_come_and_go_lose_nothing(#[case] kind: Kind, #[case] weather: Weather) {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let server = unix_server(&folder, kind);
    let plan = plan(name(&folder, "in.sock"), kind, name(&folder, "out.sock"));
    let bed = Bed::new(folder, vec![plan]);
    let weather = Weather {
        resets: false,
        ..weather
    };
    let seed = seed();
    let scripts = scripts(CONNECTIONS, weather, seed);
    let progress = Progress::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..CONNECTIONS / 10 {
                progress.wait_for_count(turn * 10);
                bed.handles[0].set_faults(faults(turn, kind, seed)).unwrap();
            }
        });
        bed.play(&scripts, &server, &progress);
    });
    bed.empties();
    drop((bed, server));
    alone.nothing_is_left();
}

/// Those that lose nothing, and none between them.
fn faults(turn: usize, kind: Kind, seed: u64) -> Settings {
    let faults: &[&str] = match (turn % 4, kind) {
        (0, _) => &["both:latency,delay=3ms,jitter=2ms"],
        (2, Kind::Stream) => &["up:slice,size=700", "down:latency,delay=1ms"],
        (2, _) => &["up:latency,delay=2ms", "down:latency,delay=1ms"],
        _ => &[],
    };
    Settings {
        faults: faults.iter().map(|text| text.parse().unwrap()).collect(),
        seed,
    }
}
