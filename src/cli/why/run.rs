//! The command: finds the stretch, compares all series, and looks for changes of state.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use custos_query::{
    Bucketed, Event, EventRequest, ReadContext, ShiftRequest, SimilarSeries, check_names, watched_check,
};
use custos_store::Reader;
use jiff::Zoned;

use super::args::WhyArgs;
use super::window::{standing, window};
use super::{json, show};
use crate::cli::read::{Failure, Opened, finish, now, time};
use crate::cli::style::Style;
use crate::cli::unknown::{Among, all_known};
use crate::exit_code::ExitCode;
use crate::limits::{WHY_EVENTS_MAX, WHY_SHOWN_IN_TOP};

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
    let (among, units) = all_series(&reader);
    let shifts = ShiftRequest { among: &among, span: span.clone() }.read(&reader, &mut context)?;
    let events = turns(&reader, span.clone(), &mut context)?;
    if args.json {
        json::write(&among, &shifts, &events, out)?;
    } else {
        let shown = show::Shown {
            check: args.check.as_deref(),
            limit: args.limit,
            reader: &reader,
            standing: standing.as_ref(),
            span,
            among: &among,
            units: &units,
            shifts: &shifts,
            events: &events,
        };
        shown.write(now, style, &mut context, out)?;
    }
    damage.finish(out)
}

/// What is told of the problem of a check now, for a page that shows it among other things; it is given up as soon as
/// `is_cancelled` says so.
///
/// # Errors
/// Why nothing can be told.
pub(in crate::cli) fn told(
    store: &Path,
    check: &str,
    now: &Zoned,
    style: Style,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<String, Failure> {
    let reader = Reader::open(store)?;
    let at_ms = now.timestamp().as_millisecond();
    let mut damaged = None;
    let mut on_damage = |error: &custos_store::Error| {
        damaged.get_or_insert_with(|| error.to_string());
    };
    let mut context = ReadContext::new(&mut on_damage).cancellable(is_cancelled);
    let standing = standing(&reader, check, at_ms, &mut context);
    let span = window(standing.as_ref(), at_ms);
    let (among, units) = all_series(&reader);
    let shifts = ShiftRequest { among: &among, span: span.clone() }.read(&reader, &mut context)?;
    let events = turns(&reader, span.clone(), &mut context)?;
    // What was given up halfway is not half of an answer.
    context.look()?;
    let shown = show::Shown {
        check: None,
        limit: WHY_SHOWN_IN_TOP,
        reader: &reader,
        standing: standing.as_ref(),
        span,
        among: &among,
        units: &units,
        shifts: &shifts,
        events: &events,
    };
    let mut text = Vec::new();
    shown.write(now, style, &mut context, &mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if let Some(damaged) = damaged {
        text += &format!("not all could be read: {damaged}\n");
    }
    Ok(text)
}

/// All series of all checks, with their units.
fn all_series(reader: &Reader) -> (Vec<SimilarSeries>, Vec<String>) {
    let checks = reader.catalogue().checks.into_iter();
    let own = checks.filter(|check| watched_check(&check.check.name).is_none());
    let series = own.flat_map(|check| {
        let name = check.check.name;
        check.series.into_iter().map(move |info| {
            let series = Bucketed::new(info.key, &info.unit);
            (SimilarSeries { check: name.clone(), series }, info.unit)
        })
    });
    series.unzip()
}

/// Changes of state in a time, the first first: what is only confirmed, or flaps, changed before.
fn turns(reader: &Reader, span: Range<i64>, context: &mut ReadContext<'_>) -> Result<Vec<Event>, Failure> {
    let request = EventRequest { checks: &[], span, hard: false, limit: WHY_EVENTS_MAX };
    let mut events = request.read(reader, context)?;
    events.retain(|event| event.from.is_some_and(|from| from != event.to));
    events.sort_by_key(|event| event.time_ms);
    Ok(events)
}
