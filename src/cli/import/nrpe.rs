//! `custos import nrpe` and `custos import checkmk-mrpe`: the commands that other agents run, as checks.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::read::Failure;
use crate::import::{mrpe_document, nrpe_document};
use crate::limits::NRPE_CONFIG_MAX_BYTES;
use crate::nrpe::listener::read_config;
use crate::whole_file;

/// Writes the commands of an nrpe.cfg as checks, in YAML
///
/// Files and directories that it includes are read, too. Commands with $ARG1$ and its kind have no arguments to be run with, and are listed at the end.
/// To answer check_nrpe, custos needs none of that: see `nrpe` in the configuration.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NrpeArgs {
    /// The configuration
    #[arg(value_name = "NRPE.CFG")]
    file: PathBuf,
}

/// Writes the plugins that Checkmk's agent runs by its mrpe.cfg as checks, in YAML
///
/// What is not carried over stands at the end, each with its line.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MrpeArgs {
    /// The configuration
    #[arg(value_name = "MRPE.CFG")]
    file: PathBuf,
}

pub(super) fn import(args: &NrpeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let config = read_config(&args.file, Path::new("")).map_err(|error| Failure::new(error.to_string()))?;
    let name = args.file.display().to_string();
    Ok(out.write_all(nrpe_document(&config, &name).as_bytes())?)
}

pub(super) fn import_mrpe(args: &MrpeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let bytes = whole_file::bytes(&args.file, NRPE_CONFIG_MAX_BYTES)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", args.file.display())))?;
    let name = args.file.display().to_string();
    Ok(out.write_all(mrpe_document(&String::from_utf8_lossy(&bytes), &name).as_bytes())?)
}
