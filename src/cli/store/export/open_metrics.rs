//! Series as OpenMetrics text, family by family, of which `promtool tsdb create-blocks-from openmetrics` makes blocks.
//!
//! A family is all series of one name, of whatever check, so each series is read by itself. The format has nothing to say
//! that a series ends.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use custos_compat::open_metrics::{Escaping, Kind, Subject, write_end, write_family, write_sample};
use custos_promql::METRIC_NAME;
use custos_query::OutboundSeries;

use super::series::{Series, number};
use crate::cli::read::Failure;

pub(super) fn export(
    series: &mut Series<'_>,
    escaping: Escaping,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let subjects: Vec<Subject> = series.all.iter().map(|one| subject(one, escaping)).collect();
    all_differ(&series.all, &subjects)?;
    let mut families: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in series.all.iter().enumerate() {
        let name = escaping.metric(one.labels.metric_name()).into_owned();
        families.entry(name).or_default().push(index);
    }
    let mut text = String::new();
    for indices in families.values() {
        let first = series.all[indices[0]].labels.metric_name();
        write_family(&mut text, first, kind(indices.iter().map(|index| &series.all[*index])), escaping);
        for index in indices {
            series.walk(&[*index], |_, samples| {
                let values = samples.iter().filter_map(|sample| Some((sample.time_ms, sample.value?)));
                values.for_each(|(time_ms, value)| {
                    write_sample(&mut text, &subjects[*index], &number(value), time_ms);
                });
                out.write_all(text.as_bytes())?;
                text.clear();
                Ok(())
            })?;
        }
        out.write_all(text.as_bytes())?;
        text.clear();
    }
    write_end(&mut text);
    Ok(out.write_all(text.as_bytes())?)
}

fn subject(one: &OutboundSeries, escaping: Escaping) -> Subject {
    let labels = one.labels.iter().filter(|label| *label.name != *METRIC_NAME);
    let labels = labels.map(|label| (&*label.name, &*label.value));
    Subject::new(one.labels.metric_name(), labels, escaping)
}

/// Two series of one name would be one, with two values at a time.
fn all_differ(all: &[OutboundSeries], subjects: &[Subject]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    let twice = all.iter().zip(subjects).find(|(_, subject)| !seen.insert(*subject));
    twice.map_or(Ok(()), |(one, _)| {
        Err(Failure::usage(format!(
            "{} would have the name of another series; --escaping values keeps them apart",
            one.labels
        )))
    })
}

/// Counters of the format have names with an ending that those of checks do not have.
fn kind<'s>(mut family: impl Iterator<Item = &'s OutboundSeries>) -> Kind {
    if family.any(OutboundSeries::is_counter) { Kind::Unknown } else { Kind::Gauge }
}
