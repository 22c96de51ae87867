//! What speaks to receivers: the one place that a new kind of receiver is plugged into.
//!
//! A sender is to:
//!
//! - take a [`Parcel`], make one request of it, wait for the answer, and say what became of it ([`Answer`]). It sends nothing
//!   again by itself: the engine does, and splits what is refused. A request is bounded in time by the sender
//!   (`SINK_SEND_TIMEOUT`); a future that is dropped leaves nothing behind but perhaps a closed connection;
//! - say for how long its receiver may lose what it acknowledged ([`Sender::settle`]);
//! - look at its receiver when asked ([`Sender::look`]), and name in words for people what there is to be set (`warnings`);
//! - return another `process` number once the receiver may have been started anew and so may have lost what it took.
//!
//! Each lane of a sink has a sender of its own, and so a connection of its own, but where both share one ([`Nats`], [`FileSender`]).
//! To add one: write it in a module beside `remote_write`, add a variant here and an arm to each method, and a kind to [`SinkKind`](super::SinkKind), which says what is taken ([`Takes`](super::Takes)): samples of series, or whole runs.

use std::time::Duration;

use custos_store::Identity;

use super::answer::{Looked, Sent};
use super::changed::Changed;
use super::file::FileSender;
use super::graphite::Graphite;
use super::influx::Influx;
use super::nats::{Ending, Nats};
use super::otlp::Otlp;
use super::parcel::Parcel;
use super::remote_write::RemoteWrite;
use super::settings::{SinkKind, SinkSettings};

/// What speaks to a receiver.
#[derive(Debug)]
pub enum Sender {
    /// By remote write.
    RemoteWrite(Box<RemoteWrite>),
    /// By messages of NATS JetStream.
    Nats(Nats),
    /// Into a file.
    File(FileSender),
    /// By OTLP.
    Otlp(Box<Otlp>),
    /// By InfluxDB's line protocol.
    Influx(Box<Influx>),
    /// By Graphite's plaintext protocol.
    Graphite(Graphite),
}

impl Sender {
    /// The senders of the lanes of a sink, not connected yet. `own` is the store, if something of it was delivered before.
    pub fn pair(settings: &SinkSettings, own: Option<Identity>) -> [Sender; 2] {
        match &settings.kind {
            SinkKind::RemoteWrite(endpoint, protocol) => {
                [(); 2].map(|()| Sender::RemoteWrite(Box::new(RemoteWrite::new(endpoint, *protocol))))
            }
            SinkKind::File(target) => FileSender::pair(target).map(Sender::File),
            SinkKind::Otlp(target) => [(); 2].map(|()| Sender::Otlp(Box::new(Otlp::new(target, settings)))),
            SinkKind::Influx(endpoint) => [(); 2].map(|()| Sender::Influx(Box::new(Influx::new(endpoint)))),
            SinkKind::Graphite(target) => Graphite::pair(target, &settings.host).map(Sender::Graphite),
            SinkKind::Nats(endpoint) => Nats::pair(endpoint, &settings.host, own).map(Sender::Nats),
        }
    }

    /// For how long the receiver may lose what it acknowledged, when it is killed.
    pub fn settle(&self) -> Duration {
        match self {
            Sender::RemoteWrite(_) | Sender::Otlp(_) | Sender::Influx(_) => crate::limits::SINK_SETTLE,
            Sender::Graphite(_) => crate::limits::GRAPHITE_SETTLE,
            Sender::File(_) => Duration::ZERO,
            Sender::Nats(_) => crate::limits::NATS_SETTLE,
        }
    }

    /// For how long to gather runs for a request once everything was delivered, unless the settings say otherwise.
    pub fn gather(&self) -> Duration {
        match self {
            Sender::Nats(_) => crate::limits::NATS_GATHER,
            _ => crate::limits::SINK_GATHER,
        }
    }

    /// Whether the receiver itself says what it has last.
    pub fn is_told(&self) -> bool {
        matches!(self, Sender::Nats(_))
    }

    /// What the receiver itself says that it has last, where it says that: reading goes on behind it.
    /// What has a greater number is newer.
    pub fn ending(&self) -> (u64, Option<Ending>) {
        match self {
            Sender::Nats(sender) => sender.ending(),
            _ => (0, None),
        }
    }

    /// Sends a parcel, which is not empty, in one request.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        match self {
            Sender::RemoteWrite(sender) => sender.send(parcel).await,
            Sender::File(sender) => sender.send(parcel).await,
            Sender::Nats(sender) => sender.send(parcel).await,
            Sender::Otlp(sender) => sender.send(parcel).await,
            Sender::Influx(sender) => sender.send(parcel).await,
            Sender::Graphite(sender) => sender.send(parcel).await,
        }
    }

    /// Asks the receiver how it is.
    ///
    /// # Errors
    /// It does not answer, and why.
    pub async fn look(&mut self) -> Result<Looked, String> {
        match self {
            Sender::RemoteWrite(sender) => sender.look().await,
            Sender::File(sender) => sender.look().await,
            Sender::Nats(sender) => sender.look().await,
            Sender::Otlp(sender) => sender.look().await,
            Sender::Influx(sender) => sender.look().await,
            Sender::Graphite(sender) => sender.look().await,
        }
    }

    /// What was sent so far otherwise than it is stored.
    pub fn changed(&self) -> Changed {
        match self {
            Sender::RemoteWrite(sender) => sender.changed(),
            Sender::Influx(sender) => sender.changed(),
            Sender::Graphite(sender) => sender.changed(),
            Sender::Nats(_) | Sender::File(_) | Sender::Otlp(_) => Changed::default(),
        }
    }

    /// Bytes that were sent so far, as they went over the wire.
    pub fn sent_bytes(&self) -> u64 {
        match self {
            Sender::RemoteWrite(sender) => sender.sent_bytes(),
            Sender::File(sender) => sender.sent_bytes(),
            Sender::Nats(sender) => sender.sent_bytes(),
            Sender::Otlp(sender) => sender.sent_bytes(),
            Sender::Influx(sender) => sender.sent_bytes(),
            Sender::Graphite(sender) => sender.sent_bytes(),
        }
    }
}
