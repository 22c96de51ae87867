//! What `rrdtool dump` says of a file.

use std::collections::BTreeMap;

/// The rows of one archive: by the end of their span in seconds, the values of all sources.
#[derive(Debug)]
pub(crate) struct Dumped {
    pub(crate) function: String,
    pub(crate) span_s: i64,
    pub(crate) rows: BTreeMap<i64, Vec<f64>>,
}

/// The archives of a dump.
pub(crate) fn archives(dump: &str) -> Vec<Dumped> {
    let between = |text: &str, start: &str, end: &str| {
        Some(text.split_once(start)?.1.split_once(end)?.0.trim().to_owned())
    };
    let step_s: i64 = between(dump, "<step>", "</step>").unwrap().parse().unwrap();
    let archive = |text: &str| {
        let steps: i64 = between(text, "<pdp_per_row>", "</pdp_per_row>").unwrap().parse().unwrap();
        let rows = text.lines().filter(|line| line.contains("<row>")).map(|line| {
            let end_s = between(line, " / ", " -->").unwrap().parse().unwrap();
            let values = line.split("<v>").skip(1).map(|value| value.split_once("</v>").unwrap().0);
            (end_s, values.map(|value| value.parse().unwrap()).collect())
        });
        Dumped {
            function: between(text, "<cf>", "</cf>").unwrap(),
            span_s: step_s * steps,
            rows: rows.collect(),
        }
    };
    dump.split("<rra>").skip(1).map(archive).collect()
}
