//! `custos import nagios`: the services of one host, out of Nagios' object cache.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use custos_compat::nagios::parse_objects;

use super::hosts::several;
use crate::cli::read::Failure;
use crate::import::{NagiosHost, nagios_document, nagios_hosts, resource_macros};
use crate::limits::NAGIOS_FILE_MAX_BYTES;
use crate::whole_file;

/// Writes the services of one host as checks, in YAML, by Nagios' object cache
///
/// nagios4 -vp writes the cache as objects.precache, with templates and groups resolved; a Nagios that runs has it as objects.cache. Command lines
/// are written out. What is not carried over stands at the end, each with its line.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NagiosArgs {
    /// The object cache
    #[arg(value_name = "OBJECTS.CACHE")]
    cache: PathBuf,
    /// A resource file, with $USER1$ and its kind
    #[arg(long, value_name = "FILE")]
    resource: Vec<PathBuf>,
    /// The host, if the cache has several
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The interval_length of nagios.cfg: the seconds that intervals count
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    interval_length: u32,
    /// The service_check_timeout of nagios.cfg
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,
}

pub(super) fn import(args: &NagiosArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let objects = parse_objects(&text(&args.cache)?)
        .map_err(|fault| Failure::new(format!("failed to read {}: {fault}", args.cache.display())))?;
    let mut resources: HashMap<String, String> = HashMap::new();
    for path in &args.resource {
        resources.extend(resource_macros(&text(path)?));
    }
    let hosts = nagios_hosts(&objects);
    let host = match (&args.host, &hosts[..]) {
        (Some(host), _) => host,
        (None, [host]) => *host,
        (None, []) => return Err(Failure::new(format!("{} has no service", args.cache.display()))),
        (None, several_hosts) => return Err(several(several_hosts)),
    };
    let input = NagiosHost {
        objects: &objects,
        host,
        interval_length_s: f64::from(args.interval_length),
        timeout_s: u64::from(args.timeout),
    };
    let file = args.cache.file_name().unwrap_or_default().to_string_lossy();
    let page = nagios_document(&input, &resources, &file)
        .ok_or_else(|| Failure::usage(format!("{} has no host {host}", args.cache.display())))?;
    Ok(out.write_all(page.as_bytes())?)
}

fn text(path: &Path) -> Result<String, Failure> {
    let bytes = whole_file::bytes(path, NAGIOS_FILE_MAX_BYTES)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
