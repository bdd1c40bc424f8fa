//! A connection of which one direction stands still must not keep the other from moving.

use sockeye_address::{Kind, Name};
use sockeye_relay::fault::Settings;
use sockeye_socket::{BindOptions, Listener};

use crate::alone::Alone;
use crate::bed::{Bed, Server, plan};
use crate::end::End;

/// More than all queues on the way hold.
const BYTES: usize = 4 << 20;

fn hear(end: &End) -> usize {
    let mut buffer = vec![0; 64 << 10];
    let mut heard = 0;
    while let Ok(length @ 1..) = end.receive(&mut buffer) {
        heard += length;
    }
    heard
}

#[test]
fn faults_come_to_a_connection_of_which_one_direction_stands_still() {
    let _alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let name = |file: &str| Name::Path(folder.path().join(file));
    let listener = Listener::bind(&name("out.sock"), Kind::Stream, &BindOptions::new()).unwrap();
    let plan = plan(name("in.sock"), Kind::Stream, name("out.sock"));
    let bed = Bed::new(folder, vec![plan]);
    let client = bed.connect(Kind::Stream);
    let server = Server::Unix(listener).accept();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            server.send_all(&vec![1; BYTES]).unwrap();
            server.say_no_more();
        });
        let heard = scope.spawn(|| hear(&server));
        // More than the client's queue takes has come to the relay: it holds something that it cannot send.
        while bed.handles[0].status().down_bytes < 300_000 {
            std::thread::yield_now();
        }
        let faults = Settings {
            faults: vec!["up:latency,delay=1ms".parse().unwrap()],
            seed: 1,
        };
        bed.handles[0].set_faults(faults).unwrap();
        // Only when it has said all, the client hears.
        client.send_all(&vec![2; BYTES]).unwrap();
        client.say_no_more();
        assert_eq!(hear(&client), BYTES);
        assert_eq!(heard.join().unwrap(), BYTES);
    });
}
