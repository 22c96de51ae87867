//! The `sinks` section: where everything that is stored is delivered.

use std::time::Duration;

use crate::config::keys::shapes::path;
use crate::config::keys::snmp::SECRET;
use crate::config::model::sink::{Protocol, Signal, SinkStart};
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::{Choice, Size, Span, Whole};
use crate::document::section::{Row, Rule, Shape};
use crate::limits::{
    INTERVAL_MAX, SINK_CLOCK_LEAD, SINK_CLOCK_LEAD_MAX, SINK_FILE_BYTES, SINK_FILE_BYTES_MAX,
    SINK_FILES_KEPT, SINK_FILES_KEPT_MAX, SINK_GATHER_MAX, SINK_GATHER_MIN, SINK_LAG_CRITICAL,
    SINK_LAG_WARNING,
};

/// A name that is part of a file's name too.
pub(crate) const SINK_NAME: &str = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$";
const URL: &str = r"^https?://[^\s]+$";
const NATS_URL: &str = r"^(nats|tls)://([^\s@/?#:\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$";
const GRAPHITE_SERVER: &str = r"^(tcp://)?([^\s:/\[\]]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$";
/// A name of a stream of NATS, or a part of a subject: without what has a meaning there.
const TOKEN: &str = r"^[A-Za-z0-9_-]+$";
const LABEL: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";
const STARTS: [(&str, SinkStart); 2] = [("beginning", SinkStart::Beginning), ("now", SinkStart::Now)];
const PROTOCOLS: [(&str, Protocol); 3] =
    [("auto", Protocol::Auto), ("1", Protocol::One), ("2", Protocol::Two)];
const SIGNALS: [(&str, Signal); 2] = [("metrics", Signal::Metrics), ("logs", Signal::Logs)];

fn secret() -> Shape {
    Shape::Section(&SECRET)
}

fn globs() -> Shape {
    Shape::Text.one_or_more()
}

/// The sinks by name.
pub(crate) fn sinks() -> Shape {
    Shape::Map { names: SINK_NAME.to_owned(), reserved: &[], values: Box::new(Shape::Section(&SINK)) }
}

/// The receivers, of which a sink has one.
pub(crate) const RECEIVERS: [&dyn Row; 6] = [&REMOTE_WRITE, &NATS, &OTLP, &INFLUX, &GRAPHITE, &FILE_OF];

section! {
    /// One of the `sinks`.
    SINK = "sink" rules [
        Rule::One(&RECEIVERS), Rule::With(&USER, &PASSWORD), Rule::With(&PASSWORD, &USER), Rule::With(&STREAM, &NATS),
        Rule::With(&SITE, &NATS), Rule::With(&CREDENTIALS, &NATS), Rule::With(&PREFIX, &GRAPHITE), Rule::With(&ROTATE, &FILE_OF),
        Rule::With(&KEEP, &FILE_OF), Rule::With(&PROTOCOL, &REMOTE_WRITE), Rule::With(&SIGNAL, &OTLP),
    ];
    REMOTE_WRITE: Key<Own> = key("remote_write", Own(|| Shape::Pattern(URL)),
        "the address that takes Prometheus' remote write, such as `http://127.0.0.1:8428/api/v1/write`")
        .says("this or another receiver is required");
    NATS: Key<Own> = key("nats", Own(|| Shape::Pattern(NATS_URL)),
        "a NATS server with JetStream: `nats://HOST:PORT`, or `tls://HOST:PORT`");
    OTLP: Key<Own> = key("otlp", Own(|| Shape::Pattern(URL)),
        "the address that takes OTLP over HTTP, without `/v1/metrics`, such as `http://127.0.0.1:4318`");
    INFLUX: Key<Own> = key("influxdb", Own(|| Shape::Pattern(URL)),
        "the address that takes InfluxDB's line protocol, such as `http://127.0.0.1:8086/write?db=custos`, or \
         `http://127.0.0.1:8086/api/v2/write?org=o&bucket=b`");
    GRAPHITE: Key<Own> = key("graphite", Own(|| Shape::Pattern(GRAPHITE_SERVER)),
        "a Graphite that takes plain text: `tcp://HOST:PORT`, or `HOST:PORT`");
    FILE_OF: Key<Own> = key("file", Own(path), "a file that gets each run as a line of JSON");
    PROTOCOL: Key<Choice<Protocol>, Is<Protocol>> = key("protocol", Choice(&PROTOCOLS),
        "the version of `remote_write`: `1`, `2`, or `auto`, which sends 2.0 where the receiver takes it, and else 1.0")
        .is(Protocol::Auto);
    SIGNAL: Key<Choice<Signal>, Is<Signal>> = key("signal", Choice(&SIGNALS),
        "what `otlp` sends: samples as `metrics`, or runs as `logs`")
        .is(Signal::Metrics);
    STREAM: Key<Own> = key("stream", Own(|| Shape::Pattern(TOKEN)), "the stream of a `nats` server").says("`CUSTOS`");
    SITE: Key<Own> = key("site", Own(|| Shape::Pattern(TOKEN)), "the part of the subjects of `nats` before the host: `custos.SITE.HOST`")
        .says("`main`");
    PREFIX: Key<Own> = key("prefix", Own(|| Shape::Text), "what the paths of `graphite` begin with, before the host").says("`custos`");
    ROTATE: Key<Size, Is<u64>> = key("rotate", Size(SINK_FILE_BYTES_MAX), "bytes of a `file`, after which another one begins")
        .is(SINK_FILE_BYTES);
    KEEP: Key<Whole<u16>, Is<u16>> = key("keep", Whole(1, SINK_FILES_KEPT_MAX), "how many full ones of a `file` are kept: `.1` is the newest")
        .is(SINK_FILES_KEPT);
    USER: Key<Own> = key("user", Own(|| Shape::Text), "as whom to log in").says("no login");
    PASSWORD: Key<Own> = key("password", Own(secret), "`{ file: PATH }`: the password for that, in a file that no other user may read");
    TOKEN_OF: Key<Own> = key("token", Own(secret),
        "`{ file: PATH }`: a token (`Authorization: Bearer`), in a file that no other user may read");
    CREDENTIALS: Key<Own> = key("credentials", Own(path),
        "the file with a JWT and its nkey for a `nats` server (`.creds`), or the seed of an nkey alone; no other user may read it");
    CA: Key<Own> = key("ca", Own(path), "PEM file of the authorities that the receiver's certificate is verified against")
        .says("those of the system");
    CHECKS: Key<Own> = key("checks", Own(globs), "a glob over the names of checks, or a list of them: what is delivered")
        .says("all checks");
    METRICS: Key<Own> = key("metrics", Own(globs),
        "a glob over metrics, or a list of them: which of them are delivered, beside the states of checks")
        .says("all metrics");
    LABELS: Key<Own> = key("labels",
        Own(|| Shape::Map { names: LABEL.to_owned(), reserved: &["host", "check", "metric"], values: Box::new(Shape::Scalar) }),
        "labels that each series gets").says("none");
    HOST: Key<Own> = key("host", Own(|| Shape::Text), "the value of the label `host`").says("the `host` of the configuration");
    START: Key<Choice<SinkStart>, Is<SinkStart>> = key("start", Choice(&STARTS),
        "where a new sink begins: at the `beginning` of what is stored, or `now`")
        .is(SinkStart::Beginning);
    CLOCK_LEAD: Key<Span, Is<Duration>> = key("clock_lead", Span(Duration::ZERO, SINK_CLOCK_LEAD_MAX),
        "how far ahead of the receiver's clock samples may be; those further ahead are held back until then")
        .is(SINK_CLOCK_LEAD);
    GATHER: Key<Span> = key("gather", Span(SINK_GATHER_MIN, SINK_GATHER_MAX),
        "for how long runs are gathered for one request or message, once everything was delivered")
        .says("`1s`, of `nats` `100ms`");
    LAG_WARNING: Key<Span, Is<Duration>> = key("lag_warning", Span(Duration::from_secs(1), INTERVAL_MAX),
        "how old the oldest run that is not yet delivered may be before the sink is a warning")
        .is(SINK_LAG_WARNING);
    LAG_CRITICAL: Key<Span, Is<Duration>> = key("lag_critical", Span(Duration::from_secs(1), INTERVAL_MAX),
        "the same for critical")
        .is(SINK_LAG_CRITICAL);
}
