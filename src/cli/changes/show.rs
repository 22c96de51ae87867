//! What changed, in words.

use std::io::Write;
use std::ops::Range;

use custos_query::{CHANGE_HISTORY_DAYS, ReadContext, SeriesChange, SimilarSeries};
use custos_store::Reader;
use jiff::Zoned;

use super::group::Group;
use crate::cli::curve::in_line;
use crate::cli::read::{Failure, local_time};
use crate::cli::style::Style;
use crate::limits::{CHANGES_APART_MS_MAX, CHANGES_SERIES_SHOWN, CHANGES_TURNS_SHOWN};
use crate::text::human::{Prefixes, counted, duration_ms, quantity};
use crate::text::width::{pad, shorten_name};
use crate::timeline::{Marks, TimelineNote};

/// Columns of the curve of a metric.
const CURVE: usize = 14;
/// Columns of the name of a metric.
const NAME: usize = 24;

/// All that is shown.
pub(super) struct Shown<'a> {
    pub(super) reader: &'a Reader,
    pub(super) span: Range<i64>,
    pub(super) among: &'a [SimilarSeries],
    /// The unit of each of these.
    pub(super) units: &'a [String],
    /// All groups, the earliest first.
    pub(super) groups: &'a [Group],
    /// Indexes of those that are shown.
    pub(super) chosen: &'a [usize],
    pub(super) notes: &'a Marks<TimelineNote>,
}

impl<'a> Shown<'a> {
    /// What people noted of the time of a group, and shortly before.
    pub(super) fn notes_near(&self, group: &Group) -> Vec<&'a TimelineNote> {
        let near = group.span.start.saturating_sub(CHANGES_APART_MS_MAX)..group.span.end.saturating_add(1);
        self.notes.within(&[], &near)
    }

    pub(super) fn write(
        &self,
        now: &Zoned,
        style: Style,
        context: &mut ReadContext<'_>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let zone = now.time_zone();
        let series = counted(self.among.len() as u64, "metric");
        let (since, until) = (local_time(self.span.start, zone), local_time(self.span.end, zone));
        writeln!(out, "{since} to {until}, {series} against up to {CHANGE_HISTORY_DAYS}d before")?;
        for index in self.chosen {
            let group = &self.groups[*index];
            let lasted = duration_ms(group.span.end.saturating_sub(group.span.start));
            writeln!(out, "{}  for {lasted}", local_time(group.span.start, zone))?;
            for note in self.notes_near(group) {
                let time = local_time(note.time_ms, zone);
                writeln!(out, "{}", style.fitted(&format!("    {time}  note {}", note.said()), 0))?;
            }
            for one in group.series.iter().take(CHANGES_SERIES_SHOWN) {
                let line = self.series(one, now, style, context)?;
                writeln!(out, "{}", style.fitted(&line, 0))?;
            }
            self.more(group.series.len(), CHANGES_SERIES_SHOWN, "metric", out)?;
            for event in group.states.iter().take(CHANGES_TURNS_SHOWN) {
                let time = local_time(event.time_ms, zone);
                let (from, to, said) = (event.from_name(), event.to.name(), event.said());
                writeln!(
                    out,
                    "{}",
                    style.fitted(&format!("    {time}  {} {from} to {to}: {said}", event.check), 0)
                )?;
            }
            self.more(group.states.len(), CHANGES_TURNS_SHOWN, "change of state", out)?;
        }
        let more = self.groups.len() - self.chosen.len();
        match (self.groups.len(), more) {
            (0, _) => writeln!(out, "nothing changed")?,
            (_, 0) => writeln!(out, "nothing else changed")?,
            (_, more) => {
                writeln!(out, "less changed at {}; -n shows them", counted(more as u64, "other time"))?
            }
        }
        Ok(())
    }

    fn more(&self, all: usize, shown: usize, what: &str, out: &mut dyn Write) -> Result<(), Failure> {
        if all > shown {
            let more = counted((all - shown) as u64, what);
            writeln!(out, "    and {more} more")?;
        }
        Ok(())
    }

    fn series(
        &self,
        one: &SeriesChange,
        now: &Zoned,
        style: Style,
        context: &mut ReadContext<'_>,
    ) -> Result<String, Failure> {
        let of = &self.among[one.series];
        // As long before it as it is, and at least an hour.
        let length_ms = one.span.end.saturating_sub(one.span.start).max(3_600_000);
        let around = one.span.start.saturating_sub(length_ms)..one.span.end;
        let curve = in_line(self.reader, of, &around, (CURVE, style.glyphs), context)?;
        let unit = match of.series.is_counter {
            true => "/s",
            false => self.units[one.series].as_str(),
        };
        let value = |value: f64| quantity(value, unit, Prefixes::Si);
        let name = format!("{}:{}", of.check, of.series.key);
        let name = shorten_name(&name, NAME, style.glyphs.ellipsis()).into_owned();
        let change = &one.change;
        let values = format!("{} -> {}", value(change.before), value(change.now));
        let (than, by_day) = (
            if change.away > 0.0 { "higher" } else { "lower" },
            if change.by_day { " at this time" } else { "" },
        );
        let lasted = duration_ms(one.span.end.saturating_sub(one.span.start));
        let onset = local_time(one.span.start, now.time_zone());
        Ok(format!(
            "    {onset}  {} {curve}  {}  {than} than ever{by_day}, for {lasted}",
            pad(&name, NAME),
            pad(&values, 22)
        ))
    }
}
