//! By Graphite's plaintext protocol, over TCP.
//!
//! The protocol has no answers. What TCP can tell is whether the receiver has read everything: each request has a connection of its
//! own, of which our side is closed behind the last line, and a receiver that then closes its side without a fault has read up to
//! there. If it had not, its system would have reset the connection. What it made of the lines it does not say.

use std::sync::Arc;

use custos_compat::line::GraphiteSeries;
use custos_promql::METRIC_NAME;
use custos_query::RunSeries;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::{Answer, Looked, Sent};
use super::by_series::BySeries;
use super::changed::Changed;
use super::parcel::Parcel;
use super::settings::GraphiteTarget;
use super::witness::Witness;
use crate::connect::{self, Connection};
use crate::limits::{GRAPHITE_TALK_MAX_BYTES, SINK_SEND_TIMEOUT};
use crate::text::system_error;

/// Labels that are parts of the path.
const OF_PATH: [&str; 4] = [METRIC_NAME, "host", "check", "metric"];

/// What writes to one receiver, in one of the lanes.
#[derive(Debug)]
pub struct Graphite {
    target: GraphiteTarget,
    host: String,
    witness: Arc<Witness>,
    /// How the lines of each series begin, and the time of the last line (ms since the epoch).
    heads: BySeries<(GraphiteSeries, i64)>,
    sent_bytes: u64,
    changed: Changed,
}

impl Graphite {
    /// Those of both lanes, not connected yet.
    pub fn pair(target: &GraphiteTarget, host: &str) -> [Graphite; 2] {
        let witness = Arc::new(Witness::new(target));
        [(); 2].map(|()| Graphite {
            target: target.clone(),
            host: host.to_owned(),
            witness: Arc::clone(&witness),
            heads: BySeries::default(),
            sent_bytes: 0,
            changed: Changed::default(),
        })
    }

    /// Bytes of the lines that were read.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Integers that receivers round; ends of series, values that are no number, and further samples within a second.
    pub fn changed(&self) -> Changed {
        self.changed
    }

    /// Sends samples.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let (text, changed) = self.written(parcel);
        let delivered = async {
            self.witness.watch();
            if text.is_empty() {
                return Ok(());
            }
            let stream = self.connected().await?;
            deliver(stream, text.as_bytes()).await
        };
        let delivered = tokio::time::timeout(SINK_SEND_TIMEOUT, delivered).await;
        let answer = match delivered.unwrap_or_else(|_| Err(silent())) {
            Ok(()) => {
                self.sent_bytes += text.len() as u64;
                self.changed += changed;
                Answer::Taken
            }
            Err(why) => Answer::later(why),
        };
        Sent { answer, process: self.witness.process(), date_ms: None }
    }

    /// Connects to the receiver, which says nothing of itself.
    ///
    /// # Errors
    /// It does not accept.
    pub async fn look(&mut self) -> Result<Looked, String> {
        self.witness.watch();
        let connected = tokio::time::timeout(SINK_SEND_TIMEOUT, self.connected()).await;
        connected.unwrap_or_else(|_| Err("failed to connect in time".to_owned()))?;
        Ok(Looked { process: self.witness.process(), what: "Graphite".to_owned(), ..Looked::default() })
    }

    async fn connected(&self) -> Result<Connection, String> {
        let connected = connect::tcp(&self.target.host, self.target.port).await;
        self.witness.seen(connected.is_ok());
        Ok(Box::pin(connected?))
    }

    /// The lines of a parcel. Of several samples of a series in one second the first is written: the protocol has whole seconds.
    fn written(&mut self, parcel: &Parcel) -> (String, Changed) {
        let (mut text, mut changed) = (String::new(), Changed::default());
        for part in parcel.series() {
            let new = || (head(&self.target.prefix, &self.host, &part.of.series), i64::MIN);
            let (series, last_ms) = self.heads.of(part.of.number, new);
            for (time_ms, value) in part.times_ms.iter().zip(part.values) {
                let time_s = time_ms.div_euclid(1000);
                let is_further = time_ms != last_ms && time_s == last_ms.div_euclid(1000);
                let value = value.filter(|_| !is_further);
                if value.is_some_and(|value| series.write(changed.number(value), time_s, &mut text)) {
                    *last_ms = *time_ms;
                } else {
                    changed.left_out += 1;
                }
            }
        }
        (text, changed)
    }
}

/// Writes everything, and waits until the receiver has read it.
async fn deliver(mut stream: Connection, bytes: &[u8]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("the connection broke: {}", system_error::words(&error));
    stream.write_all(bytes).await.map_err(failed)?;
    stream.shutdown().await.map_err(failed)?;
    let mut told = Vec::new();
    stream.take(GRAPHITE_TALK_MAX_BYTES).read_to_end(&mut told).await.map_err(failed)?;
    // A Graphite says nothing.
    if told.is_empty() { Ok(()) } else { Err("it answers, so it is no Graphite".to_owned()) }
}

fn silent() -> String {
    format!("it did not read everything and close the connection within {} s", SINK_SEND_TIMEOUT.as_secs())
}

/// `PREFIX.HOST.CHECK.METRIC`, and what further labels there are as tags.
fn head(prefix: &str, host: &str, series: &RunSeries) -> GraphiteSeries {
    let labels = &series.labels;
    let last = Some(labels.get("metric")).filter(|metric| !metric.is_empty()).unwrap_or(labels.metric_name());
    let check = Some(labels.get("check")).filter(|check| !check.is_empty());
    let host = Some(host).filter(|host| !host.is_empty());
    let path = prefix.split('.').filter(|part| !part.is_empty()).chain(host).chain(check).chain([last]);
    let all = labels.iter().map(|label| (&*label.name, &*label.value));
    GraphiteSeries::new(path, all.filter(|(name, _)| !OF_PATH.contains(name)))
}

#[cfg(test)]
mod tests {
    use custos_promql::Labels;
    use custos_query::RunSample;
    use custos_store::Value;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::parcel::Load;
    use super::*;

    fn series(labels: &[(&str, &str)]) -> Arc<RunSeries> {
        let labels = Labels::new(labels.iter().copied());
        Arc::new(RunSeries { labels, unit: String::new(), check: Arc::from("x"), metric: None })
    }

    fn graphite(port: u16) -> Graphite {
        let target = GraphiteTarget { host: "127.0.0.1".to_owned(), port, prefix: "custos.lab".to_owned() };
        let [one, _] = Graphite::pair(&target, "web1.example");
        one
    }

    fn parcel(times_ms: &[i64]) -> Parcel {
        let labels = [
            ("__name__", "disk /"),
            ("check", "disk /"),
            ("host", "web1.example"),
            ("metric", "used"),
            ("site", "a;b"),
        ];
        let sample =
            |time_ms: &i64| RunSample { series: 0, time_ms: *time_ms, value: Some(Value::Integer(*time_ms)) };
        Load::of_samples(&times_ms.iter().map(sample).collect::<Vec<_>>(), &[series(&labels)]).whole()
    }

    #[test]
    fn of_several_in_one_second_the_first_is_written_however_often() {
        let mut graphite = graphite(1);
        let head = "custos.lab.web1%2Eexample.disk%20%2F.used;site=a%3Bb";
        for _ in 0..2 {
            let (text, changed) = graphite.written(&parcel(&[5100, 5300, 6200]));
            assert_eq!(text, format!("{head} 5100 5\n{head} 6200 6\n"));
            assert_eq!(changed.left_out, 1);
        }
        assert_eq!(graphite.written(&parcel(&[6201])).0, "");
        let state = super::head(
            "custos",
            "web1",
            &series(&[("__name__", "check_state"), ("check", "load"), ("host", "web1")]),
        );
        assert_eq!(state.as_str(), "custos.web1.load.check_state");
    }

    /// Sends to a receiver that does something with the connection.
    fn sent_to<F: Future<Output = ()> + Send + 'static>(
        receive: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let mut graphite = graphite(listener.local_addr().unwrap().port());
            let receiving = tokio::spawn(async move { receive(listener.accept().await.unwrap().0).await });
            graphite.witness.stop();
            let sent = graphite.send(&parcel(&[5100])).await;
            receiving.await.unwrap();
            sent.answer
        })
    }

    #[test]
    fn what_the_receiver_has_read_to_the_end_is_taken_and_nothing_else() {
        let answer = sent_to(|mut stream| async move {
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        });
        assert_eq!(answer, Answer::Taken);
        let unread = sent_to(|stream| async move { drop(stream) });
        assert!(
            matches!(&unread, Answer::Later { why, .. } if why.contains("the connection broke")),
            "{unread:?}"
        );
        let other = sent_to(|mut stream| async move {
            stream.read_to_end(&mut Vec::new()).await.unwrap();
            stream.write_all(b"HTTP/1.1 400").await.unwrap();
        });
        assert!(matches!(&other, Answer::Later { why, .. } if why.contains("no Graphite")), "{other:?}");
    }
}
