//! Services: by word and by name, and their table in docs/address.md.

use std::fmt::Write as _;

use rstest::rstest;
use sockeye_address::well_known::{SERVICES, find, recognise};
use sockeye_address::{AbstractName, Address, Name};

#[rstest]
#[case("/run/docker.sock", Some("docker"))]
#[case("/var/run/docker.sock", Some("docker"))]
#[case("/run/user/1000/docker.sock", Some("docker"))]
#[case("/run/user/x/docker.sock", None)]
#[case("/run/docker/containerd/containerd.sock", Some("containerd"))]
#[case("/run/dbus/system_bus_socket", Some("dbus-system"))]
#[case("/run/user/0/bus", Some("dbus-session"))]
#[case("/run/systemd/journal/socket", Some("journal"))]
#[case("/dev/log", Some("syslog"))]
#[case("/tmp/.X11-unix/X1", Some("x11"))]
#[case("/tmp/.X11-unix/sub/X1", None)]
#[case("/run/php/php8.2-fpm.sock", Some("php-fpm"))]
#[case("/tmp/tmux-1000/default", Some("tmux"))]
#[case("/tmp/ssh-abc/agent.77", Some("ssh-agent"))]
#[case("/run/postgresql/.s.PGSQL.5433", Some("postgres"))]
#[case("/home/me/docker.sock", None)]
#[case("/variable/run/docker.sock", None)]
fn a_path_tells_its_service(#[case] path: &str, #[case] word: Option<&str>) {
    assert_eq!(
        recognise(&Name::Path(path.into())).map(|service| service.word),
        word
    );
}

#[test]
fn an_abstract_name_tells_its_service_and_is_no_path() {
    let named = |name: &str| {
        let name = Name::Abstract(AbstractName::new(name).unwrap());
        recognise(&name).map(|service| service.word)
    };
    assert_eq!(named("/tmp/.X11-unix/X0"), Some("x11"));
    assert_eq!(named("/tmp/dbus-8sdf"), Some("dbus-session"));
    assert_eq!(named("/run/docker.sock"), None);
}

#[test]
fn the_environment_comes_before_the_usual_place() {
    let docker = find("docker").unwrap();
    let with = |host: &'static str| {
        docker.names(|variable| (variable == "DOCKER_HOST").then(|| host.to_owned()))
    };
    assert_eq!(with("unix:///tmp/d.sock")[0].to_string(), "/tmp/d.sock");
    assert_eq!(
        with("tcp://h:2375")[0].to_string(),
        "/run/docker.sock",
        "another protocol is no Unix socket"
    );
    assert_eq!(with("")[0].to_string(), "/run/docker.sock");
    let wayland = find("wayland").unwrap();
    let names = wayland.names(|variable| match variable {
        "WAYLAND_DISPLAY" => Some("wayland-1".into()),
        "XDG_RUNTIME_DIR" => Some("/run/user/7".into()),
        _ => None,
    });
    assert_eq!(names[0].to_string(), "/run/user/7/wayland-1");
}

#[test]
fn every_word_stands_for_one_service_and_for_nothing_else() {
    for (at, service) in SERVICES.iter().enumerate() {
        assert!(
            SERVICES[..at]
                .iter()
                .all(|other| other.word != service.word),
            "{} twice",
            service.word
        );
        assert_eq!(
            service.word.parse::<Address>(),
            Ok(Address::WellKnown(service))
        );
        assert!(!service.places.is_empty(), "{}", service.word);
    }
}

#[test]
fn the_table_of_services_in_the_documentation_is_this_one() {
    let mut table = String::from(
        "| word | service | where its socket is, best guess first |\n| --- | --- | --- |\n",
    );
    for service in SERVICES {
        let places: Vec<String> = service
            .places
            .iter()
            .map(|place| format!("`{place}`"))
            .collect();
        let _ = writeln!(
            table,
            "| `{}` | {} | {} |",
            service.word,
            service.title,
            places.join(", ")
        );
    }
    let page = include_str!("../../../docs/address.md");
    let (_, rest) = page
        .split_once("<!-- services -->\n")
        .expect("the table begins");
    let (written, _) = rest
        .split_once("<!-- end of services -->")
        .expect("the table ends");
    assert!(
        written == table,
        "put this between the marks in docs/address.md:\n{table}"
    );
}
