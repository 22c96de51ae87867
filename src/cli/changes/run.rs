//! The command: finds changes of all series and of states, and groups them.

use std::io::Write;

use custos_query::{ChangesRequest, ReadContext};
use jiff::Zoned;

use super::args::ChangesArgs;
use super::group::{groups, heaviest};
use super::{json, show};
use crate::cli::note::notes_or_none;
use crate::cli::read::{Failure, Opened, finish, now, time, time_or_now};
use crate::cli::style::Style;
use crate::exit_code::ExitCode;
use crate::limits::CHANGES_EVENTS_MAX;
use crate::why::{all_series, turns};

/// Runs the command.
pub(in crate::cli) fn run(args: &ChangesArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

/// The command at a time.
pub(super) fn answer(
    args: &ChangesArgs,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let until_ms = time_or_now("--until", args.until.as_deref(), now)?;
    let since_ms = time("--since", args.since.as_deref().unwrap_or("-24h"), now)?;
    let span = since_ms..until_ms;
    if span.is_empty() {
        return Err(Failure::usage("--since is not before --until"));
    }
    let Opened { store, reader, mut damage, .. } = args.read.open()?;
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let mut context = ReadContext::new(&mut on_damage);
    let (among, units) = all_series(&reader);
    let changes = ChangesRequest { among: &among, span: span.clone() }.read(&reader, &mut context)?;
    let states = turns(&reader, span.clone(), CHANGES_EVENTS_MAX, &mut context)?;
    let groups = groups(changes, states);
    let notes = notes_or_none(&store);
    let shown = show::Shown {
        reader: &reader,
        span,
        among: &among,
        units: &units,
        groups: &groups,
        chosen: &heaviest(&groups, args.limit),
        notes: &notes,
    };
    match args.json {
        true => json::write(&shown, out)?,
        false => shown.write(now, style, &mut context, out)?,
    }
    damage.finish(out)
}
