//! `custos snmp suggest`: what a device has, as checks.

use std::fmt::Write as _;
use std::io::Write;

use custos_compat::snmp::{Oid, Value};

use super::device::DeviceArgs;
use super::show;
use crate::cli::read::Failure;
use crate::cli::style::printable;
use crate::snmp::{Found, Question};

/// Rows that a comment names.
const NAMED_MAX: usize = 8;

/// A table that many devices have.
struct Known {
    /// What the check is named, behind the device.
    name: &'static str,
    /// What it is about, for a comment.
    about: &'static str,
    /// Columns that may tell its rows apart, the best first.
    index: &'static [&'static str],
    /// Columns of which those that are there become metrics. Of two in one entry the first that is there is taken.
    columns: &'static [&'static [&'static str]],
    /// A condition, if the column is there: the column, its value in YAML, and that number.
    condition: Option<(&'static str, &'static str, Option<i64>)>,
    limits: &'static [Limit],
}

/// A limit that makes sense on most devices. It is left out where it would alert at once, for then somebody has to decide
/// what is normal there.
struct Limit {
    /// The column, or the label of a variable.
    metric: &'static str,
    /// Its lowest and highest value that is well.
    well: (f64, f64),
    /// The keys behind `metric`.
    keys: &'static str,
}

/// A limit on what a gauge may be.
const fn limit(metric: &'static str, well: (f64, f64), keys: &'static str) -> Limit {
    Limit { metric, well, keys }
}

/// A limit on how fast a counter grows: none is beyond it at the first look.
const fn rate(metric: &'static str, keys: &'static str) -> Limit {
    limit(metric, (f64::NEG_INFINITY, f64::INFINITY), keys)
}

/// More errors than this each second are a bad cable or a duplex that does not match.
const ERRORS: &str = "warning: \"~:1\", critical: \"~:100\", rate: true, for: 5m";
/// Discards are usual where a port is full for a moment.
const DISCARDS: &str = "warning: \"~:100\", rate: true, for: 15m";

const TABLES: [Known; 5] = [
    Known {
        name: "ports",
        about: "traffic, errors and state of interfaces that are meant to be up",
        index: &["ifName", "ifDescr"],
        columns: &[
            &["ifHCInOctets", "ifInOctets"],
            &["ifHCOutOctets", "ifOutOctets"],
            &["ifInErrors"],
            &["ifOutErrors"],
            &["ifInDiscards"],
            &["ifOutDiscards"],
            &["ifOperStatus"],
        ],
        condition: Some(("ifAdminStatus", "1", Some(1))),
        limits: &[
            rate("ifInErrors", ERRORS),
            rate("ifOutErrors", ERRORS),
            rate("ifInDiscards", DISCARDS),
            rate("ifOutDiscards", DISCARDS),
            limit("ifOperStatus", (1.0, 1.0), "critical: \"1:1\""),
        ],
    },
    Known {
        name: "disks",
        about: "fixed disks, in units of hrStorageAllocationUnits bytes",
        index: &["hrStorageDescr"],
        columns: &[&["hrStorageUsed"], &["hrStorageSize"], &["hrStorageAllocationUnits"]],
        condition: Some(("hrStorageType", "\"1.3.6.1.2.1.25.2.1.4\"", None)),
        // What may be used of a disk depends on its size, which is a metric beside it.
        limits: &[],
    },
    Known {
        name: "cpus",
        about: "load of processors, in per cent",
        index: &["hrDeviceDescr", "hrProcessorFrwID"],
        columns: &[&["hrProcessorLoad"]],
        condition: None,
        limits: &[limit("hrProcessorLoad", (0.0, 90.0), "warning: 90, critical: 98, for: 15m")],
    },
    Known {
        name: "sensors",
        about: "temperature, voltage and so on, each in the unit and scale that the device tells",
        index: &["entPhysicalName", "entPhysicalDescr"],
        columns: &[
            &["entPhySensorValue"],
            &["entPhySensorType"],
            &["entPhySensorScale"],
            &["entPhySensorOperStatus"],
        ],
        condition: None,
        limits: &[limit("entPhySensorOperStatus", (1.0, 1.0), "critical: \"1:1\"")],
    },
    Known {
        name: "power",
        about: "output of the UPS",
        index: &["upsOutputLineIndex"],
        columns: &[&["upsOutputPercentLoad"], &["upsOutputPower"], &["upsOutputVoltage"]],
        condition: None,
        limits: &[limit("upsOutputPercentLoad", (0.0, 80.0), "warning: 80, critical: 95")],
    },
];

/// Single variables that many devices have, with the label that they get.
const VARIABLES: [(&str, &str); 9] = [
    ("uptime", "sysUpTime.0"),
    ("load1", "laLoad.1"),
    ("load5", "laLoad.2"),
    ("load15", "laLoad.3"),
    ("memory_total", "memTotalReal.0"),
    ("memory_available", "memAvailReal.0"),
    ("battery_status", "upsBatteryStatus.0"),
    ("battery_charge", "upsEstimatedChargeRemaining.0"),
    ("battery_minutes", "upsEstimatedMinutesRemaining.0"),
];

/// Limits on them. A battery's status is 2 where it is normal.
const LIMITS: [Limit; 3] = [
    limit("battery_status", (2.0, 2.0), "critical: \"2:2\""),
    limit("battery_charge", (50.0, f64::INFINITY), "warning: \"50:\", critical: \"20:\""),
    limit("battery_minutes", (10.0, f64::INFINITY), "warning: \"10:\", critical: \"5:\""),
];

/// Writes the checks.
pub(super) fn suggest(args: &DeviceArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let device = args.find()?;
    let known: Vec<(&str, &str, Oid)> = VARIABLES
        .into_iter()
        .filter_map(|(label, name)| Some((label, name, device.names.resolve(name).ok()?)))
        .collect();
    let asked = known.iter().map(|(_, _, oid)| oid.clone()).collect();
    let Found::Values(values) = device.ask(Question::Get(asked))?.found else { return Ok(()) };
    let there: Vec<String> = known
        .iter()
        .zip(&values)
        .filter(|(_, value)| value.is_ok())
        .map(|((label, name, _), _)| format!("{label}: {name}"))
        .collect();
    let prefix: String =
        args.target.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let port = if device.port == device.profile.port {
        String::new()
    } else {
        format!("      port: {}\n", device.port)
    };
    let head = |name: &str| {
        let (target, profile) = (quoted(&args.target), quoted(&device.profile.name));
        format!("  {prefix}_{name}:\n    snmp:\n      target: {target}\n{port}      profile: {profile}\n")
    };
    writeln!(out, "checks:")?;
    if !there.is_empty() {
        writeln!(out, "{}      get: {{ {} }}", head("system"), there.join(", "))?;
        let now = |label: &str| {
            let place = known.iter().position(|(known, ..)| *known == label)?;
            Some(vec![number(values.get(place)?.as_ref().ok()?)])
        };
        write!(out, "{}", thresholds(&LIMITS, now))?;
    }
    for table in &TABLES {
        let Some(Suggestion { line, rows, thresholds }) = look(table, &device)? else { continue };
        let listed = rows.iter().take(NAMED_MAX).map(|row| printable(row)).collect::<Vec<_>>().join(", ");
        let more = if rows.len() > NAMED_MAX {
            format!(" and {} more", rows.len() - NAMED_MAX)
        } else {
            String::new()
        };
        writeln!(out, "  # {}: {listed}{more}", table.about)?;
        write!(out, "{}      table: {line}\n{thresholds}", head(table.name))?;
    }
    Ok(())
}

/// A table that a device has.
struct Suggestion {
    /// Its YAML.
    line: String,
    /// What its rows are called.
    rows: Vec<String>,
    /// The YAML of limits.
    thresholds: String,
}

/// A value as a number, for limits.
fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Gauge32(number) | Value::Counter32(number) => f64::from(*number),
        _ => f64::NAN,
    }
}

/// The YAML of those limits that can be judged and are kept now. `now` gives the values of a metric, if it is there.
fn thresholds(limits: &[Limit], now: impl Fn(&str) -> Option<Vec<f64>>) -> String {
    let mut page = String::new();
    for Limit { metric, well, keys } in limits {
        let Some(values) = now(metric) else { continue };
        let beyond = values.iter().filter(|value| !(well.0..=well.1).contains(*value)).count();
        // Writing to a string cannot fail.
        let _ = match beyond {
            0 => writeln!(page, "      - {{ metric: {metric}, {keys} }}"),
            _ => {
                let many = values.len();
                writeln!(page, "      # {beyond} of {many} would alert now: {{ metric: {metric}, {keys} }}")
            }
        };
    }
    let any = page.lines().any(|line| line.starts_with("      -"));
    if any { format!("    thresholds:\n{page}") } else { page }
}

/// What is suggested for a table; `None` if the device does not have it.
fn look(table: &Known, device: &super::device::Asked) -> Result<Option<Suggestion>, Failure> {
    let condition = table.condition.map(|condition| condition.0);
    let wishes: Vec<&str> =
        table.index.iter().chain(table.columns.iter().copied().flatten()).copied().chain(condition).collect();
    let roots: Vec<Oid> = wishes.iter().filter_map(|name| device.names.resolve(name).ok()).collect();
    if roots.len() != wishes.len() {
        return Ok(None);
    }
    let found = show::columns(device, roots.clone())?;
    let is_there = |name: &str| {
        wishes.iter().position(|wish| *wish == name).filter(|place| !found[*place].varbinds.is_empty())
    };
    let columns: Vec<&str> = table
        .columns
        .iter()
        .filter_map(|either| either.iter().copied().find(|name| is_there(name).is_some()))
        .collect();
    let index = table.index.iter().copied().find_map(|name| Some((name, is_there(name)?)));
    let (Some((index, place)), false) = (index, columns.is_empty()) else { return Ok(None) };
    let rows =
        found[place].varbinds.iter().map(|varbind| device.names.show(&varbind.oid, &varbind.value)).collect();
    let condition = table.condition.filter(|(name, ..)| is_there(name).is_some());
    // The rows that fulfil it, if it asks for a number.
    let wanted = condition
        .and_then(|(name, _, wanted)| Some((is_there(name)?, f64::from(i32::try_from(wanted?).ok()?))));
    let counts = |row: &[u32]| {
        wanted.is_none_or(|(place, wanted)| {
            let mut cells = found[place].varbinds.iter();
            cells.any(|cell| cell.oid.ids().ends_with(row) && number(&cell.value) == wanted)
        })
    };
    let now = |name: &str| {
        let place = is_there(name).filter(|_| columns.contains(&name))?;
        let cells = found[place].varbinds.iter();
        let cells = cells.filter(|cell| counts(&cell.oid.ids()[roots[place].len()..]));
        Some(cells.map(|cell| number(&cell.value)).collect())
    };
    let thresholds = thresholds(table.limits, now);
    let condition =
        condition.map_or(String::new(), |(name, value, _)| format!(", where: {{ {name}: {value} }}"));
    let line = format!("{{ index: {index}, columns: [{}]{condition} }}", columns.join(", "));
    Ok(Some(Suggestion { line, rows, thresholds }))
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}
