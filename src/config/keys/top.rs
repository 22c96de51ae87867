//! The keys at the top of a configuration.

use std::time::Duration;

use crate::config::keys::check::CHECK;
use crate::config::keys::http::HTTP;
use crate::config::keys::notify::NOTIFY;
use crate::config::keys::nrpe::NRPE;
use crate::config::keys::period::period;
use crate::config::keys::settings::{ALWAYS, DEFAULTS, STATES};
use crate::config::keys::shapes::path;
use crate::config::keys::sink::sinks;
use crate::config::keys::snmp::SNMP;
use crate::config::model::check::SyncPolicy;
use crate::config::model::reserved::{AGENT_CHECK, UNMATCHED_CHECK};
use crate::document::diagnostic::Findings;
use crate::document::duration;
use crate::document::fields::refuse;
use crate::document::key::{Is, Key, Kind, Own, Reads, key, section};
use crate::document::kind::Whole;
use crate::document::section::Shape;
use crate::document::yaml::{Content, Node};
use crate::limits::{CONCURRENT_CHECKS_MAX, SYNC_INTERVAL_MAX, SYNC_INTERVAL_MIN};

/// The store unless `store` says otherwise.
pub const DEFAULT_STORE: &str = "/var/lib/custos";
/// The plugin directories unless `plugins` says otherwise: those of Debian, of Red Hat and of a build from source.
pub const DEFAULT_PLUGINS: [&str; 3] =
    ["/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/local/nagios/libexec"];
/// Top-level keys with this prefix hold whatever the file wants to refer to by aliases.
pub(crate) const FREE_PREFIX: &str = "x-";

/// A name that can be typed on a command line, at most 255 characters of it.
const CHECK_NAME: &str = r"^[^\s-]([\s\S]{0,253}\S)?$";
/// A name without blanks around it.
const HOST_NAME: &str = r"^\S([\s\S]*\S)?$";

section! {
    /// The keys at the top.
    TOP = "configuration";
    STORE: Key<Own, Is<&'static str>> = key("store", Own(path), "directory of the store").is(DEFAULT_STORE);
    SYNC: Key<Syncing, Is<SyncPolicy>> = key("sync", Syncing,
        "when what was written is made safe from power loss: `always` (after every batch of runs), `never`, or at most this \
         long after")
        .is(SyncPolicy::Interval(Duration::from_secs(1)));
    PLUGINS: Key<Own, Is<&'static [&'static str]>> = key("plugins", Own(|| path().one_or_more()),
        "a directory, or a list of them, in which programs without a slash are looked up, in order")
        .is(&DEFAULT_PLUGINS);
    INCLUDE: Key<Own> = key("include", Own(|| path().one_or_more()), "a file or [glob](#include) such as `conf.d/*.yaml`, or a list of them");
    DEFAULTS_OF: Key<Own> = key("defaults", Own(|| Shape::Section(&DEFAULTS)),
        "[settings](#settings-of-a-check) for the checks of this file and of the files it includes")
        .says("what is built in");
    HOST: Key<Own> = key("host", Own(|| Shape::Pattern(HOST_NAME)),
        "the name of this host, at most 255 bytes; with a check's name it fixes when in its interval the check runs")
        .says("the system's host name");
    MAX_CONCURRENT_CHECKS: Key<Whole<u32>> = key("max_concurrent_checks", Whole(1, CONCURRENT_CHECKS_MAX as u32),
        "plugins that may run at once")
        .says("16 for each CPU");
    NRPE_OF: Key<Own> = key("nrpe", Own(|| Shape::Section(&NRPE)), "the [NRPE listener](#nrpe)")
        .says("none: nothing listens");
    HTTP_OF: Key<Own> = key("http", Own(|| Shape::Section(&HTTP)), "[queries over HTTP](#http), for Grafana")
        .says("none: nothing listens");
    SNMP_OF: Key<Own> = key("snmp", Own(|| Shape::Section(&SNMP)),
        "[devices](snmp.md) that are polled, and traps: `profiles`, `traps`, `mibs`");
    NOTIFY_OF: Key<Own> = key("notify", Own(|| Shape::Section(&NOTIFY)), "[who is told](notify.md) about alerts, and how")
        .says("nobody is told");
    SINKS: Key<Own> = key("sinks", Own(sinks), "[where everything that is stored is delivered](sinks.md), by name")
        .says("nothing leaves this host");
    PERIODS: Key<Own> = key("periods", Own(periods), "[periods](#periods) by name, for `check_period`");
    RULES: Key<Own> = key("rules", Own(|| path().one_or_more()),
        "a [rule file of Prometheus](rules.md) or a glob such as `rules/*.yaml`, or a list of them: each rule is a check");
    SEVERITIES: Key<Own> = key("severities", Own(|| Shape::Words(STATES.map(|(word, _)| word).to_vec()).by_name()),
        "the states that values of the label `severity` of an alert stand for, and `otherwise` that of all other alerts")
        .says("`{ critical: critical, page: critical, error: critical, warning: warning, info: ok, none: ok, otherwise: critical }`");
    EXTERNAL_URL: Key<Own> = key("external_url", Own(|| Shape::Text),
        "where people find the page about this host, for `externalURL` in templates")
        .says("none");
    EXTERNAL_LABELS: Key<Own> = key("external_labels", Own(|| Shape::Scalar.by_name()),
        "labels of this host, for `$externalLabels` in templates")
        .says("none");
    CHECKS: Key<Own> = key("checks", Own(checks), "the [checks](#checks) by name");
}

/// A whole file.
pub(crate) fn file() -> Shape {
    Shape::Open { section: &TOP, names: format!("^{FREE_PREFIX}"), values: Box::new(Shape::Anything) }
}

fn periods() -> Shape {
    period().by_name_but(&[ALWAYS])
}

fn checks() -> Shape {
    let checks = Shape::Map {
        names: CHECK_NAME.to_owned(),
        reserved: &[AGENT_CHECK, UNMATCHED_CHECK],
        values: Box::new(Shape::Section(&CHECK)),
    };
    Shape::Either(vec![checks, Shape::Nothing])
}

/// `always`, `never` or a time.
#[derive(Clone, Copy)]
pub(crate) struct Syncing;

impl Kind for Syncing {
    fn shape(&self) -> Shape {
        let time = Shape::Duration { least: SYNC_INTERVAL_MIN, most: SYNC_INTERVAL_MAX };
        Shape::Either(vec![Shape::Words(vec!["always", "never"]), time])
    }
}

impl Reads for Syncing {
    type Value = SyncPolicy;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<SyncPolicy> {
        if let Content::Scalar(scalar) = &node.content {
            match scalar.text.as_str() {
                "always" => return Some(SyncPolicy::Always),
                "never" => return Some(SyncPolicy::Never),
                word if word.starts_with(|c: char| c.is_ascii_digit()) => {
                    let interval = duration::read(node, SYNC_INTERVAL_MIN, SYNC_INTERVAL_MAX, findings);
                    return interval.map(SyncPolicy::Interval);
                }
                _ => {}
            }
        }
        refuse(node, "`always`, `never` or an interval such as `1s`", findings);
        None
    }

    fn written(&self, value: SyncPolicy) -> String {
        match value {
            SyncPolicy::Always => "always".to_owned(),
            SyncPolicy::Never => "never".to_owned(),
            SyncPolicy::Interval(interval) => duration::show(interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::section::{Absent, Row as _};
    use crate::limits::{CHECK_NAME_MAX_BYTES, CONCURRENT_CHECKS_PER_CPU, HOST_NAME_MAX_BYTES};

    #[test]
    fn what_texts_say_of_bounds_is_so() {
        assert_eq!(MAX_CONCURRENT_CHECKS.absent(), Absent::Words("16 for each CPU"));
        assert_eq!(CONCURRENT_CHECKS_PER_CPU, 16);
        assert!(HOST.text().contains(&format!("at most {HOST_NAME_MAX_BYTES} bytes")));
        // Beside the first and the last character.
        assert!(CHECK_NAME.contains(&format!("{{0,{}}}", CHECK_NAME_MAX_BYTES - 2)));
    }
}
