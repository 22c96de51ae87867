//! The `sinks` section as YAML. Secrets are shown as the files that they are in.

use std::fmt::{self, Write};

use super::secret::mask_question;
use super::word::{list, word};
use crate::config::keys::sink::{PROTOCOL, SIGNAL, START};
use crate::config::model::notify::Access;
use crate::config::model::sink::{NameGlob, Receiver, Sink};
use crate::config::model::snmp::Secret;
use crate::document::key::Reads as _;
use crate::document::{duration, size};

/// Writes the section.
pub(super) fn write_section(page: &mut String, sinks: &[Sink]) -> fmt::Result {
    if !sinks.is_empty() {
        writeln!(page, "sinks:")?;
    }
    sinks.iter().try_for_each(|sink| write_sink(page, sink))
}

fn write_sink(page: &mut String, sink: &Sink) -> fmt::Result {
    writeln!(page, "  {}:", word(&sink.name))?;
    let mut line = |key: &str, value: String| writeln!(page, "    {key}: {value}");
    line(sink.receiver.key(), address(&sink.receiver))?;
    for (key, value) in of_receiver(&sink.receiver) {
        value.map_or(Ok(()), |value| line(key, value))?;
    }
    let globs = |globs: &[NameGlob]| {
        let written: Vec<String> = globs.iter().map(|glob| glob.written().to_owned()).collect();
        list(&written)
    };
    for (key, some) in [("checks", &sink.checks), ("metrics", &sink.metrics)] {
        if !some.is_empty() {
            line(key, globs(some))?;
        }
    }
    if !sink.labels.is_empty() {
        let pairs = sink.labels.iter().map(|(name, value)| format!("{}: {}", word(name), word(value)));
        line("labels", format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", ")))?;
    }
    if let Some(host) = &sink.host {
        line("host", word(host))?;
    }
    line("start", START.kind().written(sink.start))?;
    line("clock_lead", duration::show(sink.clock_lead))?;
    sink.gather.map_or(Ok(()), |gather| line("gather", duration::show(gather)))?;
    line("lag_warning", duration::show(sink.lag_warning))?;
    line("lag_critical", duration::show(sink.lag_critical))
}

fn address(receiver: &Receiver) -> String {
    match receiver {
        Receiver::RemoteWrite(http, _) | Receiver::Otlp(http, _) | Receiver::Influx(http) => {
            word(&mask_question(&http.url))
        }
        Receiver::Nats(nats) => word(&nats.url),
        Receiver::Graphite { server, .. } => word(server),
        Receiver::File { path, .. } => word(&path.to_string_lossy()),
    }
}

fn of_receiver(receiver: &Receiver) -> Vec<(&'static str, Option<String>)> {
    match receiver {
        Receiver::RemoteWrite(http, protocol) => {
            [vec![("protocol", Some(PROTOCOL.kind().written(*protocol)))], access(&http.access)].concat()
        }
        Receiver::Otlp(http, signal) => {
            [vec![("signal", Some(SIGNAL.kind().written(*signal)))], access(&http.access)].concat()
        }
        Receiver::Influx(http) => access(&http.access),
        Receiver::Nats(nats) => {
            let mut all = vec![("stream", Some(word(&nats.stream))), ("site", Some(word(&nats.site)))];
            all.extend(access(&nats.access));
            let credentials = nats.credentials.as_ref().and_then(Secret::file);
            all.push(("credentials", credentials.map(|path| word(&path.to_string_lossy()))));
            all
        }
        Receiver::Graphite { prefix, .. } => vec![("prefix", Some(word(prefix)))],
        Receiver::File { rotate_bytes, keep, .. } => {
            vec![("rotate", Some(size::show(*rotate_bytes))), ("keep", Some(keep.to_string()))]
        }
    }
}

fn access(access: &Access) -> Vec<(&'static str, Option<String>)> {
    let file =
        |secret: &Secret| secret.file().map(|path| format!("{{ file: {} }}", word(&path.to_string_lossy())));
    let (user, password) = match &access.login {
        Some((user, password)) => (Some(word(user)), file(password)),
        None => (None, None),
    };
    vec![
        ("user", user),
        ("password", password),
        ("token", access.token.as_ref().and_then(file)),
        ("ca", access.ca.as_ref().map(|path| word(&path.to_string_lossy()))),
    ]
}
