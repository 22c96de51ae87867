//! `custos config check`, `custos config show` and `custos config schema`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use custos_compat::nrpe::Severity;
use nix::unistd::Uid;

use super::as_agent;
use super::config_option::ConfigOption;
use super::nrpe_settings::nrpe_settings;
use super::style::printable_lines;
use super::unreadable::unreadable;
use crate::config::{self, Config, Loaded};
use crate::document::Mistakes;
use crate::execute::Account;
use crate::exit_code::ExitCode;
use crate::http;
use crate::nrpe::listener;
use crate::text::human::counted;

/// Checks or shows the configuration.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Report every mistake in the configuration and the files it includes.
    ///
    /// Each mistake is one line, `file:line:column: what was found, what was expected`, on stderr; on a terminal
    /// the line of the file follows. The exit status is 0 if the configuration can be used, and 2 if not.
    Check(FileArgs),
    /// Print the configuration with everything resolved: includes, defaults, paths and programs.
    ///
    /// The output is a configuration itself. What looks like a secret (passwords, tokens, SNMP communities) is
    /// printed as ********.
    Show(FileArgs),
    /// Print a JSON Schema of the configuration, for editors.
    ///
    /// With it an editor completes keys, shows what they are for and marks mistakes. A line
    /// `# yaml-language-server: $schema=/usr/share/custos/custos.schema.json` at the top of a file names it.
    Schema,
}

impl Action {
    /// The arguments that name a file, if the action is about one.
    fn file(&self) -> Option<&FileArgs> {
        match self {
            Action::Check(file) | Action::Show(file) => Some(file),
            Action::Schema => None,
        }
    }
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The same as --config FILE
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigOption,
}

impl FileArgs {
    fn path(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(|| self.config.path())
    }
}

/// Runs the command.
pub(super) fn run(args: &ConfigArgs) -> ExitCode {
    let snippets = io::stderr().is_terminal();
    run_on(args, snippets, &mut io::stdout().lock(), &mut io::stderr().lock())
}

fn run_on(args: &ConfigArgs, snippets: bool, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let Some(file) = args.action.file() else { return print(&config::schema(), out) };
    let loaded = config::load(&file.path());
    let mistakes = match &loaded {
        Ok(loaded) => &loaded.warnings,
        Err(mistakes) => mistakes,
    };
    // Nothing is left to be done if stderr is closed.
    let _ = err.write_all(report(mistakes, snippets).as_bytes());
    let Ok(loaded) = loaded else { return ExitCode::Usage };
    let of_nrpe = nrpe_remarks(&loaded.config).map_err(|error| error.to_string());
    for remarks in [of_nrpe, http_remarks(&loaded.config), Ok(unreadable_remarks(&loaded.config))] {
        match remarks {
            Ok(remarks) => {
                let _ = err.write_all(printable_lines(remarks.as_bytes()).as_bytes());
            }
            Err(error) => {
                let _ = writeln!(err, "{}", printable_lines(error.as_bytes()));
                return ExitCode::Usage;
            }
        }
    }
    let page = match &args.action {
        Action::Check(_) => summary(&loaded),
        _ => config::show(&loaded.config),
    };
    print(&page, out)
}

fn print(page: &str, out: &mut dyn Write) -> ExitCode {
    match out.write_all(page.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::Success,
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Success,
        Err(_) => ExitCode::Failure,
    }
}

/// Remarks on the settings for NRPE, a line each. An error: the listener could not start with them.
///
/// Who is not the agent may not be allowed to read what it reads: that is a remark then, and an error for the agent.
pub(super) fn nrpe_remarks(config: &Config) -> Result<String, listener::Error> {
    let of_root = agents_user(config).is_none_or(|user| user == "root");
    let Some(settings) = nrpe_settings(config, of_root)? else { return Ok(String::new()) };
    let untried = match settings.try_tls() {
        Err(error) if settings.tls_is_out_of_reach() && !is_user_of(&config.store) => {
            Some(format!("nrpe: warning: TLS is not checked, only the agent may be able to: {error}\n"))
        }
        tried => {
            tried?;
            None
        }
    };
    let remarks = settings
        .notes
        .iter()
        .filter(|note| matches!(note.severity, Severity::Error | Severity::Warning))
        .map(|note| format!("nrpe: warning: {}\n", note.text.trim_end()));
    Ok(remarks.chain(untried).collect())
}

/// The same for HTTP.
fn http_remarks(config: &Config) -> Result<String, String> {
    match http::Settings::of(config) {
        Err(error) if !Uid::effective().is_root() && !is_user_of(&config.store) => {
            Ok(format!("http: warning: this is not checked, only the agent may be able to: {error}\n"))
        }
        tried => tried.map(|_| String::new()),
    }
}

/// Files that listeners need and that root may read, and the agent's user perhaps not.
fn unreadable_remarks(config: &Config) -> String {
    let Some((user, account)) =
        agents_user(config).and_then(|user| Some((user.clone(), Account::named(&user)?)))
    else {
        return String::new();
    };
    let nrpe = nrpe_settings(config, account.is_root()).ok().flatten();
    unreadable(config, nrpe.as_ref(), &account)
        .iter()
        .map(|(section, file)| {
            let file = file.display();
            format!("{section}: warning: the agent runs as {user}, who probably may not read {file}\n")
        })
        .collect()
}

/// The user of the agent, for root, who may look that up.
fn agents_user(config: &Config) -> Option<String> {
    if Uid::effective().is_root() { as_agent::user(&config.store) } else { None }
}

/// Whether this process has the agent's user, who owns the store.
fn is_user_of(store: &Path) -> bool {
    fs::metadata(store).is_ok_and(|metadata| metadata.uid() == Uid::effective().as_raw())
}

/// Every mistake on a line of its own, with the lines they stand in if `snippets`.
pub(super) fn report(mistakes: &Mistakes, snippets: bool) -> String {
    let mut page = String::new();
    for mistake in &mistakes.list {
        page.push_str(&if snippets { mistake.with_snippet() } else { mistake.to_string() });
        page.push('\n');
    }
    if mistakes.dropped > 0 {
        page.push_str(&format!("and {} more\n", mistakes.dropped));
    }
    page
}

fn summary(loaded: &Loaded) -> String {
    let (checks, files) = (loaded.config.checks.len(), loaded.config.files.len());
    format!("ok: {} in {}\n", counted(checks as u64, "check"), counted(files as u64, "file"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::DEFAULT_PATH;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        config: ConfigArgs,
    }

    fn parse(line: &[&str]) -> Result<ConfigArgs, clap::Error> {
        Line::try_parse_from([&["config"], line].concat()).map(|line| line.config)
    }

    fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    /// The exit status of `config check` on a file, and what it says on stderr.
    fn check(path: &Path) -> (ExitCode, String) {
        let args = parse(&["check", path.to_str().unwrap()]).unwrap();
        let mut err = Vec::new();
        (run_on(&args, false, &mut Vec::new(), &mut err), String::from_utf8(err).unwrap())
    }

    #[test]
    fn the_file_may_be_named_in_two_ways_or_not_at_all() {
        for (line, path) in [
            (&["check"][..], DEFAULT_PATH),
            (&["check", "a.yaml"], "a.yaml"),
            (&["show", "--config", "a.yaml"], "a.yaml"),
            (&["show", "-c", "a.yaml"], "a.yaml"),
        ] {
            let args = parse(line).unwrap();
            assert_eq!(args.action.file().unwrap().path(), Path::new(path));
        }
        assert!(parse(&["check", "a", "--config", "b"]).is_err());
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn the_exit_status_tells_whether_it_can_be_used() {
        let run = |action: &str, path: &Path| {
            let args = parse(&[action, path.to_str().unwrap()]).unwrap();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let code = run_on(&args, false, &mut out, &mut err);
            (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
        };
        let (_directory, good) = write("checks: {a: {command: /bin/true}}\n");
        assert_eq!(run("check", &good), (ExitCode::Success, "ok: 1 check in 1 file\n".into(), String::new()));
        let (code, shown, _) = run("show", &good);
        assert!(code == ExitCode::Success && shown.contains("  a:\n    command: [/bin/true]\n"), "{shown}");
        let (_directory, bad) = write("chekcs: {}\n");
        for action in ["check", "show"] {
            let (code, out, err) = run(action, &bad);
            assert_eq!((code, out.as_str()), (ExitCode::Usage, ""));
            assert!(err.contains("custos.yaml:1:1: unknown key `chekcs`"), "{err}");
        }
    }

    #[test]
    fn the_schema_needs_no_configuration() {
        let mut out = Vec::new();
        let args = parse(&["schema"]).unwrap();
        assert_eq!(run_on(&args, false, &mut out, &mut Vec::new()), ExitCode::Success);
        assert_eq!(String::from_utf8(out).unwrap(), config::schema());
        assert!(parse(&["schema", "a.yaml"]).is_err());
    }

    #[test]
    fn a_broken_nrpe_cfg_is_a_mistake_too() {
        let (directory, path) = write("nrpe: {config: nrpe.cfg}\n");
        let run = || check(&path);
        let (code, err) = run();
        assert!(code == ExitCode::Usage && err.contains("nrpe.cfg"), "{err}");
        std::fs::write(directory.path().join("nrpe.cfg"), "server_port=nonsense\n").unwrap();
        let (code, err) = run();
        assert!(code == ExitCode::Usage && err.contains("nrpe.cfg"), "{err}");
        std::fs::write(directory.path().join("nrpe.cfg"), "nrpe_user=nobody\ncommand[a]=/bin/true\n")
            .unwrap();
        assert_eq!(run(), (ExitCode::Success, String::new()));
    }

    #[test]
    fn commands_of_nrpe_cfg_run_as_root_only_by_a_key() {
        let (directory, path) = write("nrpe: {config: nrpe.cfg}\n");
        std::fs::write(directory.path().join("nrpe.cfg"), "command[a]=/bin/true\n").unwrap();
        let (code, err) = check(&path);
        match nix::unistd::geteuid().is_root() {
            true => assert!(code == ExitCode::Usage && err.contains("commands_as_root"), "{err}"),
            false => assert_eq!((code, err), (ExitCode::Success, String::new())),
        }
        std::fs::write(&path, "nrpe: {config: nrpe.cfg, commands_as_root: true}\n").unwrap();
        assert_eq!(check(&path), (ExitCode::Success, String::new()));
    }

    #[test]
    fn tls_that_cannot_be_set_up_is_a_mistake_too() {
        for (keys, expected) in [
            ("tls_certificate: none.pem, tls_key: none.key", "none.pem: No such file or directory\n"),
            ("tls_client_ca: none.pem", "none.pem: No such file or directory\n"),
            ("tls_ciphers: NONSENSE", "failed to use the cipher list NONSENSE: no cipher match\n"),
        ] {
            let (_directory, path) = write(&format!("nrpe: {{{keys}}}\n"));
            let (code, err) = check(&path);
            assert!(code == ExitCode::Usage && err.ends_with(expected), "{keys}: {err}");
        }
    }

    #[test]
    fn a_report_has_a_line_for_each_mistake_and_its_source_on_a_terminal() {
        let (_directory, path) = write("a: 1\nb: 2\n");
        let mistakes = config::load(&path).unwrap_err();
        assert_eq!(report(&mistakes, false).lines().count(), 2);
        assert!(report(&mistakes, true).contains("  1 | a: 1\n    | ^\n"));
    }
}
