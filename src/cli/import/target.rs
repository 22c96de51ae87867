//! The store that takes in what is imported.

use std::path::PathBuf;

use custos_store::{Imported, Importer, Options, Reader, Run, Writer};

use crate::cli::config_option::ConfigOption;
use crate::cli::locate::locate_strictly;
use crate::cli::progress::{Progress, STATUS_LINES};
use crate::cli::read::Failure;
use crate::cli::store::{failed, not_opened, taken_in};
use crate::cli::usable::unusable;
use crate::text::human::counted;

/// Where to, and whether at all.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// Directory of the store, whatever the configuration says
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigOption,
    /// Say what becomes what, and store nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A store while it takes in runs.
pub(super) struct Target<'a> {
    /// The store as it was before.
    pub(super) reader: &'a Reader,
    importer: Importer<'a>,
    progress: Progress,
    count: u64,
}

/// What an import of so many files did, and how many runs were left out.
pub(super) fn said_of_files(files: usize, imported: &Imported, covered: u64) -> String {
    let files = counted(files as u64, "file");
    let covered = match covered {
        0 => String::new(),
        covered => format!(", {covered} of spans that are there in finer ones"),
    };
    format!("{files}: {}{covered}", taken_in(imported))
}

impl TargetArgs {
    /// Opens the store, has runs put into it, makes them durable and seals them. Returns how many there were, and what `work` returns.
    pub(super) fn take_in<T>(
        &self,
        work: impl FnOnce(&mut Target<'_>) -> Result<T, Failure>,
    ) -> Result<(Imported, T), Failure> {
        let dir = locate_strictly(self.store.as_deref(), &self.config, Some("the store with --store DIR"))?.0;
        let mut writer =
            Writer::open(&dir, Options::default()).map_err(|error| failed("take the runs in", &error))?;
        let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
        let importer = Importer::new(&reader, &mut writer);
        let mut target = Target { reader: &reader, importer, progress: Progress::new(), count: 0 };
        let result = work(&mut target)?;
        let Target { importer, mut progress, .. } = target;
        let imported = importer.finish().map_err(|error| failed("import", &error))?;
        progress.show("sealing");
        writer
            .compact()
            .and_then(|()| writer.close())
            .map_err(|error| failed("seal what was imported", &error))?;
        Ok((imported, result))
    }
}

impl Target<'_> {
    /// Takes in a run, unless it is there already.
    pub(super) fn add(&mut self, check: &str, run: Run) -> Result<(), Failure> {
        if let Some(why) = unusable(check, &run) {
            return Err(Failure::new(why));
        }
        self.importer.add(check, run).map_err(|error| failed("import", &error))?;
        self.count += 1;
        if self.count.is_multiple_of(STATUS_LINES) {
            self.progress.show(&format!("{}, {check}", counted(self.count, "run")));
        }
        Ok(())
    }
}
