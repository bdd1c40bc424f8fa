//! One process after another, and no client is refused or lost.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crate::echo;
use crate::program::{Place, Program, noise, sockeye};

/// Relays from `in` to an echo, with their control socket in the same folder.
struct Scene {
    place: Place,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        echo::serve(&place.folder().join("target"));
        Scene { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder().join(name)
    }

    fn relay(&self, more: &[&str]) -> Program {
        let control = self.path("relay.ctl");
        let mut command = sockeye(["relay"]);
        command.args([self.path("in"), self.path("target")]);
        command.arg("--control").arg(control).args(more);
        let program = Program::start(&mut command);
        program.says("ready");
        crate::controlled(&self.path("relay.ctl"));
        program
    }
}

/// Clients that come, talk and leave, again and again.
struct Crowd {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Crowd {
    fn at(path: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let served = Arc::new(AtomicUsize::new(0));
        let clients = (0..3)
            .map(|_| {
                let (stop, served, path) =
                    (Arc::clone(&stop), Arc::clone(&served), path.to_owned());
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let mut client = echo::connect(&path);
                        echo::talk(&client, b"hello");
                        // Its end comes back, too.
                        client.shutdown(Shutdown::Write).unwrap();
                        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        Crowd {
            stop,
            served,
            clients,
        }
    }

    /// Waits until so many more were served.
    fn goes_on(&self, count: usize) {
        let enough = self.served.load(Ordering::Relaxed) + count;
        while self.served.load(Ordering::Relaxed) < enough {
            assert!(self.clients.iter().all(|client| !client.is_finished()));
            std::thread::yield_now();
        }
    }

    fn leaves(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

#[test]
fn a_relay_is_replaced_again_and_again_while_clients_come_and_go() {
    let scene = Scene::new();
    let mut running = scene.relay(&[]);
    let crowd = Crowd::at(&scene.path("in"));
    for _ in 0..5 {
        crowd.goes_on(20);
        let new = scene.relay(&["--takeover"]);
        running.end().succeeded();
        running = new;
    }
    crowd.goes_on(20);
    crowd.leaves();
    running.stop().succeeded();
    assert!(!scene.path("in").exists());
    assert!(!scene.path("relay.ctl").exists());
}

#[test]
fn the_old_process_serves_its_clients_to_their_end() {
    let scene = Scene::new();
    let old = scene.relay(&[]);
    let mut client = echo::connect(&scene.path("in"));
    echo::talk(&client, b"before");
    let new = scene.relay(&["--takeover"]);
    let data = noise(8 << 20);
    let sent = data.clone();
    let mut writer = client.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    assert!(got == data);
    old.end().succeeded();
    echo::talk(&echo::connect(&scene.path("in")), b"after");
    new.stop().succeeded();
}

#[test]
fn a_relay_that_finds_nothing_to_take_over_starts_like_another() {
    let scene = Scene::new();
    let running = scene.relay(&["--takeover"]);
    echo::talk(&echo::connect(&scene.path("in")), b"hello");
    running.stop().succeeded();
}

#[test]
fn a_relay_that_was_killed_is_followed_by_another() {
    let scene = Scene::new();
    let running = scene.relay(&[]);
    running.signal(rustix::process::Signal::KILL);
    running.end();
    assert!(scene.path("in").exists() && scene.path("relay.ctl").exists());
    let next = scene.relay(&["--takeover"]);
    echo::talk(&echo::connect(&scene.path("in")), b"hello");
    next.stop().succeeded();
    assert!(!scene.path("in").exists() && !scene.path("relay.ctl").exists());
}

#[test]
fn without_takeover_a_relay_that_runs_is_left_alone() {
    let scene = Scene::new();
    let running = scene.relay(&[]);
    let mut command = sockeye(["relay"]);
    command.args([scene.path("in"), scene.path("target")]);
    command.arg("--control").arg(scene.path("other.ctl"));
    let refused = Program::start(&mut command).end();
    assert_eq!(refused.status, Some(3), "{refused:?}");
    echo::talk(&echo::connect(&scene.path("in")), b"hello");
    running.stop().succeeded();
}
