//! What was unlike its past, in words.

use std::io::Write;
use std::ops::Range;

use custos_query::{ReadContext, SeriesShift};
use custos_store::Reader;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::turns::{Turn, grouped};
use super::written::Written;
use crate::cli::curve::in_line;
use crate::cli::read::{Failure, local_time};
use crate::cli::style::{Style, printable};
use crate::limits::{WHY_TEXTS_SHOWN, WHY_TURNS_SHOWN};
use crate::text::human::{Prefixes, counted, counted_were, duration_ms, quantity};
use crate::text::width::{pad, shorten_name};
use crate::why::{Like, Looked, Standing};

/// Columns of the curve of a metric.
const CURVE: usize = 14;
/// Columns of the name of a metric.
const NAME: usize = 24;

/// All that is shown.
pub(super) struct Shown<'a> {
    /// The check that has the problem, if one was named.
    pub(super) check: Option<&'a str>,
    /// How many metrics are shown at most.
    pub(super) limit: usize,
    pub(super) reader: &'a Reader,
    pub(super) standing: Option<&'a Standing>,
    pub(super) span: Range<i64>,
    pub(super) looked: &'a Looked,
    /// When it was like this before.
    pub(super) like: Option<&'a Like<'a>>,
    /// What people wrote of it.
    pub(super) written: &'a [Written],
}

impl Shown<'_> {
    pub(super) fn write(
        &self,
        now: &Zoned,
        style: Style,
        context: &mut ReadContext<'_>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let zone = now.time_zone();
        if let (Some(check), Some(standing)) = (self.check, self.standing) {
            let lasted = duration_ms(self.span.end.saturating_sub(standing.since_ms));
            let since = local_time(standing.since_ms, zone);
            let state = standing.run.state;
            writeln!(
                out,
                "{} {} since {since}, for {lasted}",
                printable(check),
                style.state(state, state.name())
            )?;
            let judged = standing.run.judgement.lines().chain([standing.run.text.as_str()]);
            for line in judged.filter(|line| !line.is_empty()) {
                writeln!(out, "    {}", style.fitted(line, 4))?;
            }
        }
        let series = counted(self.looked.among.len() as u64, "metric");
        let past = duration_ms(self.span.start.saturating_sub(self.looked.shifts.history_ms));
        writeln!(
            out,
            "{} to {} against the {past} before, {series}",
            local_time(self.span.start, zone),
            local_time(self.span.end, zone)
        )?;
        let mut listed: Vec<&SeriesShift> =
            self.looked.shifts.ranked.iter().filter(|one| one.shift.is_listed()).collect();
        let more = listed.len().saturating_sub(self.limit);
        listed.truncate(self.limit);
        for one in &listed {
            let line = self.series(one, now, style, context)?;
            writeln!(out, "{}", style.fitted(&line, 0))?;
        }
        if let Some(first) = listed.iter().min_by_key(|one| one.onset_ms).filter(|_| listed.len() > 1) {
            let name = self.name(first);
            writeln!(out, "first: {} at {}", printable(&name), local_time(first.onset_ms, zone))?;
        }
        if let Some(like) = self.like {
            writeln!(out, "{}", style.fitted(&before(like, zone), 0))?;
        }
        let turns = grouped(&self.looked.events);
        for turn in turns.iter().take(WHY_TURNS_SHOWN) {
            writeln!(out, "{}", style.fitted(&changed(turn, zone), 0))?;
        }
        let others: usize = turns.iter().skip(WHY_TURNS_SHOWN).map(|turn| turn.count).sum();
        if others > 0 {
            writeln!(out, "{} more", counted(others as u64, "change of state"))?;
        }
        for new in self.looked.texts.iter().take(WHY_TEXTS_SHOWN) {
            let (time, runs) = (local_time(new.time_ms, zone), counted(new.runs as u64, "run"));
            writeln!(
                out,
                "{}",
                style.fitted(
                    &format!("{time}  {} says for the first time in {runs}: {}", new.check, new.text),
                    0
                )
            )?;
        }
        if self.looked.texts.len() > WHY_TEXTS_SHOWN {
            let more = counted((self.looked.texts.len() - WHY_TEXTS_SHOWN) as u64, "new text");
            writeln!(out, "{more} more")?;
        }
        for written in self.written {
            let time = local_time(written.time_ms, zone);
            writeln!(out, "{}", style.fitted(&format!("{time}  {}", written.said()), 0))?;
        }
        writeln!(out, "{}", self.rest(listed.len(), more))?;
        Ok(())
    }

    fn name(&self, one: &SeriesShift) -> String {
        let of = &self.looked.among[one.series];
        format!("{}:{}", of.check, of.series.key)
    }

    fn series(
        &self,
        one: &SeriesShift,
        now: &Zoned,
        style: Style,
        context: &mut ReadContext<'_>,
    ) -> Result<String, Failure> {
        let of = &self.looked.among[one.series];
        // As long before it as it is.
        let length_ms = self.span.end.saturating_sub(self.span.start);
        let around = self.span.start.saturating_sub(length_ms)..self.span.end;
        let curve = in_line(self.reader, of, &around, (CURVE, style.glyphs), context)?;
        let unit = match of.series.is_counter {
            true => "/s",
            false => self.looked.units[one.series].as_str(),
        };
        let value = |value: f64| quantity(value, unit, Prefixes::Si);
        let (shift, name) = (&one.shift, self.name(one));
        let name = shorten_name(&name, NAME, style.glyphs.ellipsis()).into_owned();
        let values = format!("{} -> {}", value(shift.before), value(shift.now));
        let by_day = if shift.by_day { " at this time" } else { "" };
        let farther = match shift.as_far {
            0 => format!("never so far{by_day} in {}", counted(shift.windows, "stretch")),
            often => format!("so far{by_day} in {often} of {}", counted(shift.windows, "stretch")),
        };
        let onset = local_time(one.onset_ms, now.time_zone());
        Ok(format!("{onset}  {} {curve}  {}  {farther}", pad(&name, NAME), pad(&values, 22)))
    }

    /// What is not listed.
    fn rest(&self, listed: usize, more: usize) -> String {
        let others = self.looked.shifts.ranked.len() - listed - more;
        let mut parts = Vec::new();
        if listed == 0 {
            parts.push("nothing is unlike its past".to_owned());
        }
        if more > 0 {
            parts.push(format!("{more} more are unlike their past"));
        }
        if others > 0 && listed > 0 {
            parts.push(format!("{} as before", counted_were(others as u64, "other metric")));
        }
        if self.looked.shifts.not_compared > 0 {
            let were = counted_were(self.looked.shifts.not_compared as u64, "metric");
            parts.push(format!("{were} not compared: too little history, or no value then"));
        }
        if parts.is_empty() { "there is nothing else".to_owned() } else { parts.join("; ") }
    }
}

/// A change of state, or all of a check that goes back and forth.
fn changed(turn: &Turn<'_>, zone: &TimeZone) -> String {
    let Turn { first, last, count } = turn;
    let time = local_time(first.time_ms, zone);
    let check = &first.check;
    let change = format!("{} to {}: {}", last.from_name(), last.to.name(), last.said());
    match count {
        1 => format!("{time}  {check} {change}"),
        _ => {
            let until = local_time(last.time_ms, zone);
            format!("{time}  {check} changed {count} times until {until}, at last {change}")
        }
    }
}

/// When it was like this before, and how that ended.
fn before(like: &Like<'_>, zone: &TimeZone) -> String {
    let (found, of) = (&like.found, like.series);
    let when = local_time(found.span.start, zone);
    format!(
        "like it {when}: {}:{}, x{:.2} as high; then {}",
        of.check,
        of.series.key,
        found.height,
        like.after.said()
    )
}
