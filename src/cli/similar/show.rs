//! What is alike, in words.

use std::io::Write;

use custos_query::{ReadContext, SimilarMatch, SimilarSeries};
use jiff::Zoned;

use super::answer::Answer;
use crate::cli::curve::{envelope, in_line};
use crate::cli::read::{Failure, local_time};
use crate::cli::style::{Style, printable};
use crate::graph::{Picture, TextOptions, columns, text};
use crate::limits::SIMILAR_NAMED_MAX;
use crate::picture::titled;
use crate::text::human::{Prefixes, counted, counted_were, duration_ms, quantity};
use crate::text::width::width;
use crate::why::{After, Turn};

/// Columns of what stands before the curves.
const HEAD: usize = 58;
/// Columns of the curves.
const CURVE_MIN: usize = 8;
const CURVE_MAX: usize = 40;
/// What stands before the lines that follow a match.
const INDENT: &str = "    ";

/// Writes what was found.
pub(super) fn write(
    answer: &Answer<'_>,
    now: &Zoned,
    style: Style,
    context: &mut ReadContext<'_>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let room = style.width.saturating_sub(HEAD).clamp(CURVE_MIN, CURVE_MAX);
    let line = (room, style.glyphs);
    let own = in_line(answer.reader, answer.of, &answer.span, line, context)?;
    let own = own.trim_end();
    let zone = now.time_zone();
    let samples = counted(answer.found.samples[0], "sample");
    let length = duration_ms(answer.span.end.saturating_sub(answer.span.start));
    writeln!(out, "{}", printable(&name(answer.of)))?;
    let head = format!("{}  for {length}, {samples}", local_time(answer.span.start, zone));
    writeln!(out, "{}  {own}", pad(&head, HEAD - 2))?;
    writeln!(out, "{}", searched(answer))?;
    let clear: Vec<(&SimilarMatch, &After)> = answer
        .found
        .matches
        .iter()
        .take(answer.args.limit)
        .filter(|one| one.is_clear)
        .zip(answer.after)
        .collect();
    if !clear.is_empty() {
        writeln!(out, " #  {:<24} {:>7}  {:>6} {:>6}", "when", "shape", "height", "length")?;
    }
    for (index, (one, after)) in clear.iter().enumerate() {
        let of = &answer.among[one.series];
        let when = format!("{} {}", local_time(one.span.start, zone), weekday(one.span.start, now));
        let curve = in_line(answer.reader, of, &one.span, line, context)?;
        let head = format!(
            "{:>2}  {when:<24} {:>7}  {:>6} {:>6}",
            index + 1,
            percent(one.shape),
            format!("x{:.2}", one.height),
            format!("x{:.2}", one.length)
        );
        writeln!(out, "{}  {curve}", pad(&head, HEAD - 2))?;
        for said in remarks(answer, one, after) {
            writeln!(out, "{INDENT}{}", style.fitted(&said, INDENT.len()))?;
        }
    }
    writeln!(out, "{}", verdict(answer, clear.len(), now))?;
    if let Some((best, _)) = clear.first().filter(|_| answer.args.graph) {
        draw(answer, best, now, style, context, out)?;
    }
    Ok(())
}

fn pad(text: &str, columns: usize) -> String {
    crate::text::width::pad(text, columns.max(width(text)))
}

fn name(of: &SimilarSeries) -> String {
    format!("{}:{}", of.check, of.series.key)
}

fn weekday(time_ms: i64, now: &Zoned) -> String {
    let zoned = jiff::Timestamp::from_millisecond(time_ms).map(|time| time.to_zoned(now.time_zone().clone()));
    zoned.map(|zoned| zoned.strftime("%a").to_string()).unwrap_or_default()
}

/// A share as a percentage that is 100 only if it is all.
fn percent(share: f64) -> String {
    let percent = (share * 10_000.0).floor() / 100.0;
    format!("{percent:.2}%")
}

/// What was searched.
fn searched(answer: &Answer<'_>) -> String {
    let found = answer.found;
    let samples = found.samples[1];
    let many = match answer.among {
        [_] => counted(samples, "sample"),
        several => format!("{} of {} metrics", counted(samples, "sample"), several.len()),
    };
    let took = duration_ms((answer.took_us / 1000) as i64);
    format!("searched {many} in {took}: {}", counted(found.stretches, "separate stretch"))
}

/// The facts of a match, a line each.
fn remarks(answer: &Answer<'_>, one: &SimilarMatch, after: &After) -> Vec<String> {
    let of = &answer.among[one.series];
    let mut lines = Vec::new();
    if of != answer.of {
        lines.push(format!("in {}", name(of)));
    }
    let unit = if of.series == answer.of.series { answer.unit } else { "" };
    let level = quantity(one.level.abs(), unit, Prefixes::Si);
    let sign = if one.level < 0.0 { "lower" } else { "higher" };
    lines.push(format!("by {level} {sign}; {} was {}", of.check, after.said()));
    let others: Vec<String> = after.others.iter().take(SIMILAR_NAMED_MAX).map(near).collect();
    if !others.is_empty() {
        let more = after.others.len() - others.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        lines.push(format!("near it: {}{more}", others.join(", ")));
    }
    let incidents = after.incidents.iter().take(SIMILAR_NAMED_MAX);
    lines.extend(incidents.map(|incident| format!("incident {}: {}", incident.number, incident.text)));
    lines
}

fn near(turn: &Turn) -> String {
    let when = match turn.after_ms {
        before if before < 0 => format!("{} before it began", duration_ms(before.saturating_neg())),
        after => format!("after {}", duration_ms(after)),
    };
    format!("{} {} {when}", turn.check, turn.state.name())
}

/// How clear it is.
fn verdict(answer: &Answer<'_>, shown: usize, now: &Zoned) -> String {
    let found = answer.found;
    let left_out = match found.left_out {
        0 => String::new(),
        count => {
            let were = counted_were(count, "stretch");
            format!("; {were} left out, as more than a fifth of each is missing")
        }
    };
    let Some(best) = found.matches.first() else {
        return format!("nothing is like it: there is nothing to compare it with{left_out}");
    };
    if shown == 0 && answer.args.limit > 0 {
        let when = local_time(best.span.start, now.time_zone());
        return format!("nothing is like it: the nearest, {when}, is hardly nearer than the rest{left_out}");
    }
    let more = found.matches.iter().skip(shown).filter(|one| one.is_clear).count();
    match found.matches.get(shown) {
        Some(_) if more > 0 => format!("{more} more are like it{left_out}"),
        Some(next) if best.distance > 0.0 => {
            format!("the next is {:.1} times as far as the first{left_out}", next.distance / best.distance)
        }
        _ => format!("no others are like it{left_out}"),
    }
}

/// Draws what was searched for and a match over each other.
fn draw(
    answer: &Answer<'_>,
    one: &SimilarMatch,
    now: &Zoned,
    style: Style,
    context: &mut ReadContext<'_>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let count = columns(style.width, style.glyphs);
    let of = &answer.among[one.series];
    let mut series = Vec::new();
    for (of, span) in [(answer.of, &answer.span), (of, &one.span)] {
        let Some(envelope) = envelope(answer.reader, of, span, count, context)? else { continue };
        let mut drawn = titled(&of.check, envelope, &[]);
        drawn.name = format!("{} {}", drawn.name, local_time(span.start, now.time_zone()));
        drawn.thresholds.clear();
        // Both lie in the time of what was searched for.
        let shift = answer.span.start.saturating_sub(span.start);
        for column in drawn.columns.iter_mut().flatten() {
            column.first_ms = column.first_ms.saturating_add(shift);
            column.last_ms = column.last_ms.saturating_add(shift);
        }
        series.push(drawn);
    }
    let picture = Picture {
        start_ms: answer.span.start,
        end_ms: answer.span.end,
        zone: now.time_zone().clone(),
        prefixes: Prefixes::Si,
        series,
        ribbons: Vec::new(),
        notes: Vec::new(),
    };
    let options = TextOptions {
        width: style.width,
        height: style.height.saturating_sub(1),
        glyphs: style.glyphs,
        overlay: true,
    };
    for line in text(&picture, &options) {
        writeln!(out, "{}", style.line(&line))?;
    }
    Ok(())
}
