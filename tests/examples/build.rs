//! Compiles the examples, each at most once in a run of the tests.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

/// A program that hangs is ended after this long, which the slowest machine does not need.
const SECONDS: &str = "60";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    C,
    Python,
    D,
    Java,
    Haskell,
    Rust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Program {
    StreamClient,
    DgramSender,
    EchoServer,
    DgramReceiver,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StreamClient => "stream_client",
            Self::DgramSender => "dgram_sender",
            Self::EchoServer => "echo_server",
            Self::DgramReceiver => "dgram_receiver",
        }
    }

    /// The name where files are called after what they declare: Java, Haskell.
    fn camel_case(self) -> &'static str {
        match self {
            Self::StreamClient => "StreamClient",
            Self::DgramSender => "DgramSender",
            Self::EchoServer => "EchoServer",
            Self::DgramReceiver => "DgramReceiver",
        }
    }
}

/// The built program, ready for its arguments.
pub(crate) fn command(language: Language, program: Program) -> Command {
    type Built = Arc<OnceLock<Vec<OsString>>>;
    static BUILT: OnceLock<Mutex<HashMap<(Language, Program), Built>>> = OnceLock::new();

    // The map is locked only to find the place, so that two compilers can run at once.
    let built = {
        let mut map = BUILT.get_or_init(Mutex::default).lock().unwrap();
        Arc::clone(map.entry((language, program)).or_default())
    };
    let words = built.get_or_init(|| build(language, program));

    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // The C library's words are compared, and Java decodes its arguments by the locale.
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// The same for a program that ends by itself: if it does not, timeout(1) ends it. (Not for servers:
/// a signal meant for them would have to pass through.)
pub(crate) fn limited_command(language: Language, program: Program) -> Command {
    let inner = command(language, program);
    let mut outer = Command::new("timeout");
    outer.arg(SECONDS).arg(inner.get_program());
    outer.args(inner.get_args()).env("LC_ALL", "C.UTF-8");
    outer
}

/// Compiles the program; the answer is the words that run it.
fn build(language: Language, program: Program) -> Vec<OsString> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folder = build_folder().join(format!("{language:?}-{program:?}"));
    std::fs::create_dir_all(&folder).unwrap();
    let (name, camel) = (program.name(), program.camel_case());
    let executable = folder.join(name);
    let run = vec![executable.clone().into_os_string()];
    match language {
        Language::C => {
            let source = examples.join("c").join(format!("{name}.c"));
            let mut gcc = Command::new("gcc");
            gcc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
            compile(gcc.arg(&executable).arg(source), "gcc");
            run
        }
        Language::Python => {
            // Compiled to find mistakes in lines that no test reaches.
            let source = examples.join("python").join(format!("{name}.py"));
            let mut python = Command::new("python3");
            python.env("PYTHONPYCACHEPREFIX", &folder);
            compile(python.args(["-m", "py_compile"]).arg(&source), "python3");
            vec!["python3".into(), source.into()]
        }
        Language::D => {
            let source = examples.join("d").join(format!("{name}.d"));
            let mut gdc = Command::new("gdc");
            gdc.args(["-Wall", "-Werror", "-o"]).arg(&executable);
            compile(gdc.arg(source), "gdc");
            run
        }
        Language::Java => {
            let source = examples.join("java").join(format!("{camel}.java"));
            let mut javac = Command::new("javac");
            javac.args(["--add-modules", "jdk.incubator.foreign", "-d"]);
            compile(javac.arg(&folder).arg(source), "openjdk-17-jdk-headless");
            run_java(program, folder)
        }
        Language::Haskell => {
            let source = examples.join("haskell").join(format!("{camel}.hs"));
            let mut ghc = Command::new("ghc");
            ghc.args(["-Wall", "-Werror", "-outputdir"]).arg(&folder);
            ghc.arg("-o").arg(&executable).arg(source);
            compile(&mut ghc, "ghc and libghc-network-dev");
            run
        }
        Language::Rust => {
            // By rustc alone: this holds them to the standard library, and works when cargo was
            // asked for this test only and has not built the examples.
            let source = examples.join(format!("{name}.rs"));
            let mut rustc = Command::new("rustc");
            rustc.args(["--edition", "2024", "-D", "warnings", "-o"]);
            compile(rustc.arg(&executable).arg(source), "rustc");
            run
        }
    }
}

fn run_java(program: Program, classes: PathBuf) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["java".into()];
    if program == Program::DgramSender {
        words.push("--add-modules=jdk.incubator.foreign".into());
        words.push("--enable-native-access=ALL-UNNAMED".into());
    }
    words.extend(["-cp".into(), classes.into(), program.camel_case().into()]);
    words
}

fn compile(compiler: &mut Command, package: &str) {
    let remedy =
        format!("it comes with the Debian package {package}; `cargo xtask setup` installs it");
    let output = compiler
        .output()
        .unwrap_or_else(|cause| panic!("start {compiler:?}: {cause}\n{remedy}"));
    assert!(
        output.status.success(),
        "{compiler:?} failed\n{}{}\n(should something be missing: {remedy})",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// A temporary folder of this test process.
///
/// What is static is never dropped, so a shell waits for the end of this process (its standard input
/// ends then, however that came about) and removes the folder.
#[expect(
    clippy::zombie_processes,
    reason = "the shell outlives this process, on purpose"
)]
fn build_folder() -> &'static Path {
    static FOLDER: OnceLock<(PathBuf, ChildStdin)> = OnceLock::new();
    let (folder, _) = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut remover = Command::new("sh")
            .args(["-c", "read -r end; rm -rf -- \"$1\"", "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C on the tests must not end it first
            .spawn()
            .unwrap();
        let end = remover.stdin.take().unwrap();
        (folder, end)
    });
    folder
}
