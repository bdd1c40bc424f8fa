//! socat's spellings: what each becomes, and what is refused because it would mean something else.

use rstest::rstest;
use sockeye_address::{Address, Kind, ParseError};

fn parse(text: &str) -> Result<Address, ParseError> {
    text.parse()
}

#[rstest]
#[case("UNIX-CONNECT:/p", "unix-stream:/p")]
#[case("UNIX-LISTEN:/p", "unix-stream:/p")]
#[case("UNIX-L:/p", "unix-stream:/p")]
#[case("UNIX-CLIENT:/p", "/p")]
#[case("UNIX-SENDTO:/p", "unix-dgram:/p")]
#[case("UNIX-RECVFROM:/p", "unix-dgram:/p")]
#[case("UNIX-RECV:/p", "unix-dgram:/p")]
#[case("UNIX-LISTEN:@n", "unix-stream:@n")]
#[case("ABSTRACT-CONNECT:name", "unix-stream:@name")]
#[case("ABSTRACT-LISTEN:@name", "unix-stream:@name")]
#[case("ABSTRACT-CLIENT:name", "@name")]
#[case("ABSTRACT-SENDTO:name", "unix-dgram:@name")]
#[case("ABSTRACT-RECVFROM:name", "unix-dgram:@name")]
#[case("ABSTRACT-RECV:name", "unix-dgram:@name")]
#[case("TCP:localhost:80", "tcp:localhost:80")]
#[case("TCP-CONNECT:127.0.0.1:65535", "tcp:127.0.0.1:65535")]
#[case("TCP4:127.0.0.1:80", "tcp:127.0.0.1:80")]
#[case("TCP6-CONNECT:[::1]:80", "tcp:[::1]:80")]
#[case("TCP-LISTEN:80", "tcp::80")]
#[case("TCP-L:80", "tcp::80")]
#[case("TCP4-LISTEN:80", "tcp:0.0.0.0:80")]
#[case("TCP6-LISTEN:80", "tcp:[::]:80")]
#[case("UDP-CONNECT:h:1", "udp:h:1")]
#[case("UDP-SENDTO:h:1", "udp:h:1")]
#[case("UDP-LISTEN:53", "udp::53")]
#[case("UDP-RECVFROM:53", "udp::53")]
#[case("UDP4-LISTEN:53", "udp:0.0.0.0:53")]
#[case("OPENSSL:example.org:443", "tls:example.org:443")]
#[case("OPENSSL-CONNECT:h:443", "tls:h:443")]
#[case("SSL:h:443", "tls:h:443")]
#[case("OPENSSL-LISTEN:443", "tls::443,verify=1")]
#[case("SSL-L:443,verify=0", "tls::443,verify=0")]
#[case("VSOCK-CONNECT:2:1024", "vsock:2:1024")]
#[case("VSOCK-LISTEN:1024", "vsock::1024")]
#[case("FD:3", "fd:3")]
#[case("ACCEPT-FD:3", "fd:3")]
#[case("ACCEPT-FD:3,fork", "fd:3")]
#[case("STDIO", "-")]
#[case("EXEC:cat -n", "exec:cat -n")]
#[case("SYSTEM:cat | wc", "exec:cat | wc")]
#[case("system:date", "exec:date")]
fn its_address_prints_as_ours(#[case] text: &str, #[case] canonical: &str) {
    let address = parse(text).unwrap();
    assert_eq!(address.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap(), address);
    if !text.starts_with("EXEC:") {
        assert_eq!(parse(&text.to_ascii_lowercase()).unwrap(), address);
    }
}

#[rstest]
#[case(
    "UNIX-LISTEN:/run/a.sock,fork,mode=660,user=ada,group=app,unlink-early,backlog=5,max-children=9",
    "unix-stream:/run/a.sock,mode=660,user=ada,group=app,backlog=5,max-clients=9"
)]
#[case("unix:/p,fork,perm=0600", "unix:/p,mode=600")]
#[case(
    "UNIX-LISTEN:/p,unlink-early=1,unlink-close,reuseaddr,uid=7,gid=8",
    "unix-stream:/p,user=7,group=8"
)]
#[case("UNIX-LISTEN:/p,type=5", "unix-seqpacket:/p")]
#[case("UNIX-CONNECT:/p,socktype=5", "unix-seqpacket:/p")]
#[case("unix:/p,so-type=2", "unix-dgram:/p")]
#[case("unix-seqpacket:/p,type=5", "unix-seqpacket:/p")]
#[case(
    "UNIX-CONNECT:/p,retry=10,interval=0.1",
    "unix-stream:/p,retry=10,interval=100ms"
)]
#[case("TCP:h:80,connect-timeout=1.5", "tcp:h:80,connect-timeout=1500ms")]
#[case(
    "TCP-LISTEN:80,fork,reuseaddr,bind=127.0.0.1,backlog=9",
    "tcp:127.0.0.1:80,backlog=9"
)]
#[case("tcp-listen:80,bind=[::1],FORK", "tcp:[::1]:80")]
#[case("TCP4-LISTEN:80,bind=10.0.0.1", "tcp:10.0.0.1:80")]
#[case("tcp:h:80,fork,reuseaddr", "tcp:h:80")]
#[case("UDP-LISTEN:53,bind=localhost,fork", "udp:localhost:53")]
#[case(
    "OPENSSL-LISTEN:443,reuseaddr,fork,cert=/etc/s.pem,cafile=/etc/ca.pem",
    "tls::443,cert=/etc/s.pem,ca=/etc/ca.pem,verify=1"
)]
#[case(
    "OPENSSL:h:443,cert=c,key=k,verify=0,commonname=other",
    "tls:h:443,cert=c,key=k,name=other,verify=0"
)]
#[case("tls:h:443,cafile=x,snihost=y", "tls:h:443,ca=x,name=y")]
#[case("VSOCK-LISTEN:1,fork,max-children=2", "vsock::1,max-clients=2")]
fn its_options_become_ours_or_need_none(#[case] text: &str, #[case] canonical: &str) {
    let address = parse(text).unwrap();
    assert_eq!(address.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap(), address);
}

#[rstest]
#[case("unix:/p,fork=0", ParseError::AlwaysDone("fork=0".into()))]
#[case("unix:/p,unlink-early=0", ParseError::AlwaysDone("unlink-early=0".into()))]
#[case("unix:/p,unlink-close=0", ParseError::AlwaysDone("unlink-close=0".into()))]
#[case("tcp:h:1,reuseaddr=0", ParseError::AlwaysDone("reuseaddr=0".into()))]
#[case("unix:/p,fork=x", ParseError::BadOption("fork=x".into()))]
#[case("unix:/p,type=3", ParseError::BadOption("type=3".into()))]
#[case("unix:/p,type=1,socktype=1", ParseError::OptionTwice("socktype"))]
#[case("unix-stream:/p,type=2", ParseError::KindTwice { said: Kind::Stream, option: Kind::Datagram })]
#[case("tcp-listen:80,bind=h:80", ParseError::BadOption("bind=h:80".into()))]
#[case("tcp-listen:80,bind=a,bind=a", ParseError::OptionTwice("bind"))]
#[case("tcp-listen:http", ParseError::BadPort("http".into()))]
#[case("vsock-listen:2:1", ParseError::BadVsockPort("2:1".into()))]
#[case("EXEC:cat,pty", ParseError::CommandOption("pty".into()))]
#[case(r"SYSTEM:echo a\,b", ParseError::CommandOption("b".into()))]
#[case("EXEC:", ParseError::BadCommand)]
#[case("accept-fd:x", ParseError::BadDescriptor("x".into()))]
#[case("TCP4:localhost:80", ParseError::NotOfFamily { host: "localhost".into(), word: "tcp", version: 4 })]
#[case("UDP6:10.0.0.1:53", ParseError::NotOfFamily { host: "10.0.0.1".into(), word: "udp", version: 6 })]
#[case("TCP6-LISTEN:80,bind=localhost", ParseError::NotOfFamily { host: "localhost".into(), word: "tcp", version: 6 })]
fn what_would_mean_something_else_is_refused(#[case] text: &str, #[case] error: ParseError) {
    assert_eq!(parse(text), Err(error));
}

/// Each of these is an option of socat that is not honoured, or not on this end.
#[rstest]
#[case("TCP-CONNECT:h:80,fork")]
#[case("TCP:h:80,bind=127.0.0.1")]
#[case("TCP:h:80,forever")]
#[case("TCP-LISTEN:80,range=10.0.0.0/8")]
#[case("UNIX-CONNECT:/p,fork")]
#[case("UNIX-CONNECT:/p,bind=/q")]
#[case("UNIX-CONNECT:/p,unlink-close=0")]
#[case("UNIX-LISTEN:/p,umask=077")]
#[case("UNIX-LISTEN:/p,su=nobody")]
#[case("OPENSSL:h:1,capath=/etc/ssl")]
fn an_option_that_is_not_honoured_is_unknown(#[case] text: &str) {
    let answer = parse(text);
    assert!(
        matches!(answer, Err(ParseError::UnknownOption { .. })),
        "{text}: {answer:?}"
    );
}
