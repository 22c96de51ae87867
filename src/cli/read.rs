//! What the commands that read the store have in common: where the store is, times, and writing to stdout.

use std::io::{self, Write};
use std::path::PathBuf;

use custos_query::write_json_line;
use custos_store::Reader;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde::Serialize;

use super::config_option::ConfigOption;
use super::denied::unreadable_file;
pub(super) use super::failure::{Failure, chain, store_error, tell};
use super::locate;
use super::style::{ColorChoice, Style};
use crate::clock;
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::limits::DAMAGE_TOLD_MAX;
pub(super) use crate::text::local_time::local_time;
use crate::text::time_spec;

/// Options of every command that reads the store.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ReadArgs {
    #[command(flatten)]
    pub config: ConfigOption,
    /// Directory of the store, whatever the configuration says
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub color: ColorChoice,
}

/// An opened store and what is known around it.
pub(super) struct Opened {
    /// Where the store is.
    pub store: PathBuf,
    /// The store as it is now.
    pub reader: Reader,
    /// The configuration, if there is one that can be read.
    pub config: Option<Config>,
    /// The files of the store that cannot be read.
    pub damage: Damage,
}

impl ReadArgs {
    /// Opens the store. Without a configuration at the usual place, the usual store is meant.
    ///
    /// # Errors
    /// A message for the user, with the exit status that goes with it.
    /// The checks of the configuration and of the store, as far as these can be read.
    pub(super) fn all_checks(&self) -> Vec<String> {
        let opened = self.open().ok();
        let stored =
            opened.as_ref().map(|opened| custos_query::check_names(&opened.reader)).unwrap_or_default();
        let defined = opened.and_then(|opened| opened.config);
        let defined = defined.iter().flat_map(|config| config.checks.keys().cloned());
        let mut all: Vec<String> = stored.into_iter().chain(defined).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Opens the store.
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let (store, config) = self.locate()?;
        let reader = Reader::open(&store).map_err(|error| {
            Failure::new(format!(
                "failed to open the store {}: {}",
                store.display(),
                store_error(&store, &error)
            ))
        })?;
        let mut damage = Damage::default();
        damage.note_files(&reader);
        Ok(Opened { store, reader, config, damage })
    }

    /// Finds the store and the configuration, see [`locate::locate`].
    ///
    /// # Errors
    /// A message for the user, with the exit status that goes with it.
    pub(super) fn locate(&self) -> Result<(PathBuf, Option<Config>), Failure> {
        locate::locate(self.store.as_deref(), &self.config)
    }

    /// The same for commands that cannot do without the configuration, see [`locate::locate_strictly`].
    ///
    /// # Errors
    /// A message for the user, with the exit status that goes with it.
    pub(super) fn locate_strictly(&self) -> Result<(PathBuf, Option<Config>), Failure> {
        locate::locate_strictly(self.store.as_deref(), &self.config, None)
    }

    /// The options that named configuration and store, for a command that the user is advised to call.
    pub(super) fn repeated(&self) -> String {
        let mut given = self.config.repeated();
        if let Some(store) = &self.store {
            given += &format!(" --store {}", shell_words::quote(&store.to_string_lossy()));
        }
        given
    }

    /// How to write to stdout.
    pub(super) fn style(&self) -> Style {
        Style::detect(self.color)
    }
}

/// Parts of the store that cannot be read. The command reports them, shows the rest, and fails at its end.
#[derive(Debug, Default)]
pub(super) struct Damage {
    count: u64,
}

impl Damage {
    /// Notes the files that cannot be read, wholly or in parts.
    pub(super) fn note_files(&mut self, reader: &Reader) {
        for damage in reader.damages() {
            self.note_one(&unreadable_file(&damage));
        }
    }

    /// Notes what cannot be read.
    pub(super) fn note(&mut self, error: &custos_store::Error) {
        self.note_one(&chain(error));
    }

    /// Notes what cannot be read, in words.
    pub(super) fn note_text(&mut self, what: &str) {
        self.note_one(what);
    }

    fn note_one(&mut self, what: &str) {
        self.count += 1;
        if self.count <= DAMAGE_TOLD_MAX {
            tell(&format!("failed to read the store: {what}"));
        }
    }

    /// The end of the command, once everything else has been shown.
    pub(super) fn finish(self, out: &mut dyn Write) -> Result<(), Failure> {
        out.flush()?;
        match self.count {
            0 => Ok(()),
            1 => Err(Failure::new("a part of the store could not be read; the rest is shown")),
            count => {
                Err(Failure::new(format!("{count} parts of the store could not be read; the rest is shown")))
            }
        }
    }
}

/// Writes a value as a line of JSON.
pub(super) fn json_line(value: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    Ok(write_json_line(value, out)?)
}

/// Runs a command that writes to stdout, and tells what went wrong.
pub(super) fn finish(command: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> ExitCode {
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let result = command(&mut out).and_then(|()| out.flush().map_err(Failure::from));
    match result {
        Ok(()) => ExitCode::Success,
        Err(Failure { code: ExitCode::Success, .. }) => {
            // What is left of the buffer has no reader.
            let _ = out.into_parts();
            ExitCode::Success
        }
        Err(failure) => {
            tell(&failure.message);
            failure.code
        }
    }
}

/// The time now, in the zone of this machine or of `TZ`.
pub(super) fn now() -> Zoned {
    Timestamp::from_millisecond(clock::now_ms()).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::system())
}

/// The time that an option has, or else now.
pub(super) fn time_or_now(option: &str, text: Option<&str>, now: &Zoned) -> Result<i64, Failure> {
    text.map_or_else(|| Ok(now.timestamp().as_millisecond()), |text| time(option, text, now))
}

/// A time from the command line.
pub(super) fn time(option: &str, text: &str, now: &Zoned) -> Result<i64, Failure> {
    time_spec::parse(text, now).map_err(|error| Failure::usage(format!("{option}: {error}")))
}
