//! The command: finds the stretch, compares all series, and looks for changes of state.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use custos_query::{ReadContext, check_names};
use custos_store::Reader;
use jiff::Zoned;

use super::args::WhyArgs;
use super::json;
use super::show::Shown;
use super::written::Sources;
use crate::cli::read::{Failure, Opened, finish, now, tell, time, time_or_now};
use crate::cli::style::Style;
use crate::cli::unknown::{Among, all_known};
use crate::clock::{self, micros};
use crate::exit_code::ExitCode;
use crate::limits::{WHY_LIKE_MAX, WHY_SHOWN_IN_TOP};
use crate::why::{Like, LikeRequest, Looked, Standing, standing, window};

/// Runs the command.
pub(in crate::cli) fn run(args: &WhyArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

/// The command at a time.
pub(super) fn answer(args: &WhyArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let at_ms = time_or_now("--at", args.at.as_deref(), now)?;
    let Opened { store, reader, mut damage, .. } = args.read.open()?;
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
    let sources = Sources::read(&store, &mut |fault| tell(fault));
    let looked = Looked::at(&reader, span.clone(), &mut context)?;
    let written = sources.of(args.check.as_ref(), &span);
    let subject = args.check.as_deref().zip(standing.as_ref());
    let like = subject.and_then(|subject| like(&reader, &looked, subject, &span, &sources, &|| false));
    if args.json {
        json::write(&looked, &written, like.as_ref(), out)?;
    } else {
        let (check, limit, standing) = (args.check.as_deref(), args.limit, standing.as_ref());
        let shown = Shown {
            check,
            limit,
            reader: &reader,
            standing,
            span,
            looked: &looked,
            written: &written,
            like: like.as_ref(),
        };
        shown.write(now, style, &mut context, out)?;
    }
    damage.finish(out)
}

/// When it was like this before, if that is found before it takes too long.
fn like<'l>(
    reader: &Reader,
    looked: &'l Looked,
    (check, standing): (&str, &Standing),
    span: &Range<i64>,
    sources: &Sources,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Like<'l>> {
    let until_us = clock::mono_us().saturating_add(micros(WHY_LIKE_MAX));
    let is_over = || is_cancelled() || clock::mono_us() > until_us;
    // What is damaged was told when all was compared.
    let mut ignored = |_: &custos_store::Error| {};
    let mut context = ReadContext::new(&mut ignored).cancellable(&is_over);
    let judgement = &standing.run.judgement;
    LikeRequest { check, judgement, span, incidents: &sources.incidents }.read(reader, looked, &mut context)
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
    let mut faults: Vec<String> = Vec::new();
    let sources = Sources::read(store, &mut |fault| faults.push(fault.to_owned()));
    let mut damaged = None;
    let mut on_damage = |error: &custos_store::Error| {
        damaged.get_or_insert_with(|| error.to_string());
    };
    let mut context = ReadContext::new(&mut on_damage).cancellable(is_cancelled);
    let standing = standing(&reader, check, at_ms, &mut context);
    let span = window(standing.as_ref(), at_ms);
    let looked = Looked::at(&reader, span.clone(), &mut context)?;
    // What was given up halfway is not half of an answer.
    context.look()?;
    let written = sources.of(Some(&check.to_owned()), &span);
    let subject = standing.as_ref().map(|standing| (check, standing));
    let like = subject.and_then(|subject| like(&reader, &looked, subject, &span, &sources, is_cancelled));
    let shown = Shown {
        // How the check stands, the page says itself.
        check: None,
        limit: WHY_SHOWN_IN_TOP,
        reader: &reader,
        standing: standing.as_ref(),
        span,
        looked: &looked,
        written: &written,
        like: like.as_ref(),
    };
    let mut text = Vec::new();
    shown.write(now, style, &mut context, &mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    faults.extend(damaged);
    for fault in faults {
        text += &format!("not all could be read: {fault}\n");
    }
    Ok(text)
}
