//! `changes`: how often it speaks where people saw nothing, and how many of the lasting changes that they saw it finds.
//!
//! Beside it the recipe that is usual elsewhere, so many standard deviations from the mean of the last 26 hours: as it is, with
//! three, and with as many as it takes to find as few as this does.

use std::error::Error;
use std::io::Write;
use std::ops::Range;

use custos_query::{ChangesRequest, ReadContext};

use super::host::Host;
use super::shifted::stored;

/// A label counts as lasting from so long on.
const LASTING_MS: i64 = 15 * 60_000;
/// What begins or ends so near to a label belongs to it.
const NEAR_MS: i64 = 30 * 60_000;
/// Buckets of five minutes, as `changes` has them, in 26 hours.
const BUCKET_MS: i64 = 300_000;
const BUCKETS: usize = 26 * 12;
/// Alarms of the recipe that are not farther apart are one.
const JOINED_MS: i64 = 3_600_000;
const WEEK_MS: f64 = 7.0 * 86_400_000.0;

/// By time, how many standard deviations a value is away.
type Scores = Vec<(i64, f64)>;

/// Alarms against labels.
#[derive(Clone, Copy, Default)]
struct Score {
    series_weeks: f64,
    false_alarms: f64,
    lasting: f64,
    hit: f64,
}

impl Score {
    fn add(&mut self, other: Score) {
        self.series_weeks += other.series_weeks;
        self.false_alarms += other.false_alarms;
        self.lasting += other.lasting;
        self.hit += other.hit;
    }

    fn share(&self) -> f64 {
        self.hit / self.lasting.max(1.0)
    }

    fn words(&self) -> String {
        let a_week = self.false_alarms / self.series_weeks.max(1e-9);
        format!("{a_week:>5.2} false a series and week, {:>4} of {} hit", self.hit, self.lasting)
    }
}

/// Scores hosts, and prints a line for each kind and way.
pub(crate) fn score(hosts: &[Host], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "changes, in the labelled half: alarms outside of all labels, and lasting labels of a metric that were hit"
    )?;
    let kind = |host: &Host| host.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
    for of_kind in hosts.chunk_by(|one, other| kind(one) == kind(other)) {
        let mut own = Score::default();
        for host in of_kind {
            let alarms = stored(host, |reader, among| {
                let span = labelled(host);
                let mut ignored = |_: &custos_store::Error| {};
                let request = ChangesRequest { among, span };
                let found = request.read(reader, &mut ReadContext::new(&mut ignored))?;
                let mut alarms = vec![Vec::new(); among.len()];
                found.into_iter().for_each(|one| alarms[one.series].push(one.span));
                Ok(alarms)
            })?;
            own.add(judged(host, &alarms));
        }
        let scores: Vec<(&Host, Vec<Scores>)> = of_kind
            .iter()
            .map(|host| (host, (0..host.metrics.len()).map(|metric| deviations(host, metric)).collect()))
            .collect();
        let recipe = |limit: f64| {
            let mut all = Score::default();
            for (host, scores) in &scores {
                let alarms: Vec<_> = scores.iter().map(|scores| beyond(scores, limit)).collect();
                all.add(judged(host, &alarms));
            }
            all
        };
        let (mut low, mut high) = (0.5, 1000.0_f64);
        for _ in 0..14 {
            let middle = f64::sqrt(low * high);
            if recipe(middle).share() >= own.share() { low = middle } else { high = middle }
        }
        let name = kind(&of_kind[0]);
        writeln!(out, "  {name:<8} changes                    {}", own.words())?;
        writeln!(out, "  {name:<8} 3 sigma of 26 h            {}", recipe(3.0).words())?;
        writeln!(out, "  {name:<8} {low:>5.1} sigma, as many hits   {}", recipe(low).words())?;
    }
    Ok(())
}

/// The time from a little before the first label on to the end; what is before has no labels.
fn labelled(host: &Host) -> Range<i64> {
    let last = host.times.len() - 1;
    // Of the one kind half is labelled, of the other a third.
    let begins = |share: usize| host.times[last * share / 6];
    let first_ms = host.labels.iter().map(|label| label.since_ms).min().unwrap_or(i64::MAX);
    let since_ms = [4, 3].into_iter().map(begins).find(|start| *start <= first_ms);
    since_ms.unwrap_or(host.times[0])..host.times[last] + 1
}

fn judged(host: &Host, alarms: &[Vec<Range<i64>>]) -> Score {
    let span = labelled(host);
    let mut score = Score::default();
    for ((name, values), alarms) in host.metrics.iter().zip(alarms) {
        if values.iter().all(|value| *value == values[0]) {
            continue;
        }
        score.series_weeks += (span.end - span.start) as f64 / WEEK_MS;
        let meets = |alarm: &Range<i64>, since_ms: i64, until_ms: i64, near_ms: i64| {
            alarm.start <= until_ms + near_ms && alarm.end >= since_ms - near_ms
        };
        let is_false = |alarm: &&Range<i64>| {
            !host.labels.iter().any(|label| meets(alarm, label.since_ms, label.until_ms, NEAR_MS))
        };
        score.false_alarms += alarms.iter().filter(is_false).count() as f64;
        let lasting = host
            .labels
            .iter()
            .filter(|label| label.until_ms - label.since_ms >= LASTING_MS && label.metrics.contains(name));
        for label in lasting {
            score.lasting += 1.0;
            let is_hit = alarms.iter().any(|alarm| meets(alarm, label.since_ms, label.until_ms, 0));
            score.hit += f64::from(u8::from(is_hit));
        }
    }
    score
}

/// How many standard deviations each bucket of a metric is away from the mean of the last 26 hours, by its time.
fn deviations(host: &Host, metric: usize) -> Scores {
    let span = labelled(host);
    let (times, values) = (&host.times, &host.metrics[metric].1);
    let rows = (BUCKET_MS / (times[1] - times[0])).max(1) as usize;
    let buckets: Vec<f64> =
        values.chunks(rows).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect();
    let of = |at: usize| {
        let past = &buckets[at - BUCKETS..at];
        let mean = past.iter().sum::<f64>() / BUCKETS as f64;
        let variance = past.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / BUCKETS as f64;
        (times[at * rows], (buckets[at] - mean).abs() / variance.sqrt().max(1e-9))
    };
    (BUCKETS..buckets.len()).filter(|at| span.contains(&times[at * rows])).map(of).collect()
}

/// Alarms of the recipe.
fn beyond(scores: &[(i64, f64)], limit: f64) -> Vec<Range<i64>> {
    let mut alarms: Vec<Range<i64>> = Vec::new();
    for (start_ms, _) in scores.iter().filter(|(_, score)| *score > limit) {
        match alarms.last_mut() {
            Some(last) if start_ms - last.end <= JOINED_MS => last.end = start_ms + BUCKET_MS,
            _ => alarms.push(*start_ms..start_ms + BUCKET_MS),
        }
    }
    alarms
}
