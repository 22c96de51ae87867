//! By OTLP over HTTP: samples as metrics, or runs as log records.

use custos_compat::otlp::{
    Attributes, CONTENT_TYPE, LOGS_PATH, LogRecord, LogsRequest, METRICS_PATH, MetricKind, MetricsRequest,
    PointValue, Severity, partial, status_message,
};
use custos_promql::METRIC_NAME;
use custos_query::{COUNTER, RunSeries};
use custos_store::{State, Value};
use hyper::body::Bytes;

use super::answer::{Answer, Looked, Sent};
use super::by_series::BySeries;
use super::link::Reply;
use super::parcel::{NumberedRun, Parcel};
use super::peer::{Peer, gzipped};
use super::settings::{OtlpTarget, SinkSettings};
use crate::config::Signal;
use crate::limits::SINK_REASON_MAX_CHARS;
use crate::text::printable;

/// The headers of a request.
const HEADERS: [(&str, &str); 2] = [("content-type", CONTENT_TYPE), ("content-encoding", "gzip")];
/// The scope of all metrics and log records.
const SCOPE: (&str, &str) = ("custos", env!("CARGO_PKG_VERSION"));
/// The unit of bytes, as Custos has it.
const BYTES: &str = "B";

/// What sends to one receiver.
#[derive(Debug)]
pub struct Otlp {
    peer: Peer,
    signal: Signal,
    resource: Attributes,
    /// Labels that each log record gets.
    labels: Vec<(String, String)>,
    /// The attributes of each series.
    attributes: BySeries<Attributes>,
}

impl Otlp {
    /// What sends to a receiver, not connected yet.
    pub fn new(target: &OtlpTarget, settings: &SinkSettings) -> Otlp {
        let mut resource = Attributes::new();
        resource.text("service.name", "custos");
        if !settings.host.is_empty() {
            resource.text("host.name", &settings.host);
            resource.text("service.instance.id", &settings.host);
        }
        Otlp {
            peer: Peer::new(&target.endpoint),
            signal: target.signal,
            resource,
            labels: settings.labels.clone(),
            attributes: BySeries::default(),
        }
    }

    /// Bytes of the bodies that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.peer.sent_bytes()
    }

    /// Sends samples or runs.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let (path, body) = match self.prepared(parcel) {
            Ok(prepared) => prepared,
            Err(why) => return self.peer.sent(Answer::Closed(why), None),
        };
        match self.peer.post(&path, &HEADERS, body).await {
            Ok(reply) => self.peer.sent(answer(&reply), reply.date_ms),
            Err(why) => self.peer.sent(Answer::later(why), None),
        }
    }

    /// Asks the receiver what it is, as far as it is one that says so.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn look(&mut self) -> Result<Looked, String> {
        self.peer.look().await
    }

    fn prepared(&mut self, parcel: &Parcel) -> Result<(String, Bytes), String> {
        let (path, body) = match self.signal {
            Signal::Metrics => (METRICS_PATH, self.metrics(parcel)),
            Signal::Logs => (LOGS_PATH, self.logs(parcel)),
        };
        Ok((below(&self.peer.path()?, path), gzipped(&body)?))
    }

    fn metrics(&mut self, parcel: &Parcel) -> Vec<u8> {
        let mut request = MetricsRequest::default();
        for part in parcel.series() {
            let series = &*part.of.series;
            let attributes = self.attributes.of(part.of.number, || of_series(series));
            let metric = metric(series);
            for (time_ms, value) in part.times_ms.iter().zip(part.values) {
                let value = match value {
                    Some(Value::Integer(integer)) => PointValue::Integer(*integer),
                    Some(Value::Float(float)) => PointValue::Float(*float),
                    None => PointValue::NotRecorded,
                };
                request.point(metric, attributes, *time_ms, value);
            }
        }
        request.bytes(&self.resource, SCOPE)
    }

    fn logs(&self, parcel: &Parcel) -> Vec<u8> {
        let mut request = LogsRequest::default();
        for run in parcel.runs() {
            self.record(run, &mut request);
        }
        request.bytes(&self.resource, SCOPE)
    }

    /// Adds a run: when it began, how it ended, and what the plugin said. Its number, which is the same whenever it is sent again, tells a
    /// repeat.
    fn record(&self, NumberedRun { number, check, run }: &NumberedRun, request: &mut LogsRequest) {
        let mut attributes = Attributes::new();
        attributes.text("check", check);
        attributes.text("state", run.state.name());
        attributes.text("plugin_state", run.plugin_state.name());
        attributes.text("hard_state", run.standing.hard_state.name());
        attributes.text("reason", run.reason.name());
        attributes.integer("attempt", i64::from(run.standing.attempt));
        attributes.integer("number", *number as i64);
        attributes.float("duration_seconds", run.duration_us as f64 / 1e6);
        if let Some(exit_code) = run.exit_code {
            attributes.integer("exit_code", i64::from(exit_code));
        }
        for (name, text) in [("stderr", &run.stderr), ("judgement", &run.judgement), ("origin", &run.origin)]
        {
            if !text.is_empty() {
                attributes.text(name, text);
            }
        }
        for (name, value) in self.labels.iter().filter(|(name, _)| !OF_RUN.contains(&name.as_str())) {
            attributes.text(name, value);
        }
        let lines = if run.long_text.is_empty() {
            run.text.clone()
        } else {
            format!("{}\n{}", run.text, run.long_text)
        };
        request.record(&LogRecord {
            time_ms: run.time_ms,
            observed_ms: run.time_ms.saturating_add_unsigned(run.duration_us / 1000),
            severity: severity(run.state),
            severity_text: run.state.name(),
            body: &lines,
            attributes: &attributes,
        });
    }
}

/// Attributes that a run has of itself.
const OF_RUN: [&str; 12] = [
    "check",
    "state",
    "plugin_state",
    "hard_state",
    "reason",
    "attempt",
    "number",
    "duration_seconds",
    "exit_code",
    "stderr",
    "judgement",
    "origin",
];

fn severity(state: State) -> Severity {
    match state {
        State::Ok => Severity::Info,
        State::Warning | State::Unknown => Severity::Warn,
        State::Critical => Severity::Error,
    }
}

/// The kind, the name and the unit of the metric that a series is of. Units are those of UCUM.
fn metric(series: &RunSeries) -> (MetricKind, &str, &str) {
    let name = series.labels.metric_name();
    match series.unit.as_str() {
        COUNTER => (MetricKind::Counter, name, ""),
        BYTES => (MetricKind::Gauge, name, "By"),
        unit => (MetricKind::Gauge, name, unit),
    }
}

fn of_series(series: &RunSeries) -> Attributes {
    let mut attributes = Attributes::new();
    for label in series.labels.iter().filter(|label| &*label.name != METRIC_NAME) {
        attributes.text(&label.name, &label.value);
    }
    attributes
}

/// A path below the one that is configured.
fn below(configured: &str, path: &str) -> String {
    let (base, query) =
        configured.split_once('?').map_or((configured, None), |(base, query)| (base, Some(query)));
    let whole = format!("{}{path}", base.trim_end_matches('/'));
    query.map_or(whole.clone(), |query| format!("{whole}?{query}"))
}

/// What an answer means.
fn answer(reply: &Reply) -> Answer {
    let is_protobuf = reply.header("content-type").is_some_and(|value| value.starts_with(CONTENT_TYPE));
    let shown =
        |text: &str| printable(&text.chars().take(SINK_REASON_MAX_CHARS).collect::<String>()).to_string();
    if !(200..300).contains(&reply.status) {
        let words = status_message(&reply.body).ok().filter(|_| is_protobuf);
        let why = words.map_or_else(|| reply.reason(), |words| shown(&words));
        return Answer::of_status(reply.status, &why, reply.after);
    }
    match partial(&reply.body) {
        Ok(partial) if is_protobuf && partial.rejected > 0 => {
            Answer::Partly { refused: partial.rejected, why: shown(&partial.message) }
        }
        _ => Answer::Taken,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderMap;

    use super::*;

    fn reply(status: u16, body: &[u8]) -> Reply {
        let headers: HeaderMap =
            [(hyper::header::CONTENT_TYPE, CONTENT_TYPE.parse().unwrap())].into_iter().collect();
        Reply::of(status, headers, body)
    }

    #[test]
    fn what_was_rejected_is_refused_and_the_rest_is_taken() {
        assert_eq!(answer(&reply(200, b"")), Answer::Taken);
        assert_eq!(answer(&reply(200, b"\x0a\x00")), Answer::Taken);
        let refused = Answer::Partly { refused: 2, why: "too old".to_owned() };
        assert_eq!(answer(&reply(200, b"\x0a\x0b\x08\x02\x12\x07too old")), refused);
        assert_eq!(
            answer(&reply(400, b"\x08\x03\x12\x03bad")),
            Answer::Refused("status 400: bad".to_owned())
        );
    }

    #[test]
    fn paths_are_below_the_one_that_is_configured() {
        for (configured, expected) in [
            ("/", "/v1/logs"),
            ("/opentelemetry", "/opentelemetry/v1/logs"),
            ("/api/v1/otlp/?a=b", "/api/v1/otlp/v1/logs?a=b"),
        ] {
            assert_eq!(below(configured, LOGS_PATH), expected);
        }
    }
}
