//! curl before nginx.

use crate::program::noise;
use crate::server::Running;
use crate::stage::{Stage, open};

const CONFIGURATION: &str = "
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 100m;
    server {
        listen unix:{dir}/http.sock;
        root {dir};
        location /upload {
            client_body_in_file_only on;
            add_header Kept $request_body_file;
            proxy_pass http://unix:{dir}/inner.sock;
        }
    }
    server {
        listen unix:{dir}/inner.sock;
        return 200 stored;
    }
}
";

/// Serves the files of the folder, and keeps what is sent to `/upload` in the file that it names in its answer.
pub(crate) fn server(stage: &Stage) -> Running {
    open(stage.folder());
    let configuration = CONFIGURATION.replace("{dir}", stage.text("").trim_end_matches('/'));
    stage.write("nginx.conf", configuration);
    let file = stage.text("nginx.conf");
    let folder = stage.text("");
    let run = ["nginx", "-e", "stderr", "-p", &folder, "-c", &file];
    stage.server(&run, "start worker process ")
}

const CURL: [&str; 5] = ["curl", "-sSf", "--http1.1", "--unix-socket", "in.sock"];

#[test]
fn ten_megabytes_are_downloaded_and_uploaded() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./http.sock"]);
    let content = noise(10_000_000);
    stage.write("file", &content);
    let download = [&CURL[..], &["http://localhost/file"]].concat();
    assert!(stage.run_with(&download, b"") == content);

    let upload = ["-D", "head", "-T", "-", "http://localhost/upload"];
    let answer = stage.run_with(&[&CURL[..], &upload].concat(), &content);
    assert_eq!(answer, b"stored");
    let head = String::from_utf8(stage.read("head")).unwrap();
    let kept = head.lines().find_map(|line| line.strip_prefix("Kept: "));
    assert!(std::fs::read(kept.expect(&head)).unwrap() == content);
    relay.stop_without_failure();
}

#[test]
fn one_connection_is_kept_for_several_requests() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./http.sock"]);
    let url = "http://localhost/nginx.conf";
    let made = ["-o", "/dev/null", "-w", "%{num_connects} %{http_code}\n"];
    let twice = [&CURL[..], &made, &[url, "-o", "/dev/null", url]].concat();
    assert_eq!(stage.run(&twice), "1 200\n0 200\n");
    let log = relay.stop_without_failure();
    assert!(log.contains(": 1 client, "), "{log}");
}

#[test]
fn a_download_that_is_given_up_ends_at_the_server() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./http.sock"]);
    stage.write("file", noise(10_000_000));
    let some = ["--max-filesize", "1000", "http://localhost/file"];
    let ended = stage.start(&[&CURL[..], &some].concat()).end();
    assert_eq!(ended.status, Some(63), "{ended:?}");
    relay.says(" ended ");
    relay.stop();
}
