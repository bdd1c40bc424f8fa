//! What is printed reads back as what it was, whatever the bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use proptest::prelude::*;
use sockeye_address::escape::{escape, is_plain, shell_word, unescape};
use sockeye_address::{
    AbstractName, Address, HostPort, Kind, Mode, Name, NetworkAddress, Options, TlsOptions,
    UnixAddress, VsockAddress,
};

/// Bytes as they are in names, and more often those that mean something in the grammar.
fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(&b"@/\\,:=-.x\0\n\x1b\xff "[..]);
    prop::collection::vec(prop_oneof![any::<u8>(), odd], 0..=longest)
}

fn name() -> impl Strategy<Value = Name> {
    let path = bytes(300).prop_filter_map("a path", |mut bytes| {
        bytes.retain(|byte| *byte != 0);
        (!bytes.is_empty()).then(|| Name::Path(OsStr::from_bytes(&bytes).into()))
    });
    let abstract_name =
        bytes(107).prop_map(|bytes| Name::Abstract(AbstractName::new(bytes).unwrap()));
    prop_oneof![path, abstract_name]
}

fn word() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{1,9}|[,=\\\\\n@]{1,4}")
}

fn span() -> impl Strategy<Value = Option<Duration>> {
    let span = (any::<u32>(), 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanoseconds)| Duration::new(seconds.into(), nanoseconds));
    prop::option::of(prop_oneof![
        span,
        (1..5000_u64).prop_map(Duration::from_millis)
    ])
}

/// Those that every kind takes but one.
fn of_clients() -> impl Strategy<Value = Options> {
    let max_clients = prop::option::of(1..=u32::MAX);
    let retry = any::<Option<u32>>();
    let timeout = span().prop_map(|span| span.filter(|span| !span.is_zero()));
    (max_clients, retry, span(), timeout).prop_map(
        |(max_clients, retry, interval, connect_timeout)| Options {
            max_clients,
            retry,
            interval,
            connect_timeout,
            ..Options::default()
        },
    )
}

fn options() -> impl Strategy<Value = Options> {
    let mode = prop::option::of((0..=0o7777u32).prop_map(|bits| Mode::new(bits).unwrap()));
    (mode, word(), word(), any::<Option<u32>>(), of_clients()).prop_map(
        |(mode, user, group, backlog, of_clients)| Options {
            mode,
            user,
            group,
            backlog,
            ..of_clients
        },
    )
}

fn tls() -> impl Strategy<Value = TlsOptions> {
    let file = || {
        prop::option::of(bytes(9).prop_filter_map("a path", |mut bytes| {
            bytes.retain(|byte| *byte != 0);
            (!bytes.is_empty()).then(|| OsStr::from_bytes(&bytes).into())
        }))
    };
    let name = prop::option::of("[a-z0-9.*:_-]{1,9}");
    let alpn = prop::collection::hash_set("\\PC{1,9}|[,=\\\\\n@]{1,4}", 0..3);
    (file(), file(), file(), name, any::<Option<bool>>(), alpn).prop_map(
        |(cert, key, ca, name, verify, alpn)| TlsOptions {
            cert,
            key,
            ca,
            name,
            verify,
            alpn: alpn.into_iter().collect(),
        },
    )
}

/// An end that is not a Unix socket, with the options that its kind takes.
fn network() -> impl Strategy<Value = Address> {
    let host = "[a-z0-9.-]{0,9}|::1|fe80::[0-9a-f]{1,4}%eth0";
    let place = (host, any::<u16>()).prop_map(|(host, port)| HostPort { host, port });
    let backlog = any::<Option<u32>>();
    (place, of_clients(), backlog, tls(), any::<u32>(), 0..4).prop_map(
        |(place, of_clients, backlog, tls, cid, kind)| {
            let port = place.port.into();
            let network = |options| NetworkAddress { place, options };
            let with_backlog = Options {
                backlog,
                ..of_clients.clone()
            };
            match kind {
                0 => Address::Udp(network(of_clients)),
                1 => Address::Tcp(network(with_backlog)),
                2 => Address::Tls(network(Options {
                    tls,
                    ..with_backlog
                })),
                _ => Address::Vsock(VsockAddress {
                    cid,
                    port,
                    options: with_backlog,
                }),
            }
        },
    )
}

fn unix() -> impl Strategy<Value = UnixAddress> {
    let kind = prop::option::of(prop::sample::select(&Kind::ALL[..]));
    let options = prop_oneof![Just(Options::default()), options()];
    (name(), kind, options).prop_map(|(name, kind, options)| UnixAddress {
        name,
        kind,
        options,
    })
}

/// Text that begins as an address does.
fn typed() -> impl Strategy<Value = Vec<u8>> {
    let starts = [
        "",
        "@",
        "unix:",
        "UNIX:",
        "unix-dgram:",
        "unix-seqpacket:@",
        "abstract:",
        "abstract-listen:",
        "tcp:",
        "tcp:[",
        "tcp:h:1,retry=",
        "tcp-l:1,bind=",
        "tls:h:1,cert=",
        "tls:h:1,alpn=",
        "tcp:h:1,interval=0",
        "tcp4:1.1.1.1:1,",
        "vsock-l:1,",
        "EXEC:",
        "accept-fd:1",
        "udp:h:",
        "vsock:1:",
        "exec:",
        "fd:",
        "activation:",
        "ssh://",
        "ssh://u@h:1/",
        "unix:/p,mode=",
        "unix:///",
        "docker",
        "-",
    ];
    (prop::sample::select(starts.to_vec()), bytes(40))
        .prop_map(|(start, rest)| [start.as_bytes(), &rest].concat())
}

proptest! {
    #[test]
    fn a_unix_address_reads_back_as_itself(unix in unix()) {
        let address = Address::Unix(unix);
        let shown = address.to_string();
        prop_assert_eq!(shown.parse::<Address>(), Ok(address));
    }

    #[test]
    fn an_end_of_the_network_reads_back_as_itself(address in network()) {
        let shown = address.to_string();
        prop_assert!(is_plain(shown.as_bytes()), "{:?}", shown);
        prop_assert_eq!(shown.parse::<Address>(), Ok(address));
    }

    #[test]
    fn a_name_reads_back_as_itself_and_shows_plainly(name in name()) {
        let shown = name.to_string();
        prop_assert!(is_plain(shown.as_bytes()), "{:?}", shown);
        prop_assert!(!shown.starts_with('-'), "it would be an option: {}", shown);
        prop_assert_eq!(shown.parse::<Address>(), Ok(Address::Unix(UnixAddress::new(name))));
    }

    #[test]
    fn what_the_kernel_says_becomes_a_name_that_reads_back(bytes in bytes(108)) {
        let name = Name::from_kernel(&bytes);
        match &name {
            Name::Unnamed => prop_assert!(bytes.is_empty()),
            // A lone NUL, or a path cut by one, is nothing that the kernel says.
            Name::Path(path) if path.as_os_str().is_empty() || bytes.contains(&0) => {}
            _ => prop_assert_eq!(name.to_string().parse::<Address>(), Ok(Address::from(name))),
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic_and_what_it_takes_reads_back(typed in prop_oneof![bytes(200), typed()]) {
        if let Ok(address) = Address::parse(OsStr::from_bytes(&typed)) {
            let shown = address.to_string();
            prop_assert_eq!(shown.parse::<Address>(), Ok(address));
        }
    }

    #[test]
    fn escapes_come_back_with_any_further_characters_escaped(bytes in bytes(60), also in "[ -~]{0,5}") {
        let shown = escape(&bytes, &also.replace(['\\', 'x', 'u', '{', '}'], "").replace(|c: char| c.is_ascii_hexdigit(), ""));
        prop_assert_eq!(unescape(&shown).unwrap(), bytes);
    }

    #[test]
    fn a_quoted_word_is_one_word_for_a_shell(word in "[ -~\u{e9}\u{1f41f}]{0,20}") {
        prop_assert_eq!(unquoted(&shell_word(&word)), Some(word));
    }
}

/// What a shell makes of a word with single quotes and `\'`, and nothing else that means something to it.
fn unquoted(word: &str) -> Option<String> {
    let mut plain = String::new();
    let mut quoted = false;
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => quoted = !quoted,
            '\\' if !quoted => plain.push(characters.next()?),
            special if !quoted && " \t\n|&;<>()$`\"*?[#~!{}^".contains(special) => return None,
            other => plain.push(other),
        }
    }
    (!quoted).then_some(plain)
}
