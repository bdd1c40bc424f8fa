//! `udp:`

use std::net::{SocketAddr, UdpSocket};

use rstest::rstest;
use sockeye_address::{Address, HostPort, NetworkAddress, Options};
use sockeye_socket::Custody;

use super::super::{Inbox, Terms};
use super::{DEADLINE, delivered, echo_all, listen_on, new_session, while_serving, within};
use crate::event::Client;

fn udp(host: &str) -> Address {
    Address::Udp(NetworkAddress {
        place: HostPort {
            host: host.to_owned(),
            port: 0,
        },
        options: Options::default(),
    })
}

fn udp_inbox(host: &str) -> (Inbox, u16) {
    let inbox = Inbox::open(&listen_on(udp(host)), Terms::default()).unwrap();
    let port = inbox.local_port().unwrap();
    (inbox, port)
}

fn sender(to: (&str, u16)) -> UdpSocket {
    let anywhere = if to.0.contains(':') {
        "::1"
    } else {
        "127.0.0.1"
    };
    let sender = UdpSocket::bind((anywhere, 0)).unwrap();
    sender.set_read_timeout(Some(DEADLINE)).unwrap();
    sender.connect(to).unwrap();
    sender
}

fn received(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let length = socket.recv(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

#[rstest]
#[case("127.0.0.1", "127.0.0.1")]
#[case("::1", "::1")]
#[case("", "127.0.0.1")]
#[case("", "::1")]
#[tokio::test]
async fn each_of_many_senders_gets_its_own_answers(#[case] on: &str, #[case] to: &'static str) {
    let (inbox, port) = udp_inbox(on);
    while_serving(echo_all(inbox), move || {
        let senders: Vec<_> = (0..20).map(|_| sender((to, port))).collect();
        for length in [0, 1, 1400, 9000, 60_000] {
            for (number, sender) in (0_u8..).zip(&senders) {
                sender.send(&vec![number; length]).unwrap();
                assert_eq!(received(sender), vec![number; length]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_is_its_senders() {
    let (mut inbox, port) = udp_inbox("127.0.0.1");
    let sender = sender(("127.0.0.1", port));
    sender.send(b"one").unwrap();
    sender.send(b"two").unwrap();
    let session = new_session(&mut inbox).await;
    let Client::Network(address) = session.client() else {
        panic!("{session:?} should be of the network")
    };
    assert_eq!(*address, sender.local_addr().unwrap());
    assert_eq!(session.credentials(), None);
    assert_eq!(delivered(&mut inbox, &session).await.data, b"one");
    assert_eq!(delivered(&mut inbox, &session).await.data, b"two");
    let file = std::fs::File::open("/dev/null").unwrap().into();
    let error = within(session.send(b"", &[file])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

#[tokio::test]
async fn an_answer_that_is_too_long_fails_alone() {
    let (mut inbox, port) = udp_inbox("127.0.0.1");
    let sender = sender(("127.0.0.1", port));
    sender.send(b"hello").unwrap();
    let session = new_session(&mut inbox).await;
    let error = within(session.send(&vec![0; 65_508], &[]))
        .await
        .unwrap_err();
    assert_eq!(
        rustix::io::Errno::from_io_error(&error),
        Some(rustix::io::Errno::MSGSIZE)
    );
    within(session.send(&vec![7; 65_507], &[])).await.unwrap();
    assert_eq!(received(&sender), vec![7; 65_507]);
}

#[tokio::test]
async fn a_sender_that_has_gone_disturbs_nobody() {
    let (mut inbox, port) = udp_inbox("127.0.0.1");
    let gone = sender(("127.0.0.1", port));
    gone.send(b"good bye").unwrap();
    let session = new_session(&mut inbox).await;
    drop(gone);
    within(session.send(b"wait", &[])).await.unwrap();
    within(session.send(b"wait", &[])).await.unwrap();
    let other = sender(("127.0.0.1", port));
    other.send(b"hello").unwrap();
    let session = new_session(&mut inbox).await;
    within(session.send(b"hello", &[])).await.unwrap();
    assert_eq!(received(&other), b"hello");
}

#[tokio::test]
async fn a_slow_session_holds_nobody_up() {
    let (mut inbox, port) = udp_inbox("127.0.0.1");
    let [slow, quick] = [(); 2].map(|()| sender(("127.0.0.1", port)));
    slow.send(b"0").unwrap();
    let slow_session = new_session(&mut inbox).await;
    quick.send(b"0").unwrap();
    let quick_session = new_session(&mut inbox).await;
    // In pieces, for the kernel's queue is bounded too.
    for _ in 0..10 {
        for _ in 0..50 {
            slow.send(b"more").unwrap();
        }
        quick.send(b"next").unwrap();
        delivered(&mut inbox, &quick_session).await;
    }
    assert!(inbox.lost() > 0);
    drop(slow_session);
}

#[tokio::test]
async fn a_successor_gets_the_messages() {
    let (inbox, port) = udp_inbox("127.0.0.1");
    let sender = sender(("127.0.0.1", port));
    let socket = inbox.hand_over();
    sender.send(b"hello").unwrap();
    let mut inbox =
        Inbox::adopt(socket, Custody::Ours, &udp("127.0.0.1"), Terms::default()).unwrap();
    let session = new_session(&mut inbox).await;
    within(session.send(b"hello", &[])).await.unwrap();
    assert_eq!(received(&sender), b"hello");
}

#[tokio::test]
async fn what_receives_no_datagrams_is_not_taken_over() {
    let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = udp("127.0.0.1");
    Inbox::adopt(listener.into(), Custody::Ours, &address, Terms::default()).unwrap_err();
}
