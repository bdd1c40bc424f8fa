//! An ssh server of a test's own: one `sshd -i` for each connection to a port that the kernel chose.

use std::ffi::OsString;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use sockeye_address::SshPath;
use sockeye_relay::ssh::Settings;
use tempfile::TempDir;

/// The server and its keys, in a folder.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    port: u16,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    over: AtomicBool,
    sessions: Mutex<Vec<(TcpStream, Child)>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        for key in ["host", "user"] {
            let path = folder.path().join(key);
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
            let made = Command::new("ssh-keygen")
                .args(arguments)
                .arg(path)
                .status();
            assert!(made.expect("ssh-keygen is needed").success());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        write_configuration(folder.path(), port);
        if rustix::process::geteuid().is_root() {
            // As the service of the system does: sshd will not run as root without it.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let state = Arc::<State>::default();
        let theirs = Arc::clone(&state);
        let configuration = folder.path().join("sshd_config");
        let thread = std::thread::spawn(move || serve(&listener, &configuration, &theirs));
        Server {
            folder,
            port,
            thread: Some(thread),
            state,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self, path: impl Into<PathBuf>) -> SshPath {
        SshPath {
            user: Some(user()),
            host: "127.0.0.1".into(),
            port: Some(self.port),
            path: path.into(),
        }
    }

    /// A client that this server lets in; its private folders are made in `private`.
    pub(crate) fn settings(&self) -> Settings {
        let option = |name: &str, file: &str| -> OsString {
            format!("{name}={}", self.path(file).display()).into()
        };
        let private = self.path("private");
        std::fs::create_dir_all(&private).unwrap();
        Settings {
            options: vec![
                "-Fnone".into(),
                "IdentitiesOnly=yes".into(),
                "GlobalKnownHostsFile=/dev/null".into(),
                option("IdentityFile", "user"),
                option("UserKnownHostsFile", "known_hosts"),
            ],
            folder: Some(private),
            ..Settings::default()
        }
    }

    /// How many sessions there were.
    pub(crate) fn sessions(&self) -> usize {
        self.state.sessions.lock().unwrap().len()
    }

    /// Cuts all sessions.
    pub(crate) fn cut(&self) {
        for (stream, _) in self.state.sessions.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn write_configuration(folder: &Path, port: u16) {
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n\
         LogLevel QUIET\n",
        at("host"),
        at("user.pub")
    );
    std::fs::write(at("sshd_config"), text).unwrap();
    let key = std::fs::read_to_string(at("host.pub")).unwrap();
    std::fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
}

fn serve(listener: &TcpListener, configuration: &Path, state: &State) {
    for stream in listener.incoming() {
        if state.over.load(Ordering::SeqCst) {
            return;
        }
        let stream = stream.unwrap();
        let end = || OwnedFd::from(stream.try_clone().unwrap());
        let child = Command::new("/usr/sbin/sshd")
            .arg("-i")
            .arg("-f")
            .arg(configuration)
            .stdin(end())
            .stdout(end())
            .stderr(Stdio::null())
            .spawn()
            .expect("sshd is needed");
        state.sessions.lock().unwrap().push((stream, child));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // This one is only to be noticed.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
        self.cut();
        for (_, child) in self.state.sessions.lock().unwrap().iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The only one that every server can let in is who runs it.
fn user() -> String {
    sockeye_privilege::user_name(rustix::process::geteuid().as_raw()).unwrap()
}
