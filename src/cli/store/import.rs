//! `custos store import`: JSON Lines, a run a line, unless `--from` names a stream (`restore.rs`).

use std::io::Write;

use custos_store::{Importer, Options, Reader, Writer};

use super::directory::{StoreDir, failed, not_opened, taken_in};
use super::follow;
use super::import_line::{bad_line, parse, text_of};
use super::restore::{FromArgs, restore};
use crate::cli::bounded_lines::next_line;
use crate::cli::progress::{Progress, STATUS_LINES};
use crate::cli::read::Failure;
use crate::limits::IMPORT_LINE_MAX_BYTES;
use crate::text::human::counted;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// Take what `custos stream` writes as it comes, and answer each position once its runs are durable
    #[arg(long, conflicts_with = "from")]
    follow: bool,
    #[command(flatten)]
    from: FromArgs,
}

pub(super) fn import(args: &ImportArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let dir = args.directory.dir_to_write()?;
    if args.follow {
        return follow::follow(&dir, out);
    }
    if let Some(address) = args.from.address() {
        return restore(address, &args.from, &dir, out);
    }
    let mut writer =
        Writer::open(&dir, Options::default()).map_err(|error| failed("take the runs in", &error))?;
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    let mut status = Progress::new();
    let mut importer = Importer::new(&reader, &mut writer);
    let mut input = std::io::stdin().lock();
    let mut number = 0_u64;
    loop {
        number += 1;
        let line = next_line(&mut input, IMPORT_LINE_MAX_BYTES);
        let Some(line) = line.map_err(|error| bad_line(number, &error.to_string()))? else { break };
        let line = text_of(line, number)?;
        if line.trim().is_empty() {
            continue;
        }
        let (check, run) = parse(&line, number)?;
        importer.add(&check, run).map_err(|error| failed("import", &error))?;
        if number.is_multiple_of(STATUS_LINES) {
            status.show(&format!("{} read", counted(number, "run")));
        }
    }
    let done = importer.finish().map_err(|error| failed("import", &error))?;
    status.show("sealing");
    writer
        .compact()
        .and_then(|()| writer.close())
        .map_err(|error| failed("seal what was imported", &error))?;
    drop(status);
    Ok(writeln!(out, "{}", taken_in(&done))?)
}
