//! What can be done about each verdict, the likeliest first.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sockeye_address::escape::{escape, shell_word};
use sockeye_address::{Kind, Name};
use sockeye_doctor::cause::{
    ClientLimitReached, Deleted, DoesNotAccept, Elsewhere, Near, Nearness, Part, PermissionDenied,
    Sign, Stale, TooLong, Unseen, Way, Where, WrongKind,
};
use sockeye_doctor::{Diagnosis, Processes, Verdict};
use sockeye_privilege::{Ability, User, effective, group_name, user_name};

/// Lines to print below the sentence.
pub(crate) fn remedies(diagnosis: &Diagnosis) -> Vec<String> {
    match &diagnosis.verdict {
        Verdict::WouldConnect(_) => Vec::new(),
        Verdict::NoSuchFile(cause) => or_else(near(&cause.near), "start the server, or check the path"),
        Verdict::NoSuchName(cause) => or_else(near(&cause.near), "start the server, or check the name"),
        Verdict::NotASocket(_) | Verdict::NotAFolder(_) => vec!["check the path".to_owned()],
        Verdict::LinkLoop(cause) => vec![format!("mend the link {}", shown(&cause.at))],
        Verdict::NameTooLong(cause) => vec![match cause.what {
            TooLong::Path => "change to a folder nearer to the socket and use a relative path".to_owned(),
            TooLong::Part => "check the path: no folder and no file can have such a name".to_owned(),
        }],
        Verdict::PermissionDenied(cause) => permission(cause),
        Verdict::Undecided(cause) => undecided(&cause.unseen, &diagnosis.address.name),
        Verdict::Elsewhere(cause) => elsewhere(cause),
        Verdict::Deleted(cause) => deleted(cause),
        Verdict::Stale(cause) => stale(cause),
        Verdict::WrongKind(cause) => wrong_kind(cause),
        Verdict::NotListening(cause) => vec![format!(
            "wait until {} {}, or look why not",
            cause.processes,
            cause.processes.verb("listens", "listen")
        )],
        Verdict::OtherPeer(_) => vec!["only a server that does not connect its socket can take it".to_owned()],
        Verdict::ClientLimitReached(cause) => client_limit(cause),
        Verdict::DoesNotAccept(cause) => does_not_accept(cause),
        Verdict::QueueFull(cause) => {
            vec![
                format!(
                    "look why {} {} not accept; until then a connect waits, or gets EAGAIN",
                    cause.processes,
                    cause.processes.verb("does", "do")
                ),
                "if it is only busy, have it listen with a larger backlog".to_owned(),
            ]
        }
        Verdict::Refused(_) => vec![
            "a security module (SELinux, AppArmor, Landlock) may forbid it: see dmesg or the audit log".to_owned(),
        ],
    }
}

fn or_else(lines: Vec<String>, otherwise: &str) -> Vec<String> {
    if lines.is_empty() {
        vec![otherwise.to_owned()]
    } else {
        lines
    }
}

fn near(near: &[Near]) -> Vec<String> {
    near.iter()
        .map(|near| format!("did you mean {}{}", typed(&near.name), why(near.nearness)))
        .collect()
}

fn why(nearness: Nearness) -> &'static str {
    match nearness {
        Nearness::OtherFamily => "? a path and an abstract name are different addresses",
        Nearness::TrailingNuls => "? its server bound it with NULs behind the name",
        Nearness::Suffix | Nearness::Letters(_) | Nearness::OtherFolder => "?",
    }
}

fn permission(cause: &PermissionDenied) -> Vec<String> {
    let at = argument(&cause.at);
    if cause.part == Part::Link {
        return vec![format!(
            "use the path the link leads to; sysctl fs.protected_symlinks is what forbids {at}"
        )];
    }
    if !cause.mode_explains {
        return vec![format!(
            "see getfacl {at}; for a security module, dmesg or the audit log"
        )];
    }
    let letter = if cause.part == Part::Folder { 'x' } else { 'w' };
    let line = |way: &Way| match way {
        Way::Group {
            gid,
            already_member: true,
        } => {
            format!(
                "log in again: {} is in the {} by now, but this login is older",
                user(&cause.user),
                group(*gid)
            )
        }
        Way::Group {
            gid,
            already_member: false,
        } => {
            format!(
                "add {} to {} ({}), and log in again",
                user(&cause.user),
                group(*gid),
                join(&cause.user, *gid)
            )
        }
        Way::Owner { uid: 0 } => "or run as root".to_owned(),
        Way::Owner { uid } => format!("or run as {}", user_label(*uid)),
        Way::Mode { class } => format!(
            "or have the owner change it: chmod {}+{letter} {at}",
            class.letter()
        ),
    };
    let mut lines: Vec<String> = cause.ways.iter().map(line).collect();
    if let Some(first) = lines
        .first_mut()
        .and_then(|first| first.strip_prefix("or ").map(str::to_owned))
    {
        lines[0] = first;
    }
    lines
}

fn join(user: &User, gid: u32) -> String {
    let word = |name: Option<String>, number: u32| {
        shell_word(&escape(
            name.unwrap_or_else(|| number.to_string()).as_bytes(),
            "",
        ))
        .into_owned()
    };
    format!(
        "usermod -aG {} {}",
        word(group_name(gid), gid),
        word(user.name.clone(), user.uid)
    )
}

fn user(user: &User) -> String {
    user_label(user.uid)
}

fn user_label(uid: u32) -> String {
    user_name(uid).map_or_else(
        || format!("user {uid}"),
        |name| format!("user {}", escape(name.as_bytes(), "")),
    )
}

fn group(gid: u32) -> String {
    group_name(gid).map_or_else(
        || format!("group {gid}"),
        |name| format!("group {}", escape(name.as_bytes(), "")),
    )
}

fn undecided(unseen: &Unseen, name: &Name) -> Vec<String> {
    let ability = match unseen {
        Unseen::Path(_) => Ability::SearchFolders,
        Unseen::Namespaces(_) | Unseen::Sockets => Ability::EnterNamespaces,
    };
    let missing = ability.missing(effective());
    let names: Vec<&str> = missing.iter().map(|capability| capability.name()).collect();
    let mut lines = vec![format!(
        "sockeye doctor --connect {} finds out by connecting",
        typed(name)
    )];
    if !names.is_empty() {
        lines.push(format!("or run as root, or with {}", names.join(" and ")));
    }
    lines
}

fn deleted(cause: &Deleted) -> Vec<String> {
    match &cause.found_at {
        Some(path) => vec![format!(
            "use where it is: sockeye connect {}",
            typed(&Name::Path(path.clone()))
        )],
        None if cause.may_be_elsewhere => vec![
            "run as root, to see whose it is and where".to_owned(),
            "or restart its server, so that it makes the file again".to_owned(),
        ],
        None => vec![format!(
            "restart {}, so that it makes the file again",
            cause.processes
        )],
    }
}

fn elsewhere(cause: &Elsewhere) -> Vec<String> {
    let Some(process) = cause.processes.0.first() else {
        return vec![
            "run the client in the container of the server, or the other way round".to_owned(),
        ];
    };
    let pid = process.pid;
    let share = "share the folder: a container needs a volume for it (docker run -v …)";
    match (
        cause.namespace,
        cause
            .name
            .as_path()
            .and_then(|path| path.strip_prefix("/").ok()),
    ) {
        (Where::Net, _) => {
            let name = typed(&cause.name);
            vec![format!(
                "as root: nsenter --target {pid} --net -- sockeye connect {name}"
            )]
        }
        (Where::Mount, Some(path)) => {
            let through = Name::Path(
                Path::new("/proc")
                    .join(pid.to_string())
                    .join("root")
                    .join(path),
            );
            vec![
                format!(
                    "as root, through its files: sockeye connect {}",
                    typed(&through)
                ),
                format!("or {share}"),
            ]
        }
        (Where::Mount, None) => vec![share.to_owned()],
    }
}

fn stale(cause: &Stale) -> Vec<String> {
    let path = argument(&cause.path);
    let remove = match cause.removable {
        Some(false) => format!(
            "or have {} remove the file: rm {path}",
            user_label(cause.owner.uid)
        ),
        _ => format!("or remove the file, if the server does not do that itself: rm {path}"),
    };
    vec!["start the server again".to_owned(), remove]
}

fn wrong_kind(cause: &WrongKind) -> Vec<String> {
    let flag = match cause.is {
        Kind::Stream => "--stream",
        Kind::Datagram => "--dgram",
        Kind::Seqpacket => "--seqpacket",
    };
    vec![format!("use {flag}; in a program, {}", cause.is.constant())]
}

fn client_limit(cause: &ClientLimitReached) -> Vec<String> {
    let mut lines = vec!["have clients close connections they do not need".to_owned()];
    if let Some(pid) = first_pid(&cause.processes) {
        let more = cause.limit.saturating_mul(4).max(1024);
        lines.push(format!(
            "or raise the limit: prlimit --pid {pid} --nofile={more} (systemd: LimitNOFILE=)"
        ));
    }
    lines
}

fn does_not_accept(cause: &DoesNotAccept) -> Vec<String> {
    let Some(pid) = first_pid(&cause.processes) else {
        return vec!["look why it does not accept".to_owned()];
    };
    let traced = cause.states.contains(&'t');
    match cause.sign {
        Sign::Stopped if traced => vec!["a debugger holds it: let it continue there".to_owned()],
        Sign::Stopped if cause.states.contains(&'T') => {
            vec![format!("let it continue: kill -CONT {pid}")]
        }
        Sign::Stopped => {
            vec!["its control group is frozen: docker unpause, or systemctl thaw".to_owned()]
        }
        Sign::QueueStands => vec![format!(
            "see what it is doing: cat /proc/{pid}/wchan, strace -p {pid}"
        )],
    }
}

fn first_pid(processes: &Processes) -> Option<sockeye_census::Pid> {
    processes.0.first().map(|process| process.pid)
}

/// An address to type after a command.
fn typed(name: &Name) -> String {
    shell_word(&name.to_string()).into_owned()
}

/// A path to type after a command of the system, which knows no escapes: `printf` makes the odd ones.
fn argument(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    if sockeye_address::escape::is_plain(bytes) {
        return shell_word(&String::from_utf8_lossy(bytes)).into_owned();
    }
    let octal = bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("\\{byte:03o}"));
    format!("\"$(printf '{octal}')\"")
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes(), "")
}
