//! The checks of a simulated world, and its periods: as the agent gets them, and as plain arithmetic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use custos::config::implicit_check;
use custos::config::{
    Check, Command, Config, KeyPart, Native, Priority, Secret, Serving, SnmpAccess, SnmpPoll, SnmpProfile,
    SnmpWanted, Stale, SyncPolicy, Template, TrapRule, Variable,
};
use custos::execute::{Line, PluginEnvironment, PluginJob};
use custos::period::{Days, Hours, Period, Rule};
use custos_compat::snmp::Version;
use jiff::tz::TimeZone;

use crate::script::Dice;

/// A check by its number. Intervals and attempts are rolled; the rest follows from the number, so that a reload that
/// rolls again leaves it as it is.
pub fn check(number: u64, dice: &mut Dice) -> Check {
    let name = format!("check{number}");
    let interval = Duration::from_secs([60, 120, 300, 600][dice.below(4) as usize]);
    let depends_on = match number {
        0..10 => Vec::new(),
        _ if number.is_multiple_of(7) => vec![format!("check{}", number / 2)],
        _ if number.is_multiple_of(11) => {
            vec![format!("check{}", number / 2), format!("check{}", number / 3)]
        }
        _ => Vec::new(),
    };
    Check {
        command: command(number, &name),
        check_interval: interval,
        retry_interval: interval / 4,
        max_check_attempts: [1, 1, 3, 4][dice.below(4) as usize],
        timeout: Duration::from_secs(10 + dice.below(90)),
        // Two results of a volatile check in one millisecond are one event to whoever reads them back.
        volatile: dice.below(4) == 0 && number % 16 != 9,
        check_period: period_of(number),
        depends_on,
        priority: if number % 9 == 4 { Priority::Low } else { Priority::Normal },
        serving: serving(number, interval),
        ..implicit_check(&name)
    }
}

/// Most run a plugin; some ask a device that has their name, and some are told by traps.
fn command(number: u64, name: &str) -> Command {
    match number % 16 {
        5 | 12 => Command::Snmp(poll(name)),
        9 => Command::Trap(trap()),
        _ => Command::Program(vec![name.to_owned()]),
    }
}

/// A poll of one variable of a device.
pub fn poll(device: &str) -> Arc<SnmpPoll> {
    let access = SnmpAccess::Community { version: Version::V2c, community: Secret::inline("public") };
    let profile = SnmpProfile {
        name: "core".into(),
        access,
        port: 161,
        timeout: Duration::from_secs(1),
        retries: 1,
        max_repetitions: 25,
        answers_from_any: false,
        answers_any_community: false,
    };
    let variable = Variable { label: "value".to_owned(), oid: "1.3.6.1.4.1.1.1".parse().unwrap() };
    let wanted = SnmpWanted::Get(vec![variable]);
    Arc::new(SnmpPoll { target: device.to_owned(), port: 161, profile: Arc::new(profile), wanted })
}

/// A check that is about the interfaces of a device. What is reported of it is up to the world.
fn trap() -> Arc<TrapRule> {
    let index = Variable { label: "ifIndex".to_owned(), oid: "1.3.6.1.2.1.2.2.1.1".parse().unwrap() };
    Arc::new(TrapRule {
        traps: Vec::new(),
        sources: Vec::new(),
        conditions: Vec::new(),
        key: vec![KeyPart::Variable(index)],
        text: Template::default(),
        metrics: Vec::new(),
        deduplicate: Duration::ZERO,
        expires: None,
        reconnoiter: None,
    })
}

fn serving(number: u64, interval: Duration) -> Serving {
    match number % 5 {
        1 => Serving::Cached { max_age: interval, stale: Stale::Run },
        3 => Serving::Cached { max_age: interval / 2, stale: Stale::Unknown },
        _ => Serving::Fresh,
    }
}

/// A configuration of these checks.
pub fn config(checks: impl IntoIterator<Item = Check>, max_concurrent_checks: usize) -> Config {
    Config {
        rule_files: Vec::new(),
        groups: Vec::new(),
        severities: Default::default(),
        external_url: String::new(),
        external_labels: BTreeMap::new(),
        files: Vec::new(),
        store: "/nonexistent".into(),
        sync: SyncPolicy::Never,
        plugins: Vec::new(),
        host: "sim".to_owned(),
        max_concurrent_checks,
        nrpe: None,
        http: None,
        sinks: Vec::new(),
        notify: None,
        snmp: custos::config::SnmpConfig::default(),
        periods: BTreeMap::new(),
        native: Native::Auto,
        checks: checks.into_iter().map(|check| (check.name.clone(), Arc::new(check))).collect(),
    }
}

/// A command line of one word.
pub fn line(word: &str) -> Box<Line> {
    Box::new(Line::new(word.into(), Vec::new(), None, Duration::from_secs(60)))
}

/// The one word of a plugin's command, whether a shell is needed for it or not.
pub fn program(job: &PluginJob) -> String {
    let spec = job.spec();
    let word = spec.shell_line.as_ref().unwrap_or_else(|| &spec.argv[0]);
    word.to_string_lossy().into_owned()
}

pub fn environment() -> PluginEnvironment {
    PluginEnvironment::new("sim", "/".into())
}

fn period_of(number: u64) -> Option<Arc<Period>> {
    let rule = |days: &str, hours: &[&str]| Rule {
        days: Days::parse(days).unwrap(),
        hours: hours.iter().fold(Hours::default(), |all, range| all.and(&Hours::parse(range).unwrap())),
    };
    let period = |rules: Vec<Rule>, exclude: Vec<Arc<Period>>| {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Arc::new(Period { name: "p".to_owned(), rules, exclude, zone })
    };
    match number % 10 {
        3 => Some(period(vec![rule("monday - sunday", &["00:00-06:00", "22:00-24:00"])], Vec::new())),
        6 => {
            let lunch = period(vec![rule("monday - sunday", &["12:00-12:30"])], Vec::new());
            Some(period(vec![rule("monday - saturday", &["08:00-18:00"]), rule("day 28", &[])], vec![lunch]))
        }
        // The hour that the clocks repeat.
        8 => Some(period(
            vec![rule("sunday", &["02:00-03:00"]), rule("monday - friday", &["00:00-24:00"])],
            Vec::new(),
        )),
        _ => None,
    }
}

/// The clocks of Berlin go back on 2025-10-26 at 01:00 UTC; before it they are two hours ahead, after it one.
const CLOCKS_GO_BACK_S: i64 = 1_761_440_400;

/// Whether a check is due at a wall time, by arithmetic on hours: good from April 2025 to March 2026.
pub fn is_due(name: &str, wall_ms: i64) -> bool {
    let number: u64 = name.trim_start_matches("check").parse().unwrap();
    let wall_s = wall_ms.div_euclid(1000);
    let local_s = wall_s + if wall_s < CLOCKS_GO_BACK_S { 7200 } else { 3600 };
    let (day, second) = (local_s.div_euclid(86_400), local_s.rem_euclid(86_400));
    // 1970-01-01 was a Thursday; 0 is Monday. 2025-10-01 was day 20362.
    let weekday = (day + 3).rem_euclid(7);
    let is_28th = day == 20_362 + 27 || day == 20_362 + 31 + 27;
    let hour = second / 3600;
    match number % 10 {
        3 => !(6..22).contains(&hour),
        6 => {
            let lunch = (43_200..45_000).contains(&second);
            weekday != 6 && !is_28th && (8..18).contains(&hour) && !lunch
        }
        8 => match weekday {
            6 => hour == 2,
            5 => false,
            _ => true,
        },
        _ => true,
    }
}
