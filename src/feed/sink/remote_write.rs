//! By remote write 1.0 or 2.0: samples, snappy, over HTTP.

use custos_compat::open_metrics::Escaping;
use custos_compat::remote_write::{
    Compressor, EncodedLabels, Labels, MetricType, Request, STALE_MARKER, SymbolRequest, headers,
};
use custos_promql::METRIC_NAME;
use custos_query::{COUNTER, RunSeries};
use hyper::Method;
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::already::Already;
use super::answer::{Answer, Looked, Sent};
use super::by_series::BySeries;
use super::changed::Changed;
use super::link::Asked;
use super::negotiation::{Answered, Negotiation, Version};
use super::parcel::Parcel;
use super::peer::Peer;
use super::receiver::{About, Kind, base_path};
use super::settings::Endpoint;
use crate::config::Protocol;
use crate::limits::PROOF_REPLY_MAX_BYTES;

/// The headers of a request of 1.0.
const HEADERS: [(&str, &str); 3] = [
    ("content-type", headers::CONTENT_TYPE),
    ("content-encoding", headers::ENCODING),
    (headers::VERSION_NAME, headers::VERSION),
];

/// The headers of a request of 2.0.
const HEADERS_2: [(&str, &str); 3] = [
    ("content-type", headers::CONTENT_TYPE_2),
    ("content-encoding", headers::ENCODING),
    (headers::VERSION_NAME, headers::VERSION_2),
];

/// What is written otherwise in the values of a form.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// What writes to one receiver.
#[derive(Debug)]
pub struct RemoteWrite {
    peer: Peer,
    negotiation: Negotiation,
    /// The labels of each series, and as requests of 1.0 have them.
    labels: BySeries<(Labels, EncodedLabels)>,
    request: Request,
    symbols: SymbolRequest,
    compressor: Compressor,
    times_ms: Vec<i64>,
    values: Vec<f64>,
    changed: Changed,
}

impl RemoteWrite {
    /// What writes to a receiver, not connected yet.
    pub fn new(endpoint: &Endpoint, protocol: Protocol) -> RemoteWrite {
        RemoteWrite {
            peer: Peer::new(endpoint),
            negotiation: Negotiation::new(protocol),
            labels: BySeries::default(),
            request: Request::default(),
            symbols: SymbolRequest::default(),
            compressor: Compressor::default(),
            times_ms: Vec::new(),
            values: Vec::new(),
            changed: Changed::default(),
        }
    }

    /// Bytes of the bodies that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.peer.sent_bytes()
    }

    /// Integers that were rounded.
    pub fn changed(&self) -> Changed {
        self.changed
    }

    /// Sends samples.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let sent = self.post(parcel, &Already::default()).await;
        match sent.answer {
            Answer::Refused(_) if self.peer.about().kind() == Kind::Prometheus => {
                self.send_rest(parcel, sent).await
            }
            _ => sent,
        }
    }

    /// Sends of a parcel that was refused what the receiver does not have already.
    async fn send_rest(&mut self, parcel: &Parcel, refused: Sent) -> Sent {
        let Some((query, time)) = Already::question(parcel) else { return refused };
        let body = self.question("/api/v1/query", &[("query", &query), ("time", &time)]).await;
        let mut already = match body.and_then(|body| Already::read(&body)) {
            Ok(already) => already,
            // What is refused is not known then. Of a half there is less to tell.
            Err(_) if parcel.halves().is_some() => return refused,
            Err(why) => return Sent { answer: Answer::later(why), ..refused },
        };
        // The more of what is refused is known, the fewer halves have to be tried.
        if already.lacks_ends(parcel)
            && let Some((query, time)) = Already::later_question(parcel)
            && let Ok(body) = self.question("/api/v1/query", &[("query", &query), ("time", &time)]).await
        {
            already.read_later(&body).unwrap_or_default();
        }
        match already.missing(parcel) {
            0 => Sent { answer: Answer::Taken, ..refused },
            missing if missing == parcel.len() => refused,
            _ => self.post(parcel, &already).await,
        }
    }

    /// Makes a request of what a receiver does not have already, and a second one of 1.0 if it turns out not to take 2.0.
    async fn post(&mut self, parcel: &Parcel, already: &Already) -> Sent {
        let version = self.negotiation.version(self.peer.about().process());
        match self.post_as(version, parcel, already).await {
            Some(sent) => sent,
            None => {
                let sent = self.post_as(Version::One, parcel, already).await;
                sent.unwrap_or_else(|| self.peer.sent(Answer::later("no version was taken"), None))
            }
        }
    }

    /// Makes a request of a version; none if one of 1.0 is to be made.
    async fn post_as(&mut self, version: Version, parcel: &Parcel, already: &Already) -> Option<Sent> {
        let (body, changed) = match self.written(version, parcel, already) {
            Ok(written) => written,
            Err(why) => return Some(self.peer.sent(Answer::Refused(why), None)),
        };
        let path = match self.peer.path() {
            Ok(path) => path,
            Err(why) => return Some(self.peer.sent(Answer::Closed(why), None)),
        };
        let headers = if version == Version::Two { &HEADERS_2 } else { &HEADERS };
        let reply = match self.peer.post(&path, headers, body).await {
            Ok(reply) => reply,
            Err(why) => return Some(self.peer.sent(Answer::later(why), None)),
        };
        let said = Answered {
            status: reply.status,
            why: reply.reason(),
            after: reply.after,
            written: reply.header(headers::WRITTEN_NAME).and_then(|written| written.trim().parse().ok()),
            process: self.peer.about().process(),
        };
        let answer = self.negotiation.answered(version, self.symbols.samples_count() as u64, &said)?;
        if matches!(answer, Answer::Taken | Answer::Partly { .. }) {
            self.changed += changed;
        }
        Some(self.peer.sent(answer, reply.date_ms))
    }

    /// Asks the receiver what it is, and how it is set up.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn look(&mut self) -> Result<Looked, String> {
        let looked = self.peer.look().await?;
        // Most of those that say nothing of themselves refuse what is older than the newest sample of its series.
        let in_order_only = looked.in_order_only || self.peer.about().kind() == Kind::Other;
        Ok(Looked { in_order_only, ..looked })
    }

    /// What the receiver said of itself when it was looked at last.
    pub(in crate::feed) fn about(&self) -> &About {
        self.peer.about()
    }

    /// Asks the receiver something, at a path below its own, with a form.
    ///
    /// # Errors
    /// There is no answer, none that is one, or one that is too large.
    pub(in crate::feed) async fn question(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Vec<u8>, String> {
        let path = format!("{}{path}", base_path(&self.peer.path()?));
        let asked = Asked {
            method: Method::POST,
            path: &path,
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: Bytes::from(form_of(form)),
            reply_max_bytes: PROOF_REPLY_MAX_BYTES,
        };
        let reply = self.peer.ask(asked).await?;
        match reply.status {
            200..300 if reply.body.len() >= PROOF_REPLY_MAX_BYTES => {
                Err(format!("the answer at {path} is larger than {PROOF_REPLY_MAX_BYTES} bytes"))
            }
            200..300 => Ok(reply.body),
            status => Err(format!("{path} answers status {status}: {}", reply.reason())),
        }
    }

    /// The body of a request with what a receiver does not have already, and what of it is not as it is stored.
    fn written(
        &mut self,
        version: Version,
        parcel: &Parcel,
        already: &Already,
    ) -> Result<(Bytes, Changed), String> {
        self.request.clear();
        self.symbols.clear();
        let mut changed = Changed::default();
        for part in parcel.series() {
            let (labels, encoded) = self.labels.try_of(part.of.number, || labels_of(&part.of.series))?;
            self.times_ms.clear();
            self.values.clear();
            let lacks = already.lacks(&part.of.series.labels, part.times_ms, part.values);
            let samples = part.times_ms.iter().zip(part.values).zip(lacks);
            for ((time_ms, value), _) in samples.filter(|(_, lacks)| *lacks) {
                self.times_ms.push(*time_ms);
                self.values.push(value.map_or(STALE_MARKER, |value| changed.float(value)));
            }
            if self.times_ms.is_empty() {
                continue;
            }
            match version {
                Version::One => self.request.series(encoded, &self.times_ms, &self.values),
                Version::Two => {
                    let of = type_and_unit(&part.of.series);
                    self.symbols.series(labels, of, &self.times_ms, &self.values);
                }
            }
        }
        let compressed = match version {
            Version::One => self.compressor.compress(self.request.bytes()),
            Version::Two => self.compressor.compress(&self.symbols.bytes()),
        };
        let compressed = compressed.map_err(|error| format!("failed to compress: {error}"))?;
        Ok((Bytes::copy_from_slice(compressed), changed))
    }
}

/// What a series counts, and in which unit.
fn type_and_unit(series: &RunSeries) -> (MetricType, &str) {
    match series.unit.as_str() {
        COUNTER => (MetricType::Counter, ""),
        unit => (MetricType::Gauge, unit),
    }
}

/// The labels of a series as requests have them. Names are as they are in PromQL here.
fn labels_of(series: &RunSeries) -> Result<(Labels, EncodedLabels), String> {
    let own = series.labels.iter().map(|label| (&*label.name, &*label.value));
    let others = own.filter(|(name, _)| *name != METRIC_NAME);
    let labels = Labels::new(series.labels.metric_name(), others, Escaping::AllowUtf8);
    let labels = labels.map_err(|fault| format!("failed to name the series: {fault}"))?;
    let encoded = labels.encoded();
    Ok((labels, encoded))
}

/// The body of a form.
fn form_of(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, FORM));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_escapes_what_has_a_meaning() {
        let fields = [("query", "{host=\"é b\"}[1h]"), ("time", "1.5")];
        assert_eq!(form_of(&fields), "query=%7Bhost%3D%22%C3%A9%20b%22%7D%5B1h%5D&time=1.5");
    }
}
