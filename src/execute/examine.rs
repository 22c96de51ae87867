//! Looks at a plugin without running it: what will keep it from starting, and what others could do to it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use custos_shim::Spec;

use super::account::{Account, EXECUTE, READ};

/// Bytes of a script that the kernel reads for its interpreter.
const SHEBANG_MAX_BYTES: u64 = 256;

/// Something wrong with a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A bare name that is in none of these directories.
    NotInPath(String),
    /// There is no such file.
    Missing(PathBuf),
    /// The user may not pass through this directory.
    NoWayThrough(PathBuf),
    /// Not a file that could be executed; what it is instead.
    NotAFile(PathBuf, &'static str),
    /// A file without a line that does anything: empty, blank or comments alone. The shell runs it and it ends with 0.
    Empty(PathBuf),
    /// The user may not execute it.
    NotExecutable(PathBuf),
    /// A script that the user may execute but its interpreter cannot read.
    NotReadable(PathBuf),
    /// A script whose interpreter does not exist.
    NoInterpreter(PathBuf, PathBuf),
    /// `sudo` that would ask for a password and wait for ever.
    SudoMayAsk,
    /// `sudo` that refuses to work without a terminal.
    SudoWantsTerminal,
    /// A setuid program in a plugin that may not gain privileges.
    SetuidInVain(PathBuf),
    /// Users other than root and the owner may replace or change it.
    WritableByOthers(PathBuf),
}

impl Finding {
    /// Whether the plugin cannot do its work; otherwise it is a risk.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Finding::WritableByOthers(_) | Finding::SudoMayAsk)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::NotInPath(name) => write!(f, "{name} is in none of the directories that are searched"),
            Finding::Missing(path) => write!(f, "{} does not exist", path.display()),
            Finding::NoWayThrough(path) => {
                write!(f, "the user may not enter the directory {}", path.display())
            }
            Finding::NotAFile(path, what) => write!(f, "{} is {what}", path.display()),
            Finding::Empty(path) => write!(f, "{} is empty: it has nothing to run", path.display()),
            Finding::NotExecutable(path) => write!(f, "the user may not execute {}", path.display()),
            Finding::NotReadable(path) => {
                write!(f, "the user may not read {}, which its interpreter has to", path.display())
            }
            Finding::NoInterpreter(path, interpreter)
                if interpreter.as_os_str().as_bytes().ends_with(b"\r") =>
            {
                write!(
                    f,
                    "{} has DOS line ends: its first line names no interpreter that exists",
                    path.display()
                )
            }
            Finding::NoInterpreter(path, interpreter) => {
                write!(
                    f,
                    "{} wants the interpreter {}, which does not exist",
                    path.display(),
                    interpreter.display()
                )
            }
            Finding::SudoMayAsk => {
                write!(f, "sudo without -n asks for a password if no rule fits, and waits")
            }
            Finding::SudoWantsTerminal => write!(f, "sudoers has requiretty, and plugins have no terminal"),
            Finding::SetuidInVain(path) => {
                write!(f, "{} is setuid, but the plugin may not gain privileges", path.display())
            }
            Finding::WritableByOthers(path) => {
                write!(f, "{} can be changed by others than root and its owner", path.display())
            }
        }
    }
}

/// What is wrong with a plugin that this user is to run. Nothing found does not mean that it will do its work.
pub fn examine(spec: &Spec, account: &Account) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(name) = spec.argv.first() else { return findings };
    if spec.cwd != Path::new("/") {
        examine_directory(&spec.cwd, account, &mut findings);
    }
    match find(spec, name) {
        None => findings.push(Finding::NotInPath(name.to_string_lossy().into_owned())),
        Some(path) => examine_program(&path, spec, account, &mut findings),
    }
    if let Some(words) = shell_words(spec) {
        examine_line(&words, spec, account, &mut findings);
    } else if is_sudo(name) {
        let words: Vec<String> = spec.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        examine_sudo(&words, &mut findings);
    }
    findings
}

/// The words of a simple command given to a shell; none for another plugin, or a line that is not that simple.
fn shell_words(spec: &Spec) -> Option<Vec<String>> {
    let [shell, flag, line] = spec.argv.as_slice() else { return None };
    if shell != "/bin/sh" || flag != "-c" {
        return None;
    }
    shell_words::split(line.to_str()?).ok()
}

fn examine_line(words: &[String], spec: &Spec, account: &Account, findings: &mut Vec<Finding>) {
    let Some(first) = words.first() else { return };
    // Only a plain path is sure to be a program: the shell may make anything of the rest.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(byte);
    if first.starts_with('/') && first.as_bytes().iter().all(plain) {
        examine_program(Path::new(first), spec, account, findings);
    }
    if is_sudo(OsStr::new(first)) {
        examine_sudo(words, findings);
    }
}

fn find(spec: &Spec, name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(spec.cwd.join(name));
    }
    let path = spec.env.iter().find(|(variable, _)| variable == "PATH").map(|(_, value)| value)?;
    std::env::split_paths(path)
        .map(|directory| spec.cwd.join(directory).join(name))
        .find(|path| path.is_file())
}

/// The working directory, and those above it.
fn examine_directory(path: &Path, account: &Account, findings: &mut Vec<Finding>) {
    match fs::metadata(path) {
        Err(_) => findings.push(Finding::Missing(path.to_owned())),
        Ok(metadata) if !metadata.is_dir() => {
            findings.push(Finding::NotAFile(path.to_owned(), "no directory to work in"));
        }
        Ok(_) => {
            let barred =
                |place: &&Path| fs::metadata(place).is_ok_and(|metadata| !account.may(EXECUTE, &metadata));
            findings
                .extend(path.ancestors().filter(barred).map(|place| Finding::NoWayThrough(place.to_owned())));
        }
    }
}

fn examine_program(path: &Path, spec: &Spec, account: &Account, findings: &mut Vec<Finding>) {
    for directory in path.ancestors().skip(1) {
        if fs::metadata(directory).is_ok_and(|metadata| !account.may(EXECUTE, &metadata)) {
            findings.push(Finding::NoWayThrough(directory.to_owned()));
        }
    }
    let Ok(metadata) = fs::metadata(path) else {
        findings.push(Finding::Missing(path.to_owned()));
        return;
    };
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a directory" } else { "not a regular file" };
        findings.push(Finding::NotAFile(path.to_owned(), what));
        return;
    }
    if !account.may(EXECUTE, &metadata) {
        findings.push(Finding::NotExecutable(path.to_owned()));
    }
    if spec.no_new_privileges && metadata.mode() & 0o4000 != 0 {
        findings.push(Finding::SetuidInVain(path.to_owned()));
    }
    examine_script(path, &metadata, account, findings);
    for place in [Some(path), path.parent()].into_iter().flatten() {
        if fs::metadata(place).is_ok_and(|metadata| is_open_to_others(&metadata)) {
            findings.push(Finding::WritableByOthers(place.to_owned()));
        }
    }
}

fn examine_script(path: &Path, metadata: &Metadata, account: &Account, findings: &mut Vec<Finding>) {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SHEBANG_MAX_BYTES).read_to_end(&mut head));
    if read.is_ok() && does_nothing(&head) {
        findings.push(Finding::Empty(path.to_owned()));
    }
    let (Ok(_), Some(line)) = (read, head.strip_prefix(b"#!")) else { return };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii_start();
    let interpreter = line.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let interpreter = PathBuf::from(OsStr::from_bytes(interpreter));
    if !interpreter.exists() {
        findings.push(Finding::NoInterpreter(path.to_owned(), interpreter));
    } else if !account.may(READ, metadata) {
        findings.push(Finding::NotReadable(path.to_owned()));
    }
}

/// Whether the beginning of a file is all of it and has nothing to run: no line, or only blank ones and comments.
fn does_nothing(head: &[u8]) -> bool {
    let is_idle = |line: &[u8]| line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with(b"#");
    (head.len() as u64) < SHEBANG_MAX_BYTES && head.split(|byte| *byte == b'\n').all(is_idle)
}

/// Others than root and the owner may write, and nothing (the sticky bit of a directory) keeps what is theirs apart.
fn is_open_to_others(metadata: &Metadata) -> bool {
    let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    let by_group = metadata.mode() & 0o020 != 0 && metadata.gid() != 0;
    let by_all = metadata.mode() & 0o002 != 0;
    (by_group || by_all) && !sticky
}

fn is_sudo(name: &OsStr) -> bool {
    Path::new(name).file_name() == Some(OsStr::new("sudo"))
}

fn examine_sudo(words: &[String], findings: &mut Vec<Finding>) {
    let options = words[1..].iter().take_while(|word| word.starts_with('-'));
    let quiet =
        |word: &String| word == "--non-interactive" || (!word.starts_with("--") && word.contains('n'));
    if !options.into_iter().any(quiet) {
        findings.push(Finding::SudoMayAsk);
    }
    if wants_terminal(&sudoers(Path::new("/etc"))) {
        findings.push(Finding::SudoWantsTerminal);
    }
}

/// The rules of sudo below this directory, as far as they can be read, in the order in which sudo reads them.
fn sudoers(etc: &Path) -> String {
    let further = fs::read_dir(etc.join("sudoers.d")).into_iter().flatten().filter_map(Result::ok);
    // sudo leaves out backups and packages' leftovers.
    let mut further: Vec<PathBuf> = further
        .filter(|entry| !entry.file_name().as_bytes().iter().any(|byte| matches!(byte, b'.' | b'~')))
        .map(|entry| entry.path())
        .collect();
    further.sort();
    further.insert(0, etc.join("sudoers"));
    further.iter().map(|path| fs::read_to_string(path).unwrap_or_default() + "\n").collect()
}

/// Whether a sudoers file makes a terminal necessary for everybody.
fn wants_terminal(sudoers: &str) -> bool {
    let global = sudoers.lines().filter_map(|line| line.trim().strip_prefix("Defaults"));
    let settings = global.filter(|rest| rest.starts_with([' ', '\t'])).flat_map(|rest| rest.split(','));
    // The last one counts.
    settings.fold(false, |wants, setting| match setting.trim() {
        "requiretty" => true,
        "!requiretty" => false,
        _ => wants,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn spec(argv: &[&str]) -> Spec {
        let env = vec![("PATH".into(), "/usr/bin:/bin".into())];
        Spec { env, ..Spec::new(argv.iter().map(Into::into).collect(), Duration::from_secs(1)) }
    }

    fn found(argv: &[&str]) -> Vec<Finding> {
        examine(&spec(argv), &Account::of_this_process())
    }

    /// A directory that only its owner may change, with a file in it.
    fn file(mode: u32, content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().join("check_x");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn what_works_gives_no_finding() {
        let (_directory, path) = file(0o755, "#!/bin/sh\n:\n");
        assert_eq!(found(&[path.to_str().unwrap()]), []);
        assert_eq!(found(&["/bin/sh", "-c", &format!("{} | cat", path.display())]), []);
        assert_eq!(found(&["true"]), []);
    }

    #[test]
    fn what_cannot_be_started_is_found() {
        assert_eq!(found(&["no_such_plugin"]), [Finding::NotInPath("no_such_plugin".into())]);
        assert_eq!(found(&["/no/such"]), [Finding::Missing("/no/such".into())]);
        assert_eq!(found(&["/bin/sh", "-c", "/no/such -w 1"]), [Finding::Missing("/no/such".into())]);
        assert_eq!(found(&["/usr"]), [Finding::NotAFile("/usr".into(), "a directory")]);
        assert_eq!(found(&["/dev/null"]), [Finding::NotAFile("/dev/null".into(), "not a regular file")]);
        let (_directory, path) = file(0o644, "#!/bin/sh\n:\n");
        assert_eq!(found(&[path.to_str().unwrap()]), [Finding::NotExecutable(path)]);
        for nothing in ["", "\n", " \n\t\n", "#!/bin/sh\n", "#!/bin/sh\n# to be written\n\n"] {
            let (_directory, path) = file(0o755, nothing);
            assert_eq!(found(&[path.to_str().unwrap()]), [Finding::Empty(path)], "{nothing:?}");
        }
        let (_directory, path) = file(0o755, "#!/no/such -x\n:\n");
        assert_eq!(
            found(&[path.to_str().unwrap()]),
            [Finding::NoInterpreter(path.clone(), "/no/such".into())]
        );
        let (_directory, path) = file(0o755, "#!/bin/sh\r\n:\r\n");
        let findings = found(&[path.to_str().unwrap()]);
        assert!(findings[0].to_string().contains("DOS line ends"), "{findings:?}");
    }

    #[test]
    fn what_others_may_change_is_a_risk() {
        let (directory, path) = file(0o757, "#!/bin/sh\n:\n");
        let findings = found(&[path.to_str().unwrap()]);
        assert_eq!(findings, [Finding::WritableByOthers(path.clone())]);
        assert!(!findings[0].is_fatal());
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        assert_eq!(found(&[path.to_str().unwrap()]), [Finding::WritableByOthers(directory.path().into())]);
    }

    #[test]
    fn sudo_is_not_to_ask() {
        let asks = |words: &[&str]| {
            let mut findings = Vec::new();
            examine_sudo(&words.iter().map(ToString::to_string).collect::<Vec<_>>(), &mut findings);
            findings.contains(&Finding::SudoMayAsk)
        };
        assert!(asks(&["sudo", "/x", "-n"]));
        assert!(asks(&["sudo", "--login", "/x"]));
        assert!(!asks(&["sudo", "-n", "/x"]));
        assert!(!asks(&["sudo", "-nH", "/x"]));
        assert!(!asks(&["sudo", "--non-interactive", "/x"]));
    }

    #[test]
    fn the_last_word_of_sudoers_on_terminals_counts() {
        assert!(wants_terminal("Defaults\tenv_reset, requiretty\n"));
        assert!(!wants_terminal("Defaults requiretty\nDefaults !requiretty\n"));
        assert!(!wants_terminal("# Defaults requiretty\nDefaults:bob requiretty\n"));
    }

    #[test]
    fn a_directory_that_the_user_may_not_enter_is_found() {
        let (directory, path) = file(0o755, "#!/bin/sh\n:\n");
        let inner = directory.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o700)).unwrap();
        let stranger = Account::from(&custos_shim::Credentials { uid: 65_533, gid: 65_533, groups: vec![] });
        let at = |cwd: &Path| Spec { cwd: cwd.to_owned(), ..spec(&[path.to_str().unwrap()]) };
        assert_eq!(examine(&at(directory.path()), &stranger), []);
        assert_eq!(examine(&at(&inner), &stranger), [Finding::NoWayThrough(inner.clone())]);
        assert_eq!(examine(&at(&inner), &Account::of_this_process()), []);
        assert_eq!(examine(&at(Path::new("/no/such")), &stranger), [Finding::Missing("/no/such".into())]);
    }

    #[test]
    fn rules_of_sudo_are_read_in_their_order() {
        let etc = tempfile::tempdir().unwrap();
        assert!(!wants_terminal(&sudoers(etc.path())));
        fs::create_dir(etc.path().join("sudoers.d")).unwrap();
        fs::write(etc.path().join("sudoers"), "Defaults requiretty\n").unwrap();
        assert!(wants_terminal(&sudoers(etc.path())));
        fs::write(etc.path().join("sudoers.d/b~"), "Defaults requiretty\n").unwrap();
        fs::write(etc.path().join("sudoers.d/a"), "Defaults !requiretty").unwrap();
        assert!(!wants_terminal(&sudoers(etc.path())));
    }
}
