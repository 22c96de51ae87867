//! What Grafana and others ask besides: which server this is, and lists that are empty until there is something in them.

use std::collections::BTreeMap;

use custos_query::BuiltIn;
use custos_store::Snapshot;

use super::request::Request;
use super::times::limit;
use crate::http::reply::{Notes, Reply, write_text};

/// The version of Prometheus whose API this is. Clients decide by it what to ask.
const API_VERSION: &str = "3.0.0";

/// Which server this is. There are no `features`: Grafana takes a server that has some for another kind.
pub(super) fn build_info() -> Reply {
    let data = format!(
        "{{\"version\":\"{API_VERSION}\",\"revision\":\"custos {}\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\
         \"goVersion\":\"\"}}",
        env!("CARGO_PKG_VERSION")
    );
    Reply::success(&data, &Notes::default())
}

/// Nothing, in the shape that is expected.
pub(super) fn nothing(data: &str) -> Reply {
    Reply::success(data, &Notes::default())
}

/// What is known of a metric.
struct Metadata {
    /// `gauge`, `counter`, or `unknown` if its series differ.
    kind: &'static str,
    help: &'static str,
    unit: String,
}

impl Metadata {
    fn of_unit(unit: &str) -> Metadata {
        let (kind, unit) = if unit == "c" { ("counter", "") } else { ("gauge", unit) };
        Metadata { kind, help: "", unit: unit.to_owned() }
    }

    fn built_in(one: BuiltIn) -> Metadata {
        Metadata { help: one.help(), ..Metadata::of_unit(one.unit()) }
    }

    fn write(&self, out: &mut String) {
        out.push_str("[{\"type\":\"");
        out.push_str(self.kind);
        out.push_str("\",\"help\":");
        write_text(out, self.help);
        out.push_str(",\"unit\":");
        write_text(out, &self.unit);
        out.push_str("}]");
    }
}

/// Type and unit of each metric: of a check, those of its series if they have one in common.
pub(super) fn metadata(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?.unwrap_or(usize::MAX);
    let wanted = request.params.get("metric");
    let mut known = known(request.snapshot);
    known.retain(|name, _| wanted.is_empty() || name == wanted);
    let mut data = String::from("{");
    for (index, (name, metadata)) in known.iter().take(limit).enumerate() {
        if index > 0 {
            data.push(',');
        }
        write_text(&mut data, name);
        data.push(':');
        metadata.write(&mut data);
    }
    data.push('}');
    Ok(Reply::success(&data, &Notes::default()))
}

fn known(snapshot: &Snapshot) -> BTreeMap<String, Metadata> {
    let mut units: BTreeMap<String, Option<String>> = BTreeMap::new();
    for check in snapshot.catalogue().checks {
        for series in check.series {
            let unit = units.entry(check.check.name.clone()).or_insert_with(|| Some(series.unit.clone()));
            if unit.as_ref() != Some(&series.unit) {
                *unit = None;
            }
        }
    }
    let different = || Metadata { kind: "unknown", help: "", unit: String::new() };
    let of_check = |unit: Option<String>| unit.as_deref().map_or_else(different, Metadata::of_unit);
    let mut known: BTreeMap<_, _> = units.into_iter().map(|(name, unit)| (name, of_check(unit))).collect();
    if !known.is_empty() {
        known.extend(BuiltIn::ALL.map(|one| (one.name().to_owned(), Metadata::built_in(one))));
    }
    known
}
