//! Handshakes within a time.

use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::PeerError;

// What a refused client may still send before it is closed upon, and how long it may take.
const LAST_BYTES: usize = 64 << 10;
const LAST_TIME: Duration = Duration::from_secs(1);

pub(super) async fn accept<S>(
    acceptor: &TlsAcceptor,
    stream: S,
    patience: Duration,
) -> Result<TlsStream<S>, PeerError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let began = Instant::now();
    let handshake = acceptor.accept(stream).into_fallible();
    match timeout(patience, handshake).await {
        Ok(Ok(stream)) => Ok(stream.into()),
        Ok(Err((error, stream))) => {
            let left = patience.saturating_sub(began.elapsed());
            see_off(stream, left.min(LAST_TIME)).await;
            Err(PeerError::in_handshake(error))
        }
        Err(_elapsed) => Err(PeerError::TimedOut { limit: patience }),
    }
}

pub(super) async fn connect<S>(
    connector: &TlsConnector,
    name: &ServerName<'static>,
    stream: S,
    patience: Duration,
) -> Result<TlsStream<S>, PeerError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match timeout(patience, connector.connect(name.clone(), stream)).await {
        Ok(Ok(stream)) => Ok(stream.into()),
        Ok(Err(error)) => Err(PeerError::in_handshake(error)),
        Err(_elapsed) => Err(PeerError::TimedOut { limit: patience }),
    }
}

/// Closes so that the alert with the reason arrives. With TLS 1.3 a client may send its request before it hears that
/// its certificate is refused, and a close upon unread bytes is a reset, which takes the alert with it.
async fn see_off<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, limit: Duration) {
    let rest = async {
        stream.shutdown().await?;
        let mut unwanted = (&mut stream).take(LAST_BYTES as u64);
        tokio::io::copy(&mut unwanted, &mut tokio::io::sink()).await
    };
    // The peer is refused either way.
    let _ = timeout(limit, rest).await;
}
