//! What Grafana and others ask besides: which server this is, and lists that are empty until there is something in them.

use std::collections::BTreeMap;

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

/// Type and unit of each metric: of a check, those of its series if they have one in common.
pub(super) fn metadata(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?;
    let wanted = request.params.get("metric");
    let mut units: BTreeMap<String, Option<String>> = BTreeMap::new();
    for check in request.snapshot.catalogue().checks {
        for series in check.series {
            let unit = units.entry(check.check.name.clone()).or_insert_with(|| Some(series.unit.clone()));
            if unit.as_ref() != Some(&series.unit) {
                *unit = None;
            }
        }
    }
    units.retain(|name, _| wanted.is_empty() || name == wanted);
    let mut data = String::from("{");
    for (index, (name, unit)) in units.iter().take(limit.unwrap_or(usize::MAX)).enumerate() {
        if index > 0 {
            data.push(',');
        }
        write_text(&mut data, name);
        let (kind, unit) = match unit.as_deref() {
            Some("c") => ("counter", ""),
            Some(unit) => ("gauge", unit),
            None => ("unknown", ""),
        };
        data.push_str(&format!(":[{{\"type\":\"{kind}\",\"help\":\"\",\"unit\":"));
        write_text(&mut data, unit);
        data.push_str("}]");
    }
    data.push('}');
    Ok(Reply::success(&data, &Notes::default()))
}
