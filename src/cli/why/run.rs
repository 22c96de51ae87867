//! The command: finds the stretch, compares all series, and looks for changes of state.

use std::io::Write;

use custos_query::{ReadContext, check_names};
use jiff::Zoned;

use super::args::WhyArgs;
use super::written::Sources;
use super::{json, show};
use crate::backtest::Incidents;
use crate::cli::incident::stored_incidents;
use crate::cli::note::notes_or_none;
use crate::cli::read::{Failure, Opened, finish, now, tell, time};
use crate::cli::style::Style;
use crate::cli::unknown::{Among, all_known};
use crate::exit_code::ExitCode;
use crate::notify::Noted;
use crate::why::{Looked, standing, window};

/// Runs the command.
pub(in crate::cli) fn run(args: &WhyArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

/// The command at a time.
pub(super) fn answer(args: &WhyArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let at_ms = match &args.at {
        Some(text) => time("--at", text, now)?,
        None => now.timestamp().as_millisecond(),
    };
    let Opened { reader, mut damage, .. } = args.read.open()?;
    all_known(&args.check, &check_names(&reader), Among::Stored)?;
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let mut context = ReadContext::new(&mut on_damage);
    let standing = args.check.as_ref().and_then(|check| standing(&reader, check, at_ms, &mut context));
    let span = match &args.since {
        Some(since) => time("--since", since, now)?..at_ms,
        None => window(standing.as_ref(), at_ms),
    };
    if span.is_empty() {
        return Err(Failure::usage("--since is not before now, or --at"));
    }
    let looked = Looked::at(&reader, span.clone(), &mut context)?;
    let written = sources(args)?.of(args.check.as_ref(), &span);
    if args.json {
        json::write(&looked, &written, out)?;
    } else {
        let shown = show::Shown {
            args,
            reader: &reader,
            standing: standing.as_ref(),
            span,
            among: &looked.among,
            units: &looked.units,
            shifts: &looked.shifts,
            events: &looked.events,
            texts: &looked.texts,
            written: &written,
        };
        shown.write(now, style, &mut context, out)?;
    }
    damage.finish(out)
}

/// What people wrote; what of it cannot be read is told, and left out.
fn sources(args: &WhyArgs) -> Result<Sources, Failure> {
    let incidents = stored_incidents(&args.read).unwrap_or_else(|failure| {
        tell(&failure.message);
        Incidents::default()
    });
    let (store, _) = args.read.locate()?;
    let noted = Noted::read(&store, []);
    for fault in noted.faults().values() {
        tell(fault);
    }
    Ok(Sources { notes: notes_or_none(&args.read), incidents, acks: noted.acks() })
}
