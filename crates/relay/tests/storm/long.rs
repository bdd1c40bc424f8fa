//! Messages that are longer than a socket takes as it comes.

use rustix::net::sockopt::set_socket_send_buffer_size;
use sockeye_address::{Kind, Name};
use sockeye_socket::{BindOptions, Listener};

use crate::alone::Alone;
use crate::bed::{Bed, Server, plan};
use crate::script::pattern;

/// What `net.core.wmem_max` is as a rule. The kernel doubles what is asked for.
const SEND_BUFFER_BYTES: usize = 212_992;

#[test]
fn whoever_may_send_a_long_message_may_send_it_through_a_relay() {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let name = |file: &str| Name::Path(folder.path().join(file));
    let options = BindOptions::new();
    let server = Listener::bind(&name("out.sock"), Kind::Seqpacket, &options).unwrap();
    let server = Server::Unix(server);
    let plan = plan(name("in.sock"), Kind::Seqpacket, name("out.sock"));
    let bed = Bed::new(folder, vec![plan]);
    let (near, far) = (bed.connect(Kind::Seqpacket), server.accept());
    let mut buffer = vec![0; 1 << 20];
    for (from, to) in [(&near, &far), (&far, &near)] {
        set_socket_send_buffer_size(from, SEND_BUFFER_BYTES).unwrap();
        for length in [1, 200_000, 400_000, 3] {
            from.send_all(pattern(length..2 * length)).unwrap();
            assert_eq!(to.receive(&mut buffer), Ok(length));
            assert!(buffer[..length] == *pattern(length..2 * length));
        }
    }
    drop((near, far, server, bed));
    alone.nothing_is_left();
}
