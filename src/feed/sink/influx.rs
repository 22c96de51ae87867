//! By InfluxDB's line protocol, over HTTP: what InfluxDB 1 takes at `/write`, InfluxDB 2 at `/api/v2/write`, and VictoriaMetrics at both.

use custos_compat::line::InfluxSeries;
use custos_promql::METRIC_NAME;
use custos_query::RunSeries;

use super::answer::{Answer, Looked, Sent};
use super::by_series::BySeries;
use super::changed::Changed;
use super::parcel::Parcel;
use super::peer::{Peer, gzipped};
use super::receiver::base_path;
use super::settings::Endpoint;

/// The headers of a request.
const HEADERS: [(&str, &str); 2] =
    [("content-type", "text/plain; charset=utf-8"), ("content-encoding", "gzip")];
/// The header by which InfluxDB tells its version.
const VERSION_NAME: &str = "x-influxdb-version";

/// What writes to one receiver.
#[derive(Debug)]
pub struct Influx {
    peer: Peer,
    /// How the lines of each series begin.
    heads: BySeries<InfluxSeries>,
    changed: Changed,
}

impl Influx {
    /// What writes to a receiver, not connected yet.
    pub fn new(endpoint: &Endpoint) -> Influx {
        Influx { peer: Peer::new(endpoint), heads: BySeries::default(), changed: Changed::default() }
    }

    /// Bytes of the bodies that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.peer.sent_bytes()
    }

    /// Integers that were rounded; ends of series, and values that are no number, which no line can say.
    pub fn changed(&self) -> Changed {
        self.changed
    }

    /// Sends samples.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let (text, changed) = self.written(parcel);
        let reply = match self.prepared(&text) {
            // No line can say anything of it.
            Ok(_) if text.is_empty() => {
                self.changed += changed;
                return self.peer.sent(Answer::Taken, None);
            }
            Ok((path, body)) => self.peer.post(&path, &HEADERS, body).await,
            Err(why) => return self.peer.sent(Answer::Closed(why), None),
        };
        match reply {
            Ok(reply) => {
                let answer = Answer::of_status(reply.status, &reply.reason(), reply.after);
                if answer == Answer::Taken {
                    self.changed += changed;
                }
                self.peer.sent(answer, reply.date_ms)
            }
            Err(why) => self.peer.sent(Answer::later(why), None),
        }
    }

    /// Asks the receiver what it is, and how it is set up.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn look(&mut self) -> Result<Looked, String> {
        let mut looked = self.peer.look().await?;
        if looked.what.is_empty() {
            let path = format!("{}/ping", base_path(&self.peer.path()?));
            let reply = self.peer.get(&path).await?;
            looked.what =
                reply.header(VERSION_NAME).map_or_else(String::new, |version| format!("InfluxDB {version}"));
        }
        Ok(looked)
    }

    fn prepared(&self, text: &str) -> Result<(String, hyper::body::Bytes), String> {
        Ok((with_precision(&self.peer.path()?), gzipped(text.as_bytes())?))
    }

    /// The lines of a parcel.
    fn written(&mut self, parcel: &Parcel) -> (String, Changed) {
        let (mut text, mut changed) = (String::new(), Changed::default());
        for part in parcel.series() {
            let series = self.heads.of(part.of.number, || head(&part.of.series));
            for (time_ms, value) in part.times_ms.iter().zip(part.values) {
                let is_written =
                    value.is_some_and(|value| series.write(changed.number(value), *time_ms, &mut text));
                changed.left_out += u64::from(!is_written);
            }
        }
        (text, changed)
    }
}

/// The measurement is the name of the metric, and the other labels are tags.
fn head(series: &RunSeries) -> InfluxSeries {
    let labels = series.labels.iter().map(|label| (&*label.name, &*label.value));
    InfluxSeries::new(series.labels.metric_name(), labels.filter(|(name, _)| *name != METRIC_NAME))
}

/// The path of a request, whose times are in ms.
fn with_precision(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("precision="));
    let query: Vec<&str> = kept.chain(["precision=ms"]).collect();
    format!("{path}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use custos_promql::Labels;
    use custos_query::RunSample;
    use custos_store::Value;

    use super::super::parcel::Load;
    use super::*;

    #[test]
    fn the_times_are_in_milliseconds_whatever_the_address_says() {
        for (path, expected) in [
            ("/write", "/write?precision=ms"),
            ("/write?db=x&precision=s&rp=y", "/write?db=x&rp=y&precision=ms"),
            ("/api/v2/write?org=a&bucket=b", "/api/v2/write?org=a&bucket=b&precision=ms"),
        ] {
            assert_eq!(with_precision(path), expected);
        }
    }

    #[test]
    fn what_no_line_can_say_is_counted() {
        let labels = Labels::new([("__name__", "disk /"), ("host", "web1"), ("metric", "a b")]);
        let series = RunSeries { labels, unit: String::new(), check: Arc::from("disk /"), metric: None };
        let values = [
            Some(Value::Integer(1 << 60)),
            Some(Value::Integer((1 << 60) + 1)),
            None,
            Some(Value::Float(f64::NAN)),
        ];
        let sample = |(at, value)| RunSample { series: 0, time_ms: at as i64, value };
        let samples: Vec<RunSample> = values.into_iter().enumerate().map(sample).collect();
        let parcel = Load::of_samples(&samples, &[Arc::new(series)]).whole();
        let mut influx =
            Influx::new(&Endpoint { url: String::new(), authorization: None, authorities: None });
        let (text, changed) = influx.written(&parcel);
        let head = "disk\\ /,host=web1,metric=a\\ b";
        assert_eq!(text, format!("{head} value={} 0\n{head} value={} 1\n", 1_i64 << 60, (1_i64 << 60) + 1));
        assert_eq!(changed, Changed { rounded: 1, left_out: 2 });
    }
}
