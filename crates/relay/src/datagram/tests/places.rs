//! Where answers go, and who is who.

use std::path::Path;

use rstest::rstest;
use sockeye_address::Name;
use sockeye_socket::{BindOptions, Credentials, Datagram};

use super::super::sender::{Key, Place, Unanswerable};
use super::{new_session, received, unix_inbox, within};
use crate::event::Client;

fn client(name: Name, who: Option<(Option<u32>, u32, u32)>) -> Client {
    Client::Unix {
        name,
        credentials: who.map(|(pid, uid, gid)| Credentials { pid, uid, gid }),
    }
}

fn path(path: &str) -> Name {
    Name::Path(path.into())
}

#[rstest]
#[case("/run/a", Some(7), Ok("/run/a"))]
#[case("/run/a", None, Ok("/run/a"))]
#[case("a", Some(7), Ok("/proc/7/cwd/a"))]
#[case("./x/a", Some(7), Ok("/proc/7/cwd/x/a"))]
#[case("/proc/self/fd/3/a", Some(7), Ok("/proc/7/fd/3/a"))]
#[case("/proc/thread-self/fd/3/a", Some(7), Ok("/proc/7/fd/3/a"))]
#[case("/proc/selfish/a", Some(7), Ok("/proc/selfish/a"))]
#[case("a", None, Err(Unanswerable::Elsewhere))]
#[case("/proc/self/fd/3/a", None, Err(Unanswerable::Elsewhere))]
fn a_path_is_read_as_its_sender_means_it(
    #[case] name: &str,
    #[case] pid: Option<u32>,
    #[case] expected: Result<&str, Unanswerable>,
) {
    let place = Place::of(&client(path(name), Some((pid, 1000, 1000))));
    let expected =
        expected.map(|expected| Place::Unix(path(Path::new(expected).to_str().unwrap())));
    assert_eq!(place, expected);
}

#[rstest]
#[case::another_process(client(path("/a"), Some((Some(2), 1, 1))), true)]
#[case::another_user(client(path("/a"), Some((Some(1), 2, 1))), false)]
#[case::another_group(client(path("/a"), Some((Some(1), 1, 2))), false)]
#[case::another_name(client(path("/b"), Some((Some(1), 1, 1))), false)]
#[case::nobody_known(client(path("/a"), None), false)]
fn a_sender_is_the_same_by_name_user_and_group(#[case] other: Client, #[case] same: bool) {
    let one = client(path("/a"), Some((Some(1), 1, 1)));
    assert_eq!(Key::of(&one) == Key::of(&other), same);
}

#[test]
fn relative_names_of_two_processes_are_two_senders() {
    let [one, other] = [1, 2].map(|pid| Key::of(&client(path("a"), Some((Some(pid), 1, 1)))));
    assert_ne!(one, other);
}

#[tokio::test]
async fn a_sender_whose_name_goes_through_its_descriptors_is_answered() {
    let (folder, name, mut inbox) = unix_inbox();
    let long = folder.path().join("long".repeat(40));
    std::fs::create_dir(&long).unwrap();
    let sender = Datagram::bind(&Name::Path(long.join("sender")), &BindOptions::new()).unwrap();
    sender.send_to(b"ping", &name).unwrap();
    let session = new_session(&mut inbox).await;
    let Client::Unix { name, .. } = session.client() else {
        panic!("{session:?} should be of a unix socket")
    };
    assert!(name.as_path().unwrap().starts_with("/proc/self"), "{name}");
    within(session.send(b"pong", &[])).await.unwrap();
    assert_eq!(received(&sender), b"pong");
}
