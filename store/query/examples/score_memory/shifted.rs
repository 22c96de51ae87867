//! `why`: labelled stretches, in which people saw something in some metrics of a host, and quiet ones, in which they did not.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use custos_query::{Bucketed, ReadContext, SeriesShift, ShiftRequest, SimilarSeries};
use custos_store::{Metric, Reader, Run, SeriesKey, Value, Writer};

use super::dice::Dice;
use super::host::Host;

/// Questions at quiet times of each host.
const QUIET: usize = 100;

/// How it did.
#[derive(Clone, Copy, Default)]
struct Score {
    labels: f64,
    first: f64,
    five: f64,
    listed: f64,
    onset: f64,
    quiet: f64,
    silent: f64,
}

/// Scores hosts, and prints a line for each and for all of a kind.
pub(crate) fn score(hosts: &[Host], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "why, labelled stretches: the first is true, a true one in five, a true one listed, onset within 5 samples;"
    )?;
    writeln!(out, "  at quiet times: nothing listed")?;
    writeln!(
        out,
        "  {:<14} {:>6}  {:>5}  {:>7}  {:>6}  {:>5}  {:>6}",
        "host", "labels", "first", "in five", "listed", "onset", "silent"
    )?;
    let kind = |host: &Host| host.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
    for of_kind in hosts.chunk_by(|one, other| kind(one) == kind(other)) {
        let mut all = Score::default();
        for host in of_kind {
            let one = stored(host, |reader, among| one_host(host, reader, among))?;
            line(&host.name, one, out)?;
            for (all, one) in [
                (&mut all.labels, one.labels),
                (&mut all.first, one.first),
                (&mut all.five, one.five),
                (&mut all.listed, one.listed),
                (&mut all.onset, one.onset),
                (&mut all.quiet, one.quiet),
                (&mut all.silent, one.silent),
            ] {
                *all += one;
            }
        }
        line(&format!("all {}", kind(&of_kind[0])), all, out)?;
    }
    Ok(())
}

fn line(name: &str, score: Score, out: &mut dyn Write) -> std::io::Result<()> {
    let share = |part: f64| part / score.labels.max(1.0);
    writeln!(
        out,
        "  {name:<14} {:>6}  {:>5.2}  {:>7.2}  {:>6.2}  {:>5.2}  {:>6.2}",
        score.labels,
        share(score.first),
        share(score.five),
        share(score.listed),
        share(score.onset),
        score.silent / score.quiet.max(1.0)
    )
}

/// What `ask` says of a host in a store of its own, of one check, and of its series.
pub(crate) fn stored<T>(
    host: &Host,
    ask: impl FnOnce(&Reader, &[SimilarSeries]) -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("score-memory-{}-{}", host.name, std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let said = store(host, &directory).and_then(|(reader, among)| ask(&reader, &among));
    std::fs::remove_dir_all(&directory)?;
    said
}

fn store(host: &Host, directory: &Path) -> Result<(Reader, Vec<SimilarSeries>), Box<dyn Error>> {
    let mut writer = Writer::open(directory, custos_store::Options::default())?;
    for (row, time_ms) in host.times.iter().enumerate() {
        let metric =
            |(name, values): &(String, Vec<f64>)| Metric::new(name.as_str(), Value::from(values[row]));
        let metrics = host.metrics.iter().map(metric).collect();
        writer.append(&[("host", &Run { time_ms: *time_ms, metrics, ..Run::default() })])?;
    }
    writer.compact()?;
    writer.close()?;
    let reader = Reader::open(directory)?;
    let series = |(name, _): &(String, Vec<f64>)| SimilarSeries {
        check: "host".to_owned(),
        series: Bucketed::new(SeriesKey::new(name), ""),
    };
    let among: Vec<SimilarSeries> = host.metrics.iter().map(series).collect();
    Ok((reader, among))
}

fn one_host(host: &Host, reader: &Reader, among: &[SimilarSeries]) -> Result<Score, Box<dyn Error>> {
    let ask = |span: std::ops::Range<i64>| {
        let mut ignored = |_: &custos_store::Error| {};
        ShiftRequest { among, span }.read(reader, &mut ReadContext::new(&mut ignored))
    };
    let step_ms = host.times[1] - host.times[0];
    let mut score = Score::default();
    for label in &host.labels {
        let is_true = |one: &SeriesShift| label.metrics.contains(&host.metrics[one.series].0);
        let ranked = ask(label.since_ms..label.until_ms)?.ranked;
        score.labels += 1.0;
        let place = ranked.iter().position(is_true);
        let yes = |is: bool| f64::from(u8::from(is));
        score.first += yes(place == Some(0));
        score.five += yes(place.is_some_and(|place| place < 5));
        score.listed += yes(ranked.iter().any(|one| is_true(one) && one.shift.is_listed()));
        let mut onsets: Vec<i64> = ranked
            .iter()
            .filter(|one| is_true(one) && one.shift.is_listed())
            .map(|one| one.onset_ms)
            .collect();
        onsets.sort_unstable();
        let middle = onsets.get(onsets.len() / 2);
        score.onset += yes(middle.is_some_and(|onset| (onset - label.since_ms).abs() <= 5 * step_ms));
    }
    let mut dice = Dice(7);
    let half = host.times.len() / 2;
    let lengths = host.labels.iter().map(|label| label.until_ms - label.since_ms);
    let lengths: Vec<i64> = lengths.filter(|length| *length <= 6 * 3_600_000).collect();
    while (score.quiet as usize) < QUIET {
        let length_ms = lengths[dice.below(lengths.len())];
        let since_ms = host.times[half + dice.below(half - 1)];
        let until_ms = since_ms + length_ms;
        let meets = |label: &super::host::Label| {
            label.since_ms - length_ms < until_ms && label.until_ms + length_ms > since_ms
        };
        if until_ms > host.times[host.times.len() - 1] || host.labels.iter().any(meets) {
            continue;
        }
        score.quiet += 1.0;
        let ranked = ask(since_ms..until_ms)?.ranked;
        score.silent += f64::from(u8::from(!ranked.iter().any(|one| one.shift.is_listed())));
    }
    Ok(score)
}
