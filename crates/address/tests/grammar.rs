//! The grammar as tables: every prefix, every spelling, every error.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on panics"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use rstest::rstest;
use sockeye_address::{AbstractName, Address, Kind, Name, NameError, ParseError, UnixAddress};

fn parse(text: &str) -> Result<Address, ParseError> {
    text.parse()
}

fn unix(text: &str) -> UnixAddress {
    match parse(text) {
        Ok(Address::Unix(unix)) => unix,
        other => panic!("{text}: {other:?}"),
    }
}

fn path(name: impl AsRef<[u8]>) -> Name {
    Name::Path(OsStr::from_bytes(name.as_ref()).into())
}

fn abstract_name(name: impl AsRef<[u8]>) -> Name {
    Name::Abstract(AbstractName::new(name.as_ref()).unwrap())
}

#[rstest]
#[case::bare("/run/app.sock", path("/run/app.sock"))]
#[case::bare_relative("./app.sock", path("./app.sock"))]
#[case::bare_folder("run/app.sock", path("run/app.sock"))]
#[case::bare_with_comma("/run/a,mode=660", path("/run/a,mode=660"))]
#[case::bare_with_backslash(r"/run/a\x41", path(r"/run/a\x41"))]
#[case::bare_with_colon("/run/unix:a", path("/run/unix:a"))]
#[case::bare_with_unknown_prefix("app:/run/a", path("app:/run/a"))]
#[case::prefixed("unix:/run/app.sock", path("/run/app.sock"))]
#[case::prefixed_without_slash("unix:app.sock", path("app.sock"))]
#[case::url("unix:///run/app.sock", path("/run/app.sock"))]
#[case::upper_case("UNIX:/run/app.sock", path("/run/app.sock"))]
#[case::escaped(r"unix:/a\x0ab\\c\,d\u{202e}", path("/a\nb\\c,d\u{202e}"))]
#[case::escaped_byte(r"unix:/\xff", path(b"/\xff"))]
#[case::path_that_begins_with_at(r"unix:\x40name", path("@name"))]
#[case::prefix_twice("unix:unix:x", path("unix:x"))]
#[case::abstract_bare("@name", abstract_name("name"))]
#[case::abstract_with_slash("@/tmp/x", abstract_name("/tmp/x"))]
#[case::abstract_with_comma("@a,b", abstract_name("a,b"))]
#[case::abstract_escaped(r"@a\x00b", abstract_name("a\0b"))]
#[case::abstract_empty("@", abstract_name(""))]
#[case::abstract_of_an_at("@@", abstract_name("@"))]
#[case::abstract_behind_unix("unix:@name", abstract_name("name"))]
#[case::abstract_word("abstract:name", abstract_name("name"))]
#[case::abstract_word_and_at("abstract:@name", abstract_name("name"))]
#[case::unix_abstract("unix-abstract:name", abstract_name("name"))]
fn a_name_is_read_as_it_is_meant(#[case] text: &str, #[case] name: Name) {
    let unix = unix(text);
    assert_eq!(unix.name, name);
    assert_eq!(unix.kind, None);
    assert!(unix.options.is_empty());
}

#[rstest]
#[case("unix-stream", Some(Kind::Stream))]
#[case("unix-dgram", Some(Kind::Datagram))]
#[case("unix-seqpacket", Some(Kind::Seqpacket))]
fn a_prefix_says_the_kind(#[case] prefix: &str, #[case] kind: Option<Kind>) {
    for prefix in [prefix.to_owned(), prefix.to_ascii_uppercase()] {
        assert_eq!(
            (
                unix(&format!("{prefix}:/p")).name,
                unix(&format!("{prefix}:/p")).kind
            ),
            (path("/p"), kind)
        );
        assert_eq!(unix(&format!("{prefix}:@n")).name, abstract_name("n"));
    }
}

#[rstest]
#[case("tcp:localhost:80", "tcp:localhost:80")]
#[case("TCP:localhost:80", "tcp:localhost:80")]
#[case("tcp:[::1]:80", "tcp:[::1]:80")]
#[case("tcp::80", "tcp::80")]
#[case("tls:example.org:443", "tls:example.org:443")]
#[case("udp:[fe80::1%eth0]:53", "udp:[fe80::1%eth0]:53")]
#[case("vsock:2:1024", "vsock:2:1024")]
#[case("vsock::1024", "vsock::1024")]
#[case("vsock:4294967295:0", "vsock::0")]
#[case("-", "-")]
#[case("STDIO", "-")]
#[case("stdio", "-")]
#[case("exec:cat -n", "exec:cat -n")]
#[case(r"exec:printf 'a\n',b", r"exec:printf 'a\n',b")]
#[case("fd:3", "fd:3")]
#[case("fd:007", "fd:7")]
#[case("activation:web", "activation:web")]
#[case("activation:", "activation:")]
#[case("ssh://host/run/a", "ssh://host/run/a")]
#[case("ssh://me@host:22/run/a", "ssh://me@host:22/run/a")]
#[case("ssh://me@[::1]:22/run/a", "ssh://me@[::1]:22/run/a")]
#[case(r"ssh://h/a\x0ab", r"ssh://h/a\x0ab")]
#[case("docker", "docker")]
#[case("x11", "x11")]
fn every_other_kind_prints_its_canonical_form(#[case] text: &str, #[case] canonical: &str) {
    let address = parse(text).unwrap();
    assert_eq!(address.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap(), address);
}

#[rstest]
#[case("/run/app.sock", "/run/app.sock")]
#[case("unix:/run/app.sock", "/run/app.sock")]
#[case("unix:///run/app.sock", "/run/app.sock")]
#[case("unix:app.sock", "unix:app.sock")]
#[case("@name", "@name")]
#[case("abstract:name", "@name")]
#[case("unix:/p,mode=0660,group=app", "unix:/p,mode=660,group=app")]
#[case("unix-seqpacket:@n,backlog=5", "unix-seqpacket:@n,backlog=5")]
#[case(r"unix:/a\,b", "/a,b")]
#[case(r"unix:/a\,b,mode=600", r"unix:/a\x2cb,mode=600")]
#[case(r"unix:/a\x0ab", r"unix:/a\x0ab")]
#[case(r"unix:\x40n", r"unix:\x40n")]
#[case(r"unix:\x2f/a", r"//a")]
#[case("unix:-a/b", "unix:-a/b")]
#[case("unix:tcp:/x", "unix:tcp:/x")]
#[case("unix:-", "unix:-")]
#[case("unix:docker", "unix:docker")]
fn a_unix_address_prints_its_shortest_form(#[case] text: &str, #[case] canonical: &str) {
    let address = parse(text).unwrap();
    assert_eq!(address.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap(), address);
}

#[rstest]
#[case("", ParseError::Empty)]
#[case("app", ParseError::UnknownWord("app".into()))]
#[case("\u{1b}x", ParseError::UnknownWord(r"\x1bx".into()))]
#[case("unix:", ParseError::Name(NameError::Empty))]
#[case("unix-dgram:,mode=660", ParseError::Name(NameError::Empty))]
#[case(r"unix:/a\x00", ParseError::Name(NameError::NulInPath))]
#[case("unix://host/path", ParseError::HostInUnixUrl("host/path".into()))]
#[case("unix://", ParseError::HostInUnixUrl(String::new()))]
#[case("tcp:localhost", ParseError::BadHostPort("localhost".into()))]
#[case("tcp:h:65536", ParseError::BadHostPort("h:65536".into()))]
#[case("tcp:h:+1", ParseError::BadHostPort("h:+1".into()))]
#[case("tcp:::1:80", ParseError::BadHostPort("::1:80".into()))]
#[case("tcp:[::1:80", ParseError::BadHostPort("[::1:80".into()))]
#[case("tcp:[h]:80", ParseError::BadHostPort("[h]:80".into()))]
#[case("tcp:a b:80", ParseError::BadHostPort("a b:80".into()))]
#[case("tcp-listen:h:80", ParseError::BadPort("h:80".into()))]
#[case("vsock:2", ParseError::BadVsock("2".into()))]
#[case("vsock::", ParseError::BadVsock(":".into()))]
#[case("vsock:-1:2", ParseError::BadVsock("-1:2".into()))]
#[case("exec:", ParseError::BadCommand)]
#[case("exec:  ", ParseError::BadCommand)]
#[case("fd:", ParseError::BadDescriptor(String::new()))]
#[case("fd:-1", ParseError::BadDescriptor("-1".into()))]
#[case("fd:x", ParseError::BadDescriptor("x".into()))]
#[case("activation:a:b", ParseError::BadActivation("a:b".into()))]
#[case("activation:a b", ParseError::BadActivation("a b".into()))]
#[case("ssh:host", ParseError::BadSsh("host".into()))]
#[case("ssh://host", ParseError::BadSsh("//host".into()))]
#[case("ssh://host/", ParseError::BadSsh("//host/".into()))]
#[case("ssh:///path", ParseError::BadSsh("///path".into()))]
#[case("ssh://-oProxyCommand=x/p", ParseError::BadSsh("//-oProxyCommand=x/p".into()))]
#[case("ssh://-x@h/p", ParseError::BadSsh("//-x@h/p".into()))]
#[case("ssh://h:x/p", ParseError::BadSsh("//h:x/p".into()))]
fn what_is_no_address_is_refused_with_its_reason(#[case] text: &str, #[case] error: ParseError) {
    assert_eq!(parse(text), Err(error));
}

#[rstest]
#[case(r"fd:a\b", r#""a\\b" is not the number of a descriptor"#)]
#[case(
    "tcp:\u{1b}",
    r#""\x1b" is not host:port (IPv6 in brackets, port up to 65535)"#
)]
#[case(
    "unix:/p,mode=\u{202e}",
    r#"option "mode=\u{202e}" has a value that does not fit"#
)]
#[case(
    "tcp:h:1,\u{3164}",
    r#"unknown option "\u{3164}": the options of tcp are backlog, max-clients, retry, interval, connect-timeout"#
)]
#[case(
    r"@\q",
    r#"bad escape "\q": expected \\, \, or \x and two hexadecimal digits or \u{…}"#
)]
fn what_was_typed_is_repeated_escaped_once(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), message);
}

#[rstest]
#[case(r"@\q")]
#[case(r"unix:/\")]
#[case(r"unix:/p,user=\x4")]
#[case(r"abstract:\u{110000}")]
#[case(r"ssh://h/\z")]
fn a_backslash_that_escapes_nothing_is_refused(#[case] text: &str) {
    assert!(matches!(parse(text), Err(ParseError::Escape(_))), "{text}");
}

#[test]
fn an_abstract_name_that_does_not_fit_is_refused_and_never_cut() {
    let fits = "x".repeat(107);
    assert_eq!(unix(&format!("@{fits}")).name, abstract_name(&fits));
    let too_long = format!("@{fits}y");
    let error = parse(&too_long).unwrap_err();
    assert_eq!(
        error,
        ParseError::Name(NameError::AbstractTooLong {
            length_bytes: 108,
            limit_bytes: 107
        })
    );
    assert_eq!(
        error.to_string(),
        "abstract name is 108 bytes long, the kernel takes 107"
    );
}

#[test]
fn a_path_may_be_longer_than_sun_path() {
    let long = format!("/{}", "x".repeat(4000));
    assert_eq!(unix(&long).name, path(&long));
}

#[test]
fn every_error_is_one_lower_case_line_without_a_full_stop() {
    for text in [
        "",
        "app",
        "unix:",
        "unix://h/p",
        "unix:/p,x",
        "unix:/p,cert=x",
        "tcp-l:x",
        "tcp4:h:1",
        "vsock-l:x",
        "EXEC:a,b",
        "accept-fd:3,x",
        "unix:/p,fork=0",
        "unix-dgram:/p,type=1",
        "unix:/p,backlog=1,backlog=1",
        "unix:/p,mode=9",
        "tcp:x",
        "vsock:x",
        "exec:",
        "fd:x",
        "activation:a b",
        "ssh:x",
        r"@\q",
        "\u{1b}[2J",
        "unix://\u{1b}/x",
        "unix:/p,\u{1b}\u{202e}",
    ] {
        let said = parse(text).unwrap_err().to_string();
        assert!(
            !said.chars().any(char::is_control) && !said.contains('\u{202e}'),
            "{said:?}"
        );
        assert!(
            !said.ends_with('.') && !said.starts_with(char::is_uppercase),
            "{said:?}"
        );
    }
}

#[rstest]
#[case("/p", None, true)]
#[case("unix-dgram:/p", Some(true), true)]
#[case("unix-stream:/p", Some(false), true)]
#[case("tcp:h:1", Some(false), true)]
#[case("udp:h:1", Some(true), true)]
#[case("-", Some(false), false)]
#[case("fd:3", None, true)]
fn each_kind_says_whether_it_keeps_boundaries_and_serves_many(
    #[case] text: &str,
    #[case] keeps_boundaries: Option<bool>,
    #[case] serves_many: bool,
) {
    let traits = parse(text).unwrap().traits();
    assert_eq!(
        (traits.keeps_boundaries, traits.serves_many),
        (keeps_boundaries, serves_many)
    );
}
