//! What a link in /proc/PID/fd or /proc/PID/ns names (`sockfs_dname` in `net/socket.c`, `ns_dname` in `fs/nsfs.c`).

use super::text::decimal;

/// The inode of the socket a descriptor's link names: the number in `socket:[…]`, the same as in a `unix_diag` dump.
///
/// ```
/// use sockeye_wire::proc::fd_link::socket_inode;
///
/// assert_eq!(socket_inode(b"socket:[12345]"), Some(12345));
/// assert_eq!(socket_inode(b"/run/app.sock"), None);
/// ```
pub fn socket_inode(link: &[u8]) -> Option<u64> {
    decimal(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

/// The inode of the namespace a link names, whichever kind of namespace it is.
///
/// ```
/// use sockeye_wire::proc::fd_link::namespace_inode;
///
/// assert_eq!(namespace_inode(b"net:[4026531840]"), Some(4_026_531_840));
/// assert_eq!(namespace_inode(b"pipe:[4026531840]"), None);
/// ```
pub fn namespace_inode(link: &[u8]) -> Option<u64> {
    const KINDS: [&[u8]; 8] = [
        b"cgroup", b"ipc", b"mnt", b"net", b"pid", b"time", b"user", b"uts",
    ];
    let colon = link.iter().position(|byte| *byte == b':')?;
    let (kind, inode) = link.split_at_checked(colon)?;
    if !KINDS.contains(&kind) {
        return None;
    }
    decimal(inode.strip_prefix(b":[")?.strip_suffix(b"]")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::socket(b"socket:[1]", Some(1), None)]
    #[case::most(b"socket:[18446744073709551615]", Some(u64::MAX), None)]
    #[case::too_much(b"socket:[18446744073709551616]", None, None)]
    #[case::mount_namespace(b"mnt:[4026531841]", None, Some(4_026_531_841))]
    #[case::no_number(b"socket:[]", None, None)]
    #[case::sign(b"socket:[+1]", None, None)]
    #[case::not_closed(b"net:[1", None, None)]
    #[case::a_file_that_looks_alike(b"/tmp/socket:[1]", None, None)]
    #[case::deleted_file(b"/tmp/net:[1] (deleted)", None, None)]
    #[case::other(b"anon_inode:[eventpoll]", None, None)]
    #[case::empty(b"", None, None)]
    fn a_link_names_a_socket_or_a_namespace(
        #[case] link: &[u8],
        #[case] socket: Option<u64>,
        #[case] namespace: Option<u64>,
    ) {
        assert_eq!(socket_inode(link), socket);
        assert_eq!(namespace_inode(link), namespace);
    }
}
