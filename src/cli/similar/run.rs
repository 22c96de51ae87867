//! The command: finds the series, has them searched, and looks at what came after each match.

use std::io::Write;

use custos_query::{Bucketed, ReadContext, SimilarRequest, SimilarSeries, own_check};
use custos_store::Reader;
use jiff::Zoned;

use super::answer::Answer;
use super::args::SimilarArgs;
use super::{json, show};
use crate::cli::incident::incidents_or_none;
use crate::cli::one_series::one_series;
use crate::cli::read::{Failure, finish, now, time, time_or_now};
use crate::cli::style::Style;
use crate::clock;
use crate::exit_code::ExitCode;
use crate::why::Surroundings;

/// Runs the command.
pub(in crate::cli) fn run(args: &SimilarArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

/// The command at a time.
pub(super) fn answer(
    args: &SimilarArgs,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let at_ms = time_or_now("--at", args.at.as_deref(), now)?;
    let since_ms = time("--since", &args.since, now)?;
    let until_ms = args.until.as_ref().map_or(Ok(at_ms), |text| time("--until", text, now))?;
    if since_ms >= until_ms {
        return Err(Failure::usage("--since is not before --until"));
    }
    let mut opened = args.read.open()?;
    let reader = &opened.reader;
    let (of, unit) = one_series(reader, &args.target)?;
    let among = among(args, reader, &of);
    let begun_us = clock::mono_us();
    let request = SimilarRequest {
        of: &of,
        span: since_ms..until_ms,
        among: &among,
        until_ms: at_ms,
        form: args.form(),
        warp: args.warp,
        full_resolution: args.full_resolution,
    };
    let mut on_damage = |error: &custos_store::Error| opened.damage.note(error);
    let mut context = ReadContext::new(&mut on_damage);
    let found = request.read(reader, &mut context)?;
    let took_us = clock::mono_us().saturating_sub(begun_us);
    let incidents = incidents_or_none(&opened.store);
    let surroundings = Surroundings { reader, incidents: &incidents, until_ms: at_ms };
    let shown = found.matches.iter().take(args.limit).filter(|one| args.json || one.is_clear);
    let after = shown.map(|one| surroundings.after(&among[one.series].check, &one.span, &mut context));
    let after = after.collect::<custos_query::Result<Vec<_>>>()?;
    let answer = Answer {
        args,
        reader,
        of: &of,
        unit: &unit,
        span: since_ms..until_ms,
        among: &among,
        found: &found,
        after: &after,
        took_us,
    };
    if args.json {
        json::write(&answer, out)?;
    } else {
        show::write(&answer, now, style, &mut context, out)?;
    }
    opened.damage.finish(out)
}

/// The series that are searched, by check.
fn among(args: &SimilarArgs, reader: &Reader, of: &SimilarSeries) -> Vec<SimilarSeries> {
    if !args.any && !args.others {
        return vec![of.clone()];
    }
    let mut among = Vec::new();
    for check in reader.catalogue().checks {
        let name = check.check.name;
        // What was watched lies at times that have been searched already.
        if (args.others && name != of.check) || own_check(&name).is_some() {
            continue;
        }
        among.extend(
            check.series.into_iter().map(|info| SimilarSeries {
                check: name.clone(),
                series: Bucketed::new(info.key, &info.unit),
            }),
        );
    }
    among
}
