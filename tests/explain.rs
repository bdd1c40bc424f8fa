//! `--explain`: the life of a socket as a learner sees it.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::program::{Place, Program, run, run_with};

    /// What was said, with the folder of the test, process and user numbers left out. Descriptor numbers stay: they are
    /// the same in every run, so that a learner can follow them.
    fn told(place: &Place, said: &str) -> String {
        let folder = place.folder().to_str().unwrap();
        let said = said.replace(folder, "/folder");
        let mut told = String::new();
        for line in said.lines() {
            match line.split_once("{pid=") {
                Some((before, after)) => {
                    let (_, after) = after.split_once('}').unwrap();
                    told.extend([before, "{pid=P, uid=U, gid=G}", after]);
                }
                None => told.push_str(line),
            }
            told.push('\n');
        }
        told
    }

    #[test]
    fn of_a_stream_client() {
        let place = Place::new();
        let server = Program::serve(["listen", "--echo", &place.address(false)]);
        let client =
            run_with(["connect", "--explain", &place.address(false)], b"hello\n").succeeded();
        server.stop().succeeded();
        // The two directions are independent; only the order within each is certain.
        let lines: Vec<_> = client.stderr.lines().collect();
        let mut calls: Vec<_> = lines.chunks(2).map(|pair| pair.join("\n")).collect();
        calls[2..].sort();
        assert_snapshot!(told(&place, &calls.join("\n")), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        connect(3, {AF_UNIX, "/folder/s.sock"}) = 0
            there is room in the queue: this succeeds before the server has accepted
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        read(3, "", 262144) = 0
            nothing, at once: the other end will send no more (end of stream)
        read(3, "hello\n", 262144) = 6
            bytes from the other end; one read may bring less or more than one write sent
        sendto(3, "hello\n", 6, MSG_NOSIGNAL) = 6
            the bytes are in the queue of the other end; whether they are read is not known
        shutdown(3, SHUT_WR) = 0
            half-close: the other end reads the end of the stream, and can still answer
        "##);
    }

    #[test]
    fn of_a_server_of_one_client() {
        let place = Place::new();
        let server = Program::serve([
            "listen",
            "--once",
            "--echo",
            "--explain",
            &place.address(false),
        ]);
        run_with(["connect", &place.address(false)], b"hello\n").succeeded();
        let said = server.end().succeeded().stderr;
        let said: Vec<_> = said.lines().filter(|line| !line.starts_with('#')).collect();
        assert_snapshot!(told(&place, &said.join("\n")), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        bind(3, {AF_UNIX, "/folder/s.sock"}) = 0
            the socket has a name now, and the name is a file: ls -l shows it with an s
        listen(3, 4096) = 0
            clients can connect from now on: they wait in a queue until they are accepted
        listening on /folder/s.sock
        accept4(3, {AF_UNIX}, SOCK_CLOEXEC) = 4
            takes the first client out of the queue: a new socket for this client alone, the old one listens on
        getsockopt(4, SOL_SOCKET, SO_PEERCRED, {pid=P, uid=U, gid=G}) = 0
            the kernel vouches for it: this process, user and group called connect (or listen)
        unlink("/folder/s.sock") = 0
            the file is gone: it does not go by itself when the socket is closed
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        recvmsg(4, {data="hello\n", size=262144}, MSG_CMSG_CLOEXEC) = 6
            what the other end sent; descriptors would come this way too
        sendto(4, "hello\n", 6, MSG_NOSIGNAL) = 6
            the bytes are in the queue of the other end; whether they are read is not known
        recvmsg(4, {data="", size=262144}, MSG_CMSG_CLOEXEC) = 0
            nothing: the other end will send no more, or said nothing
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        "##);
    }

    #[test]
    fn of_a_receiver_with_a_mode_that_takes_a_stale_file_over() {
        let place = Place::new();
        let killed = Program::serve(["recv", &place.address(false)]);
        killed.signal(rustix::process::Signal::KILL);
        killed.end();
        let receiver =
            Program::serve(["recv", "--explain", "--mode", "660", &place.address(false)]);
        run(["send", &place.address(false), "hello"]).succeeded();
        assert_snapshot!(told(&place, &receiver.end().succeeded().stderr), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        fchmod(3, 0600) = 0
            bind will make the file private; it is opened up when all is set
        bind(3, {AF_UNIX, "/folder/s.sock"}) = -1 EADDRINUSE (Address already in use)
            the name is taken: by a live socket, or a file left over
        flock("/folder", LOCK_EX|LOCK_NB) = 0
            two programs that want the same stale file take turns
        socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0) = 5
            a descriptor for a new socket: no name, no peer; it sends and receives whole messages
        connect(5, {AF_UNIX, "/folder/s.sock"}) = -1 ECONNREFUSED (Connection refused)
            nobody is bound to this name (with this kind of socket); a file may be left over: it is stale
        close(5) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        unlink("/folder/s.sock") = 0
            the file is gone: it does not go by itself when the socket is closed
        bind(3, {AF_UNIX, "/folder/s.sock"}) = 0
            the socket has a name now, and the name is a file: ls -l shows it with an s
        chmod("/folder/s.sock", 0660) = 0
            who may write to the file may connect
        listen(3, 4096) = 0
            clients can connect from now on: they wait in a queue until they are accepted
        listening on /folder/s.sock
        accept4(3, {AF_UNIX}, SOCK_CLOEXEC) = 4
            takes the first client out of the queue: a new socket for this client alone, the old one listens on
        recvmsg(4, {data="hello", size=262144}, MSG_CMSG_CLOEXEC) = 5
            what the other end sent; descriptors would come this way too
        recvmsg(4, {data="", size=262144}, MSG_CMSG_CLOEXEC) = 0
            nothing: the other end will send no more, or said nothing
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        unlink("/folder/s.sock") = 0
            the file is gone: it does not go by itself when the socket is closed
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        "##);
    }

    #[test]
    fn of_a_datagram_with_a_descriptor_whose_kind_is_found_out() {
        let place = Place::new();
        let receiver = Program::serve(["recv", "--dgram", "--explain", &place.address(false)]);
        let sender = run([
            "send",
            "--explain",
            &place.address(false),
            "hello",
            "--fd",
            "/dev/null",
        ])
        .succeeded();
        let sender = without_chosen_name(&sender.stderr);
        let receiver = without_chosen_name(&receiver.end().succeeded().stderr);
        assert_snapshot!(told(&place, &sender), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 4
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        connect(4, {AF_UNIX, "/folder/s.sock"}) = -1 EPROTOTYPE (Protocol wrong type for socket)
            somebody is bound to it, with another kind of socket
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        socket(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0) = 4
            a descriptor for a new socket: no name, no peer yet; whole messages over a connection
        connect(4, {AF_UNIX, "/folder/s.sock"}) = -1 EPROTOTYPE (Protocol wrong type for socket)
            somebody is bound to it, with another kind of socket
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0) = 4
            a descriptor for a new socket: no name, no peer; it sends and receives whole messages
        bind(4, {AF_UNIX}) = 0
            the kernel chooses an abstract name, so that an answer can find this socket
        connect(4, {AF_UNIX, "/folder/s.sock"}) = 0
            from now on messages go there and come from there only; nobody is told of it
        sendmsg(4, {data="hello", size=5, SCM_RIGHTS=[3]}, MSG_NOSIGNAL) = 5
            descriptors travel with the bytes: the receiver gets its own duplicates
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        "##);
        assert_snapshot!(told(&place, &receiver), @r##"
        socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer; it sends and receives whole messages
        bind(3, {AF_UNIX, "/folder/s.sock"}) = 0
            the socket has a name now, and the name is a file: ls -l shows it with an s
        listening on /folder/s.sock
        recvmsg(3, {name={AF_UNIX, @"CHOSEN"}, data="hello", size=262144, SCM_RIGHTS=[4]}, MSG_CMSG_CLOEXEC) = 5
            descriptors came along: they are this process's own now, under new numbers
        received descriptor: character device /dev/null, read-only
        unlink("/folder/s.sock") = 0
            the file is gone: it does not go by itself when the socket is closed
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        "##);
    }

    fn without_chosen_name(said: &str) -> String {
        said.split("@\"")
            .enumerate()
            .fold(String::new(), |text, (at, piece)| {
                if at == 0 {
                    piece.to_owned()
                } else {
                    text + "@\"CHOSEN" + &piece[5..]
                }
            })
    }

    #[test]
    fn of_a_refused_client() {
        let place = Place::new();
        let refused = run(["send", "--explain", &place.address(false), "hello"]);
        assert_snapshot!(told(&place, &refused.stderr), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        connect(3, {AF_UNIX, "/folder/s.sock"}) = -1 ENOENT (No such file or directory)
            there is no file of this name
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        sockeye: connect /folder/s.sock: No such file or directory (os error 2)
          `sockeye doctor /folder/s.sock` says why
        "##);
    }

    #[test]
    fn of_a_name_of_more_than_108_bytes() {
        let place = Place::new();
        let folder = place.folder().join("d".repeat(120));
        std::fs::create_dir(&folder).unwrap();
        let address = folder.join("s").to_str().unwrap().to_owned();
        let receiver = Program::serve(["recv", "--explain", &address]);
        run(["send", &address, "hello"]).succeeded();
        let said = receiver
            .end()
            .succeeded()
            .stderr
            .replace(&"d".repeat(120), "LONG");
        assert_snapshot!(told(&place, &said), @r##"
        socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
            a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways
        openat(AT_FDCWD, "/folder/LONG", O_PATH|O_CLOEXEC|O_DIRECTORY) = 4
            the path has over 107 bytes, more than an address holds: the folder is reached through this descriptor
        bind(3, {AF_UNIX, "/proc/self/fd/4/s"}) = 0
            the socket has a name now, and the name is a file: ls -l shows it with an s
        listen(3, 4096) = 0
            clients can connect from now on: they wait in a queue until they are accepted
        listening on /folder/LONG/s
        accept4(3, {AF_UNIX}, SOCK_CLOEXEC) = 5
            takes the first client out of the queue: a new socket for this client alone, the old one listens on
        recvmsg(5, {data="hello", size=262144}, MSG_CMSG_CLOEXEC) = 5
            what the other end sent; descriptors would come this way too
        recvmsg(5, {data="", size=262144}, MSG_CMSG_CLOEXEC) = 0
            nothing: the other end will send no more, or said nothing
        close(5) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        unlink("/folder/LONG/s") = 0
            the file is gone: it does not go by itself when the socket is closed
        close(4) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        close(3) = 0
            this process lets go of it; the kernel ends the socket with its last descriptor
        "##);
    }

    #[test]
    fn what_passes_is_not_changed_by_it() {
        let place = Place::new();
        let server = Program::serve(["listen", "--echo", "--explain", &place.address(false)]);
        let answer =
            run_with(["connect", "--explain", &place.address(false)], b"a\xff\0b").succeeded();
        assert_eq!(answer.stdout, b"a\xff\0b");
        assert!(
            answer
                .stderr
                .contains(r#"sendto(3, "a\xff\x00b", 4, MSG_NOSIGNAL) = 4"#),
            "{}",
            answer.stderr
        );
        server.stop().succeeded();
    }
}
