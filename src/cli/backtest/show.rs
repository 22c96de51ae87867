//! Alerts of the past as lines of text, and their totals.

use std::io::Write;

use custos_promql::{Labels, format_number};
use custos_query::StateBar;
use custos_store::Reader;
use jiff::Zoned;

use super::args::BacktestArgs;
use super::drawn::Drawn;
use super::found::{Found, words_at};
use crate::backtest::{AlertInterval, Backtest, Difference, Met, Totals};
use crate::cli::read::{Failure, local_time};
use crate::cli::style::{Style, printable};
use crate::graph::{Picture, Ribbon, TextOptions, cells, text};
use crate::limits::GRAPH_SERIES_MAX;
use crate::text::human::{Prefixes, counted, duration_ms};

/// Alerts that are shown unless told otherwise.
const LIMIT_DEFAULT: usize = 50;
/// The days as totals name them.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How a backtest is shown.
pub(super) struct Shown<'a> {
    pub(super) args: &'a BacktestArgs,
    pub(super) now: &'a Zoned,
    pub(super) style: Style,
    pub(super) reader: &'a Reader,
    /// What the rule compares with a number, if it does and is to be drawn.
    pub(super) values: Option<&'a Drawn>,
}

impl Shown<'_> {
    /// Everything of one way of judging, and of several a line each.
    pub(super) fn all(&self, found: &[Found], out: &mut dyn Write) -> Result<(), Failure> {
        match found {
            [one] => self.one(one, out),
            several => several.iter().try_for_each(|one| {
                let words = if one.words.is_empty() { "as it is" } else { &one.words };
                writeln!(out, "{words}: {}", sum(&one.totals))?;
                Ok(())
            }),
        }
    }

    fn one(&self, found: &Found, out: &mut dyn Write) -> Result<(), Failure> {
        let backtest = &found.backtest;
        self.intervals(backtest, out)?;
        if self.args.graph {
            self.graph(backtest, out)?;
        }
        self.totals(found, out)?;
        if let Some(difference) = &found.difference {
            self.difference(difference, backtest.end_ms(), out)?;
        }
        found.met.as_ref().map_or(Ok(()), |met| self.met(met, out))
    }

    /// Alerts and stretches in which nobody looked, by their beginnings.
    fn intervals(&self, backtest: &Backtest, out: &mut dyn Write) -> Result<(), Failure> {
        let limit = self.args.limit.unwrap_or(LIMIT_DEFAULT);
        let skipped = backtest.intervals.len().saturating_sub(limit);
        let shown = &backtest.intervals[skipped..];
        let first_ms =
            if skipped > 0 { shown.first().map_or(i64::MAX, |first| first.since_ms) } else { i64::MIN };
        let mut dark = backtest.not_observed.iter().filter(|dark| dark.until_ms > first_ms).peekable();
        if skipped > 0 && !shown.is_empty() {
            writeln!(out, "{} before these", counted(skipped as u64, "alert"))?;
        }
        for interval in shown {
            while let Some(dark) = dark.next_if(|dark| dark.since_ms <= interval.since_ms) {
                self.dark(*dark, out)?;
            }
            self.interval("", interval, backtest.end_ms(), out)?;
        }
        if limit == 0 { Ok(()) } else { dark.try_for_each(|dark| self.dark(*dark, out)) }
    }

    fn dark(&self, dark: crate::backtest::Span, out: &mut dyn Write) -> Result<(), Failure> {
        let line =
            format!("{}  not observed for {}", self.time(dark.since_ms), duration_ms(dark.length_ms()));
        writeln!(out, "{}", self.style.dim(&line))?;
        Ok(())
    }

    fn interval(
        &self,
        mark: &str,
        interval: &AlertInterval,
        end_ms: i64,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let lasted = duration_ms(interval.span(end_ms).length_ms());
        let lasted = if interval.until_ms.is_some() {
            format!("for {lasted}")
        } else {
            format!("firing for {lasted}")
        };
        let state = format!("{:<8}", interval.state.name());
        let peak = interval.peak.map(|(value, _)| format!("  peak {}", format_number(value)));
        let pending_ms = interval.since_ms.saturating_sub(interval.pending_since_ms);
        let pending = (pending_ms > 0).then(|| format!("  pending {} before", duration_ms(pending_ms)));
        writeln!(
            out,
            "{mark}{}  {}  {lasted}{}{}  {}",
            self.time(interval.since_ms),
            self.style.state(interval.state, &state),
            peak.unwrap_or_default(),
            pending.unwrap_or_default(),
            name(interval),
        )?;
        let said = words_at(self.reader, interval);
        if !said.is_empty() {
            writeln!(out, "{mark}    {}", printable(&said))?;
        }
        Ok(())
    }

    fn totals(&self, Found { backtest, totals, .. }: &Found, out: &mut dyn Write) -> Result<(), Failure> {
        writeln!(out, "{}", sum(totals))?;
        if totals.alerts > 0 {
            let hours = totals.by_hour.iter().enumerate().filter(|(_, count)| **count > 0);
            let hours: Vec<String> = hours.map(|(hour, count)| format!("{hour:02}:00 {count}")).collect();
            let days = WEEKDAYS.iter().zip(totals.by_weekday).filter(|(_, count)| *count > 0);
            let days: Vec<String> = days.map(|(day, count)| format!("{day} {count}")).collect();
            writeln!(out, "by hour: {}; by day: {}", hours.join(", "), days.join(", "))?;
        }
        if let Some((count, reason)) = &backtest.failed {
            let failed = counted(*count, "judgement");
            writeln!(out, "{failed} failed, the first as {}", printable(reason))?;
        }
        let Some(span) = backtest.span else {
            writeln!(out, "nothing is stored of this")?;
            return Ok(());
        };
        let observed = duration_ms(backtest.observed_ms());
        writeln!(
            out,
            "observed {observed} of {}, from {} to {}; {}",
            duration_ms(span.length_ms()),
            self.time(span.since_ms),
            self.time(span.until_ms),
            counted(backtest.judged, "judgement"),
        )?;
        Ok(())
    }

    fn difference(&self, difference: &Difference, end_ms: i64, out: &mut dyn Write) -> Result<(), Failure> {
        let (added, lost) = (difference.added.len() as u64, difference.lost.len() as u64);
        writeln!(out, "against the definition as it is: {} new, {lost} gone", counted(added, "alert"))?;
        let most = self.args.limit.unwrap_or(LIMIT_DEFAULT);
        for (mark, all) in [("+ ", &difference.added), ("- ", &difference.lost)] {
            for interval in all.iter().take(most) {
                self.interval(mark, interval, end_ms, out)?;
            }
        }
        Ok(())
    }

    fn met(&self, met: &Met, out: &mut dyn Write) -> Result<(), Failure> {
        for (incident, lead_ms) in &met.caught {
            let when = if *lead_ms < 0 { "after" } else { "before" };
            let lead = duration_ms(lead_ms.saturating_abs());
            writeln!(
                out,
                "incident {}: caught {lead} {when} it began: {}",
                incident.number,
                printable(&incident.text)
            )?;
        }
        for (word, all) in [("missed", &met.missed), ("not observed", &met.not_observed)] {
            for incident in all {
                let text = printable(&incident.text);
                let time = self.time(incident.since_ms);
                writeln!(out, "incident {}: {word}, {time}: {text}", incident.number)?;
            }
        }
        let caught = counted(met.caught.len() as u64, "incident");
        let false_alerts = counted(met.false_alerts.len() as u64, "false alert");
        writeln!(out, "{caught} caught, {} missed; {false_alerts}", met.missed.len())?;
        Ok(())
    }

    /// A bar for each alert by its labels.
    fn graph(&self, backtest: &Backtest, out: &mut dyn Write) -> Result<(), Failure> {
        let Some(span) = backtest.span else { return Ok(()) };
        let count = cells(self.style.width);
        let mut bars: Vec<(String, StateBar)> = Vec::new();
        for interval in &backtest.intervals {
            let (name, fires) = (name(interval), interval.span(span.until_ms));
            let place = bars.iter().position(|(known, _)| *known == name).unwrap_or(bars.len());
            if place >= GRAPH_SERIES_MAX {
                continue;
            }
            if place == bars.len() {
                bars.push((name, StateBar::new(span.since_ms, span.until_ms, count)));
            }
            bars[place].1.cover(fires.since_ms, fires.until_ms, interval.state);
        }
        let picture = Picture {
            start_ms: span.since_ms,
            end_ms: span.until_ms,
            zone: self.now.time_zone().clone(),
            prefixes: Prefixes::Si,
            series: self.values.map(|values| values.series(span, self.style)).unwrap_or_default(),
            ribbons: bars.into_iter().map(|(title, states)| Ribbon { title, states }).collect(),
            notes: Vec::new(),
        };
        let options = TextOptions {
            width: self.style.width,
            height: self.style.height.saturating_sub(1),
            glyphs: self.style.glyphs,
            overlay: self.style.color,
        };
        for line in text(&picture, &options) {
            writeln!(out, "{}", self.style.line(&line))?;
        }
        Ok(())
    }

    fn time(&self, time_ms: i64) -> String {
        local_time(time_ms, self.now.time_zone())
    }
}

/// What an alert is called: by its check and the labels that tell it from others.
fn name(interval: &AlertInterval) -> String {
    let own = ["alertname", "check", "metric", "severity"];
    let others: Vec<(&str, &str)> = interval
        .labels
        .iter()
        .filter(|label| {
            !own.contains(&&*label.name) || *label.value != *interval.check && &*label.name != "alertname"
        })
        .filter(|label| &*label.name != "severity")
        .map(|label| (&*label.name, &*label.value))
        .collect();
    let others = Labels::new(others);
    let braces = if others.iter().len() == 0 { String::new() } else { others.in_braces() };
    printable(&format!("{}{braces}", interval.check)).into_owned()
}

/// How often and how long, in a line.
fn sum(totals: &Totals) -> String {
    let mut line = counted(totals.alerts, "alert");
    if let Some(per_week) = totals.per_week.filter(|_| totals.alerts > 0) {
        line += &format!(" ({per_week:.1} a week)");
    }
    if totals.alerts > 0 {
        line += &format!(", firing for {} all together", duration_ms(totals.firing_ms));
    }
    for (word, length_ms) in [("shortest", totals.shortest_ms), ("longest", totals.longest_ms)] {
        line += &length_ms.map(|ms| format!(", {word} {}", duration_ms(ms))).unwrap_or_default();
    }
    if totals.flaps > 0 {
        line += &format!(", {}", counted(totals.flaps, "flap"));
    }
    line
}
