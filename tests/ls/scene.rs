//! Sockets of this process, and programs with sockets of their own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::{self, SocketAddrUnix, SocketType};

pub(crate) use crate::sockets::{bound, listening, socket};

pub(crate) fn listening_abstract(name: &[u8]) -> OwnedFd {
    let socket = socket(SocketType::STREAM);
    net::bind(&socket, &SocketAddrUnix::new_abstract_name(name).unwrap()).unwrap();
    net::listen(&socket, 5).unwrap();
    socket
}

/// A listener whose path is longer than `sun_path`: bound below a descriptor of its folder.
pub(crate) fn listening_far_down(folder: &Path, name: &str) -> OwnedFd {
    use std::os::fd::AsRawFd as _;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, folder, flags, Mode::empty()).unwrap();
    let path = format!("/proc/self/fd/{}/{name}", folder.as_fd().as_raw_fd());
    listening(path.as_ref(), 5)
}

pub(crate) fn connected(path: &Path) -> OwnedFd {
    connected_as(path, SocketType::STREAM)
}

pub(crate) fn connected_as(path: &Path, kind: SocketType) -> OwnedFd {
    let client = socket(kind);
    net::connect(&client, &SocketAddrUnix::new(path).unwrap()).unwrap();
    client
}

/// A program that has said it is ready, ended with the test.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a Python program. It says that something is done with `ready()`, waits for [`Program::go_on`] with
    /// `pause()`, and for its end with `wait()`.
    pub(crate) fn python(program: &str, arguments: &[&str]) -> Program {
        Self::python_under(Command::new("python3"), program, arguments)
    }

    /// The same, started by another command.
    pub(crate) fn python_under(mut command: Command, program: &str, arguments: &[&str]) -> Program {
        let shared = "import array, os, resource, signal, sys, threading\n\
                      from socket import *\n\
                      def ready(*words):\n    print('ready', *words, flush=True)\n\
                      def pause():\n    sys.stdin.readline()\n\
                      def wait():\n    ready()\n    pause()\n    os._exit(0)\n";
        let mut child = command
            .arg("-c")
            .arg(format!("{shared}{program}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut program = Program {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        program.wait_until_ready();
        program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on from `pause()`, to the next `ready()`.
    pub(crate) fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        if self.output.buffer().is_empty() {
            let mut ends = [PollFd::new(self.output.get_ref(), PollFlags::IN)];
            let patience = Timespec {
                tv_sec: 120,
                tv_nsec: 0,
            };
            assert_eq!(
                poll(&mut ends, Some(&patience)),
                Ok(1),
                "the program says nothing"
            );
        }
        self.output.read_line(&mut line).unwrap();
        assert!(line.starts_with("ready"), "the program broke: {line:?}");
    }

    /// Lets it end.
    pub(crate) fn end(mut self) {
        self.input.write_all(b"\n").unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Listens at a path below `folder`, on which it has mounted another filesystem that nobody else sees. `prepare` is a
/// line of shell run there before.
pub(crate) fn below_a_mount_of_its_own(folder: &Path, prepare: &str, path: &Path) -> Program {
    std::fs::create_dir(folder).unwrap();
    let mount = format!("mount -t tmpfs none \"$0\" && {prepare} && exec python3 \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &mount]).arg(folder);
    Program::python_under(command, SERVE, &[path.to_str().unwrap()])
}

/// Listens at its argument, a path or a name with `@`, and accepts one client at each [`Program::go_on`].
pub(crate) const SERVE: &str = "\
server = socket(AF_UNIX)
server.bind(sys.argv[1].replace('@', '\\0'))
server.listen(5)
clients = []
while True:
    ready()
    pause()
    clients.append(server.accept()[0])
";

/// Connects to its argument.
pub(crate) const CONNECT: &str = "\
client = socket(AF_UNIX)
client.connect(sys.argv[1].replace('@', '\\0'))
wait()
";
