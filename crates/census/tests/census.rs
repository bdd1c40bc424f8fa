//! A census of sockets that this process makes. What `sockeye ls` shows of it is tested in tests/ls.rs of the workspace.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics, and makes sockets as any program does"
)]

use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use sockeye_address::{Kind, Name};
use sockeye_census::scan::{Depth, scan};
use sockeye_census::{Census, EndpointState, HolderSource, Options, Pid};

fn take() -> Census {
    Census::take(&Options::default()).unwrap()
}

fn own() -> Pid {
    Pid(std::process::id())
}

fn named(path: &Path) -> Name {
    Name::Path(path.to_owned())
}

#[test]
fn a_listener_and_its_client_are_found_by_name_file_and_inode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (_served, _) = listener.accept().unwrap();
    let census = take();
    let name = named(&path);
    let found: Vec<_> = census.endpoints_named(&name).collect();
    assert_eq!(found.len(), 1);
    let endpoint = found[0];
    assert_eq!(
        (endpoint.kind, endpoint.state),
        (Some(Kind::Stream), EndpointState::Listening)
    );
    assert_eq!((endpoint.clients, endpoint.fault), (1, None));
    let file = endpoint.bound_file.unwrap();
    assert_eq!(census.endpoint_of_file(file), Some(endpoint));
    let inode = endpoint.socket.unwrap();
    assert_eq!(census.socket(inode).unwrap().name, name);
    assert!(
        census
            .holders(inode)
            .iter()
            .any(|holder| holder.pid == own())
    );
    assert!(census.process(own()).is_some());

    let to_it = census.connections().iter().filter(|connection| {
        connection
            .endpoint
            .is_some_and(|at| census.endpoints()[at].name == name)
    });
    let connections: Vec<_> = to_it.collect();
    assert_eq!(connections.len(), 1);
    for end in [connections[0].client, connections[0].server] {
        assert!(
            census
                .holders(end.unwrap())
                .iter()
                .any(|holder| holder.pid == own())
        );
    }
    drop(client);
}

#[test]
fn endpoints_are_in_the_order_of_their_names_and_connections_in_that_of_endpoints() {
    let folder = tempfile::tempdir().unwrap();
    let listeners: Vec<_> = ["c", "a", "b"]
        .map(|name| UnixListener::bind(folder.path().join(name)).unwrap())
        .into();
    let clients: Vec<_> = ["b", "a"]
        .map(|name| UnixStream::connect(folder.path().join(name)).unwrap())
        .into();
    let census = take();
    let names: Vec<_> = census
        .endpoints()
        .iter()
        .map(|endpoint| &endpoint.name)
        .collect();
    assert!(names.is_sorted());
    let places: Vec<_> = census
        .connections()
        .iter()
        .map_while(|connection| connection.endpoint)
        .collect();
    assert!(places.is_sorted());
    drop((listeners, clients));
}

#[test]
fn a_socket_that_is_not_in_the_census_has_no_holders() {
    let census = take();
    let unknown = sockeye_census::SocketInode(u64::MAX);
    assert_eq!(
        (census.socket(unknown), census.holders(unknown)),
        (None, &[][..])
    );
}

#[test]
fn a_folder_to_look_beside_shows_its_stale_files_and_not_those_below() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c/d");
    std::fs::create_dir_all(deep.join("e")).unwrap();
    for path in [deep.join("stale"), deep.join("e/below")] {
        drop(UnixDatagram::bind(path).unwrap());
    }
    let options = Options {
        beside: vec![deep.clone()],
        ..Options::default()
    };
    let census = Census::take(&options).unwrap();
    assert_eq!(
        census.endpoints_named(&named(&deep.join("stale"))).count(),
        1
    );
    assert_eq!(
        census
            .endpoints_named(&named(&deep.join("e/below")))
            .count(),
        0
    );
    // Only where it is told to.
    assert_eq!(
        take().endpoints_named(&named(&deep.join("stale"))).count(),
        0
    );
}

#[test]
fn a_folder_that_is_gone_is_not_one_that_could_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone/app.sock");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let _listener = UnixListener::bind(&path).unwrap();
    let before = take().unseen().folders;
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let census = take();
    assert!(census.unseen().folders <= before, "{:?}", census.unseen());
    assert_eq!(census.endpoints_named(&named(&path)).count(), 1);
}

#[test]
#[ignore = "needs root"]
fn both_sources_find_the_same_holders() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("app.sock")).unwrap();
    let again = listener.try_clone().unwrap();
    let name = named(&folder.path().join("app.sock"));
    let held = [HolderSource::Bpf, HolderSource::Proc].map(|source| {
        let options = Options {
            holders: Some(source),
            ..Options::default()
        };
        let census = Census::take(&options).unwrap();
        assert_eq!(census.holder_source(), Some(source));
        let endpoint = census.endpoints_named(&name).next().unwrap();
        let mut held = census.holders(endpoint.socket.unwrap()).to_vec();
        held.retain(|holder| holder.pid == own());
        held
    });
    assert_eq!(held[0].len(), 2);
    assert_eq!(held[0], held[1]);
    drop(again);
}

#[test]
fn a_scan_goes_as_deep_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    for path in [
        folder.path().join("0"),
        folder.path().join("a/1"),
        deep.join("2"),
    ] {
        drop(UnixDatagram::bind(path).unwrap());
    }
    let starts = |depth| {
        [sockeye_census::scan::Start {
            folder: folder.path().to_owned(),
            depth,
        }]
    };
    for (depth, count) in [
        (Depth::Folders(0), 1),
        (Depth::Folders(1), 2),
        (Depth::All, 3),
    ] {
        let found = scan(&starts(depth));
        assert_eq!(
            (found.sockets.len(), found.unreadable_folders),
            (count, 0),
            "{depth:?}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn what_is_kept_of_the_kernel_is_made_anew_when_it_is_spoiled() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        holders: Some(HolderSource::Bpf),
        keep: Some(folder.path().join("kept")),
        ..Options::default()
    };
    let take = || Census::take(&options).unwrap().holder_source();
    let file = || {
        std::fs::read_dir(folder.path().join("kept"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    assert_eq!(take(), Some(HolderSource::Bpf));
    let kept = std::fs::read(file()).unwrap();
    assert_eq!(take(), Some(HolderSource::Bpf));
    std::fs::write(file(), &kept[..kept.len() / 2]).unwrap();
    assert_eq!(take(), Some(HolderSource::Bpf));
    assert_eq!(std::fs::read(file()).unwrap(), kept);
}
