//! Who answers: a task for each client, so that none waits for another.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{self, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::geteuid;
use sockeye_address::{Kind, Mode, Name};
use sockeye_socket::{BindOptions, Listener};
use tokio::io::{AsyncWriteExt as _, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::answer::{Answer, error_line};
use super::line::{self, Line};
use super::request::Request;
use super::service::{Refusal, Service};
use super::{Client, EXTENSION, Error, path};
use crate::handle::Handle;

/// So many clients are served at once.
const MAX_CLIENTS: usize = 32;

/// After a limit of the process or the machine was met, this long until the next attempt to accept.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A path that another process has is asked for so many times: others may come and go meanwhile.
const MAX_ATTEMPTS: usize = 16;

/// A control socket. Dropping it removes its file.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
}

/// What a client asks for that ends the socket.
type Release = oneshot::Sender<()>;

impl Server {
    /// Makes the socket, for its own user only, and the folder of [`default_path`](super::default_path) if it is there.
    /// A path that another process still has whose relays accept no more is taken over from it. This waits for that
    /// process, for some seconds at most.
    ///
    /// # Errors
    /// [`Error::Held`] when another process controls relays there that accept clients, [`Error::Name`],
    /// [`Error::Folder`], and what keeps a socket from being made.
    ///
    /// # Examples
    /// ```
    /// use sockeye_relay::control::Server;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("relay.ctl");
    /// let server = Server::open(&path)?;
    /// assert!(path.exists());
    /// drop(server);
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = Name::Path(path.to_owned());
        if path.extension() != Some(EXTENSION.as_ref()) {
            return Err(Error::Name { path: name });
        }
        path::prepare_folder(path)?;
        let listener = bind_after(path, &name)?;
        Ok(Server { listener })
    }

    /// Answers for relays, until the socket's path was given to another process and the last client has left. Dropping
    /// the future ends it at once. To be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Serve`] when the socket fails.
    pub async fn serve(self, handles: Vec<Handle>) -> Result<(), Error> {
        let name = self.listener.name().clone();
        let failed = |source| Error::Serve {
            path: name.clone(),
            source,
        };
        let door = watched(&self.listener).map_err(failed)?;
        let service = Arc::new(Service::new(handles));
        let (release, mut released) = mpsc::channel::<Release>(1);
        let mut clients = JoinSet::new();
        let asked = loop {
            tokio::select! {
                client = accept(&door) => {
                    let client = client.map_err(failed)?;
                    if may_ask(&client, clients.len()) {
                        clients.spawn(attend(client, Arc::clone(&service), release.clone()));
                    }
                }
                Some(asked) = released.recv() => break asked,
                Some(_) = clients.join_next() => {}
            }
        };
        // First the file, then the socket: whoever asked may bind the path now.
        drop((self.listener, door, released));
        let _ = asked.send(());
        while clients.join_next().await.is_some() {}
        Ok(())
    }
}

/// Binds a path, once the process that has it has given it up or ended.
fn bind_after(path: &Path, name: &Name) -> Result<Listener, Error> {
    for _ in 1..MAX_ATTEMPTS {
        match bind(name) {
            Err(sockeye_socket::Error::InUse { .. }) => {}
            answer => return Ok(answer?),
        }
        let asked = Client::connect(path).and_then(|mut client| client.ask(&Request::Release {}));
        match asked {
            // It has given it up, or is ending.
            Ok(_) | Err(Error::Nobody { .. } | Error::Closed { .. }) => {}
            Err(refused @ Error::Refused { .. }) => {
                return Err(Error::Held {
                    path: name.clone(),
                    source: Box::new(refused),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bind(name)?)
}

fn bind(name: &Name) -> Result<Listener, sockeye_socket::Error> {
    let options = BindOptions::new().mode(Mode::new(0o600));
    Listener::bind(name, Kind::Stream, &options)
}

fn watched(listener: &Listener) -> io::Result<UnixListener> {
    rustix::io::ioctl_fionbio(listener, true)?;
    let again = rustix::io::fcntl_dupfd_cloexec(listener, 3)?;
    UnixListener::from_std(again.into())
}

async fn accept(door: &UnixListener) -> io::Result<UnixStream> {
    loop {
        let error = match door.accept().await {
            Ok((client, _)) => return Ok(client),
            Err(error) => error,
        };
        match Errno::from_io_error(&error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            Some(Errno::CONNABORTED | Errno::INTR) => {}
            _ => return Err(error),
        }
    }
}

/// Turns strangers away, and those that are too many. They are told why, if they can take it at once.
fn may_ask(client: &UnixStream, clients: usize) -> bool {
    let own = geteuid().as_raw();
    let refusal = match client.peer_cred() {
        Err(error) => error,
        Ok(who) if ![own, 0].contains(&who.uid()) => {
            io::Error::other(format!("only user {own} and root may ask"))
        }
        Ok(_) if clients >= MAX_CLIENTS => {
            io::Error::other(format!("{MAX_CLIENTS} clients are served already"))
        }
        Ok(_) => return true,
    };
    let _ = net::send(
        client,
        &error_line(&refusal),
        SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    );
    false
}

/// Answers one client until it has asked all.
async fn attend(client: UnixStream, service: Arc<Service>, release: mpsc::Sender<Release>) {
    let mut client = BufReader::new(client);
    // A client that cannot be read or written any more has left.
    while let Ok(true) = attend_once(&mut client, &service, &release).await {}
}

/// Answers one request; `false` when there was none.
async fn attend_once(
    client: &mut BufReader<UnixStream>,
    service: &Service,
    release: &mpsc::Sender<Release>,
) -> io::Result<bool> {
    match line::next(client).await? {
        Line::Whole(line) => {
            let (line, passed) = answer(&line, service, release).await;
            send(client.get_mut(), &line, passed).await?;
        }
        Line::TooLong => {
            // Answered before the rest is read: it may never end.
            send(client.get_mut(), &error_line(&Refusal::TooLong), None).await?;
            line::skip(client).await?;
        }
        Line::End => return Ok(false),
    }
    Ok(true)
}

async fn answer(
    line: &[u8],
    service: &Service,
    release: &mpsc::Sender<Release>,
) -> (Vec<u8>, Option<OwnedFd>) {
    let done = match Request::read(line) {
        Ok(request) => service.serve(request).await,
        Err(bad) => Err(bad.into()),
    };
    match done {
        Err(refusal) => (error_line(&refusal), None),
        Ok(done) => {
            if matches!(done.answer, Answer::Release {}) {
                let (told, is_free) = oneshot::channel();
                // Neither can fail but because it is free already.
                let _ = release.send(told).await;
                let _ = is_free.await;
            }
            (done.answer.line(), done.passed)
        }
    }
}

/// Sends a line, and a descriptor with its first byte.
async fn send(client: &mut UnixStream, line: &[u8], passed: Option<OwnedFd>) -> io::Result<()> {
    let Some(passed) = passed else {
        return client.write_all(line).await;
    };
    let sent = client
        .async_io(Interest::WRITABLE, || {
            let descriptors = [passed.as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
            let parts = [IoSlice::new(line)];
            Ok(net::sendmsg(
                &*client,
                &parts,
                &mut control,
                SendFlags::NOSIGNAL,
            )?)
        })
        .await?;
    client.write_all(line.get(sent..).unwrap_or_default()).await
}
