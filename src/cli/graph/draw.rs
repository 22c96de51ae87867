//! The command: charts of metrics with the states beneath and of queries, in the terminal or as SVG.
//!
//! Memory depends on the width of the chart, not on the span.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap_complete::engine::ArgValueCompleter;
use custos_query::{
    Bucketed, CheckEnvelope, Drawn, DrawnCheck, Envelope, EnvelopeRequest, ReadContext, Series,
    SimilarSeries, check_names, consolidated_check, consolidated_names, drawable_checks, drawable_series,
    watched_name,
};
use custos_store::{Provenance, Reader};
use jiff::Zoned;

use super::consolidated::joined;
use super::query;
use super::target::{Target, target};
use crate::cli::completion;
use crate::cli::normal::{normal, week_hour};
use crate::cli::note::notes_or_none;
use crate::cli::read::{Damage, Failure, Opened, ReadArgs, finish, now, tell, time, time_or_now};
use crate::cli::style::Style;
use crate::config::Check;
use crate::exit_code::ExitCode;
use crate::graph::{
    self, Glyphs, NoteMark, Picture, Ribbon, SVG_COLUMNS, TextOptions, cells, columns, svg, text,
};
use crate::limits::GRAPH_SERIES_MAX;
use crate::rules::selected_series;
use crate::text::human::Prefixes;

/// The span without `--since`, unless the first run is later.
const DEFAULT_SPAN_MS: i64 = 24 * 3600 * 1000;

/// Draws metrics over time, with thresholds, and the states beneath; also PromQL queries.
///
/// Besides what its plugin prints, every check has the metrics check_duration_seconds, check_lateness_seconds,
/// check_state, check_cpu_seconds and check_max_rss_bytes.
/// Every column is drawn from the least to the greatest of its samples, so a single spike is seen however wide the
/// span. Blank means that there is no value. Warning and critical ranges are drawn as lines where they are near.
/// What people noted (custos note) is marked on the axis of time, and stands beneath.
/// What a check ran more often while somebody watched it is drawn with its own runs, and its states beneath theirs. What was imported
/// for spans of time, such as rows of RRD files, is drawn hatched, where there are no samples.
/// A query is answered as often as there are columns, as custos query does, and keeps its unit where that is clear.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct GraphArgs {
    /// Checks, or metrics of them, METRIC may be a glob, or queries: load, load:load1, 'disk:/*', 'rate(net{if="eth0"}[5m])'
    #[arg(value_name = "CHECK[:METRIC]|EXPR", required = true, add = ArgValueCompleter::new(completion::graph_target))]
    targets: Vec<String>,
    /// Start: -24h, '2h ago', 'yesterday 03:00', 2026-03-01, RFC 3339 [default: -24h, or the first run if later]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// End [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Columns [default: those of the terminal, or 80]
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// Lines [default: one less than the terminal has, or 23]
    #[arg(long, value_name = "N")]
    height: Option<usize>,
    /// ASCII characters only
    #[arg(long)]
    ascii: bool,
    /// Draw the change per second of everything, not only of counters; a counter that falls was reset to 0
    #[arg(long)]
    rate: bool,
    /// Draw the values of counters, not their change per second
    #[arg(long, conflicts_with = "rate")]
    raw: bool,
    /// Draw where each metric normally is at that hour of the week behind it, by all before the graph, see custos normal
    #[arg(long)]
    normal: bool,
    /// Leave out what a check ran more often while somebody watched it, and what was imported for spans of time
    #[arg(long)]
    own: bool,
    /// Show bytes as KiB, MiB, GiB
    #[arg(long)]
    iec: bool,
    /// Write an SVG file instead; - is stdout
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &GraphArgs) -> ExitCode {
    finish(|out| draw(args, &now(), args.read.style(), out))
}

fn draw(args: &GraphArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    if args.width == Some(0) || args.height == Some(0) {
        return Err(Failure::usage("--width and --height are at least 1"));
    }
    let mut opened = args.read.open()?;
    let glyphs = if args.ascii { Glyphs::Ascii } else { style.glyphs };
    let options = TextOptions {
        width: args.width.unwrap_or(style.width),
        // The prompt needs a line, too.
        height: args.height.unwrap_or(style.height.saturating_sub(1)),
        glyphs,
        overlay: style.color || glyphs == Glyphs::Ascii,
    };
    let resolution = match args.svg {
        Some(_) => (SVG_COLUMNS, SVG_COLUMNS),
        None => (columns(options.width, glyphs), cells(options.width)),
    };
    let mut damage = std::mem::take(&mut opened.damage);
    let (picture, left_out) = picture(args, &opened, now, resolution, &mut damage)?;
    match &args.svg {
        Some(path) if path != Path::new("-") => std::fs::write(path, svg(&picture))
            .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))?,
        Some(_) => out.write_all(svg(&picture).as_bytes())?,
        None => {
            for line in text(&picture, &options) {
                writeln!(out, "{}", style.line(&line))?;
            }
        }
    }
    if left_out > 0 {
        out.flush()?;
        tell(&format!("{left_out} more series are not drawn; choose some"));
    }
    damage.finish(out)
}

/// Reads what is to be drawn. Returns also how many series were too many.
fn picture(
    args: &GraphArgs,
    opened: &Opened,
    now: &Zoned,
    resolution: (usize, usize),
    damage: &mut Damage,
) -> Result<(Picture, usize), Failure> {
    let Opened { store, reader, config, .. } = opened;
    let names = drawable_checks(check_names(reader));
    let mut chosen: Vec<(String, Vec<Series>)> = Vec::new();
    let mut queries = Vec::new();
    let mut left_out = 0;
    let mut free = GRAPH_SERIES_MAX;
    for text in &args.targets {
        let selector = match target(text, &names)? {
            Target::Metrics(selector) => selector,
            Target::Query(query, expr) => {
                queries.push((query, expr));
                continue;
            }
        };
        // What was consolidated of a check is drawn with it, also where it alone is named.
        let check = consolidated_check(selector.check()).map_or(selector.check(), |(check, _)| check);
        let known = drawable_series(reader, check)?;
        let mut series = selected_series(&selector, &known)?;
        left_out += series.len().saturating_sub(free);
        series.truncate(free);
        free -= series.len();
        // One check is read once, however often it was named.
        match chosen.iter_mut().find(|(known, _)| known == check) {
            Some((_, known)) => {
                series.retain(|one| !known.contains(one));
                known.append(&mut series);
            }
            None => chosen.push((check.to_owned(), series)),
        }
    }
    let apart: Vec<String> = chosen.iter().flat_map(|(check, _)| consolidated_names(check)).collect();
    let checks = chosen.iter().map(|(check, _)| check.as_str()).chain(apart.iter().map(String::as_str));
    let checks: Vec<&str> = checks.collect();
    // A query may be of any check.
    let checks = if queries.is_empty() { checks } else { names.iter().map(String::as_str).collect() };
    let (start_ms, end_ms) = span(args, reader, &checks, now)?;
    let mut picture = Picture {
        start_ms,
        end_ms,
        zone: now.time_zone().clone(),
        prefixes: if args.iec { Prefixes::Iec } else { Prefixes::Si },
        series: Vec::new(),
        ribbons: Vec::new(),
        notes: Vec::new(),
    };
    let (columns, cells) = resolution;
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let mut context = ReadContext::new(&mut on_damage);
    for (check, series) in chosen {
        let span = start_ms..end_ms;
        let defined = config.as_ref().and_then(|config| config.checks.get(&check));
        let holds_until_ms = is_reported(reader, &check, defined.map(|check| &**check))
            .then(|| now.timestamp().as_millisecond());
        let drawn = match (args.rate, args.raw) {
            (true, _) => Drawn::Rates,
            (_, true) => Drawn::Values,
            _ => Drawn::Usual,
        };
        let request = EnvelopeRequest { check: &check, series, span, columns, cells, drawn, holds_until_ms };
        let DrawnCheck { own, watched, consolidated } = request.read_drawn(args.own, reader, &mut context)?;
        let CheckEnvelope { series, states } = own;
        let thresholds = defined.map(|check| &check.thresholds[..]).unwrap_or_default();
        for (envelope, curve) in series.into_iter().zip(consolidated) {
            let band = match args.normal {
                true => band(reader, &check, &envelope, &picture, &mut context)?,
                false => Vec::new(),
            };
            picture.series.push(graph::Series { band, ..joined(&check, envelope, curve, thresholds) });
        }
        let watched = watched.map(|states| Ribbon { title: watched_name(&check), states });
        picture.ribbons.push(Ribbon { title: check, states });
        picture.ribbons.extend(watched);
    }
    let snapshot = reader.snapshot();
    for (text, expr) in &queries {
        let mut series = query::series((text, expr), &snapshot, (start_ms, end_ms), columns, damage)?;
        left_out += series.len().saturating_sub(free);
        series.truncate(free);
        free -= series.len();
        picture.series.append(&mut series);
    }
    let about: Vec<String> = match queries.is_empty() {
        true => picture.ribbons.iter().map(|ribbon| ribbon.title.clone()).collect(),
        false => Vec::new(),
    };
    let notes = notes_or_none(store);
    let within = notes.within(&about, &(start_ms..end_ms));
    picture.notes =
        within.into_iter().map(|note| NoteMark { time_ms: note.time_ms, text: note.said() }).collect();
    Ok((picture, left_out))
}

/// Where a series normally is, for each column of a picture; nothing of what the agent itself measures.
fn band(
    reader: &Reader,
    check: &str,
    envelope: &Envelope,
    picture: &Picture,
    context: &mut ReadContext<'_>,
) -> Result<Vec<Option<(f64, f64)>>, Failure> {
    let Series::Metric(key) = &envelope.series else { return Ok(Vec::new()) };
    let series = Bucketed { key: key.clone(), is_counter: envelope.rate };
    let of = SimilarSeries { check: check.to_owned(), series };
    let normal = normal(reader, &of, picture.start_ms, &picture.zone, context)?;
    let (columns, length_ms) = (envelope.columns.len(), picture.end_ms.saturating_sub(picture.start_ms));
    let time_ms = |column: usize| {
        let offset = i128::from(length_ms) * (2 * column as i128 + 1) / (2 * columns as i128);
        picture.start_ms.saturating_add(offset as i64)
    };
    let band = |column| normal.bands[week_hour(time_ms(column), &picture.zone)];
    Ok((0..columns).map(|column| band(column).map(|band| (band.low, band.high))).collect())
}

/// Whether a check has runs only when something is reported to it: its state holds until the next.
pub(in crate::cli) fn is_reported(reader: &Reader, name: &str, defined: Option<&Check>) -> bool {
    match defined {
        Some(check) => check.command.is_passive(),
        None => matches!(
            reader.last_arrived(name),
            Ok(Some(last)) if last.run.provenance == Provenance::Submitted
        ),
    }
}

/// Start and end of the graph.
fn span(args: &GraphArgs, reader: &Reader, checks: &[&str], now: &Zoned) -> Result<(i64, i64), Failure> {
    let end_ms = time_or_now("--until", args.until.as_deref(), now)?;
    let start_ms = match &args.since {
        Some(text) => time("--since", text, now)?,
        None => {
            let chosen = reader.checks().into_iter().filter(|check| checks.contains(&check.name.as_str()));
            let first_ms = chosen.map(|check| check.first_ms).min().unwrap_or(i64::MIN);
            first_ms.min(end_ms.saturating_sub(1)).max(end_ms.saturating_sub(DEFAULT_SPAN_MS))
        }
    };
    if start_ms >= end_ms {
        return Err(Failure::usage("the start of the graph is not before its end"));
    }
    Ok((start_ms, end_ms))
}

#[cfg(test)]
mod tests {
    use custos_store::{Bounds, Metric, Reason, Run, State, Value};

    use super::*;
    use crate::cli::stage::{self, NOON, STYLE};
    use crate::timeline::{Marks, TimelineNote};

    fn metric(label: &str, unit: &str, value: f64) -> Metric {
        Metric {
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            warn: Some(Bounds { start: 0.0, end: 5.0, inside: false }),
            ..Metric::new(label, Value::from(value))
        }
    }

    /// A minute of a check every second, with a stretch of missed runs, and one of another check.
    fn store() -> tempfile::TempDir {
        stage::store(|writer| {
            for second in 0..60 {
                let time_ms = NOON + second * 1000;
                let mut run = Run { time_ms, duration_us: 20_000, ..Run::default() };
                match second {
                    20 => (run.reason, run.missed_slots, run.state) = (Reason::Missed, 10, State::Unknown),
                    21..30 => continue,
                    40 => run.state = State::Critical,
                    _ => {}
                }
                if run.reason == Reason::Exited {
                    let load = if second == 40 { 6.0 } else { 1.0 };
                    let octets = if second < 30 { second } else { second - 30 } as f64 * 125.0;
                    run.metrics = vec![metric("load1", "", load), metric("in", "c", octets)];
                }
                writer.append(&[("load", &run)]).unwrap();
            }
            writer.append(&[("quiet", &Run { time_ms: NOON, ..Run::default() })]).unwrap();
        })
    }

    fn drawn(directory: &tempfile::TempDir, line: &[&str]) -> Result<String, Failure> {
        let now = "2026-11-22T12:01:00+00:00[UTC]".parse().unwrap();
        let mut out = Vec::new();
        draw(&stage::options(directory, line), &now, STYLE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_check_is_drawn_with_its_states() {
        let drawn = drawn(&store(), &["load:load1", "--ascii", "--height", "16"]).unwrap();
        let expected = "\
load:load1  min 1  avg 1.1  max 6  last 1  warn 5
       6 +                                              **
         |                                              **
         |----------------------------------------------**----------------------
       4 +                                              **
         |                                              **
         |                                              **
         |                                              **
       2 +                                              **
         |***********************            **********************************
         |
       0 +
         ++----------+-----------+-----------+----------+-----------+-----------
      12:00:00   12:00:10    12:00:20    12:00:30   12:00:40    12:00:50
    load  ........................           ...........CC......................
2026-11-22 12:00:00 to 12:01:00 UTC  . ok  C crit  blank: no run
";
        assert_eq!(drawn, expected, "{drawn}");
    }

    #[test]
    fn values_whose_sum_is_no_number_have_a_mean_and_an_axis() {
        let store = stage::store(|writer| {
            for second in 0..60 {
                let value = if second < 30 { 5e307 } else { 1e308 };
                let metrics = vec![Metric::new("far", Value::from(value))];
                writer
                    .append(&[("x", &Run { time_ms: NOON + second * 1000, metrics, ..Run::default() })])
                    .unwrap();
            }
        });
        let drawn = drawn(&store, &["x:far", "--ascii", "--height", "10"]).unwrap();
        let expected = "\
x:far  min 5.00e307  avg 7.50e307  max 1.00e308  last 1.00e308
";
        assert!(drawn.starts_with(expected), "{drawn}");
        // The first half is drawn lower than the second.
        let rows = |from: usize, to: usize| {
            let lines = drawn
                .lines()
                .enumerate()
                .filter(|(_, line)| line.get(from..to).is_some_and(|part| part.contains('*')));
            lines.map(|(row, _)| row).collect::<Vec<_>>()
        };
        assert_eq!((rows(12, 40).len(), rows(50, 78).len()), (1, 1), "{drawn}");
        assert!(rows(12, 40) > rows(50, 78), "{drawn}");
    }

    #[test]
    fn where_a_metric_normally_is_stands_behind_it_if_wanted() {
        let store = stage::store(|writer| {
            for slot in 0..6 * 288 {
                let value =
                    f64::from(slot * 7919 % 1009) / 1009.0 + if slot >= 6 * 288 - 6 { 9.0 } else { 0.0 };
                let metrics = vec![Metric::new("load1", Value::from(value))];
                let time_ms = NOON - i64::from(6 * 288 - slot) * 300_000;
                writer.append(&[("load", &Run { time_ms, metrics, ..Run::default() })]).unwrap();
            }
        });
        let line = ["load:load1", "--ascii", "--since", "10:00", "--normal"];
        let normal = drawn(&store, &line).unwrap();
        assert!(normal.contains("::::") && normal.contains(": normal"), "{normal}");
        assert!(!drawn(&store, &line[..4]).unwrap().contains("normal"));
    }

    #[test]
    fn what_people_noted_of_a_check_stands_beneath_its_graph() {
        let store = store();
        for (check, text) in [(Some("load"), "deploy"), (Some("quiet"), "other"), (None, "reboot")] {
            let (check, text, author) = (check.map(str::to_owned), text.to_owned(), "anna".to_owned());
            let of = |number| TimelineNote { number, time_ms: NOON + 30_000, check, author, text };
            Marks::add(store.path(), of).unwrap();
        }
        let graph = drawn(&store, &["load:load1", "--ascii"]).unwrap();
        let beneath = "^ 2026-11-22 12:00:30  load: deploy (anna)\n^ 2026-11-22 12:00:30  reboot (anna)\n";
        assert!(graph.ends_with(beneath) && !graph.contains("other"), "{graph}");
    }

    #[test]
    fn a_rate_knows_resets_and_gaps() {
        let drawn = drawn(&store(), &["load:in", "--rate", "--ascii"]).unwrap();
        assert!(drawn.starts_with("load:in  min 125/s  avg 125/s  max 125/s  last 125/s\n"), "{drawn}");
    }

    #[test]
    fn a_counter_is_drawn_as_a_rate_unless_its_values_are_asked_for() {
        let usual = drawn(&store(), &["load:in", "--ascii"]).unwrap();
        assert!(usual.starts_with("load:in  min 125/s  avg 125/s  max 125/s  last 125/s\n"), "{usual}");
        let raw = drawn(&store(), &["load:in", "--raw", "--ascii"]).unwrap();
        assert!(raw.starts_with("load:in  min 0 "), "{raw}");
    }

    #[test]
    fn queries_are_drawn_beside_metrics_in_their_unit() {
        let line = ["load:load1", "load{metric=\"load1\"} * 2", "--ascii", "--height", "30"];
        let both = drawn(&store(), &line).unwrap();
        assert!(both.contains("load:load1  min 1  avg 1.1  max 6  last 1"), "{both}");
        assert!(both.contains("load{metric=\"load1\"} * 2  min 2  avg "), "{both}");
        let rate = drawn(&store(), &["rate(load{metric=\"in\"}[10s])", "--ascii"]).unwrap();
        assert!(
            rate.starts_with("rate(load{metric=\"in\"}[10s])  min ") && rate.contains("  max 125/s"),
            "{rate}"
        );
        let seconds = drawn(&store(), &["max(check_duration_seconds{check=\"load\"})", "--ascii"]).unwrap();
        assert!(seconds.starts_with("max(check_duration_seconds{check=\"load\"})  min 20 ms  "), "{seconds}");
        let several = drawn(&store(), &["load + 0", "--ascii", "--height", "30"]).unwrap();
        assert!(several.contains("{check=\"load\", metric=\"in\"}  min 0"), "{several}");
        let wrong = drawn(&store(), &["rate(load[5m]"]).unwrap_err().message;
        assert!(wrong.contains("unclosed left parenthesis"), "{wrong}");
    }

    #[test]
    fn what_was_watched_is_drawn_in_its_place() {
        let directory = stage::store(|writer| {
            let run = |time_ms, value| Run {
                time_ms: NOON + time_ms,
                metrics: vec![metric("load1", "", value)],
                ..Run::default()
            };
            for second in 0..60 {
                writer.append(&[("load", &run(second * 1000, 1.0))]).unwrap();
            }
            for tick in 0..50 {
                let value = if tick == 7 { 4.0 } else { 1.0 };
                writer.append(&[("load@watched", &run(30_050 + tick * 100, value))]).unwrap();
            }
        });
        let line = ["load:load1", "--ascii", "--height", "16"];
        let with = drawn(&directory, &line).unwrap();
        assert!(with.starts_with("load:load1  min 1  avg 1  max 4  last 1"), "{with}");
        let bar = with.lines().skip_while(|line| *line != "load@watched").nth(1).expect("a bar");
        assert_eq!(bar.trim(), "......", "{with}");
        let own = drawn(&directory, &[&line[..], &["--own"]].concat()).unwrap();
        assert!(own.starts_with("load:load1  min 1  avg 1  max 1  last 1"), "{own}");
        assert!(!own.contains("watched"), "{own}");
        let before = drawn(&directory, &[&line[..], &["--until", "2026-11-22T12:00:20Z"]].concat()).unwrap();
        assert!(!before.contains("watched"), "{before}");
    }

    #[test]
    fn samples_in_another_unit_are_counted_and_not_drawn() {
        let directory = stage::store(|writer| {
            for (second, unit, value) in [(0, "s", 2.0), (20, "s", 3.0), (40, "B", 5e6), (50, "B", 6e6)] {
                let metrics = vec![metric("m", unit, value)];
                writer
                    .append(&[("x", &Run { time_ms: NOON + second * 1000, metrics, ..Run::default() })])
                    .unwrap();
            }
        });
        let drawn = drawn(&directory, &["x:m", "--ascii", "--width", "120"]).unwrap();
        assert!(drawn.starts_with("x:m  min 5 MB  avg 5.5 MB  max 6 MB  last 6 MB"), "{drawn}");
        assert!(drawn.lines().next().unwrap().ends_with("(2 samples in s not drawn)"), "{drawn}");
    }

    #[test]
    fn a_threshold_is_drawn_on_each_metric_that_it_judges() {
        let directory = stage::store(|writer| {
            for second in 0..20 {
                let metrics = vec![metric("m[0]", "", 2.0)];
                let time_ms = NOON + second * 1000;
                writer.append(&[("x", &Run { time_ms, metrics, ..Run::default() })]).unwrap();
            }
        });
        let config = directory.path().join("custos.yaml");
        for judging in ["m[0]", "m*"] {
            let threshold = format!("{{ metric: '{judging}', critical: 9 }}");
            let text = format!("checks: {{ x: {{ command: /bin/true, thresholds: [{threshold}] }} }}\n");
            std::fs::write(&config, text).unwrap();
            let line = ["x:m*", "--ascii", "--width", "120", "--config", config.to_str().unwrap()];
            let drawn = drawn(&directory, &line).unwrap();
            assert!(drawn.lines().next().unwrap().ends_with("crit 9"), "{judging}: {drawn}");
        }
    }

    #[test]
    fn the_state_of_a_reported_check_holds_until_the_next() {
        let directory = stage::store(|writer| {
            let provenance = Provenance::Submitted;
            let run = Run { time_ms: NOON, state: State::Critical, provenance, ..Run::default() };
            writer.append(&[("link", &run)]).unwrap();
        });
        let drawn = drawn(&directory, &["link", "--ascii", "--since", "-30s"]).unwrap();
        let bar = drawn.lines().find(|line| line.contains(" link")).unwrap();
        assert!(bar.matches('C').count() > 60, "{drawn}");
    }

    #[test]
    fn a_rate_of_counters_beyond_2_to_the_53_is_exact() {
        let directory = stage::store(|writer| {
            for second in 0..60_i64 {
                let mut octets = metric("in", "c", 0.0);
                octets.value = Some(Value::from((1_i64 << 62) + 3 * second));
                let run = Run { time_ms: NOON + second * 1000, metrics: vec![octets], ..Run::default() };
                writer.append(&[("load", &run)]).unwrap();
            }
        });
        let drawn = drawn(&directory, &["load:in", "--rate", "--ascii"]).unwrap();
        assert!(drawn.starts_with("load:in  min 3/s  avg 3/s  max 3/s  last 3/s\n"), "{drawn}");
    }

    #[test]
    fn globs_and_checks_without_metrics_are_drawn() {
        let directory = store();
        let both = drawn(&directory, &["load", "quiet", "--since", "-30s"]).unwrap();
        assert!(both.contains("load:in  min") && both.contains("load:load1  min"), "{both}");
        assert!(both.contains("\n   quiet\n"), "{both}");
        assert!(both.contains("quiet:check_duration_seconds  no samples"), "{both}");
        let state = drawn(&directory, &["load:check_state"]).unwrap();
        assert!(state.starts_with("load:check_state  min "), "{state}");
        let memory = drawn(&directory, &["load:check_max_rss_bytes"]).unwrap();
        assert!(memory.starts_with("load:check_max_rss_bytes  no samples"), "{memory}");
        let duration = drawn(&directory, &["load:check_duration_seconds"]).unwrap();
        assert!(duration.starts_with("load:check_duration_seconds  min 20 ms  avg 20 ms"), "{duration}");
        let once = drawn(&directory, &["load:l*", "load:load1"]).unwrap();
        assert_eq!(once.matches("load:load1").count(), 1);
    }

    #[test]
    fn mistakes_are_told() {
        let directory = store();
        let message = |line: &[&str]| drawn(&directory, line).unwrap_err().message;
        assert_eq!(message(&["lod"]), "failed to find the check \"lod\" in the store; did you mean load?");
        assert_eq!(
            message(&["load:x"]),
            "failed to find the metric \"x\" of the check \"load\"; there are: in, load1"
        );
        assert_eq!(message(&["load", "--width", "0"]), "--width and --height are at least 1");
        assert_eq!(message(&["load", "--height", "0"]), "--width and --height are at least 1");
        assert_eq!(message(&["load", "--since", "now"]), "the start of the graph is not before its end");
        assert!(
            message(&["load", "--since", "soon"])
                .starts_with("--since: 'soon' is not a time; write one like")
        );
    }

    #[test]
    fn an_svg_is_one_whole_document() {
        let drawn = drawn(&store(), &["load", "--svg", "-"]).unwrap();
        assert!(drawn.starts_with("<svg xmlns=") && drawn.ends_with("</svg>\n"));
        assert!(drawn.contains("<title>CRITICAL</title>"));
        for tag in ["text", "title", "tspan", "style"] {
            let (open, close) =
                (drawn.matches(&format!("<{tag}")).count(), drawn.matches(&format!("</{tag}>")).count());
            assert_eq!(open, close, "{tag}");
        }
    }
}
