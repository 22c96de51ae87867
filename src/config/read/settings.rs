//! The settings that checks share: given in a check, else in `defaults`, else built in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use custos_store::State;

use crate::config::document::diagnostic::Findings;
use crate::config::document::duration;
use crate::config::document::fields::{Fields, boolean, choice, number, printable, refuse, whole, written};
use crate::config::document::yaml::{Content, Node};
use crate::config::model::check::{ByteUnits, Priority, Serving, Stale};
use crate::config::read::command::refuse_macros;
use crate::config::read::period::{self, Periods};
use crate::config::read::process::{self, ProcessSettings};
use crate::config::read::threshold::STATES;
use crate::limits::{CHECK_ATTEMPTS_MAX, CHECK_INTERVAL_MIN, INTERVAL_MAX, TIMEOUT_MIN};
use crate::period::Period;

/// The keys of these settings but those of the process, allowed in `defaults` and in every check.
const OWN_KEYS: [&str; 17] = [
    "check_interval",
    "retry_interval",
    "max_check_attempts",
    "volatile",
    "check_period",
    "priority",
    "timeout",
    "timeout_state",
    "environment",
    "byte_units",
    "check_multi",
    "silent",
    "evaluate_perfdata",
    "flap_detection",
    "serve",
    "max_age",
    "when_stale",
];

/// All keys of these settings.
pub(crate) const KEYS: [&str; OWN_KEYS.len() + process::KEYS.len()] = {
    let mut keys = [""; OWN_KEYS.len() + process::KEYS.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = if at < OWN_KEYS.len() { OWN_KEYS[at] } else { process::KEYS[at - OWN_KEYS.len()] };
        at += 1;
    }
    keys
};

/// `check_interval` where none is given.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// `max_check_attempts` where none is given.
pub(crate) const MAX_CHECK_ATTEMPTS: u32 = 3;
/// `timeout` where none is given.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// Low and high flapping limits in per cent, as Nagios has them.
pub(crate) const FLAPPING: (f64, f64) = (20.0, 30.0);

/// The words for `priority`.
pub(crate) const PRIORITIES: [(&str, Priority); 2] = [("normal", Priority::Normal), ("low", Priority::Low)];

/// Settings that may be absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) check_interval: Option<Duration>,
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) max_check_attempts: Option<u32>,
    pub(crate) volatile: Option<bool>,
    /// The outer option is absence, the inner one `always`.
    pub(crate) check_period: Option<Option<Arc<Period>>>,
    pub(crate) priority: Option<Priority>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) timeout_state: Option<State>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) byte_units: Option<ByteUnits>,
    pub(crate) check_multi: Option<bool>,
    pub(crate) silent: Option<State>,
    pub(crate) evaluate_perfdata: Option<bool>,
    /// The outer option is absence, the inner one `flap_detection: false`.
    pub(crate) flapping: Option<Option<(f64, f64)>>,
    /// `serve: cached`.
    pub(crate) cached: Option<bool>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) stale: Option<Stale>,
    pub(crate) process: ProcessSettings,
}

impl Settings {
    /// Reads the settings among `fields`.
    pub(crate) fn read(
        fields: &Fields<'_>,
        owner: &str,
        periods: &Periods,
        findings: &mut Findings,
    ) -> Settings {
        let interval =
            |node, findings: &mut Findings| duration::read(node, CHECK_INTERVAL_MIN, INTERVAL_MAX, findings);
        Settings {
            check_interval: fields.get("check_interval").and_then(|node| interval(node, findings)),
            retry_interval: fields.get("retry_interval").and_then(|node| interval(node, findings)),
            max_check_attempts: fields
                .get("max_check_attempts")
                .and_then(|node| whole(node, 1, i64::from(CHECK_ATTEMPTS_MAX), findings))
                .and_then(|attempts| u32::try_from(attempts).ok()),
            volatile: fields.get("volatile").and_then(|node| boolean(node, findings)),
            check_period: fields.get("check_period").and_then(|node| period::named(node, periods, findings)),
            priority: fields.get("priority").and_then(|node| choice(node, &PRIORITIES, findings)),
            timeout: fields
                .get("timeout")
                .and_then(|node| duration::read(node, TIMEOUT_MIN, INTERVAL_MAX, findings)),
            timeout_state: fields.get("timeout_state").and_then(|node| choice(node, &STATES, findings)),
            environment: fields
                .get("environment")
                .map(|node| environment(node, owner, findings))
                .unwrap_or_default(),
            byte_units: fields
                .get("byte_units")
                .and_then(|node| choice(node, &[("si", ByteUnits::Si), ("iec", ByteUnits::Iec)], findings)),
            silent: fields
                .get("silent")
                .and_then(|node| choice(node, &[("ok", State::Ok), ("unknown", State::Unknown)], findings)),
            check_multi: fields.get("check_multi").and_then(|node| boolean(node, findings)),
            evaluate_perfdata: fields.get("evaluate_perfdata").and_then(|node| boolean(node, findings)),
            flapping: fields.get("flap_detection").and_then(|node| flapping(node, owner, findings)),
            cached: fields
                .get("serve")
                .and_then(|node| choice(node, &[("fresh", false), ("cached", true)], findings)),
            max_age: fields.get("max_age").and_then(|node| interval(node, findings)),
            stale: fields
                .get("when_stale")
                .and_then(|node| choice(node, &[("run", Stale::Run), ("unknown", Stale::Unknown)], findings)),
            process: ProcessSettings::read(fields, owner, findings),
        }
    }

    /// These settings, and what is absent from them out of `base`. Environments are joined.
    pub(crate) fn over(self, base: &Settings) -> Settings {
        let mut environment = base.environment.clone();
        environment.extend(self.environment);
        Settings {
            check_interval: self.check_interval.or(base.check_interval),
            retry_interval: self.retry_interval.or(base.retry_interval),
            max_check_attempts: self.max_check_attempts.or(base.max_check_attempts),
            volatile: self.volatile.or(base.volatile),
            check_period: self.check_period.or_else(|| base.check_period.clone()),
            priority: self.priority.or(base.priority),
            timeout: self.timeout.or(base.timeout),
            timeout_state: self.timeout_state.or(base.timeout_state),
            environment,
            byte_units: self.byte_units.or(base.byte_units),
            check_multi: self.check_multi.or(base.check_multi),
            silent: self.silent.or(base.silent),
            evaluate_perfdata: self.evaluate_perfdata.or(base.evaluate_perfdata),
            flapping: self.flapping.or(base.flapping),
            cached: self.cached.or(base.cached),
            max_age: self.max_age.or(base.max_age),
            stale: self.stale.or(base.stale),
            process: self.process.over(&base.process),
        }
    }
}

impl Settings {
    /// How requests over NRPE are answered: by default a run is too old once the next should have ended.
    pub(crate) fn serving(&self, check_interval: Duration, timeout: Duration) -> Serving {
        match self.cached {
            Some(true) => Serving::Cached {
                max_age: self.max_age.unwrap_or(check_interval + timeout),
                stale: self.stale.unwrap_or_default(),
            },
            _ => Serving::Fresh,
        }
    }
}

fn environment(node: &Node, owner: &str, findings: &mut Findings) -> BTreeMap<String, String> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of variable names to values", findings);
        return BTreeMap::new();
    };
    let mut environment = BTreeMap::new();
    for entry in entries {
        if entry.key.is_empty() || entry.key.contains('=') {
            let message =
                format!("found `{}` in the environment of {owner}, expected a name without `=`", entry.key);
            findings.error(&entry.key_place, message);
            continue;
        }
        let value = written(&entry.value, "a value (write \"\" for an empty one)", findings);
        let Some(value) = value.filter(|_| printable(&entry.key, &entry.key_place, findings)) else {
            continue;
        };
        if value.contains('\0') {
            refuse(&entry.value, "no NUL character", findings);
            continue;
        }
        if refuse_macros(&entry.value, findings).is_none() {
            continue;
        }
        environment.insert(entry.key.clone(), value.to_owned());
    }
    environment
}

fn flapping(node: &Node, owner: &str, findings: &mut Findings) -> Option<Option<(f64, f64)>> {
    if !matches!(node.content, Content::Map(_)) {
        return boolean(node, findings).map(|on| on.then_some(FLAPPING));
    }
    let owner = format!("`flap_detection` of {owner}");
    let fields = Fields::of(node, &owner, &["low", "high"], findings)?;
    let mut limit = |key, built_in| match fields.get(key) {
        None => Some(built_in),
        Some(node) => number(node, 0.0, 100.0, findings),
    };
    let (low, high) = (limit("low", FLAPPING.0), limit("high", FLAPPING.1));
    let (low, high) = (low?, high?);
    if low > high {
        findings
            .error(&node.place, format!("found `low` {low} above `high` {high}, expected it at or below"));
        return None;
    }
    Some(Some((low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::place::SourceFile;
    use crate::config::document::yaml;

    fn read(text: &str) -> (Settings, String) {
        let file = SourceFile::new("f".into(), text.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let fields = Fields::of(&root, "`defaults`", &KEYS, &mut findings).unwrap();
        let settings = Settings::read(&fields, "`defaults`", &Periods::new(), &mut findings);
        (settings, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn every_setting_is_read() {
        let (settings, mistakes) = read(
            "{check_interval: 10s, retry_interval: 5s, max_check_attempts: 4, volatile: true, priority: low, check_period: always, timeout: 8s, timeout_state: critical, \
             environment: {A: 1, B: yes, C: ''}, byte_units: iec, check_multi: false, silent: ok, evaluate_perfdata: true, \
             flap_detection: {low: 5, high: 20.5}}\n",
        );
        assert_eq!(mistakes, "");
        assert_eq!(settings.check_interval, Some(Duration::from_secs(10)));
        assert_eq!(settings.retry_interval, Some(Duration::from_secs(5)));
        assert_eq!((settings.max_check_attempts, settings.volatile), (Some(4), Some(true)));
        assert_eq!((settings.priority, settings.check_period), (Some(Priority::Low), Some(None)));
        assert_eq!(settings.timeout, Some(Duration::from_secs(8)));
        assert_eq!(settings.timeout_state, Some(State::Critical));
        let environment: Vec<_> = settings.environment.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(environment, ["A=1", "B=yes", "C="]);
        assert_eq!(settings.byte_units, Some(ByteUnits::Iec));
        assert_eq!(settings.silent, Some(State::Ok));
        assert_eq!((settings.check_multi, settings.evaluate_perfdata), (Some(false), Some(true)));
        assert_eq!(settings.flapping, Some(Some((5.0, 20.5))));
    }

    #[test]
    fn flap_detection_may_be_a_boolean_or_half_given() {
        assert_eq!(read("flap_detection: false\n").0.flapping, Some(None));
        assert_eq!(read("flap_detection: true\n").0.flapping, Some(Some(FLAPPING)));
        assert_eq!(read("flap_detection: {low: 25}\n").0.flapping, Some(Some((25.0, 30.0))));
    }

    #[test]
    fn mistakes_are_all_reported() {
        let (_, mistakes) = read(
            "check_interval: 10\nmax_check_attempts: 0\ntimeout: 1ms\nenvironment: {'A=B': 1, C: }\n\
             flap_detection: {low: 50, high: 20}\nevaluate_perfdata: on\n",
        );
        let expected = [
            "f:1:17: found the number `10`, expected a duration with its unit",
            "f:2:21: found the number `0`, expected a whole number from 1 to 1000",
            "f:3:10: found `1ms`, expected a duration from",
            "f:4:15: found `A=B` in the environment of `defaults`, expected a name without `=`",
            "f:4:25: found nothing, expected a value (write \"\" for an empty one)",
            "f:6:20: found `on`, expected `true` or `false`; write `true`",
            "f:5:17: found `low` 50 above `high` 20, expected it at or below",
        ];
        let mut lines: Vec<&str> = mistakes.lines().collect();
        lines.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(lines.len(), expected.len(), "{mistakes}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n{expected}");
        }
    }

    #[test]
    fn a_check_wins_over_its_defaults_and_adds_to_their_environment() {
        let base = read("{check_interval: 10s, timeout: 5s, environment: {A: 1, B: 2}}\n").0;
        let own = read("{timeout: 7s, environment: {B: 3}}\n").0;
        let both = own.over(&base);
        assert_eq!(both.check_interval, Some(Duration::from_secs(10)));
        assert_eq!(both.timeout, Some(Duration::from_secs(7)));
        assert_eq!(both.environment, BTreeMap::from([("A".into(), "1".into()), ("B".into(), "3".into())]));
    }
}
