//! Files of whisper: of which check each is, and the runs that it becomes.
//!
//! The finest archive has the last value of each slot, whose own time is not known: a value for a span, as those of coarser ones are.

use std::path::Path;

use custos_compat::whisper::{Aggregation, Whisper};
use custos_query::consolidated_name;
use custos_store::{Consolidation, Metric, Provenance, Reason, Run, State};

/// Of what a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhisperNames {
    /// The host, if the path tells it.
    pub host: Option<String>,
    /// The check.
    pub check: String,
    /// The metric.
    pub label: String,
}

/// A run under its name.
pub struct WhisperRun {
    /// The name under which it is stored.
    pub check: String,
    /// The run.
    pub run: Run,
    /// The span that it is of, in ms.
    pub span_ms: u64,
}

impl WhisperNames {
    /// By where the file lies below the directory that was given. Icinga's `…/HOST/services/SERVICE/COMMAND/perfdata/METRIC/value.wsp` is the metric
    /// of a service, or of a host with `host` for `services/SERVICE`; what Icinga writes beside values is not of a metric: none. Of others the
    /// last name is the metric, and those before it are the check.
    pub fn of(below: &Path) -> Option<WhisperNames> {
        let parts: Vec<&str> = below.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
        let label = below.file_stem()?.to_str()?;
        if let Some(at) = parts.iter().position(|part| *part == "perfdata") {
            if label != "value" || parts.len() != at + 3 {
                return None;
            }
            let label = parts[at + 1].to_owned();
            let of_service = at.checked_sub(3).filter(|place| parts[*place] == "services");
            return match of_service {
                Some(place) => Some(WhisperNames {
                    host: place.checked_sub(1).map(|host| parts[host].to_owned()),
                    check: parts[place + 1].to_owned(),
                    label,
                }),
                None => Some(WhisperNames {
                    host: at.checked_sub(3).map(|host| parts[host].to_owned()),
                    check: "host".to_owned(),
                    label,
                }),
            };
        }
        // What Icinga writes of its own work beside perfdata.
        if parts.contains(&"metadata") {
            return None;
        }
        let check = parts[..parts.len() - 1].join(".");
        let check = if check.is_empty() { label.to_owned() } else { check };
        Some(WhisperNames { host: None, check, label: label.to_owned() })
    }
}

/// The runs of a file, by the end of their span. None at all of a coarser archive whose function the store does not have.
pub fn whisper_runs(file: &Whisper<'_>, names: &WhisperNames) -> Vec<WhisperRun> {
    let coarse = match file.aggregation {
        Aggregation::Average => Some(Consolidation::Average),
        Aggregation::Sum => Some(Consolidation::Sum),
        Aggregation::Last => Some(Consolidation::Last),
        Aggregation::Maximum => Some(Consolidation::Maximum),
        Aggregation::Minimum => Some(Consolidation::Minimum),
        Aggregation::Absolute => None,
    };
    let mut runs = Vec::new();
    let mut reached_s = u64::MAX;
    for (at, archive) in file.archives.iter().enumerate() {
        let Some(function) = (if at == 0 { Some(Consolidation::Last) } else { coarse }) else { continue };
        let check = consolidated_name(&names.check, function);
        let points = archive.points();
        let first_s = points.first().map(|(time_s, _)| u64::from(*time_s));
        let slot_s = u64::from(archive.slot_s);
        for (time_s, value) in points.into_iter().filter(|(time_s, _)| u64::from(*time_s) < reached_s) {
            if value.is_nan() {
                continue;
            }
            let metric = Metric::new(names.label.clone(), custos_store::Value::from(value));
            let run = Run {
                time_ms: (i64::from(time_s) + i64::from(archive.slot_s)) * 1000,
                state: State::Unknown,
                plugin_state: State::Unknown,
                reason: Reason::Imported,
                metrics: vec![metric],
                partial: true,
                provenance: Provenance::Consolidated { span_ms: slot_s * 1000, function },
                ..Run::default()
            };
            runs.push(WhisperRun { check: check.clone(), run, span_ms: slot_s * 1000 });
        }
        reached_s = first_s.map_or(reached_s, |first_s| reached_s.min(first_s));
    }
    runs.sort_by(|one, other| (&one.check, one.run.time_ms).cmp(&(&other.check, other.run.time_ms)));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_by_where_a_file_lies() {
        let names = |path: &str| {
            WhisperNames::of(Path::new(path)).map(|names| (names.host, names.check, names.label))
        };
        let some = |host: Option<&str>, check: &str, label: &str| {
            Some((host.map(str::to_owned), check.to_owned(), label.to_owned()))
        };
        assert_eq!(names("servers/web1/load/load1.wsp"), some(None, "servers.web1.load", "load1"));
        assert_eq!(names("load1.wsp"), some(None, "load1", "load1"));
        let icinga = "icinga2/web1/services/disk/disk/perfdata/_";
        assert_eq!(names(&format!("{icinga}/value.wsp")), some(Some("web1"), "disk", "_"));
        assert_eq!(names(&format!("{icinga}/warn.wsp")), None);
        assert_eq!(
            names("icinga2/web1/host/hostalive/perfdata/rta/value.wsp"),
            some(Some("web1"), "host", "rta")
        );
        assert_eq!(names("icinga2/web1/services/disk/disk/metadata/state.wsp"), None);
    }
}
