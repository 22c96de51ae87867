//! Of which check and metric a file is, by where it lies and what is beside it.

use std::path::Path;

use custos_compat::pnp::Description;
use custos_compat::rrd::{Rrd, SourceKind};
use custos_query::Rate;
use custos_store::Metric;

use crate::observe::stored_metric;

/// Of what a file is.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    /// The host, if that is known.
    pub host: Option<String>,
    /// The check.
    pub check: String,
    /// For each source of the file its metric.
    pub metrics: Vec<Template>,
}

/// What the values of a source are.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The metric without a value.
    pub metric: Metric,
    /// What a value of the file is in the metric's unit.
    pub factor: f64,
}

/// By the description of PNP4Nagios for a file of that name; none if it does not say what each source is.
pub fn pnp_names(description: &Description, file_name: &str, rrd: &Rrd<'_>) -> Option<Names> {
    let metrics = rrd.sources.iter().map(|source| {
        let mut all = description.sources.iter();
        let described =
            all.find(|one| one.source == source.name && (one.file.is_empty() || one.file == file_name))?;
        let factor = described.metric.value.map_or(1.0, |value| value.to_f64());
        let metric = Metric { value: None, ..stored_metric(described.metric.clone()) };
        Some(Template { metric: of_kind(metric, source.kind), factor })
    });
    Some(Names {
        host: Some(description.host.clone()).filter(|host| !host.is_empty()),
        check: description.service.clone(),
        metrics: metrics.collect::<Option<_>>()?,
    })
}

/// As collectd lays files out: the plugin is the check, the type the metric.
pub fn collectd_names(path: &Path, rrd: &Rrd<'_>) -> Option<Names> {
    let label = path.file_stem()?.to_str()?;
    let plugin = path.parent()?;
    let host = plugin.parent().and_then(|host| host.file_name()?.to_str());
    Some(Names {
        host: host.map(str::to_owned),
        check: plugin.file_name()?.to_str()?.to_owned(),
        metrics: templates(rrd, |source| match source {
            "value" => label.to_owned(),
            source => format!("{label}.{source}"),
        }),
    })
}

/// As Munin lays files out: `HOST-PLUGIN-FIELD-T.rrd` in a directory with the name of the host's group. The plugin is the check, the
/// field the metric. Where the host's name ends is told by it, or else by the name of the group, which is mostly that of its domain.
pub fn munin_names(path: &Path, host: Option<&str>, rrd: &Rrd<'_>) -> Option<Names> {
    let stem = path.file_stem()?.to_str()?;
    let (named, kind) = stem.rsplit_once('-')?;
    if !matches!(kind, "g" | "d" | "c" | "a") {
        return None;
    }
    let (before, field) = named.rsplit_once('-')?;
    let group = path.parent().and_then(|group| group.file_name()?.to_str()).unwrap_or_default();
    let by_host = host.and_then(|host| Some((host, before.strip_prefix(host)?.strip_prefix('-')?)));
    let by_group = || {
        let ends = before.match_indices('-').map(|(at, _)| before.split_at(at));
        let mut of_group = ends.filter(|(host, _)| {
            *host == group || host.strip_suffix(group).is_some_and(|rest| rest.ends_with('.'))
        });
        of_group.next().map(|(host, plugin)| (host, &plugin[1..]))
    };
    // Plugins seldom have a dash in their name, hosts often.
    let (host, plugin) = by_host.or_else(by_group).or_else(|| before.rsplit_once('-'))?;
    Some(Names {
        host: Some(host.to_owned()),
        check: plugin.to_owned(),
        metrics: templates(rrd, |_| field.to_owned()),
    })
}

/// Of a file of which nothing is known but its name.
pub fn plain_names(path: &Path, rrd: &Rrd<'_>) -> Option<Names> {
    let check = path.file_stem()?.to_str()?.to_owned();
    Some(Names { host: None, check, metrics: templates(rrd, str::to_owned) })
}

fn templates(rrd: &Rrd<'_>, label: impl Fn(&str) -> String) -> Vec<Template> {
    let template = |source: &custos_compat::rrd::Source<'_>| Template {
        metric: of_kind(Metric::new(label(source.name), None), source.kind),
        factor: 1.0,
    };
    rrd.sources.iter().map(template).collect()
}

/// The values of a counter are rates in a file, and so its limits, which are of the counter, say nothing of them.
fn of_kind(metric: Metric, kind: SourceKind) -> Metric {
    match kind {
        SourceKind::Value => metric,
        SourceKind::Rate => Metric {
            unit: Rate::unit(&metric.unit),
            printed_unit: Rate::unit(&metric.printed_unit),
            ..Metric::new(metric.label, None)
        },
    }
}
