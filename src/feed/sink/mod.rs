//! Sinks: what is stored is delivered into other engines, and nothing is lost or doubled on the way.

mod answer;
mod engine;
mod lane;
mod link;
mod marks;
mod pace;
mod parcel;
mod receiver;
mod remote_write;
mod sender;
mod settings;
#[cfg(test)]
mod simulation;

pub use answer::{Answer, Looked, Sent};
pub use engine::{Counts, Effect, Engine, Event, Manner};
pub use lane::Lane;
pub use parcel::{Load, NumberedRun, OfSeries, Parcel, Part};
pub use remote_write::RemoteWrite;
pub use sender::{Sender, Takes};
pub use settings::{Endpoint, Settings, SinkKind, SinkSettings};
