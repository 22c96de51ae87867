//! Of which checks and metrics a point of InfluxDB is.
//!
//! Icinga writes a point for each metric of a service: `disk,hostname=web1,service=disk\ /,metric=/ value=3e9,warn=7e9,unit="bytes"`. Of
//! others each field is a metric, the measurement the check, and the tags labels.

use custos_compat::line::{InfluxField, InfluxPoint, Number};
use custos_store::{Bounds, Metric, Value};

use super::sample::Sample;

/// The check of what Icinga wrote of a host itself.
const HOST_CHECK: &str = "host";
/// Tags that name the host.
const HOST_TAGS: [&str; 2] = ["host", "hostname"];
/// The fields that Icinga writes beside a value.
const RANGES: [&str; 4] = ["warn", "crit", "min", "max"];

/// The samples of a point at a time (ms since the epoch), and how many of its fields are no numbers.
pub fn influx_samples(point: &InfluxPoint, check: Option<&str>, time_ms: i64) -> (Vec<Sample>, u64) {
    let host = HOST_TAGS.iter().map(|tag| point.tag(tag)).find(|host| !host.is_empty()).map(str::to_owned);
    let metric = point.tag("metric");
    let is_value = point.fields.iter().any(|(name, _)| name == "value");
    if !metric.is_empty() && is_value {
        let service = [point.tag("service"), point.tag("check")].into_iter().find(|name| !name.is_empty());
        let is_icinga = !point.tag("hostname").is_empty();
        let otherwise = if is_icinga { HOST_CHECK } else { &point.measurement };
        let check = check.or(service).unwrap_or(otherwise).to_owned();
        return of_value(point, metric, host, check, time_ms);
    }
    let check = check.unwrap_or(&point.measurement).to_owned();
    let mut labels: Vec<(String, String)> =
        point.tags.iter().filter(|(name, _)| !HOST_TAGS.contains(&name.as_str())).cloned().collect();
    labels.sort();
    labels.dedup_by(|one, other| one.0 == other.0);
    let mut others = 0;
    let mut samples = Vec::new();
    for (name, field) in &point.fields {
        let Some(value) = number(field) else {
            others += 1;
            continue;
        };
        let metric = Metric { labels: labels.clone(), ..Metric::new(name.clone(), value) };
        samples.push(Sample { host: host.clone(), check: check.clone(), time_ms, metric });
    }
    (samples, others)
}

/// A point that has one value, and perhaps its unit and ranges.
fn of_value(
    point: &InfluxPoint,
    label: &str,
    host: Option<String>,
    check: String,
    time_ms: i64,
) -> (Vec<Sample>, u64) {
    let field = |name: &str| point.fields.iter().find(|(key, _)| key == name).map(|(_, field)| field);
    let float = |name: &str| field(name).and_then(number).map(Value::to_f64);
    let range = |name: &str| float(name).map(|end| Bounds { start: 0.0, end, inside: false });
    let known = |name: &String| name == "value" || name == "unit" || RANGES.contains(&name.as_str());
    let others = point.fields.iter().filter(|(name, _)| !known(name)).count() as u64;
    let Some(value) = field("value").and_then(number) else { return (Vec::new(), others + 1) };
    let own = ["metric", "service", "check"];
    let is_own = |name: &str| own.contains(&name) || HOST_TAGS.contains(&name);
    let mut labels: Vec<(String, String)> = match point.tag("service").is_empty() {
        // Icinga's other tags say nothing that the name of the service does not.
        false => Vec::new(),
        true => point.tags.iter().filter(|(name, _)| !is_own(name)).cloned().collect(),
    };
    labels.sort();
    let unit = match field("unit") {
        Some(InfluxField::Text(unit)) => base_unit(unit).to_owned(),
        _ => String::new(),
    };
    let metric = Metric {
        labels,
        printed_unit: unit.clone(),
        unit,
        warn: range("warn"),
        crit: range("crit"),
        min: float("min"),
        max: float("max"),
        ..Metric::new(label, value)
    };
    (vec![Sample { host, check, time_ms, metric }], others)
}

/// A unit as Icinga calls it, whose values are in base units.
fn base_unit(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "bytes" => "B",
        "bits" => "b",
        "percent" => "%",
        "amperes" => "A",
        "volts" => "V",
        "watts" => "W",
        "celsius" => "C",
        other => other,
    }
}

fn number(field: &InfluxField) -> Option<Value> {
    match field {
        InfluxField::Number(Number::Integer(integer)) => Some(Value::from(*integer)),
        InfluxField::Number(Number::Float(float)) => Some(Value::from(*float)),
        InfluxField::Boolean(is_true) => Some(Value::from(f64::from(u8::from(*is_true)))),
        InfluxField::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(line: &str) -> (Vec<Sample>, u64) {
        influx_samples(&InfluxPoint::parse(line).unwrap().unwrap(), None, 5)
    }

    #[test]
    fn what_icinga_wrote_is_a_metric_of_its_service() {
        let line = "disk,hostname=web1,metric=/,service=disk\\ root value=3,warn=7,crit=9,unit=\"bytes\" 1";
        let (found, others) = samples(line);
        let [Sample { host, check, metric, .. }] = &found[..] else { panic!("{found:?}") };
        assert_eq!((host.as_deref(), check.as_str(), others), (Some("web1"), "disk root", 0));
        assert_eq!((metric.label.as_str(), metric.unit.as_str(), metric.labels.len()), ("/", "B", 0));
        assert_eq!(metric.crit, Some(Bounds { start: 0.0, end: 9.0, inside: false }));
        let (found, _) = samples("hostalive,hostname=web1,metric=rta value=0.001 1");
        assert_eq!(found[0].check, "host");
    }

    #[test]
    fn fields_of_others_are_metrics() {
        let (found, others) =
            samples("cpu,cpu=cpu0,host=web1 usage_idle=97.5,ticks=12i,ok=true,model=\"x\" 1");
        let labels: Vec<&str> = found.iter().map(|sample| sample.metric.label.as_str()).collect();
        assert_eq!((labels, others), (vec!["usage_idle", "ticks", "ok"], 1));
        assert_eq!(found[0].metric.labels, [("cpu".to_owned(), "cpu0".to_owned())]);
        assert_eq!((found[1].check.as_str(), found[1].metric.value), ("cpu", Some(Value::from(12_i64))));
    }
}
