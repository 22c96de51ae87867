//! The `sinks` section: what is delivered, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};

use crate::config::model::notify::Access;
use crate::config::model::snmp::Secret;

/// Where everything that is stored is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// What takes it.
    pub receiver: Receiver,
    /// The checks that are delivered; empty for all.
    pub checks: Vec<NameGlob>,
    /// The metrics that are; empty for all. States of checks always are.
    pub metrics: Vec<NameGlob>,
    /// Labels that each series gets.
    pub labels: BTreeMap<String, String>,
    /// The value of the label `host`; `None` for the host of the configuration.
    pub host: Option<String>,
    /// Where it begins when it is new.
    pub start: SinkStart,
    /// How far ahead of the receiver's clock samples may be.
    pub clock_lead: Duration,
    /// For how long runs are gathered for a request; `None` for what suits the receiver.
    pub gather: Option<Duration>,
    /// How old the oldest run may be that is not delivered, before that is a warning.
    pub lag_warning: Duration,
    /// The same for critical.
    pub lag_critical: Duration,
}

/// Where a sink begins when it is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkStart {
    /// At the first run that is stored.
    #[default]
    Beginning,
    /// With what is stored from then on.
    Now,
}

/// The version of remote write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// 2.0 where the receiver takes it, else 1.0.
    #[default]
    Auto,
    /// 1.0.
    One,
    /// 2.0.
    Two,
}

/// What of OTLP is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Samples.
    #[default]
    Metrics,
    /// Runs, as log records.
    Logs,
}

/// What takes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Receiver {
    /// Prometheus' remote write.
    RemoteWrite(HttpReceiver, Protocol),
    /// A stream of JetStream.
    Nats(NatsReceiver),
    /// OTLP over HTTP.
    Otlp(HttpReceiver, Signal),
    /// InfluxDB's line protocol over HTTP.
    Influx(HttpReceiver),
    /// Graphite's plain text.
    Graphite {
        /// `HOST:PORT`, or `tcp://HOST:PORT`.
        server: String,
        /// What its paths begin with.
        prefix: String,
    },
    /// Lines of JSON.
    File {
        /// The file.
        path: PathBuf,
        /// After how many bytes another one begins.
        rotate_bytes: u64,
        /// How many full ones are kept.
        keep: u16,
    },
}

impl Receiver {
    /// The key that chooses it.
    pub fn key(&self) -> &'static str {
        match self {
            Receiver::RemoteWrite(..) => "remote_write",
            Receiver::Nats(_) => "nats",
            Receiver::Otlp(..) => "otlp",
            Receiver::Influx(_) => "influxdb",
            Receiver::Graphite { .. } => "graphite",
            Receiver::File { .. } => "file",
        }
    }
}

/// What takes requests over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpReceiver {
    /// Its address.
    pub url: String,
    /// How it lets this host in.
    pub access: Access,
}

/// A stream of JetStream.
#[derive(Clone, Debug, PartialEq)]
pub struct NatsReceiver {
    /// `nats://HOST:PORT`, or `tls://HOST:PORT`.
    pub url: String,
    /// The name of the stream.
    pub stream: String,
    /// The part of the subjects before the host.
    pub site: String,
    /// How it lets this host in.
    pub access: Access,
    /// A JWT and its nkey, or the seed of an nkey.
    pub credentials: Option<Secret>,
}

/// A glob over names, in which `*` takes in slashes and `\` makes the next character itself.
#[derive(Clone)]
pub struct NameGlob {
    written: String,
    matcher: GlobMatcher,
}

impl NameGlob {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(written: &str) -> Result<NameGlob, String> {
        let glob = GlobBuilder::new(written).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| error.kind().to_string())?;
        Ok(NameGlob { written: written.to_owned(), matcher: glob.compile_matcher() })
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether a name fits; one that is written as the glob is does, too.
    pub fn fits(&self, name: &str) -> bool {
        self.written == name || self.matcher.is_match(name)
    }

    /// Whether a name fits one of these; where there are none, each does.
    pub fn any_fits(globs: &[NameGlob], name: &str) -> bool {
        globs.is_empty() || globs.iter().any(|glob| glob.fits(name))
    }
}

impl fmt::Debug for NameGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl PartialEq for NameGlob {
    fn eq(&self, other: &NameGlob) -> bool {
        self.written == other.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_take_in_slashes_and_none_take_in_all() {
        let globs = |all: &[&str]| all.iter().map(|one| NameGlob::parse(one).unwrap()).collect::<Vec<_>>();
        assert!(NameGlob::any_fits(&[], "x"));
        assert!(NameGlob::any_fits(&globs(&["a", "disk*"]), "disk /var/log"));
        assert!(!NameGlob::any_fits(&globs(&["a", "disk*"]), "b"));
        assert!(NameGlob::any_fits(&globs(&["\\*"]), "*") && !NameGlob::any_fits(&globs(&["\\*"]), "x"));
        assert!(NameGlob::parse("[").is_err());
    }
}
