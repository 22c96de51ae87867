//! The command: looks, shows, asks, writes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::attempt::attempt;
use super::question::ask;
use super::write::{self, Scratch, Standing};
use crate::cli::config::nrpe_remarks;
use crate::cli::failure::{Failure, tell};
use crate::config::DEFAULT_PATH;
use crate::discover::{Proposal, Wish, document, gather, propose};
use crate::exit_code::ExitCode;
use crate::text::human::counted;

/// Writes a first configuration, by what this host has.
///
/// Looks for file systems, services, interfaces, servers on known ports, databases, mail queues and an nrpe.cfg, and
/// proposes a check for each that a plugin on this host can do. It prints what it would write, asks, and writes only
/// what `custos config check` accepts. What it cannot check for want of a plugin is named at the end of the file, with
/// the package that has it. Nothing is asked of any service, and no privileges are needed to look.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InitArgs {
    /// The file to write [default: /etc/custos/custos.yaml]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write without asking
    #[arg(long, short)]
    yes: bool,
    /// Run each proposed check once, and show what it says, before anything is written
    #[arg(long = "try", conflicts_with = "root")]
    attempt: bool,
    /// Replace a configuration that is there, and keep it as FILE.old
    #[arg(long)]
    force: bool,
    /// Answer check_nrpe by the nrpe.cfg that is there, and leave out what its commands look at
    #[arg(long)]
    nrpe: bool,
    /// A further directory with plugins, before the usual ones
    #[arg(long, value_name = "DIR")]
    plugins: Vec<PathBuf>,
    /// Look at the host whose root this directory is, such as an image, and write there
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    root: PathBuf,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &InitArgs) -> ExitCode {
    match init(args) {
        Ok(()) => ExitCode::Success,
        Err(Failure { code: ExitCode::Success, .. }) => ExitCode::Success,
        Err(failure) => {
            tell(&failure.message);
            failure.code
        }
    }
}

fn init(args: &InitArgs) -> Result<(), Failure> {
    let further = args.plugins.iter().map(|directory| absolute(directory)).collect::<Result<Vec<_>, _>>()?;
    let host = gather(&args.root, &further);
    let proposal = propose(&host, Wish { nrpe: args.nrpe });
    if args.nrpe && proposal.nrpe.is_none() {
        return Err(Failure::new("there is no nrpe.cfg on this host that can be used"));
    }
    let page = document(&proposal);
    let mut out = io::stdout().lock();
    out.write_all(page.as_bytes()).and_then(|()| out.flush())?;
    drop(out);
    let scratch = Scratch::new(&page)?;
    let config = scratch.load()?;
    if args.nrpe && args.root == Path::new("/") {
        let remarks = nrpe_remarks(&config).map_err(|error| Failure::new(error.to_string()))?;
        remarks.lines().for_each(tell);
    }
    tell(&summary(&proposal));
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal() && !args.yes;
    let offered = terminal && args.root == Path::new("/");
    if args.attempt || (offered && ask("Run each of them once, to see what they say?")?) {
        attempt(&config, &mut io::stderr().lock())?;
    }
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| args.root.join(DEFAULT_PATH.strip_prefix('/').unwrap_or(DEFAULT_PATH)));
    let output = write::target(&output)?;
    let standing = Standing::of(&output, &page)?;
    let shown = output.display();
    match &standing {
        Standing::Same => {
            tell(&format!("{shown} says just this already"));
            return Ok(());
        }
        Standing::Other if !args.force && (args.yes || terminal) => {
            return Err(Failure::new(format!(
                "nothing is written: {shown} is there and is not the one of the package; --force replaces it and \
                 keeps it as {shown}.old, --output FILE writes another"
            )));
        }
        _ => {}
    }
    if !args.yes && !terminal {
        tell(&format!("nothing is written, as there is no terminal to ask at; --yes writes {shown}"));
        return Ok(());
    }
    if !args.yes && !ask(&format!("Write {shown}?"))? {
        tell("nothing is written");
        return Ok(());
    }
    let kept = write::write(&output, &page, &standing)?;
    let kept = kept.map_or_else(String::new, |old| format!("; what was there is {}", old.display()));
    let next = match output == Path::new(DEFAULT_PATH) {
        true => "; systemctl reload custos puts it to use".to_owned(),
        false => format!("; custos run --config {} would use it", shell_words::quote(&shown.to_string())),
    };
    tell(&format!("{shown} is written{kept}{next}"));
    Ok(())
}

fn absolute(directory: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(directory)
        .map_err(|error| Failure::usage(format!("failed to find {}: {error}", directory.display())))
}

/// What was proposed, in a few lines.
fn summary(proposal: &Proposal) -> String {
    let mut lines = vec![format!("{} proposed", counted(proposal.checks.len() as u64, "check"))];
    if !proposal.missing.is_empty() {
        let mut packages: Vec<&str> =
            proposal.missing.iter().map(|missing| missing.package.as_str()).collect();
        packages.sort_unstable();
        packages.dedup();
        lines.push(format!(
            "{} more with plugins of {}",
            counted(proposal.missing.len() as u64, "check"),
            packages.join(", ")
        ));
    }
    if let Some(nrpe) = &proposal.nrpe {
        let also: BTreeSet<&String> =
            proposal.checks.iter().filter_map(|check| check.also.as_ref()).collect();
        let also = also.len();
        let (path, commands) = (nrpe.path.display(), counted(nrpe.commands as u64, "command"));
        lines.push(match (nrpe.taken, nrpe.port_in_use) {
            (false, _) => format!(
                "{path} has {commands}, of which {also} look at the same; they are read in place and not copied: \
                 custos-nrpe take answers by them, or --nrpe here"
            ),
            (true, None) => format!("check_nrpe will be answered by {path} too, with its {commands}"),
            (true, Some(port)) => format!(
                "check_nrpe will be answered by {path} too, with its {commands}; stop what listens on port {port} first"
            ),
        });
    }
    lines.join("; ")
}
