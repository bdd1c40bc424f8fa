//! Who holds a socket: many, none, and two ways to find them that agree.

use serde_json::Value;

use crate::command::{all_in, endpoint, folder, is_root, json, list, ls, parsed, pids, text};
use crate::scene::Program;

#[test]
fn everybody_who_holds_a_socket_after_a_fork_is_shown() {
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\n\
                   children = []\n\
                   for i in range(3):\n    child = os.fork()\n    if child == 0: signal.pause()\n    children.append(child)\n\
                   ready()\npause()\nfor child in children: os.kill(child, 9)\nready()";
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(program, &[text(&path)]);
    let document = json([&path]);
    let holders = pids(endpoint(&document, text(&path)));
    assert_eq!(holders.len(), 4, "{document:#}");
    assert!(holders.contains(&server.pid()), "{document:#}");
    let all: Vec<String> = holders.iter().map(u32::to_string).collect();
    ls([&path]).says(&[&format!("python3[{}] ", all.join(","))]);
    server.go_on();
}

#[test]
fn a_socket_held_twice_by_a_process_names_it_once_with_both_descriptors() {
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\nos.dup2(server.fileno(), 77)\nwait()";
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = Program::python(program, &[text(&path)]);
    let document = json([&path]);
    let processes = list(endpoint(&document, text(&path)), "processes");
    assert_eq!(processes.len(), 1, "{document:#}");
    let descriptors = list(&processes[0], "descriptors");
    assert_eq!(
        (descriptors.len(), descriptors[1].as_u64()),
        (2, Some(77)),
        "{document:#}"
    );
    let answer = ls([&path]);
    assert_eq!(
        answer.text.matches(&server.pid().to_string()).count(),
        1,
        "{answer:#?}"
    );
}

#[test]
fn a_socket_in_flight_inside_another_is_held_by_nobody() {
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\n\
                   left, right = socketpair()\n\
                   send_fds(left, [b'x'], [server.fileno()])\nserver.close()\n\
                   ready()\npause()\n\
                   message, kept, flags, address = recv_fds(right, 1, 1)\nready()\npause()";
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(program, &[text(&path)]);
    let document = json([&path]);
    let listener = endpoint(&document, text(&path));
    assert_eq!(
        (pids(listener), &listener["state"]),
        (vec![], &"listening".into()),
        "{document:#}"
    );
    if is_root() {
        ls([&path]).says(&["(no process)"]);
    }
    // When it has arrived, it is held again.
    server.go_on();
    let document = json([&path]);
    assert_eq!(
        pids(endpoint(&document, text(&path))),
        [server.pid()],
        "{document:#}"
    );
}

/// Forks, threads, duplicates, passed descriptors, closed ends, pairs: some dozen sockets of all kinds.
const SCENE: &str = "\
folder = sys.argv[1]
kept = []
for number in range(6):
    server = socket(AF_UNIX, [SOCK_STREAM, SOCK_SEQPACKET][number % 2])
    server.bind(f'{folder}/server{number}')
    server.listen(4)
    for client in range(number):
        end = socket(AF_UNIX, server.type)
        end.connect(f'{folder}/server{number}')
        kept.append(end)
        if client % 2:
            kept.append(server.accept()[0])
    kept.append(server)
log = socket(AF_UNIX, SOCK_DGRAM)
log.bind(f'{folder}/log')
for number in range(3):
    end = socket(AF_UNIX, SOCK_DGRAM)
    end.connect(f'{folder}/log')
    end.send(b'line')
    kept.append(end)
kept += socketpair()
flying = socket(AF_UNIX)
flying.bind(f'{folder}/flying')
left, right = socketpair()
send_fds(left, [b'x'], [flying.fileno()])
flying.close()
os.dup2(log.fileno(), 200)
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        for end in kept[number::3]:
            end.close()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        signal.pause()
    children.append(child)
threading.Thread(target=lambda: [kept, threading.Event().wait()], daemon=True).start()
ready()
pause()
for child in children:
    os.kill(child, 9)
ready()
";

fn as_found_by(source: &str, pattern: &str) -> [Value; 2] {
    let document = parsed(&ls([
        "--json",
        "--connections",
        "--holders",
        source,
        pattern,
    ]));
    assert_eq!(document["holder_source"], source);
    ["endpoints", "connections"].map(|part| document[part].clone())
}

#[test]
#[ignore = "needs root"]
fn the_iterator_and_the_walk_of_proc_give_the_same_answer() {
    let folder = folder();
    let mut scene = Program::python(SCENE, &[text(folder.path())]);
    let pattern = all_in(folder.path());
    let [endpoints, connections] = as_found_by("bpf", &pattern);
    assert_eq!(endpoints.as_array().unwrap().len(), 8, "{endpoints:#}");
    assert_eq!(connections.as_array().unwrap().len(), 18, "{connections:#}");
    assert_eq!([endpoints, connections], as_found_by("proc", &pattern));
    scene.go_on();
}

#[test]
#[ignore = "needs root"]
fn a_process_whose_first_thread_ended_still_holds_its_sockets() {
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\n\
                   def serve():\n    import time\n    main = threading.main_thread().native_id\n\
                   \x20   while open(f'/proc/self/task/{main}/stat').read().split(') ')[1][0] != 'Z': time.sleep(0.01)\n\
                   \x20   ready()\n    pause()\n    os._exit(0)\n\
                   threading.Thread(target=serve).start()\n\
                   import ctypes\nready()\npause()\nctypes.CDLL(None).syscall(60, 0)";
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(program, &[text(&path)]);
    server.go_on();
    for source in ["bpf", "proc"] {
        let document = parsed(&ls(["--json", "--holders", source, text(&path)]));
        assert_eq!(
            pids(endpoint(&document, text(&path))),
            [server.pid()],
            "{source}: {document:#}"
        );
    }
}
