//! `custos sink verify`: whether a receiver has what is stored.

use std::io::Write;

use jiff::tz::TimeZone;

use super::super::read::{Failure, ReadArgs, json_line, local_time, now, time};
use super::super::style::printable;
use crate::feed::proof::{Dispute, Proof, Wish, verify};
use crate::feed::sink::SinkSettings;
use crate::text::human::counted;

/// Series and hours that are listed unless all are wished.
const DISPUTES_SHOWN_MAX: usize = 20;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The sink
    name: String,
    /// From the hour of this time on, such as -2d or 2026-11-01; without it from where the sink began
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Deliver again what is missing, just that
    #[arg(long)]
    repair: bool,
    /// List all series and hours that are not right, not only the first
    #[arg(long, conflicts_with = "json")]
    all: bool,
    /// Write JSON Lines: each series and hour that is not right, and at last what was compared
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let now = now();
    let since_ms = args.since.as_deref().map(|text| time("--since", text, &now)).transpose()?;
    let (store, config) = args.read.locate_strictly()?;
    let config = config.ok_or_else(|| Failure::usage("there is no configuration, and so no sink"))?;
    let sink = config.sinks.iter().find(|sink| sink.name == args.name);
    let sink = sink.ok_or_else(|| Failure::new(format!("there is no sink `{}`", args.name)))?;
    let settings = SinkSettings::of(sink, &config.host).map_err(Failure::new)?;
    let wish = Wish { since_ms, repair: args.repair };
    let proof = verify(&store, &settings, wish)
        .map_err(|why| Failure::new(format!("sink {}: nothing is proven: {why}", args.name)))?;
    match args.json {
        true => write_json(&proof, out)?,
        false => write_text(&proof, args.all, now.time_zone(), out)?,
    }
    if proof.holds() {
        return Ok(());
    }
    out.flush()?;
    let hours = counted(proof.open_hours_ms.len() as u64, "hour");
    Err(Failure::new(format!("sink {}: {hours} cannot be proven", args.name)))
}

fn write_json(proof: &Proof, out: &mut dyn Write) -> Result<(), Failure> {
    for (all, is_right_now) in [(&proof.mended, true), (&proof.disputes, false)] {
        for dispute in all {
            let mut line = serde_json::to_value(dispute).map_err(|error| Failure::new(error.to_string()))?;
            line["is_right_now"] = is_right_now.into();
            json_line(&line, out)?;
        }
    }
    let mut line = serde_json::to_value(proof).map_err(|error| Failure::new(error.to_string()))?;
    line["holds"] = proof.holds().into();
    json_line(&line, out)
}

fn write_text(proof: &Proof, all: bool, zone: &TimeZone, out: &mut dyn Write) -> Result<(), Failure> {
    let (from, until) = (local_time(proof.from_ms, zone), local_time(proof.until_ms, zone));
    let (sink, receiver) = (printable(&proof.sink), printable(&proof.receiver));
    writeln!(out, "{sink} to {receiver}, {from} to {until}")?;
    let (samples, series) = (counted(proof.samples, "sample"), format!("{} series", proof.series));
    let hours = proof.hours;
    writeln!(out, "  stored: {samples} of {series}, in {hours} pairs of series and hour")?;
    writeln!(out, "  missing: {}, doubled: {}", proof.missing, proof.doubled)?;
    if proof.same_millisecond > 0 {
        writeln!(
            out,
            "  left out: {}, of runs in the same millisecond as another of their check: the receiver gets the first, and queries here go \
             by the last",
            counted(proof.same_millisecond, "sample")
        )?;
    }
    // What is not right first, so that it is among those that are shown.
    let (known, wrong): (Vec<&Dispute>, Vec<&Dispute>) =
        proof.disputes.iter().partition(|dispute| dispute.is_known);
    let (mut left, mut not_shown) = (if all { usize::MAX } else { DISPUTES_SHOWN_MAX }, 0);
    let kinds = [
        ("not right", wrong),
        ("right now, since it was delivered again", proof.mended.iter().collect()),
        ("known", known),
    ];
    for (kind, disputes) in kinds {
        let shown = disputes.len().min(left);
        for dispute in &disputes[..shown] {
            write!(out, "  {kind}: ")?;
            write_dispute(dispute, zone, out)?;
        }
        left -= shown;
        not_shown += (disputes.len() - shown) as u64;
    }
    match (not_shown, proof.not_named) {
        (0, 0) => {}
        (0, more) => writeln!(out, "  and {more} further pairs of series and hour")?,
        (listed, more) => {
            writeln!(
                out,
                "  and {} further pairs of series and hour; --all lists {listed} of them",
                listed + more
            )?;
        }
    }
    if proof.delivered_again > 0 {
        writeln!(out, "  delivered again: {}", counted(proof.delivered_again, "sample"))?;
    }
    if let Some(why) = &proof.not_taken {
        writeln!(out, "  not taken: {}", printable(why))?;
    }
    for what in &proof.not_proven {
        writeln!(out, "  not proven: {}", printable(what))?;
    }
    Ok(())
}

fn write_dispute(dispute: &Dispute, zone: &TimeZone, out: &mut dyn Write) -> Result<(), Failure> {
    let parts = [
        (dispute.missing, "missing"),
        (dispute.doubled, "doubled"),
        (dispute.not_stored, "not stored"),
        (dispute.other_values, "of another value"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let (series, hour) = (printable(&dispute.series), local_time(dispute.hour_ms, zone));
    write!(out, "{} of {} in the hour of {hour}, {series}", parts.join(", "), dispute.stored)?;
    if let Some(first_ms) = dispute.first_missing_ms {
        write!(out, ", the first at {}", local_time(first_ms, zone))?;
    }
    Ok(writeln!(out, ": {}", printable(&dispute.why))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispute(number: u64, is_known: bool) -> Dispute {
        Dispute {
            series: format!("s{number}"),
            check: "x".to_owned(),
            hour_ms: 0,
            stored: 360,
            there: 0,
            missing: 360,
            first_missing_ms: None,
            doubled: 0,
            not_stored: 0,
            other_values: 0,
            why: "so".to_owned(),
            is_known,
        }
    }

    fn text(proof: &Proof, all: bool) -> String {
        let mut out = Vec::new();
        write_text(proof, all, &TimeZone::UTC, &mut out).map_err(|failure| failure.message).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_not_right_comes_first_and_the_rest_is_counted() {
        let known = (0..50).map(|number| dispute(number, true));
        let disputes = known.chain((50..60).map(|number| dispute(number, false))).collect();
        let proof = Proof { disputes, not_named: 7, same_millisecond: 3, ..Proof::default() };
        let short = text(&proof, false);
        assert_eq!(short.matches("not right: ").count(), 10, "{short}");
        assert_eq!(short.matches("known: ").count(), 10, "{short}");
        assert!(short.contains("and 47 further pairs of series and hour; --all lists 40 of them"), "{short}");
        assert!(short.contains("left out: 3 samples"), "{short}");
        let long = text(&proof, true);
        assert_eq!(long.matches("known: ").count(), 50, "{long}");
        assert!(long.contains("and 7 further pairs of series and hour\n"), "{long}");
    }
}
