//! How notifications stand, for people.

use std::io::Write;

use jiff::Zoned;

use crate::cli::read::{Failure, local_time, tell};
use crate::cli::style::printable;
use crate::notify::{NotifyReport, Remark, TargetReport};
use crate::text::human::{age, counted, duration_ms};

/// Says on stderr what could not be read, so that it is no part of what a script reads.
pub(super) fn write_unreadable(report: &NotifyReport) {
    report.unreadable.iter().for_each(|why| tell(why));
}

/// Everything, a paragraph for each target.
pub(super) fn write_report(report: &NotifyReport, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    if report.targets.is_empty() {
        writeln!(out, "no targets: nobody is told")?;
    }
    for target in &report.targets {
        write_target(target, now, out)?;
    }
    for muted in &report.muted {
        let (alert, why) = (printable(&muted.alert), printable(&muted.why));
        writeln!(out, "not told: {alert} {} ({why})", muted.state)?;
    }
    for ack in &report.acks {
        let check = printable(&ack.check);
        let of = if ack.of.is_empty() { String::new() } else { format!("{{{}}}", printable(&ack.of)) };
        writeln!(out, "acknowledged: {check}{of} since {}{}", time(ack.at_ms, now), remark(&ack.remark))?;
    }
    if !report.silences.is_empty() {
        write_silences(report, now, out)?;
    }
    if report.not_followed > 0 {
        writeln!(out, "{} not told, as too many fire", counted(report.not_followed, "alert"))?;
    }
    Ok(())
}

/// A line for each silence.
pub(super) fn write_silences(report: &NotifyReport, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    if report.silences.is_empty() {
        writeln!(out, "no silences")?;
    }
    for silence in &report.silences {
        let conditions = silence.matchers.join(", ");
        let (from, until) = (time(silence.from_ms, now), time(silence.until_ms, now));
        let remark = remark(&silence.remark);
        writeln!(
            out,
            "silence {}: {} from {from} until {until}{remark}",
            silence.id,
            printable(&conditions)
        )?;
    }
    Ok(())
}

fn write_target(target: &TargetReport, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let now_ms = now.timestamp().as_millisecond();
    let owed = match target.owed {
        0 => "nothing is owed".to_owned(),
        count => format!("{} owed", counted(count, "alert")),
    };
    let success =
        target.last_success_ms.map_or("never told".to_owned(), |ms| format!("told {}", age(now_ms, ms)));
    let mut line = format!("{} ({}): {owed}, {success}", target.name, target.medium);
    if target.firing > 0 {
        let verb = if target.firing == 1 { "fires" } else { "fire" };
        line += &format!(", knows {} that {verb}", counted(target.firing, "alert"));
    }
    if target.closed {
        line += ", outside its hours";
    }
    writeln!(out, "{}", printable(&line))?;
    for owed in &target.owed_alerts {
        let alert = printable(&owed.alert);
        writeln!(out, "  owed: {alert} {} since {}", owed.state, time(owed.since_ms, now))?;
    }
    let more = target.owed.saturating_sub(target.owed_alerts.len() as u64);
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    if let Some(overdue_ms) = target.overdue_ms {
        writeln!(out, "  overdue: the oldest is owed for {}", duration_ms(overdue_ms))?;
    }
    if let Some(since_ms) = target.failing_since_ms {
        let retry = target.retry_ms.map_or(String::new(), |ms| format!(", tried again at {}", time(ms, now)));
        writeln!(out, "  fails since {}{retry}", time(since_ms, now))?;
    }
    if target.refused_firing > 0 {
        writeln!(out, "  refuses {}", counted(target.refused_firing, "alert"))?;
    }
    if let (Some(error), Some(at_ms)) = (&target.last_error, target.last_error_ms) {
        writeln!(out, "  last error, {}: {}", age(now_ms, at_ms), printable(error))?;
    }
    Ok(())
}

fn time(ms: i64, now: &Zoned) -> String {
    local_time(ms, now.time_zone())
}

fn remark(remark: &Remark) -> String {
    let comment = if remark.comment.is_empty() { String::new() } else { format!(": {}", remark.comment) };
    printable(&format!(" by {}{comment}", remark.author)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{Ack, MutedAlert, OwedAlert, Silence};

    #[test]
    fn everything_is_shown_and_nothing_controls_the_terminal() {
        let remark = Remark { author: "me".into(), comment: "known\u{1b}[2J".into() };
        let report = NotifyReport {
            targets: vec![TargetReport {
                name: "mail".into(),
                medium: "email".into(),
                firing: 2,
                owed: 3,
                owed_alerts: vec![OwedAlert { alert: "a".into(), state: "resolved".into(), since_ms: 0 }],
                last_error: Some("no route".into()),
                last_error_ms: Some(55_000),
                failing_since_ms: Some(0),
                retry_ms: Some(60_000),
                refused_firing: 1,
                overdue_ms: Some(360_000),
                ..TargetReport::default()
            }],
            silences: vec![Silence {
                id: 1,
                matchers: vec!["check=\"b\"".into()],
                from_ms: 0,
                until_ms: 1000,
                remark: remark.clone(),
            }],
            acks: vec![Ack { check: "a".into(), of: "port=\"1\"".into(), at_ms: 0, remark }],
            muted: vec![MutedAlert { alert: "b".into(), state: "WARNING".into(), why: "silence 1".into() }],
            not_followed: 0,
            unreadable: Vec::new(),
        };
        let now = jiff::Timestamp::from_second(60).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let mut out = Vec::new();
        write_report(&report, &now, &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        let expected = "mail (email): 3 alerts owed, never told, knows 2 alerts that fire\n  owed: a resolved since 1970-01-01 00:00:00\n  and 2 more\n  overdue: the oldest is owed for 6m\n  \
             fails since 1970-01-01 00:00:00, tried again at 1970-01-01 00:01:00\n  refuses 1 alert\n  last error, 5s ago: no route\n\
             not told: b WARNING (silence 1)\nacknowledged: a{port=\"1\"} since 1970-01-01 00:00:00 by me: known\\u{1b}[2J\n\
             silence 1: check=\"b\" from 1970-01-01 00:00:00 until 1970-01-01 00:00:01 by me: known\\u{1b}[2J\n";
        assert_eq!(shown, expected);
    }
}
