//! The command line of `nrpe`.

use std::ffi::OsString;
use std::path::PathBuf;

use custos_compat::getopt::{self, Known};
use custos_compat::nrpe::AddressFamily;

use crate::nrpe::NRPE_VERSION;
use crate::nrpe::listener::Overrides;

/// Where history is kept unless `--store` says otherwise.
const STORE_DEFAULT: &str = "/var/lib/custos";
/// NRPE's configuration unless `-c` says otherwise, relative to the working directory.
const CONFIG_DEFAULT: &str = "nrpe.cfg";

const KNOWN: [Known; 14] = [
    Known { short: b'c', long: "config", value: true },
    Known { short: b'n', long: "no-ssl", value: false },
    Known { short: b'4', long: "ipv4", value: false },
    Known { short: b'6', long: "ipv6", value: false },
    Known { short: b'd', long: "daemon", value: false },
    Known { short: b'f', long: "no-forking", value: false },
    Known { short: b'i', long: "inetd", value: false },
    Known { short: b's', long: "src", value: false },
    Known { short: b'V', long: "version", value: false },
    Known { short: b'h', long: "help", value: false },
    Known { short: b'l', long: "license", value: false },
    Known { short: EXPLAIN, long: "explain", value: false },
    Known { short: STORE, long: "store", value: true },
    Known { short: ALLOW_ARGUMENTS, long: "allow-arguments", value: false },
];
// Options without a short form.
const EXPLAIN: u8 = 1;
const STORE: u8 = 2;
const ALLOW_ARGUMENTS: u8 = 3;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Serve in the background.
    Background,
    /// Serve in the foreground.
    Foreground,
    /// Answer the one request on standard input.
    Stdin,
    /// Tell what the configuration means.
    Explain,
}

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The `nrpe.cfg`.
    pub(super) config: PathBuf,
    /// What is to be done.
    pub(super) mode: Mode,
    /// What counts more than the `nrpe.cfg`.
    pub(super) overrides: Overrides,
    /// Directory of the store.
    pub(super) store: PathBuf,
}

impl Call {
    /// Reads a command line, the program's name left out: the call, or what to print instead.
    pub(super) fn parse(words: &[OsString]) -> Result<Call, String> {
        let parsed = getopt::parse(words, &KNOWN, |_| false);
        if let Some(mistake) = parsed.mistakes.first() {
            return Err(format!("{mistake}\n\n{HELP}"));
        }
        let mut call = Call {
            config: CONFIG_DEFAULT.into(),
            mode: Mode::Foreground,
            overrides: Overrides::default(),
            store: STORE_DEFAULT.into(),
        };
        let mut mode = None;
        for given in parsed.options {
            match given.short {
                b'c' => call.config = given.value.into(),
                b'n' => call.overrides.no_ssl = true,
                b'4' => call.overrides.family = AddressFamily::V4,
                b'6' => call.overrides.family = AddressFamily::V6,
                b'd' => mode = Some(Mode::Background),
                // AIX's source controller wants the process in the foreground, too.
                b'f' | b's' => mode = Some(Mode::Foreground),
                b'i' => mode = Some(Mode::Stdin),
                b'V' => return Err(version()),
                b'l' => return Err(format!("{}{LICENSE}", version())),
                EXPLAIN => mode = Some(Mode::Explain),
                STORE => call.store = given.value.into(),
                ALLOW_ARGUMENTS => call.overrides.allow_arguments = true,
                _ => return Err(format!("{}{HELP}", version())),
            }
        }
        call.mode = mode.ok_or_else(|| format!("{}{HELP}", version()))?;
        Ok(call)
    }
}

fn version() -> String {
    format!(
        "\nNRPE - Nagios Remote Plugin Executor\nVersion: {NRPE_VERSION} (custos {})\n\n",
        env!("CARGO_PKG_VERSION")
    )
}

const LICENSE: &str = "\
Licensed under either of the MIT licence and the Apache License, Version 2.0, at your option.
";

const HELP: &str = "\
Usage: nrpe [-n] -c <config_file> [-4|-6] <mode>

Stands in for the NRPE daemon: the same configuration, port, options and answers, and a history of every run.

Options:
 -n, --no-ssl          No TLS at all
 -c, --config=FILE     The nrpe.cfg to read (./nrpe.cfg)
 -4, --ipv4            Listen on IPv4 only
 -6, --ipv6            Listen on IPv6 only
     --store=DIR       Where the history is kept (/var/lib/custos)
     --allow-arguments Let dont_blame_nrpe=1 of the configuration have its effect, which Debian's nrpe does not
 -V, --version         Version
 -l, --license         Licence
 -h, --help            This text

Modes:
 -d, --daemon          In the background
 -f, --no-forking      In the foreground
 -i, --inetd           One request on standard input, for inetd, xinetd and socket units
 -s, --src             Under AIX's source controller, which is the foreground
     --explain         Tell in plain words who may ask what over which TLS, and what is weak about it, and end
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Call, String> {
        Call::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn nrpes_own_calls() {
        let call = parsed(&["-c", "/etc/nagios/nrpe.cfg", "-f", "-n"]).unwrap();
        assert_eq!(call.config, Path::new("/etc/nagios/nrpe.cfg"));
        assert_eq!((call.mode, call.overrides.no_ssl), (Mode::Foreground, true));
        assert_eq!(parsed(&["--daemon", "--config=x", "-6"]).unwrap().overrides.family, AddressFamily::V6);
        assert_eq!(parsed(&["-i"]).unwrap().config, Path::new("nrpe.cfg"));
    }

    #[test]
    fn calls_without_a_mode_get_the_usage() {
        for words in [&[][..], &["-c", "x"], &["-h"], &["--bogus"]] {
            assert!(parsed(words).unwrap_err().contains("Usage: nrpe"), "{words:?}");
        }
        assert!(parsed(&["-V"]).unwrap_err().contains("Version: 4.1.0"));
    }

    #[test]
    fn own_options() {
        let call = parsed(&["-f", "--store", "/x", "--allow-arguments"]).unwrap();
        assert_eq!((call.store.as_path(), call.overrides.allow_arguments), (Path::new("/x"), true));
        assert_eq!(parsed(&["--explain"]).unwrap().mode, Mode::Explain);
    }
}
