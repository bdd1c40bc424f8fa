//! What `ssh` is told.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::process::Command;

use sockeye_address::SshPath;

use super::Settings;

/// Of two values for one option `ssh` takes the first: these come before what the user says. Nothing may be asked for
/// beyond the connection itself, whatever the configuration has for people who log in: no other forwardings (each
/// could fail for the port being taken, or take it), no command, no background.
const NEEDED: [&str; 6] = [
    "ControlPersist=no",
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ForwardX11=no",
    "ForwardAgent=no",
];

/// These come after it. Failures are told at level INFO; a machine that has gone is noticed in 45 seconds.
const USUAL: [&str; 5] = [
    "BatchMode=yes",
    "LogLevel=INFO",
    "ConnectTimeout=30",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
];

/// The variable by which a `$` gets into a forwarding.
const DOLLAR: &str = "SOCKEYE_DOLLAR";

/// The session: `ssh` that runs until it is ended, and makes the socket `control` when it is connected.
pub(super) fn session(settings: &Settings, path: &SshPath, control: &Path) -> Command {
    let mut command = Command::new(&settings.program);
    command.args(["-N", "-T", "-M", "-S"]);
    command.arg(field(control.as_os_str(), b"%"));
    for option in NEEDED {
        command.arg("-o").arg(option);
    }
    for option in &settings.options {
        if !option.as_bytes().starts_with(b"-") {
            command.arg("-o");
        }
        command.arg(option);
    }
    for option in USUAL {
        command.arg("-o").arg(option);
    }
    if let Some(user) = &path.user {
        command.arg("-l").arg(user);
    }
    if let Some(port) = path.port {
        command.arg("-p").arg(port.to_string());
    }
    command.arg("--").arg(&path.host);
    command
}

/// Has the session forward `near` to the socket over there; it ends when that is done.
pub(super) fn forward(settings: &Settings, path: &SshPath, control: &Path, near: &Path) -> Command {
    let mut command = Command::new(&settings.program);
    command.args(["-F", "none", "-S"]);
    command.arg(field(control.as_os_str(), b"%"));
    command.args(["-O", "forward", "-L"]);
    let mut places = field(near.as_os_str(), b"%:\\$");
    places.push(":");
    places.push(field(path.path.as_os_str(), b"%:\\$"));
    command.arg(places).env(DOLLAR, "$");
    command.arg("--").arg(&path.host);
    command
}

/// A path as `ssh` reads it back: of what means something to it, these characters do.
fn field(path: &OsStr, special: &[u8]) -> OsString {
    let mut text = Vec::with_capacity(path.len());
    for byte in path.as_bytes() {
        match byte {
            byte if !special.contains(byte) => text.push(*byte),
            b'%' => text.extend(b"%%"),
            // It has no escape for `${`.
            b'$' => text.extend(format!("${{{DOLLAR}}}").bytes()),
            byte => text.extend([b'\\', *byte]),
        }
    }
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn somewhere() -> SshPath {
        SshPath {
            user: Some("ada".into()),
            host: "::1".into(),
            port: Some(2222),
            path: PathBuf::from("/run/a:b%c\\d${e}.sock"),
        }
    }

    fn words(command: &Command) -> String {
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        words.join(" ")
    }

    #[test]
    fn what_is_needed_comes_first_and_what_is_usual_last() {
        let settings = Settings {
            options: vec!["BatchMode=no".into(), "-Fnone".into()],
            ..Settings::default()
        };
        let words = words(&session(&settings, &somewhere(), Path::new("/tmp/100%/c")));
        assert!(words.starts_with("-N -T -M -S /tmp/100%%/c -o ControlPersist=no "));
        assert!(words.contains(" -o BatchMode=no -Fnone -o BatchMode=yes "));
        assert!(words.ends_with(" -l ada -p 2222 -- ::1"));
    }

    #[test]
    fn a_path_arrives_as_it_is_whatever_it_means_to_ssh() {
        let near = Path::new("/tmp/x/s");
        let command = forward(&Settings::default(), &somewhere(), near, near);
        let words = words(&command);
        let escaped = r"/tmp/x/s:/run/a\:b%%c\\d${SOCKEYE_DOLLAR}{e}.sock";
        assert!(words.contains(&format!("-L {escaped} -- ::1")), "{words}");
    }
}
