//! The settings that checks share: given in a check, else in `defaults`, else built in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Language, Warm};
use custos_store::State;

use crate::config::keys::settings as keys;
use crate::config::model::check::{ByteUnits, Native, Priority, Serving, Stale};
use crate::config::read::command::refuse_macros;
use crate::config::read::period::{self, Periods};
use crate::config::read::process::ProcessSettings;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, boolean, choice, printable, refuse, written};
use crate::document::yaml::{Content, Node};
use crate::period::Period;

/// Low and high flapping limits in per cent where none are given, as Nagios has them.
pub(crate) const FLAPPING: (f64, f64) = (keys::LOW.built_in(), keys::HIGH.built_in());

/// Settings that may be absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) check_interval: Option<Duration>,
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) max_check_attempts: Option<u32>,
    pub(crate) volatile: Option<bool>,
    pub(crate) clone: Option<bool>,
    pub(crate) native: Option<Native>,
    pub(crate) warm: Option<Warm>,
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
        Settings {
            check_interval: fields.read(&keys::CHECK_INTERVAL, findings),
            retry_interval: fields.read(&keys::RETRY_INTERVAL, findings),
            max_check_attempts: fields.read(&keys::MAX_CHECK_ATTEMPTS, findings),
            volatile: fields.read(&keys::VOLATILE, findings),
            clone: fields.read(&keys::CLONE, findings),
            native: fields.read(&keys::NATIVE, findings),
            warm: fields.get(&keys::WARM).and_then(|node| warm(node, findings)),
            check_period: fields
                .get(&keys::CHECK_PERIOD)
                .and_then(|node| period::named(node, periods, findings)),
            priority: fields.read(&keys::PRIORITY, findings),
            timeout: fields.read(&keys::TIMEOUT, findings),
            timeout_state: fields.read(&keys::TIMEOUT_STATE, findings),
            environment: fields
                .get(&keys::ENVIRONMENT)
                .map(|node| environment(node, owner, findings))
                .unwrap_or_default(),
            byte_units: fields.read(&keys::BYTE_UNITS, findings),
            silent: fields.read(&keys::SILENT, findings),
            check_multi: fields.read(&keys::CHECK_MULTI, findings),
            evaluate_perfdata: fields.read(&keys::EVALUATE_PERFDATA, findings),
            flapping: fields.get(&keys::FLAP_DETECTION).and_then(|node| flapping(node, owner, findings)),
            cached: fields.read(&keys::SERVE, findings),
            max_age: fields.read(&keys::MAX_AGE, findings),
            stale: fields.read(&keys::WHEN_STALE, findings),
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
            clone: self.clone.or(base.clone),
            native: self.native.or(base.native),
            warm: self.warm.or(base.warm),
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
        match self.cached.unwrap_or(keys::SERVE.built_in()) {
            true => Serving::Cached {
                max_age: self.max_age.unwrap_or(check_interval + timeout),
                stale: self.stale.unwrap_or(keys::WHEN_STALE.built_in()),
            },
            false => Serving::Fresh,
        }
    }
}

/// `true`, `false`, or a list of interpreters.
fn warm(node: &Node, findings: &mut Findings) -> Option<Warm> {
    let Content::List(items) = &node.content else {
        return boolean(node, findings).map(|on| if on { Warm::ALL } else { Warm::default() });
    };
    let mut warm = Warm::default();
    for item in items {
        match choice(item, &keys::WARM_WORDS, findings)? {
            Language::Perl => warm.perl = true,
            Language::Python => warm.python = true,
        }
    }
    Some(warm)
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
    let fields = Fields::of(node, &owner, &keys::FLAPPING, findings)?;
    let (low, high) = (fields.value(&keys::LOW, findings), fields.value(&keys::HIGH, findings));
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
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read(text: &str) -> (Settings, String) {
        let file = SourceFile::new("f".into(), text.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let fields = Fields::of(&root, "`defaults`", &keys::DEFAULTS, &mut findings).unwrap();
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
