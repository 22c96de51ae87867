//! The long view of a machine: of each metric how much it grows, its peaks by week, when it is busiest, and when it is full.

use std::ops::Range;

use custos_query::{ForecastRequest, NormalRequest, ReadContext, SimilarSeries};
use jiff::tz::TimeZone;

use super::block::Block;
use crate::cli::curve::envelope;
use crate::cli::normal::week_hour_name;
use crate::cli::read::{Failure, Opened, local_time};
use crate::graph::{Glyphs, spark};
use crate::limits::{REPORT_CAPACITY_MAX, REPORT_WEEKS_MAX};
use crate::text::human::{Prefixes, counted, quantity};
use crate::why::{all_series, metric_limit};

/// A curve of peaks is one of characters in every format.
const GLYPHS: Glyphs = Glyphs::Braille;
const WEEK_MS: i64 = 7 * 86_400_000;

/// What is asked.
pub(super) struct Capacity<'a> {
    pub(super) opened: &'a Opened,
    pub(super) zone: &'a TimeZone,
    pub(super) span: Range<i64>,
}

/// A metric over the weeks.
struct Line {
    /// How likely it is full within 30 days; that comes first.
    full: f64,
    /// Its growth a week against how high it is.
    growth: f64,
    cells: Vec<String>,
}

impl Capacity<'_> {
    /// The table, and what is not in it.
    pub(super) fn blocks(&self, context: &mut ReadContext<'_>) -> Result<Vec<Block>, Failure> {
        let weeks = (self.span.end.saturating_sub(self.span.start) / WEEK_MS) as usize;
        if weeks < 2 {
            return Ok(vec![Block::Paragraph(
                "Two whole weeks at least show how a metric grows.".to_owned(),
            )]);
        }
        let weeks = weeks.min(REPORT_WEEKS_MAX);
        // Whole weeks, up to the end.
        let span = self.span.end.saturating_sub(weeks as i64 * WEEK_MS)..self.span.end;
        let (among, units) = all_series(&self.opened.reader);
        let mut lines = Vec::new();
        for (of, unit) in among.iter().zip(&units).take(REPORT_CAPACITY_MAX) {
            lines.extend(self.line(of, unit, &span, weeks, context)?);
        }
        lines.sort_by(|one, other| {
            let by_full = other.full.total_cmp(&one.full);
            by_full.then(other.growth.abs().total_cmp(&one.growth.abs()))
        });
        let head = vec!["metric", "mean", "a week", "peaks by week", "greatest", "busiest", "limit"];
        let mut blocks = vec![
            Block::Paragraph(format!(
                "{} from {}: mean of the newest, growth a week, peaks by week, the greatest value, the busiest hour, the limit. What may \
                 be full first comes first, then what grows most for its size.",
                counted(weeks as u64, "week"),
                local_time(span.start, self.zone)
            )),
            Block::Table { head, rows: lines.into_iter().map(|line| line.cells).collect() },
        ];
        if among.len() > REPORT_CAPACITY_MAX {
            let more = counted((among.len() - REPORT_CAPACITY_MAX) as u64, "metric");
            blocks.push(Block::Paragraph(format!("{more} more are left out.")));
        }
        Ok(blocks)
    }

    /// A metric; none if it has a value in fewer than two weeks.
    fn line(
        &self,
        of: &SimilarSeries,
        unit: &str,
        span: &Range<i64>,
        weeks: usize,
        context: &mut ReadContext<'_>,
    ) -> Result<Option<Line>, Failure> {
        let reader = &self.opened.reader;
        let Some(found) = envelope(reader, of, span, weeks, context)? else { return Ok(None) };
        let known =
            || found.columns.iter().enumerate().filter_map(|(at, column)| Some((at, column.as_ref()?)));
        let means: Vec<(usize, f64)> = known().map(|(at, one)| (at, one.mean.value())).collect();
        let (Some(first), Some(last)) = (means.first(), means.last()) else { return Ok(None) };
        if first.0 == last.0 {
            return Ok(None);
        }
        let growth = (last.1 - first.1) / (last.0 - first.0) as f64;
        let greatest = known().map(|(_, one)| one.max).fold(f64::NEG_INFINITY, f64::max);
        // Each week is as wide as a character.
        let peaks: Vec<Option<(f64, f64)>> = found
            .columns
            .iter()
            .flat_map(|one| std::iter::repeat_n(one.as_ref().map(|one| (one.max, one.max)), GLYPHS.dots_x()))
            .collect();
        let unit = if of.series.is_counter { "/s" } else { unit };
        let value = |value: f64| quantity(value, unit, Prefixes::Si);
        let sign = if growth < 0.0 { "" } else { "+" };
        let (full, limit) = self.limit(of, unit, context)?;
        Ok(Some(Line {
            full,
            growth: growth / last.1.abs().max(f64::MIN_POSITIVE),
            cells: vec![
                format!("{}:{}", of.check, of.series.key),
                value(last.1),
                format!("{sign}{}", value(growth)),
                spark(&peaks, GLYPHS),
                value(greatest),
                self.busiest(of, context)?,
                limit,
            ],
        }))
    }

    /// The hour of the week in which a metric is highest; empty where that is not known.
    fn busiest(&self, of: &SimilarSeries, context: &mut ReadContext<'_>) -> Result<String, Failure> {
        let hour_of = |time_ms: i64| crate::cli::normal::hour_of(time_ms, self.zone);
        let asked = NormalRequest {
            check: &of.check,
            series: &of.series,
            until_ms: self.span.end,
            hour_of: &hour_of,
        };
        let normal = asked.read(&self.opened.reader, context)?;
        let known = normal.bands.iter().enumerate().filter_map(|(hour, band)| Some((hour, band.as_ref()?)));
        // What is the same all week has no hour of its own.
        let (least, most) =
            known.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), (_, band)| {
                (least.min(band.middle), most.max(band.middle))
            });
        let highest = known.max_by(|one, other| one.1.middle.total_cmp(&other.1.middle));
        Ok(match highest {
            Some((hour, band)) if most > least => week_hour_name(hour, band.by_day),
            _ => String::new(),
        })
    }

    /// How likely a metric reaches its limit within 30 days, and when, in words; empty where it has none, or nothing can be said.
    fn limit(
        &self,
        of: &SimilarSeries,
        unit: &str,
        context: &mut ReadContext<'_>,
    ) -> Result<(f64, String), Failure> {
        if of.series.is_counter {
            return Ok((0.0, String::new()));
        }
        let at_ms = self.span.end;
        let config = self.opened.config.as_ref();
        let check = config.and_then(|config| config.checks.get(&of.check));
        let own = check.iter().flat_map(|check| &check.thresholds);
        let own = own.filter(|one| one.is_for(&of.series.key.label));
        let own = own.filter_map(|one| Some(one.critical.as_ref()?.bounds.end));
        let Some(limit) = metric_limit(&self.opened.reader, of, at_ms, own) else {
            return Ok((0.0, String::new()));
        };
        let asked = ForecastRequest { check: &of.check, series: &of.series, limit: limit.value, at_ms };
        let value = quantity(limit.value, unit, Prefixes::Si);
        Ok(match asked.read(&self.opened.reader, context)? {
            Err(_) => (0.0, value),
            Ok(found) => match found.median_ms {
                None => (found.probability[1], format!("{value} not within 60 days")),
                Some(median_ms) => {
                    (found.probability[1], format!("{value} at {}", &local_time(median_ms, self.zone)[..10]))
                }
            },
        })
    }
}
