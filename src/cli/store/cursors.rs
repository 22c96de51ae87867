//! `custos store cursors`: who reads the store as a stream, and how far each has got.

use std::io::Write;

use custos_store::{Cursors, Reader};
use serde::Serialize;

use super::directory::{StoreDir, failed, not_opened};
use crate::cli::read::{Failure, json_line, tell};
use crate::cli::style::printable;
use crate::clock;
use crate::feed::read::Lag;
use crate::feed::sink::is_of_sink;
use crate::text::human::{counted, duration_ms};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct CursorsArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// Removes the cursor of this name; its consumer begins anew
    #[arg(long, value_name = "NAME")]
    remove: Option<String>,
    /// One JSON object for each cursor
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CursorJson<'a> {
    cursor: &'a str,
    position: u64,
    end: u64,
    runs: u64,
    owed_runs: u64,
    last_ms: Option<i64>,
}

pub(super) fn cursors(args: &CursorsArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let dir = args.directory.dir()?;
    let cursors = Cursors::new(&dir);
    if let Some(name) = &args.remove {
        if let Some(pid) = custos_store::writer_pid(&dir).filter(|_| is_of_sink(name)) {
            let why =
                format!("the agent, process {pid}, goes by {name} and would write it again; stop it first");
            return Err(Failure::new(why));
        }
        return match cursors.remove(name).map_err(|error| failed("remove the cursor", &error))? {
            true => Ok(()),
            false => Err(Failure::usage(format!("there is no cursor {name:?}"))),
        };
    }
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    let names = cursors.names().map_err(|error| failed("list the cursors", &error))?;
    if names.is_empty() {
        tell("the store has no cursors");
    }
    let mut unreadable = 0_u64;
    for name in names {
        let cursor = match cursors.read(&name) {
            Ok(Some(cursor)) => cursor,
            // It was removed since it was listed.
            Ok(None) => continue,
            Err(error) => {
                tell(&failed("read a cursor", &error).message);
                unreadable += 1;
                continue;
            }
        };
        let lag = Lag::of_cursor(cursor, &reader);
        if args.json {
            let Lag { position, end, runs, owed_runs, last_ms, .. } = lag;
            let (position, end) = (position.0, end.0);
            json_line(&CursorJson { cursor: &name, position, end, runs, owed_runs, last_ms }, out)?;
        } else {
            writeln!(out, "{}  {}", printable(&name), line(&lag))?;
        }
    }
    match unreadable {
        0 => Ok(()),
        count => Err(Failure::new(format!("{} could not be read", counted(count, "cursor")))),
    }
}

fn line(lag: &Lag) -> String {
    let at = format!("at {} of {}", lag.position, lag.end);
    let behind = match lag.runs + lag.owed_runs {
        0 => ", has all".to_owned(),
        runs => format!(", {} behind", counted(runs, "run")),
    };
    let last = match lag.last_ms {
        Some(last_ms) => {
            format!(", last of {} ago", duration_ms(clock::now_ms().saturating_sub(last_ms).max(0)))
        }
        None => String::new(),
    };
    format!("{at}{behind}{last}")
}
