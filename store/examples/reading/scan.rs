//! A table of 100 interfaces with 10 columns each, a day every 10 seconds: all of it in one pass.

use std::hint::black_box;
use std::path::Path;

use custos_store::{Column, Metric, Options, Reader, SeriesKey};

use crate::store::{Dice, make, run, set};
use crate::{Result, best, figure, ms};

const CHECK: &str = "uplinks";
const ROWS: usize = 8_640;
const COLUMNS: [&str; 10] = [
    "ifInOctets",
    "ifOutOctets",
    "ifInUcastPkts",
    "ifOutUcastPkts",
    "ifInErrors",
    "ifOutErrors",
    "ifSpeed",
    "ifOperStatus",
    "ifInDiscards",
    "temperature",
];

/// The next value of a column: counters that run, errors that are rare, what never changes, a gauge with a decimal.
fn next(column: usize, value: f64, dice: &mut Dice) -> f64 {
    let roll = dice.roll();
    match column {
        0 | 1 => value + (roll % 9_000_000) as f64,
        2 | 3 => value + (roll % 12_000) as f64,
        4 | 5 | 8 => value + f64::from(u8::from(roll.is_multiple_of(300))),
        9 => (350.0 + (roll % 90) as f64) / 10.0,
        _ => 1.0,
    }
}

pub(crate) fn measure(dir: &Path) -> Result<()> {
    let store = make(dir, "table", Options::default(), |filling| {
        let metric = |at: usize| Metric {
            labels: vec![("ifName".to_owned(), format!("eth{}", at / 10))],
            ..Metric::new(COLUMNS[at % 10], None)
        };
        let mut run = run((0..1000).map(metric).collect());
        let (mut values, mut dice) = (vec![0.0; 1000], Dice(1));
        for row in 0..ROWS {
            run.time_ms = 1_760_000_000_000 + row as i64 * 10_000 + (dice.roll() % 7) as i64;
            values.iter_mut().enumerate().for_each(|(at, value)| *value = next(at % 10, *value, &mut dice));
            set(&mut run, |at| values[at]);
            filling.add(CHECK, &run)?;
        }
        Ok(())
    })?;
    let snapshot = Reader::open(&store)?.snapshot();
    let series: Vec<SeriesKey> = snapshot.series(CHECK)?.into_iter().map(|series| series.key).collect();
    let all = i64::MIN..i64::MAX;
    let (took, (samples, _)) = best(50, || {
        let (mut samples, mut sum, mut column) = (0, 0.0, Column::default());
        for batch in snapshot.scan(CHECK, &series, all.clone()) {
            let batch = batch?;
            sum += batch.times()?.iter().sum::<i64>() as f64;
            for at in 0..series.len() {
                batch.read_column(at, &mut column)?;
                samples += column.len();
                sum += column.floats().map_or(0.0, |floats| floats[floats.len() / 2]);
            }
        }
        Ok((samples, black_box(sum)))
    })?;
    let rate = samples as f64 / took.as_secs_f64() / 1e6;
    figure(
        &format!("scan all {samples} samples of a table of 1,000 columns, one thread"),
        &format!("{:.1} ms, {rate:.0} M samples/s", ms(took)),
    );
    let (took, _) = best(50, || {
        let mut sum = 0.0;
        for batch in snapshot.scan(CHECK, &series, all.clone()) {
            let batch = batch?;
            sum += (0..series.len()).filter_map(|at| batch.statistics(at)).map(|all| all.sum).sum::<f64>();
        }
        Ok(black_box(sum))
    })?;
    figure(
        "count, minimum, maximum, sum of each of its columns, by statistics",
        &format!("{:.2} ms", ms(took)),
    );
    Ok(())
}
