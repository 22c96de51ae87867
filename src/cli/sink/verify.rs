//! `custos sink verify`: whether a receiver has what is stored.

use std::io::Write;

use jiff::tz::TimeZone;

use super::super::read::{Failure, ReadArgs, json_line, local_time, now, time};
use super::super::style::printable;
use crate::feed::proof::{Dispute, Proof, Wish, verify};
use crate::feed::sink::SinkSettings;
use crate::text::human::counted;

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
        false => write_text(&proof, now.time_zone(), out)?,
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

fn write_text(proof: &Proof, zone: &TimeZone, out: &mut dyn Write) -> Result<(), Failure> {
    let (from, until) = (local_time(proof.from_ms, zone), local_time(proof.until_ms, zone));
    let (sink, receiver) = (printable(&proof.sink), printable(&proof.receiver));
    writeln!(out, "{sink} to {receiver}, {from} to {until}")?;
    let (samples, series) = (counted(proof.samples, "sample"), format!("{} series", proof.series));
    let hours = proof.hours;
    writeln!(out, "  stored: {samples} of {series}, in {hours} pairs of series and hour")?;
    writeln!(out, "  missing: {}, doubled: {}", proof.missing, proof.doubled)?;
    for dispute in &proof.mended {
        write!(out, "  right now, since it was delivered again: ")?;
        write_dispute(dispute, zone, out)?;
    }
    for dispute in &proof.disputes {
        write!(out, "  {}: ", if dispute.is_known { "known" } else { "not right" })?;
        write_dispute(dispute, zone, out)?;
    }
    if proof.not_named > 0 {
        writeln!(out, "  and {} further pairs of series and hour", proof.not_named)?;
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
