//! Single samples of another system, which kept no states: exact values, each at its time.

use custos_store::{Metric, Provenance, Reason, Run, State};

/// A sample, and of which check it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The host, if that is known.
    pub host: Option<String>,
    /// The check.
    pub check: String,
    /// Its time (ms since the epoch).
    pub time_ms: i64,
    /// The metric with its value.
    pub metric: Metric,
}

/// Makes runs of samples: those of one check and time that follow each other are one run.
#[derive(Debug, Default)]
pub struct Gathered {
    pending: Option<(String, Run)>,
}

impl Gathered {
    /// Takes a sample in. Returns the run before, if the sample is not of it.
    pub fn add(&mut self, check: String, time_ms: i64, metric: Metric) -> Option<(String, Run)> {
        if let Some((of, run)) = &mut self.pending
            && *of == check
            && run.time_ms == time_ms
            && run.metrics.iter().all(|one| (&one.label, &one.labels) != (&metric.label, &metric.labels))
        {
            run.metrics.push(metric);
            return None;
        }
        let run = Run {
            time_ms,
            state: State::Unknown,
            plugin_state: State::Unknown,
            reason: Reason::Imported,
            metrics: vec![metric],
            partial: true,
            provenance: Provenance::Submitted,
            ..Run::default()
        };
        self.pending.replace((check, run))
    }

    /// The last run.
    pub fn finish(self) -> Option<(String, Run)> {
        self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_check_and_time_are_one_run() {
        let mut gathered = Gathered::default();
        let metric = |label: &str| Metric::new(label, custos_store::Value::from(1.0));
        let check = || "load".to_owned();
        assert_eq!(gathered.add(check(), 1000, metric("load1")), None);
        assert_eq!(gathered.add(check(), 1000, metric("load5")), None);
        let (_, run) = gathered.add(check(), 1000, metric("load1")).unwrap();
        let labels: Vec<&str> = run.metrics.iter().map(|metric| metric.label.as_str()).collect();
        assert_eq!((labels, run.time_ms, run.partial), (vec!["load1", "load5"], 1000, true));
        assert_eq!(gathered.add("disk".to_owned(), 1000, metric("/")).unwrap().1.metrics.len(), 1);
        assert_eq!(gathered.finish().unwrap().0, "disk");
    }
}
