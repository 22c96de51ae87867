//! How sinks are set up: data that the agent hands to the process that delivers.

use std::path::PathBuf;
use std::time::Duration;

use custos_compat::nats::{Credentials, Login, Seed, SeedFault};
use serde::{Deserialize, Serialize};

use crate::config::{
    Access, Config, HttpReceiver, NameGlob, NatsReceiver, Protocol, Receiver, Signal, Sink, SinkStart,
};
use crate::limits::{AUTHORITIES_MAX_BYTES, FEED_SETTINGS_MAX_BYTES};
use crate::whole_file;

/// The word before a token in `Authorization`.
const BEARER: &str = "Bearer";

/// What the process that delivers goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The directory of the store.
    pub store: PathBuf,
    /// The sinks.
    pub sinks: Vec<SinkSettings>,
}

/// One sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinkSettings {
    /// Its name, by which its cursor is known.
    pub name: String,
    /// What takes it.
    pub kind: SinkKind,
    /// Globs over the checks that are delivered; none for all.
    pub checks: Vec<String>,
    /// Globs over the metrics; none for all.
    pub metrics: Vec<String>,
    /// Labels that each series gets.
    pub labels: Vec<(String, String)>,
    /// The value of the label `host`.
    pub host: String,
    /// Where it begins when it is new.
    pub start: SinkStart,
    /// How far ahead of the receiver's clock samples may be.
    pub clock_lead: Duration,
    /// For how long runs are gathered for a request; none for what suits the receiver.
    pub gather: Option<Duration>,
    /// The lag that is a warning.
    pub lag_warning: Duration,
    /// The lag that is critical.
    pub lag_critical: Duration,
}

/// What takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// Remote write.
    RemoteWrite(Endpoint, Protocol),
    /// A file.
    File(FileTarget),
    /// A stream of NATS JetStream.
    Nats(NatsEndpoint),
    /// OTLP over HTTP.
    Otlp(OtlpTarget),
    /// InfluxDB's line protocol.
    Influx(Endpoint),
    /// Graphite's plaintext protocol.
    Graphite(GraphiteTarget),
}

/// What a receiver takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Samples by series.
    Samples,
    /// Whole runs.
    Runs,
}

impl SinkKind {
    /// What it takes.
    pub fn takes(&self) -> Takes {
        match self {
            SinkKind::File(_) | SinkKind::Nats(_) => Takes::Runs,
            SinkKind::Otlp(OtlpTarget { signal: Signal::Logs, .. }) => Takes::Runs,
            SinkKind::Otlp(OtlpTarget { signal: Signal::Metrics, .. })
            | SinkKind::RemoteWrite(..)
            | SinkKind::Influx(_)
            | SinkKind::Graphite(_) => Takes::Samples,
        }
    }

    /// The key that chooses it.
    pub fn key(&self) -> &'static str {
        match self {
            SinkKind::RemoteWrite(..) => "remote_write",
            SinkKind::File(_) => "file",
            SinkKind::Nats(_) => "nats",
            SinkKind::Otlp(_) => "otlp",
            SinkKind::Influx(_) => "influxdb",
            SinkKind::Graphite(_) => "graphite",
        }
    }
}

/// A file of lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileTarget {
    /// Where it is.
    pub path: PathBuf,
    /// After how many bytes another one begins.
    pub rotate_bytes: u64,
    /// How many full ones are kept, at least 1.
    pub keep: u16,
}

/// What takes OTLP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtlpTarget {
    /// Where it is, without `/v1/metrics`.
    pub endpoint: Endpoint,
    /// What it gets.
    pub signal: Signal,
}

/// A Graphite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphiteTarget {
    /// Its name or address, an IPv6 one without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What paths begin with.
    pub prefix: String,
}

/// Where a receiver over HTTP is, and how it lets this host in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// The value of the header `Authorization`.
    pub authorization: Option<String>,
    /// Certificates in PEM of the authorities that its certificate is verified against; none for those of the system.
    pub authorities: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Where a stream is, and how it lets this host in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct NatsEndpoint {
    /// The address of the server.
    pub url: String,
    /// The stream.
    pub stream: String,
    /// The part of the subjects before the host.
    pub site: String,
    /// How to log in.
    pub login: NatsLogin,
    /// As for [`Endpoint`].
    pub authorities: Option<String>,
}

impl std::fmt::Debug for NatsEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsEndpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How to log in at a server of NATS, as texts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatsLogin {
    /// Not at all.
    None,
    /// By a user and a password.
    Password(String, String),
    /// By a token.
    Token(String),
    /// By what a file of credentials or of a seed has.
    Key(String),
}

impl NatsLogin {
    /// The login.
    ///
    /// # Errors
    /// If the text of the file has no key.
    pub fn read(&self) -> Result<Login, SeedFault> {
        Ok(match self {
            NatsLogin::None => Login::None,
            NatsLogin::Password(user, password) => {
                Login::Password { user: user.clone(), password: password.clone() }
            }
            NatsLogin::Token(token) => Login::Token(token.clone()),
            NatsLogin::Key(text) => match Credentials::read(text) {
                Ok(Credentials { jwt, seed }) => Login::Jwt { jwt, seed },
                Err(_) => Login::Key(Seed::read(text)?),
            },
        })
    }
}

impl Settings {
    /// What a configuration asks for, if it has sinks. Reads the files of authorities.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of(config: &Config) -> Result<Option<Settings>, String> {
        if config.sinks.is_empty() {
            return Ok(None);
        }
        let sinks = config.sinks.iter().map(|sink| SinkSettings::of(sink, &config.host));
        Ok(Some(Settings { store: config.store.clone(), sinks: sinks.collect::<Result<_, _>>()? }))
    }

    /// The settings as they are handed over.
    ///
    /// # Errors
    /// They are larger than the process takes.
    pub fn message(&self) -> Result<Vec<u8>, String> {
        let message = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        match message.len() {
            0..=FEED_SETTINGS_MAX_BYTES => Ok(message),
            bytes => Err(format!(
                "sinks: the settings with the files for TLS have {bytes} bytes, expected at most {FEED_SETTINGS_MAX_BYTES}"
            )),
        }
    }
}

impl SinkSettings {
    /// The settings of a sink of a host.
    ///
    /// # Errors
    /// As [`Settings::of`].
    pub fn of(sink: &Sink, host: &str) -> Result<SinkSettings, String> {
        let failed = |why: String| format!("sink {}: {why}", sink.name);
        let globs = |globs: &[NameGlob]| globs.iter().map(|glob| glob.written().to_owned()).collect();
        Ok(SinkSettings {
            name: sink.name.clone(),
            kind: kind(&sink.receiver).map_err(failed)?,
            checks: globs(&sink.checks),
            metrics: globs(&sink.metrics),
            labels: sink.labels.clone().into_iter().collect(),
            host: sink.host.clone().unwrap_or_else(|| host.to_owned()),
            start: sink.start,
            clock_lead: sink.clock_lead,
            gather: sink.gather,
            lag_warning: sink.lag_warning,
            lag_critical: sink.lag_critical,
        })
    }
}

fn kind(receiver: &Receiver) -> Result<SinkKind, String> {
    match receiver {
        Receiver::RemoteWrite(http, protocol) => {
            Ok(SinkKind::RemoteWrite(endpoint(http, BEARER)?, *protocol))
        }
        Receiver::Otlp(http, signal) => {
            Ok(SinkKind::Otlp(OtlpTarget { endpoint: endpoint(http, BEARER)?, signal: *signal }))
        }
        Receiver::Influx(http) => Ok(SinkKind::Influx(endpoint(http, token_scheme(&http.url))?)),
        Receiver::Graphite { server, prefix } => Ok(SinkKind::Graphite(graphite_target(server, prefix)?)),
        Receiver::File { path, rotate_bytes, keep } => {
            Ok(SinkKind::File(FileTarget { path: path.clone(), rotate_bytes: *rotate_bytes, keep: *keep }))
        }
        Receiver::Nats(nats) => Ok(SinkKind::Nats(nats_endpoint(nats)?)),
    }
}

fn nats_endpoint(nats: &NatsReceiver) -> Result<NatsEndpoint, String> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| "what to log in by is no text".to_owned())
    };
    let login = match (&nats.credentials, &nats.access.login, &nats.access.token) {
        (Some(credentials), ..) => NatsLogin::Key(text(credentials.bytes()?)?),
        (None, Some((user, password)), _) => NatsLogin::Password(user.clone(), text(password.bytes()?)?),
        (None, None, Some(token)) => NatsLogin::Token(text(token.bytes()?)?),
        (None, None, None) => NatsLogin::None,
    };
    login.read().map_err(|fault| format!("failed to use the credentials: {fault}"))?;
    Ok(NatsEndpoint {
        url: nats.url.clone(),
        stream: nats.stream.clone(),
        site: nats.site.clone(),
        login,
        authorities: authorities(&nats.access)?,
    })
}

/// The word before a token, by the address that takes lines: InfluxDB 2 has one of its own.
fn token_scheme(url: &str) -> &'static str {
    let path = url.split('?').next().unwrap_or_default();
    if path.ends_with("/api/v2/write") { "Token" } else { BEARER }
}

fn graphite_target(server: &str, prefix: &str) -> Result<GraphiteTarget, String> {
    let server = server.strip_prefix("tcp://").unwrap_or(server);
    let pair = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = pair.ok_or("the address has no port")?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(GraphiteTarget { host, port, prefix: prefix.to_owned() })
}

fn endpoint(http: &HttpReceiver, token_scheme: &str) -> Result<Endpoint, String> {
    Ok(Endpoint {
        url: http.url.clone(),
        authorization: authorization(&http.access, token_scheme)?,
        authorities: authorities(&http.access)?,
    })
}

/// The certificates of authorities.
fn authorities(access: &Access) -> Result<Option<String>, String> {
    let read = |path: &PathBuf| {
        let failed = |why: &str| format!("failed to read {}: {why}", path.display());
        let bytes =
            whole_file::bytes(path, AUTHORITIES_MAX_BYTES).map_err(|error| failed(&error.to_string()))?;
        String::from_utf8(bytes).map_err(|_| failed("it is no text, expected PEM"))
    };
    access.ca.as_ref().map(read).transpose()
}

fn authorization(access: &Access, token_scheme: &str) -> Result<Option<String>, String> {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains(char::is_control));
        text.ok_or_else(|| "the secret holds characters that no header may".to_owned())
    };
    match (&access.login, &access.token) {
        (Some((user, password)), _) => {
            let pair = [user.as_bytes(), b":", password.bytes()?].concat();
            Ok(Some(format!("Basic {}", openssl::base64::encode_block(&pair))))
        }
        (None, Some(token)) => Ok(Some(format!("{token_scheme} {}", text(token.bytes()?)?))),
        (None, None) => Ok(None),
    }
}
