//! Against a file recorded on Linux 6.18, in a network namespace of its own.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const FILE: &[u8] = include_bytes!("../../../tests/data/net_unix");

fn read(text: &[u8]) -> Result<Vec<Entry<'_>>, Malformed> {
    sockets(text).collect()
}

fn of(inode: u64) -> Entry<'static> {
    let mut all = read(FILE).unwrap().into_iter();
    all.find(|entry| entry.inode == inode).unwrap()
}

#[test]
fn a_recorded_file_is_read_whole() {
    let entries = read(FILE).unwrap();
    assert_eq!(entries.len(), 19);
    let listener = of(39907);
    assert_eq!(listener.kind, Some(Kind::Stream));
    assert!(listener.listening && !listener.connected);
    assert_eq!(listener.name.as_deref(), Some(&b"/mnt/listener.sock"[..]));
    assert!(of(39908).connected && !of(39908).listening);
    assert_eq!(of(39908).name, None);
    assert_eq!(of(39920).kind, Some(Kind::Datagram));
    let waiting = entries.iter().filter(|entry| entry.inode == 0);
    assert_eq!(waiting.count(), 4);
}

#[test]
fn an_at_sign_may_stand_for_a_nul() {
    // Bound as \0abs\0tract@\xff.
    assert_eq!(of(39914).name.as_deref(), Some(&b"\0abs@tract@\xff"[..]));
}

#[test]
fn a_newline_in_a_path_does_not_break_it() {
    let entry = of(39917);
    assert_eq!(
        entry.name.as_deref(),
        Some(&b"/mnt/new\nline \xff.sock"[..])
    );
    assert_eq!(entry.kind, Some(Kind::Seqpacket));
    assert!(matches!(entry.name, Some(Cow::Borrowed(_))));
}

#[test]
fn a_file_cut_short_anywhere_is_an_error_or_has_fewer_sockets() {
    let whole = read(FILE).unwrap();
    for end in 0..FILE.len() {
        let mut good: Vec<_> = sockets(&FILE[..end]).filter_map(Result::ok).collect();
        // Cut at the newline within a name, the name ends there: nothing in the text says otherwise.
        if whole.starts_with(&good) || FILE[..end].ends_with(b"/mnt/new\n") {
            continue;
        }
        good.pop();
        panic!("cut at {end}: {good:?}");
    }
}

const LINE: &[u8] = b"0000: 00000002 00000000 00010000 0001 01    17 /a\n";

#[rstest]
#[case::empty(b"", 0, 0)]
#[case::only_column_names(b"Num       RefCount Protocol Flags    Type St Inode Path\n", 0, 0)]
#[case::column_names_cut_short(b"Num       RefCou", 0, 0)]
#[case::no_column_names(LINE, 1, 0)]
#[case::no_last_newline(b"0: 2 0 0 1 1 7 /a", 0, 1)]
#[case::garbage(b"garbage\n", 0, 1)]
#[case::garbage_first(b"garbage\n0: 2 0 0 1 1 7 /a\n", 1, 1)]
#[case::garbage_after_no_name(b"0: 2 0 0 1 1 7\ngarbage\n0: 2 0 0 1 1 7\n", 2, 1)]
#[case::rest_of_a_name(b"0: 2 0 0 1 1 7 /a\ngarbage\n\n0: 2 0 0 1 1 7\n", 2, 0)]
#[case::inode_too_big(b"0: 2 0 0 1 1 99999999999999999999 /a\n", 0, 1)]
#[case::no_inode(b"0: 2 0 0 1 1  /a\n", 0, 1)]
fn a_line_is_a_socket_or_the_rest_of_a_name_or_an_error(
    #[case] text: &[u8],
    #[case] good: usize,
    #[case] bad: usize,
) {
    let (entries, errors): (Vec<_>, Vec<_>) = sockets(text).partition(Result::is_ok);
    assert_eq!((entries.len(), errors.len()), (good, bad));
}

#[test]
fn an_error_says_at_which_byte_the_line_is() {
    let text = [LINE, b"0: 2 0 0 1 1 7\n?\n"].concat();
    let error = sockets(&text).find_map(Result::err).unwrap();
    assert_eq!(
        error.to_string(),
        "parse /proc/net/unix: byte 65: line is no socket"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = sockets(&text).count();
    }

    #[test]
    fn any_path_is_read_back(path in "/[^\0]{0,100}", inode: u64) {
        let line = format!("0: 00000002 00000000 00010000 0005 01 {inode:5} {path}\n");
        let text = [LINE, line.as_bytes(), LINE].concat();
        let entries = read(&text).unwrap();
        prop_assert_eq!(entries.len(), 3);
        prop_assert_eq!(entries[1].inode, inode);
        prop_assert_eq!(entries[1].name.as_deref(), Some(path.as_bytes()));
    }
}
