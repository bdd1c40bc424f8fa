//! Sockets of this process, and servers in a process of their own.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::net::{self, SocketAddrUnix, SocketType};

pub(crate) use crate::sockets::{bound, listening, socket};

pub(crate) fn connected(path: &Path) -> OwnedFd {
    let client = socket(SocketType::STREAM);
    net::connect(&client, &SocketAddrUnix::new(path).unwrap()).unwrap();
    client
}

/// A program that has said it is ready, ended with the test.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a program that prints a line when it is ready.
    pub(crate) fn start(command: &mut Command) -> Server {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let server = Server(child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the server did not start");
        server
    }

    /// A Python program, given its arguments, that is to end with `wait()`.
    pub(crate) fn python(program: &str, arguments: &[&str]) -> Server {
        Server::start(python(&mut Command::new("python3"), program, arguments))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Stops it, and waits until the kernel says that it has.
    pub(crate) fn stop(&self) {
        use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Adds `-c program arguments` with what the programs here share.
pub(crate) fn python<'a>(
    command: &'a mut Command,
    program: &str,
    arguments: &[&str],
) -> &'a mut Command {
    let shared = "import resource, signal, sys\n\
                  from socket import *\n\
                  def wait():\n    print('ready', flush=True)\n    signal.pause()\n";
    command
        .arg("-c")
        .arg(format!("{shared}{program}"))
        .args(arguments)
}

/// Binds and listens at the path, or abstract name with `@`, that is its argument.
pub(crate) const LISTEN: &str = "server = socket(AF_UNIX)\n\
                                 server.bind(sys.argv[1].replace('@', '\\0'))\n\
                                 server.listen(5)\n\
                                 wait()\n";
