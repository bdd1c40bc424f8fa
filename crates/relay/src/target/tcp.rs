//! `tcp:host:port`, and what is under `tls:host:port`.

use std::io;

use sockeye_address::NetworkAddress;
use tokio::net::TcpStream;

use super::Reached;
use crate::end::socket::Speech;

/// Looks the host up and tries its addresses in turn.
pub(super) async fn stream(network: &NetworkAddress) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host(network), network.place.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) async fn connect(network: &NetworkAddress) -> io::Result<Reached> {
    let stream = stream(network).await?.into_std()?;
    Ok(Reached::socket(stream, Speech::Bytes))
}

/// The host, which is this machine when none is said.
pub(super) fn host(network: &NetworkAddress) -> &str {
    match network.place.host.as_str() {
        "" => "localhost",
        host => host,
    }
}
