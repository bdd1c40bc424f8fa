//! A socket file that nobody is bound to.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

/// Leaves the file of a listener behind. Programs that other tests start at this moment have the listener too, until
/// they have become themselves, so this waits until nobody has: a datagram socket is refused then, and told of the
/// wrong kind before.
pub(crate) fn leave_stale(path: &Path) {
    let open = |kind| socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    let address = SocketAddrUnix::new(path).unwrap();
    let listener = open(SocketType::STREAM);
    bind(&listener, &address).unwrap();
    listen(&listener, 1).unwrap();
    drop(listener);
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(open(SocketType::DGRAM), &address) != Err(Errno::CONNREFUSED) {
        assert!(
            Instant::now() < deadline,
            "somebody keeps {}",
            path.display()
        );
        std::thread::yield_now();
    }
}
