//! Rules and alerts in the shape of Prometheus' API.

use custos_promql::{Labels, Matcher};
use jiff::Timestamp;

use super::page::{Page, token_of};
use super::standing::{ShownAlert, Standing, annotations};
use crate::http::api::json::{list, write_labels};
use crate::http::api::request::Request;
use crate::http::api::series::match_sets;
use crate::http::reply::{Notes, Reply, write_text};
use crate::http::rules::{ShownGroup, ShownRule};

/// What is wanted of all rules.
struct Wanted<'r> {
    request: &'r Request<'r>,
    alerting: bool,
    recording: bool,
    has_alerts: bool,
    /// One of these sets of conditions on its labels has to hold of a rule, if there are any.
    matches: Vec<Vec<Matcher>>,
}

impl Wanted<'_> {
    fn of<'r>(request: &'r Request<'r>) -> Result<Wanted<'r>, Reply> {
        let (alerting, recording) = match request.params.get("type") {
            "" => (true, true),
            "alert" => (true, false),
            "record" => (false, true),
            other => return Err(Reply::invalid("type", &format!("not supported value {other:?}"))),
        };
        let has_alerts = match request.params.get("exclude_alerts") {
            "" => true,
            "1" | "t" | "T" | "true" | "TRUE" | "True" => false,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => true,
            other => {
                let what = format!(
                    "error converting exclude_alerts to bool: strconv.ParseBool: parsing {other:?}: invalid syntax"
                );
                return Err(Reply::invalid("exclude_alerts", &what));
            }
        };
        let matches = match_sets(request, |what| Reply::invalid("match[]", what))?;
        Ok(Wanted { request, alerting, recording, has_alerts, matches })
    }

    fn is_among(&self, parameter: &str, value: &str) -> bool {
        let mut wanted = self.request.params.all(parameter).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| wanted == value)
    }

    fn has_group(&self, group: &ShownGroup) -> bool {
        self.is_among("rule_group[]", &group.name) && self.is_among("file[]", &group.file)
    }

    fn has_rule(&self, rule: &ShownRule) -> bool {
        let of_kind = if rule.alerting.is_some() { self.alerting } else { self.recording };
        of_kind && self.is_among("rule_name[]", &rule.name) && self.has_labels(rule)
    }

    /// Of labels that are templates nothing is known beforehand, so they count as absent.
    fn has_labels(&self, rule: &ShownRule) -> bool {
        let plain = || rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
        let value = |name: &str| plain().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str());
        let holds = |set: &Vec<Matcher>| set.iter().all(|matcher| matcher.matches(value(matcher.name())));
        self.matches.is_empty() || self.matches.iter().any(holds)
    }
}

/// All rules by group, with how they stand.
pub(in crate::http::api) fn rules(request: &Request<'_>) -> Result<Reply, Reply> {
    let wanted = Wanted::of(request)?;
    let page = Page::of(&request.params)?;
    let is_filtered = ["rule_name[]", "type", "match[]"].iter().any(|name| request.params.has(name));
    let mut found = page
        .rest(request.rules)?
        .iter()
        .filter(|group| wanted.has_group(group))
        .map(|group| (group, group.rules.iter().filter(|rule| wanted.has_rule(rule)).collect()))
        .filter(|(_, rules): &(_, Vec<&ShownRule>)| !is_filtered || !rules.is_empty());
    let groups: Vec<(&ShownGroup, Vec<(&ShownRule, Standing)>)> = found
        .by_ref()
        .take(page.groups_max.unwrap_or(usize::MAX))
        .map(|(group, rules)| {
            let standing = |rule| (rule, Standing::of(rule, request.snapshot));
            (group, rules.into_iter().map(standing).collect())
        })
        .collect();
    let next = page.groups_max.and_then(|_| found.next()).map(|(group, _)| token_of(group));
    let mut data = String::from("{\"groups\":");
    list(&mut data, &groups, |out, (group, rules)| write_group(out, group, rules, &wanted));
    if let Some(next) = next {
        data.push_str(&format!(",\"groupNextToken\":\"{next}\""));
    }
    data.push('}');
    Ok(Reply::success(&data, &Notes::default()))
}

/// All alerts that are pending or fire.
pub(in crate::http::api) fn alerts(request: &Request<'_>) -> Reply {
    let mut all = Vec::new();
    for rule in request.rules.iter().flat_map(|group| &group.rules).filter(|rule| rule.alerting.is_some()) {
        let standing = Standing::of(rule, request.snapshot);
        let at_ms = standing.last.as_ref().map_or(request.now_ms, |run| run.time_ms);
        all.extend(standing.alerts.into_iter().map(|alert| (rule, at_ms, alert)));
    }
    let mut data = String::from("{\"alerts\":");
    list(&mut data, &all, |out, (rule, at_ms, alert)| write_alert(out, rule, alert, *at_ms, request));
    data.push('}');
    Reply::success(&data, &Notes::default())
}

fn write_group(out: &mut String, group: &ShownGroup, rules: &[(&ShownRule, Standing)], wanted: &Wanted<'_>) {
    out.push_str("{\"name\":");
    write_text(out, &group.name);
    out.push_str(",\"file\":");
    write_text(out, &group.file);
    out.push_str(",\"rules\":");
    list(out, rules, |out, (rule, standing)| write_rule(out, rule, standing, wanted));
    let limit = group.rules.iter().map(|rule| rule.limit).max().unwrap_or(0);
    let last = rules.iter().filter_map(|(_, standing)| standing.last.as_ref());
    let took_us = last.clone().map(|run| run.duration_us).sum();
    out.push_str(&format!(
        ",\"interval\":{},\"limit\":{limit},\"evaluationTime\":{},\"lastEvaluation\":\"{}\"}}",
        seconds(group.interval_ms),
        seconds_of_us(took_us),
        time(last.map(|run| run.time_ms).max())
    ));
}

fn write_rule(out: &mut String, rule: &ShownRule, standing: &Standing, wanted: &Wanted<'_>) {
    out.push('{');
    if let Some(alerting) = &rule.alerting {
        out.push_str(&format!("\"state\":\"{}\",", standing.state()));
        out.push_str("\"name\":");
        write_text(out, &rule.name);
        out.push_str(",\"query\":");
        write_text(out, &rule.query);
        out.push_str(&format!(
            ",\"duration\":{},\"keepFiringFor\":{},\"labels\":",
            seconds(alerting.for_ms),
            seconds(alerting.keep_firing_ms)
        ));
        write_labels(out, &pairs(&rule.labels));
        out.push_str(",\"annotations\":");
        write_labels(out, &pairs(&alerting.annotations));
        if wanted.has_alerts {
            out.push_str(",\"alerts\":");
            let at_ms = standing.last.as_ref().map_or(wanted.request.now_ms, |run| run.time_ms);
            list(out, &standing.alerts, |out, alert| write_alert(out, rule, alert, at_ms, wanted.request));
        }
    } else {
        out.push_str("\"name\":");
        write_text(out, &rule.name);
        out.push_str(",\"query\":");
        write_text(out, &rule.query);
        if !rule.labels.is_empty() {
            out.push_str(",\"labels\":");
            write_labels(out, &pairs(&rule.labels));
        }
    }
    out.push_str(&format!(",\"health\":\"{}\"", standing.health()));
    if let Some(failure) = &standing.failure {
        out.push_str(",\"lastError\":");
        write_text(out, failure);
    }
    let kind = if rule.alerting.is_some() { "alerting" } else { "recording" };
    out.push_str(&format!(
        ",\"evaluationTime\":{},\"lastEvaluation\":\"{}\",\"type\":\"{kind}\"}}",
        seconds_of_us(standing.last.as_ref().map_or(0, |run| run.duration_us)),
        time(standing.last.as_ref().map(|run| run.time_ms))
    ));
}

fn write_alert(out: &mut String, rule: &ShownRule, alert: &ShownAlert, at_ms: i64, request: &Request<'_>) {
    out.push_str("{\"labels\":");
    write_labels(out, &alert.labels);
    out.push_str(",\"annotations\":");
    let annotations =
        rule.alerting.as_ref().map(|alerting| annotations(rule, alerting, alert, at_ms, request));
    write_labels(out, &annotations.unwrap_or_default());
    out.push_str(",\"state\":");
    write_text(out, &alert.state);
    out.push_str(&format!(
        ",\"activeAt\":\"{}\",\"value\":\"{}\"}}",
        time(Some(alert.active_ms)),
        scientific(alert.value)
    ));
}

fn pairs(texts: &[(String, String)]) -> Labels {
    Labels::new(texts.iter().map(|(name, text)| (name, text)))
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}

fn seconds_of_us(us: u64) -> f64 {
    us as f64 / 1e6
}

/// A time as Go writes it; its zero if there is none.
fn time(ms: Option<i64>) -> String {
    let known = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    known.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// A number as Go writes it with an exponent.
fn scientific(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_as_go_writes_them() {
        for (value, text) in [
            (1.0, "1e+00"),
            (95.5, "9.55e+01"),
            (0.0, "0e+00"),
            (-1.5e-9, "-1.5e-09"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(scientific(value), text);
        }
        assert_eq!(time(Some(1_700_000_000_250)), "2023-11-14T22:13:20.25Z");
        assert_eq!(time(None), "0001-01-01T00:00:00Z");
    }
}
