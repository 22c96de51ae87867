//! Hosts with labelled stretches: from files, or made up.
//!
//! A file `NAME.csv` has a line of names, the first of which is the time, then a line for each row: milliseconds since the epoch and
//! the value of each metric. `NAME.labels.json` is an array of `{"since_ms", "until_ms", "metrics": [names]}`: in which metrics people saw
//! something, and when. Labels are incomplete.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::dice::Dice;

/// A stretch in which something was seen.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Label {
    pub(crate) since_ms: i64,
    pub(crate) until_ms: i64,
    pub(crate) metrics: Vec<String>,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) times: Vec<i64>,
    pub(crate) metrics: Vec<(String, Vec<f64>)>,
    pub(crate) labels: Vec<Label>,
}

/// The hosts of a directory, by name.
pub(crate) fn read(dir: &Path) -> Result<Vec<Host>, Box<dyn Error>> {
    let mut paths: Vec<_> =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut hosts = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "csv")) {
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().ok_or("an empty file")?.split(',').skip(1).collect();
        let mut metrics: Vec<(String, Vec<f64>)> =
            names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        let mut times = Vec::new();
        for line in lines {
            let mut fields = line.split(',');
            times.push(fields.next().ok_or("a line without a time")?.parse()?);
            for (_, values) in &mut metrics {
                values.push(
                    fields
                        .next()
                        .map_or(Ok(f64::NAN), |field| field.parse().or(Ok::<_, Box<dyn Error>>(f64::NAN)))?,
                );
            }
        }
        let labels = serde_json::from_str(&fs::read_to_string(path.with_extension("labels.json"))?)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        hosts.push(Host { name, times, metrics, labels });
    }
    Ok(hosts)
}

/// A host of sixty days by the minute, whose metrics have a rhythm of the day, a slow walk and noise, and thirty stretches in
/// which something happens that comes once.
pub(crate) fn made_up() -> Host {
    const MINUTES: usize = 60 * 1440;
    const METRICS: usize = 10;
    let mut dice = Dice(2026);
    let times = (0..MINUTES as i64).map(|minute| 1_700_000_040_000 + minute * 60_000).collect();
    let mut metrics: Vec<(String, Vec<f64>)> = (0..METRICS)
        .map(|index| {
            let (rhythm, noise, phase) =
                (dice.between(0.0, 3.0), dice.between(0.2, 1.0), dice.part() * std::f64::consts::TAU);
            let (mut walk, mut values) = (0.0, Vec::with_capacity(MINUTES));
            for minute in 0..MINUTES {
                walk = walk * 0.995 + dice.bell() * 0.05;
                let day = (minute as f64 / 1440.0 * std::f64::consts::TAU + phase).sin();
                values.push(50.0 + rhythm * day + walk + noise * dice.bell());
            }
            (format!("m{index:02}"), values)
        })
        .collect();
    let mut labels = Vec::new();
    for number in 0..30 {
        let length = dice.between(30.0, 240.0) as usize;
        let start = 40_000 + number * 1500 + dice.below(500);
        let (index, height) = (dice.below(METRICS), dice.between(4.0, 12.0));
        let shape = event(length, &mut dice);
        for (at, value) in shape.iter().enumerate() {
            metrics[index].1[start + at] += height * value;
        }
        let time = |row: usize| 1_700_000_040_000 + row as i64 * 60_000;
        let names = vec![metrics[index].0.clone()];
        labels.push(Label { since_ms: time(start), until_ms: time(start + length), metrics: names });
    }
    Host { name: "made-up".to_owned(), times, metrics, labels }
}

/// Something that happens: pieces of lines, up and down, from 0 to 1.
fn event(length: usize, dice: &mut Dice) -> Vec<f64> {
    let corners: Vec<(f64, f64)> = {
        let mut places: Vec<f64> = (0..4).map(|_| dice.part()).collect();
        places.sort_by(f64::total_cmp);
        let inner = places.into_iter().map(|place| (place, dice.part()));
        let inner: Vec<(f64, f64)> = inner.collect();
        [vec![(0.0, 0.0)], inner, vec![(1.0, if dice.part() < 0.5 { 0.0 } else { 1.0 })]].concat()
    };
    let at = |place: f64| {
        let after = corners.iter().position(|(at, _)| *at >= place).unwrap_or(corners.len() - 1).max(1);
        let ((from, low), (to, high)) = (corners[after - 1], corners[after]);
        if to > from { low + (high - low) * (place - from) / (to - from) } else { high }
    };
    (0..length).map(|row| at(row as f64 / length as f64)).collect()
}
