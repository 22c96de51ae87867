//! Which configuration is meant: the one of `--config`, else of `CUSTOS_CONFIG`, else the usual one.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::DEFAULT_PATH;

/// The variable that names a configuration where `--config` does not.
const VARIABLE: &str = "CUSTOS_CONFIG";

/// The option `--config`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ConfigOption {
    /// Configuration [default: $CUSTOS_CONFIG, else /etc/custos/custos.yaml]
    #[arg(long, short = 'c', value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigOption {
    /// The option with a file, or without one.
    pub(super) fn new(config: Option<PathBuf>) -> ConfigOption {
        ConfigOption { config }
    }

    /// The file that the command line or the environment names.
    pub(super) fn named(&self) -> Option<PathBuf> {
        named(self.config.clone(), std::env::var_os(VARIABLE))
    }

    /// The option with a file.
    #[cfg(test)]
    pub(super) fn of(path: impl Into<PathBuf>) -> ConfigOption {
        ConfigOption::new(Some(path.into()))
    }

    /// The file that is meant.
    pub(super) fn path(&self) -> PathBuf {
        self.named().unwrap_or_else(|| DEFAULT_PATH.into())
    }

    /// What a command that the user is advised to call must say to mean the same file: ` --config FILE`, or nothing.
    pub(super) fn repeated(&self) -> String {
        let quoted = |path: PathBuf| format!(" --config {}", shell_words::quote(&path.to_string_lossy()));
        self.named().map(quoted).unwrap_or_default()
    }
}

/// The file that an option or else the environment names. An empty variable names none.
fn named(option: Option<PathBuf>, variable: Option<OsString>) -> Option<PathBuf> {
    option.or_else(|| variable.filter(|value| !value.is_empty()).map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_comes_before_the_variable() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(named(path("a"), Some("b".into())), path("a"));
        assert_eq!(named(None, Some("b".into())), path("b"));
        assert_eq!(named(None, Some("".into())), None);
        assert_eq!(named(None, None), None);
    }

    #[test]
    fn advice_repeats_the_file_as_a_shell_reads_it() {
        let option = ConfigOption::of("my custos.yaml");
        assert_eq!(option.repeated(), " --config 'my custos.yaml'");
        assert_eq!(ConfigOption::of("c.yaml").repeated(), " --config c.yaml");
    }

    #[test]
    fn every_command_with_the_option_has_its_letter() {
        fn look(command: &clap::Command, path: &str, seen: &mut usize) {
            for option in command.get_arguments().filter(|option| option.get_long() == Some("config")) {
                assert_eq!(option.get_short(), Some('c'), "{path}");
                *seen += 1;
            }
            for below in command.get_subcommands() {
                look(below, &format!("{path} {}", below.get_name()), seen);
            }
        }
        let mut seen = 0;
        look(&crate::cli::command(), "custos", &mut seen);
        assert!(seen > 15, "{seen}");
    }
}
