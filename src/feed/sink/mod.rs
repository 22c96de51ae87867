//! Sinks: what is stored is delivered into other engines, and nothing is lost or doubled on the way.

mod already;
mod answer;
mod arrival;
mod aside;
mod by_series;
mod changed;
mod delivery;
mod engine;
mod file;
mod file_log;
mod file_place;
mod graphite;
mod influx;
mod lane;
mod link;
mod loading;
mod marks;
mod nats;
mod negotiation;
mod otlp;
mod pace;
mod parcel;
mod peer;
mod query_api;
mod receiver;
mod remote_write;
mod report;
mod sender;
mod settings;
#[cfg(test)]
mod simulation;
mod witness;

pub use answer::{Answer, Looked, Sent};
pub use aside::{Aside, Asides, is_of_sink, note_name};
pub use changed::Changed;
pub(in crate::feed) use delivery::feed_options;
pub use delivery::{Delivery, retry_note};
pub use engine::{Counts, Effect, Engine, Event, Manner};
pub use file::FileSender;
pub use graphite::Graphite;
pub use influx::Influx;
pub use lane::Lane;
pub use nats::{Ending, Nats};
pub use otlp::Otlp;
pub use parcel::{Load, NumberedRun, OfSeries, Origin, Parcel, Part};
pub(in crate::feed) use query_api::{Row, matcher, ms, rows, seconds, unread};
pub(in crate::feed) use receiver::{About, Kind};
pub use remote_write::RemoteWrite;
pub use report::{SinkReport, figure_prefix, shown_of};
pub use sender::Sender;
pub use settings::{
    Endpoint, FileTarget, GraphiteTarget, NatsEndpoint, NatsLogin, OtlpTarget, Settings, SinkKind,
    SinkSettings, Takes,
};
