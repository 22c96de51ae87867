//! The `sinks` section.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use custos_compat::nats::Address;

use crate::config::keys::sink as keys;
use crate::config::model::notify::Access;
use crate::config::model::sink::{HttpReceiver, NameGlob, NatsReceiver, Receiver, Sink};
use crate::config::model::snmp::Secret;
use crate::config::read::medium::{fitting, is_server, line, url};
use crate::config::read::{secret_file, sink_file};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, refuse, text, written};
use crate::document::section::Row;
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::{SINK_GLOBS_MAX, SINK_LABELS_MAX, SINKS_MAX};

/// The stream unless `stream` says otherwise.
const STREAM: &str = "CUSTOS";
/// The site unless `site` says otherwise.
const SITE: &str = "main";
/// What paths of Graphite begin with unless `prefix` says otherwise.
const PREFIX: &str = "custos";
/// Labels that each series has of itself.
const OWN_LABELS: [&str; 3] = ["host", "check", "metric"];

/// Reads the section; relative paths begin at `base`. No file may be in the directory of the store.
pub(crate) fn read(node: &Node, base: &Path, store: &Path, findings: &mut Findings) -> Vec<Sink> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of names to sinks", findings);
        return Vec::new();
    };
    if entries.len() > SINKS_MAX {
        refuse(node, &format!("at most {SINKS_MAX} sinks"), findings);
    }
    let sinks: Vec<(&Entry, Sink)> =
        entries.iter().filter_map(|entry| Some((entry, sink(entry, base, findings)?))).collect();
    sink_file::verify(&sinks, store, findings);
    sinks.into_iter().map(|(_, sink)| sink).collect()
}

fn sink(entry: &Entry, base: &Path, findings: &mut Findings) -> Option<Sink> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let begins = entry.key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if entry.key.len() > 64 || !begins || !entry.key.chars().all(is_inner) {
        let message = format!(
            "found a sink named `{}`, expected letters, digits, `_`, `-` and `.`, 64 at most, of which the first is a letter, a \
             digit or `_`",
            entry.key
        );
        findings.error(&entry.key_place, message);
    }
    let owner = format!("sink `{}`", entry.key);
    let fields = Fields::of(&entry.value, &owner, &keys::SINK, findings)?;
    let receiver = one_receiver(entry, &fields, &owner, base, findings);
    let checks = globs(&fields, &keys::CHECKS, findings);
    let metrics = globs(&fields, &keys::METRICS, findings);
    let labels = fields.get(&keys::LABELS).map(|node| labels(node, findings)).unwrap_or_default();
    let host = fields.get(&keys::HOST).map(|node| line(node, "the name of a host", findings));
    let start = fields.value(&keys::START, findings);
    let clock_lead = fields.value(&keys::CLOCK_LEAD, findings);
    let gather = fields.read(&keys::GATHER, findings);
    let lag_warning = fields.value(&keys::LAG_WARNING, findings);
    let lag_critical = fields.value(&keys::LAG_CRITICAL, findings);
    let host = match host {
        Some(host) => Some(host?),
        None => None,
    };
    Some(Sink {
        name: entry.key.clone(),
        checks,
        metrics,
        labels,
        host,
        start: start?,
        clock_lead: clock_lead?,
        gather,
        lag_warning: lag_warning?,
        lag_critical: lag_critical?,
        receiver: receiver?,
    })
}

/// The receiver of a sink: exactly one.
fn one_receiver(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    base: &Path,
    findings: &mut Findings,
) -> Option<Receiver> {
    let given: Vec<&Entry> = keys::RECEIVERS.into_iter().filter_map(|key| fields.entry(key)).collect();
    match given[..] {
        [] => {
            if keys::RECEIVERS.into_iter().all(|key| fields.lacks(key)) {
                let all: Vec<&str> = keys::RECEIVERS.into_iter().map(|key| key.name()).collect();
                let message = format!("{owner} has no receiver, expected one of `{}`", all.join("`, `"));
                findings.error(&entry.key_place, message);
            }
            None
        }
        [one] => {
            refuse_others(one, fields, findings);
            receiver(one, fields, base, findings)
        }
        [first, second, ..] => {
            let message = format!("{owner} has `{}` and `{}`, expected one of them", first.key, second.key);
            findings.error_beside(&second.key_place, message, "first", &first.key_place);
            None
        }
    }
}

/// Reports keys that say something of another receiver.
fn refuse_others(chosen: &Entry, fields: &Fields<'_>, findings: &mut Findings) {
    const HTTP: [&str; 3] = ["remote_write", "otlp", "influxdb"];
    let over_http = HTTP.contains(&chosen.key.as_str());
    let is_nats = chosen.key == keys::NATS.name();
    let is = |key: &dyn Row| chosen.key == key.name();
    let of: [(&dyn Row, bool, &str); 12] = [
        (&keys::PROTOCOL, is(&keys::REMOTE_WRITE), "`remote_write`"),
        (&keys::SIGNAL, is(&keys::OTLP), "`otlp`"),
        (&keys::STREAM, is_nats, "`nats`"),
        (&keys::SITE, is_nats, "`nats`"),
        (&keys::CREDENTIALS, is_nats, "`nats`"),
        (&keys::PREFIX, is(&keys::GRAPHITE), "`graphite`"),
        (&keys::ROTATE, is(&keys::FILE_OF), "`file`"),
        (&keys::KEEP, is(&keys::FILE_OF), "`file`"),
        (&keys::USER, over_http || is_nats, "receivers over HTTP and `nats`"),
        (&keys::PASSWORD, over_http || is_nats, "receivers over HTTP and `nats`"),
        (&keys::TOKEN_OF, over_http || is_nats, "receivers over HTTP and `nats`"),
        (&keys::CA, over_http || is_nats, "receivers over HTTP and `nats`"),
    ];
    for (key, fits, whose) in of {
        if let Some(node) = fields.get(key).filter(|_| !fits) {
            let message = format!("`{}` is for {whose}, not for `{}`", key.name(), chosen.key);
            findings.error(&node.place, message);
        }
    }
    let pairs: [(&dyn Row, &dyn Row); 2] = [(&keys::USER, &keys::PASSWORD), (&keys::PASSWORD, &keys::USER)];
    for (given, needed) in pairs {
        if let Some(node) = fields.get(given).filter(|_| fields.lacks(needed)) {
            findings.error(&node.place, format!("`{}` is given without `{}`", given.name(), needed.name()));
        }
    }
}

fn receiver(entry: &Entry, fields: &Fields<'_>, base: &Path, findings: &mut Findings) -> Option<Receiver> {
    let node = &entry.value;
    let access = access(fields, base, findings);
    let over_http =
        |findings: &mut Findings| url(node, findings).map(|url| HttpReceiver { url, access: access.clone() });
    match entry.key.as_str() {
        key if key == keys::REMOTE_WRITE.name() => {
            let protocol = fields.value(&keys::PROTOCOL, findings);
            Some(Receiver::RemoteWrite(over_http(findings)?, protocol?))
        }
        key if key == keys::OTLP.name() => {
            let signal = fields.value(&keys::SIGNAL, findings);
            Some(Receiver::Otlp(over_http(findings)?, signal?))
        }
        key if key == keys::INFLUX.name() => over_http(findings).map(Receiver::Influx),
        key if key == keys::NATS.name() => nats(node, fields, access, base, findings).map(Receiver::Nats),
        key if key == keys::GRAPHITE.name() => {
            let prefix = word_or(fields, &keys::PREFIX, PREFIX, findings);
            Some(Receiver::Graphite { server: graphite(node, findings)?, prefix: prefix? })
        }
        _ => {
            let rotate_bytes = fields.value(&keys::ROTATE, findings);
            let keep = fields.value(&keys::KEEP, findings);
            let path = base.join(line(node, "the path of a file", findings)?);
            Some(Receiver::File { path, rotate_bytes: rotate_bytes?, keep: keep? })
        }
    }
}

/// `HOST:PORT`, with or without `tcp://`.
fn graphite(node: &Node, findings: &mut Findings) -> Option<String> {
    let fits = |written: &str| is_server(written.strip_prefix("tcp://").unwrap_or(written));
    fitting(node, "`tcp://HOST:PORT`, or `HOST:PORT`", fits, findings)
}

/// Whether a text is the address of a NATS server and no more than that.
fn names_nats_server(written: &str) -> bool {
    Address::read(written).is_ok_and(|address| address.path.is_empty())
}

fn nats(
    node: &Node,
    fields: &Fields<'_>,
    access: Access,
    base: &Path,
    findings: &mut Findings,
) -> Option<NatsReceiver> {
    const EXPECTED: &str = "`nats://HOST:PORT` or `tls://HOST:PORT`, without a user";
    let written = line(node, EXPECTED, findings);
    let url = written.filter(|written| {
        let fits = names_nats_server(written);
        if !fits {
            // What it was may hold a secret, and mistakes are in the log, too.
            findings.error(&node.place, format!("found a text of another form, expected {EXPECTED}"));
        }
        fits
    });
    let stream = token_or(fields, &keys::STREAM, STREAM, findings);
    let site = token_or(fields, &keys::SITE, SITE, findings);
    let file = fields.get(&keys::CREDENTIALS);
    let credentials = file.map(|node| secret_file::whole_from_file(node, "the credentials", base, findings));
    let credentials = match credentials {
        Some(read) => Some(read?),
        None => None,
    };
    Some(NatsReceiver { url: url?, stream: stream?, site: site?, access, credentials })
}

/// How a receiver lets this host in.
fn access(fields: &Fields<'_>, base: &Path, findings: &mut Findings) -> Access {
    let user = fields.get(&keys::USER).and_then(|node| line(node, "the name of a user", findings));
    let password = fields.get(&keys::PASSWORD).and_then(|node| secret(node, base, findings));
    let token = fields.get(&keys::TOKEN_OF).and_then(|node| secret(node, base, findings));
    let ca = fields.get(&keys::CA).and_then(|node| line(node, "the path of a PEM file", findings));
    Access { login: user.zip(password), token, ca: ca.map(|path: String| -> PathBuf { base.join(path) }) }
}

fn secret(node: &Node, base: &Path, findings: &mut Findings) -> Option<Secret> {
    secret_file::read(node, "the secret", false, base, findings)
}

/// A text of one line, or what holds without it.
fn word_or(fields: &Fields<'_>, key: &dyn Row, absent: &str, findings: &mut Findings) -> Option<String> {
    match fields.get(key) {
        Some(node) => line(node, "a text", findings),
        None => Some(absent.to_owned()),
    }
}

/// The name of a stream or a part of a subject.
fn token_or(fields: &Fields<'_>, key: &dyn Row, absent: &str, findings: &mut Findings) -> Option<String> {
    let word = word_or(fields, key, absent, findings)?;
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Some(word);
    }
    fields.get(key).into_iter().for_each(|node| refuse(node, "letters, digits, `_` and `-`", findings));
    None
}

fn globs(fields: &Fields<'_>, key: &dyn Row, findings: &mut Findings) -> Vec<NameGlob> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let items = one_or_more(node);
    if items.is_empty() || items.len() > SINK_GLOBS_MAX {
        refuse(node, &format!("1 to {SINK_GLOBS_MAX} of them"), findings);
    }
    let mut read = Vec::new();
    for item in items {
        let Some(glob) = text(item, "a name or a glob", findings) else { continue };
        match NameGlob::parse(glob) {
            Ok(glob) => read.push(glob),
            Err(why) => findings.error(&item.place, format!("the glob `{glob}` is not valid: {why}")),
        }
    }
    read
}

fn labels(node: &Node, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of names to values", findings);
        return labels;
    };
    if entries.len() > SINK_LABELS_MAX {
        refuse(node, &format!("at most {SINK_LABELS_MAX} labels"), findings);
    }
    for entry in entries {
        let begins = entry.key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !begins || !entry.key.chars().all(is_inner) || entry.key.starts_with("__") {
            let message = format!(
                "found a label `{}`, expected letters, digits and `_`, not a digit first, nor `__`",
                entry.key
            );
            findings.error(&entry.key_place, message);
        } else if OWN_LABELS.contains(&entry.key.as_str()) {
            let message = format!("each series has a label `{}` of its own", entry.key);
            findings.error(&entry.key_place, message);
        } else if let Some(value) = written(&entry.value, "a value", findings) {
            labels.insert(entry.key.clone(), value.to_owned());
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::model::sink::{Protocol, Signal, SinkStart};
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read_yaml(yaml: &str) -> (Vec<Sink>, String) {
        let file = SourceFile::new("f".into(), yaml.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let sinks = read(&root, Path::new("/etc/custos"), Path::new("/etc/custos/store"), &mut findings);
        (sinks, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn a_sink_is_its_receiver_and_takes_all_there_is() {
        let (sinks, mistakes) = read_yaml("vm: { remote_write: 'http://127.0.0.1:8428/api/v1/write' }\n");
        assert_eq!(mistakes, "");
        let [sink] = &sinks[..] else { panic!("{sinks:?}") };
        let receiver =
            HttpReceiver { url: "http://127.0.0.1:8428/api/v1/write".to_owned(), access: Access::default() };
        assert_eq!(
            (sink.name.as_str(), &sink.receiver),
            ("vm", &Receiver::RemoteWrite(receiver, Protocol::Auto))
        );
        assert!(sink.checks.is_empty() && sink.metrics.is_empty() && sink.labels.is_empty());
        assert_eq!((sink.start, sink.clock_lead), (SinkStart::Beginning, Duration::from_secs(300)));
    }

    #[test]
    fn receivers_have_keys_of_their_own() {
        let (sinks, mistakes) = read_yaml(
            "js: { nats: 'nats://127.0.0.1:4222', stream: CUSTOS, site: lab }\n\
             g: { graphite: 'tcp://g.example:2003', prefix: hosts }\n\
             f: { file: out.jsonl, rotate: 1MiB, keep: 3, start: now, checks: 'disk*', metrics: [a, b], labels: { site: 7 } }\n",
        );
        assert_eq!(mistakes, "");
        let file = Receiver::File { path: "/etc/custos/out.jsonl".into(), rotate_bytes: 1 << 20, keep: 3 };
        assert_eq!((&sinks[2].receiver, sinks[2].start), (&file, SinkStart::Now));
        assert_eq!(sinks[2].labels, BTreeMap::from([("site".to_owned(), "7".to_owned())]));
        assert!(NameGlob::any_fits(&sinks[2].checks, "disk /"));
        assert!(
            matches!(&sinks[0].receiver, Receiver::Nats(nats) if nats.site == "lab" && nats.stream == "CUSTOS")
        );
    }

    #[test]
    fn what_is_sent_can_be_chosen() {
        let (sinks, mistakes) = read_yaml(
            "a: { remote_write: 'http://x', protocol: 2 }\nb: { otlp: 'http://x', signal: logs }\nc: { otlp: 'http://x' }\n",
        );
        assert_eq!(mistakes, "");
        assert!(matches!(sinks[0].receiver, Receiver::RemoteWrite(_, Protocol::Two)));
        assert!(matches!(sinks[1].receiver, Receiver::Otlp(_, Signal::Logs)));
        assert!(matches!(sinks[2].receiver, Receiver::Otlp(_, Signal::Metrics)));
    }

    #[test]
    fn mistakes_are_all_reported() {
        for (yaml, expected) in [
            (
                "a: { labels: { x: y } }\n",
                "f:1:1: sink `a` has no receiver, expected one of `remote_write`, ",
            ),
            ("a: { otlp: 'http://x', file: y }\n", "f:1:24: sink `a` has `otlp` and `file`, expected one of"),
            (
                "a: { otlp: 'ftp://x' }\n",
                "f:1:12: found a text of another form, expected an address that begins with",
            ),
            (
                "a: { nats: 'nats://u:p@x' }\n",
                "f:1:12: found a text of another form, expected `nats://HOST:PORT`",
            ),
            (
                "a: { nats: 'nats://x:4222?token=t' }\n",
                "f:1:12: found a text of another form, expected `nats://HOST:PORT`",
            ),
            ("a: { graphite: 'udp://x:2003' }\n", "f:1:16: found `udp://x:2003`, expected `tcp://HOST:PORT`"),
            ("a: { file: x, stream: X }\n", "f:1:23: `stream` is for `nats`, not for `file`"),
            (
                "a: { otlp: 'http://x', protocol: 1 }\n",
                "f:1:34: `protocol` is for `remote_write`, not for `otlp`",
            ),
            ("a: { file: x, ca: X }\n", "f:1:19: `ca` is for receivers over HTTP and `nats`, not for `file`"),
            ("a: { otlp: 'http://x', user: X }\n", "f:1:30: `user` is given without `password`"),
            ("a: { file: x, checks: '[' }\n", "f:1:23: the glob `[` is not valid"),
            ("a: { file: x, labels: { host: y } }\n", "f:1:25: each series has a label `host` of its own"),
            ("a: { file: x, labels: { __a: y } }\n", "f:1:25: found a label `__a`, expected letters"),
            ("a: { nats: 'nats://x', site: a.b }\n", "f:1:30: found `a.b`, expected letters, digits"),
            ("'a b': { file: x }\n", "f:1:1: found a sink named `a b`, expected letters"),
            (
                "a: { file: store/x }\n",
                "f:1:12: found `store/x`, which is in the directory of the store, /etc/custos/store, expected a file elsewhere",
            ),
            ("a: { file: x }\nb: { file: y/../x }\n", "f:2:12: the sinks `a` and `b` write to the same file"),
            ("[]\n", "f:1:1: found a list, expected a mapping of names to sinks"),
        ] {
            let mistakes = read_yaml(yaml).1;
            assert!(mistakes.starts_with(expected), "{yaml}{mistakes}");
            assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
        }
    }
}
