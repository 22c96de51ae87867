//! `custos snmp suggest`: what a device has, as checks.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;

use custos_compat::snmp::{Oid, Value};

use super::device::{Asked, DeviceArgs};
use super::show;
use crate::cli::read::Failure;
use crate::cli::style::printable;
use crate::mib::Names;
use crate::snmp::{Column, Found, Question};

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
    /// What its rows must be, if the column is there.
    condition: Option<Condition>,
    /// A column that gives the unit in which others count, in bytes.
    unit: Option<&'static str>,
    limits: &'static [Limit],
}

/// What a row must be to count: the `where` of the check.
#[derive(Clone, Copy)]
struct Condition {
    column: &'static str,
    /// The number, or the object identifier, that the column must have.
    wanted: &'static str,
    /// The same in YAML.
    yaml: &'static str,
}

const fn only(column: &'static str, wanted: &'static str, yaml: &'static str) -> Option<Condition> {
    Some(Condition { column, wanted, yaml })
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
        condition: only("ifAdminStatus", "1", "1"),
        unit: None,
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
        about: "fixed disks",
        index: &["hrStorageDescr"],
        columns: &[&["hrStorageUsed"], &["hrStorageSize"], &["hrStorageAllocationUnits"]],
        condition: only("hrStorageType", "1.3.6.1.2.1.25.2.1.4", "\"1.3.6.1.2.1.25.2.1.4\""),
        unit: Some("hrStorageAllocationUnits"),
        // What may be used of a disk depends on its size, which is a metric beside it.
        limits: &[],
    },
    Known {
        name: "cpus",
        about: "load of processors, in per cent",
        index: &["hrDeviceDescr", "hrProcessorFrwID"],
        columns: &[&["hrProcessorLoad"]],
        condition: None,
        unit: None,
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
        unit: None,
        limits: &[limit("entPhySensorOperStatus", (1.0, 1.0), "critical: \"1:1\"")],
    },
    Known {
        name: "power",
        about: "output of the UPS",
        index: &["upsOutputLineIndex"],
        columns: &[&["upsOutputPercentLoad"], &["upsOutputPower"], &["upsOutputVoltage"]],
        condition: None,
        unit: None,
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
        let Some(found) = look(table, &device)? else { continue };
        let Some(suggestion) = found.suggestion(&device.names) else { continue };
        write!(out, "{}", suggestion.comments(table))?;
        if let Some(line) = &suggestion.line {
            write!(out, "{}      table: {line}\n{}", head(table.name), suggestion.thresholds)?;
        }
    }
    Ok(())
}

/// A table that a device has.
#[derive(Debug, PartialEq)]
struct Suggestion {
    /// Its YAML; `None` if none of its rows would count.
    line: Option<String>,
    /// What the rows that count are called.
    rows: Vec<String>,
    /// In which unit its columns are, for a comment.
    unit: Option<String>,
    /// The YAML of limits.
    thresholds: String,
}

impl Suggestion {
    /// What stands above the check: which rows it has, and in which unit.
    fn comments(&self, table: &Known) -> String {
        let Suggestion { line, rows, unit, .. } = self;
        if line.is_none() {
            return format!("  # {}: none\n", table.about);
        }
        let listed = rows.iter().take(NAMED_MAX).map(|row| printable(row)).collect::<Vec<_>>().join(", ");
        let more = match rows.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let unit = unit.as_ref().map_or_else(String::new, |unit| format!("  # {unit}\n"));
        format!("  # {}: {listed}{more}\n{unit}", table.about)
    }
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

/// Reads a table; `None` if a name of it is not known.
fn look(table: &'static Known, device: &Asked) -> Result<Option<Read>, Failure> {
    let wishes: Vec<&str> = table.wishes().collect();
    let roots: Vec<Oid> = wishes.iter().filter_map(|name| device.names.resolve(name).ok()).collect();
    if roots.len() != wishes.len() {
        return Ok(None);
    }
    let columns = show::columns(device, roots.clone())?;
    Ok(Some(Read { table, roots, columns }))
}

impl Known {
    /// All columns that are of interest.
    fn wishes(&self) -> impl Iterator<Item = &'static str> + use<> {
        let condition = self.condition.map(|condition| condition.column);
        self.index.iter().chain(self.columns.iter().copied().flatten()).copied().chain(condition)
    }
}

/// What a device has of a table.
struct Read {
    table: &'static Known,
    /// The columns that were asked for, as in [`Known::wishes`].
    roots: Vec<Oid>,
    columns: Vec<Column>,
}

impl Read {
    /// Where a column is, if the device has it.
    fn place(&self, name: &str) -> Option<usize> {
        let place = self.table.wishes().position(|wish| wish == name)?;
        (!self.columns.get(place)?.varbinds.is_empty()).then_some(place)
    }

    /// The cells of a column, each with the numbers of its row.
    fn cells(&self, place: usize) -> impl Iterator<Item = (&[u32], &Value)> {
        let cells = self.columns[place].varbinds.iter();
        cells.filter_map(move |cell| Some((cell.oid.strip_prefix(&self.roots[place])?, &cell.value)))
    }

    fn cell(&self, place: usize, row: &[u32]) -> Option<&Value> {
        self.cells(place).find(|(of, _)| *of == row).map(|(_, value)| value)
    }

    /// Whether the check will count a row.
    fn counts(&self, row: &[u32], condition: Option<Condition>) -> bool {
        let Some(Condition { column, wanted, .. }) = condition else { return true };
        let value = self.place(column).and_then(|place| self.cell(place, row));
        match value {
            Some(Value::Integer(number)) => number.to_string() == wanted,
            Some(Value::ObjectId(oid)) => oid.to_string() == wanted,
            _ => false,
        }
    }

    /// What is suggested; `None` if the device does not have the table.
    fn suggestion(&self, names: &Names) -> Option<Suggestion> {
        let table = self.table;
        let either = table.columns.iter();
        let columns: Vec<&str> = either
            .filter_map(|either| either.iter().copied().find(|name| self.place(name).is_some()))
            .collect();
        let (index, index_place) = table.index.iter().find_map(|name| Some((*name, self.place(name)?)))?;
        if columns.is_empty() {
            return None;
        }
        let condition = table.condition.filter(|condition| self.place(condition.column).is_some());
        let rows: BTreeSet<&[u32]> = columns
            .iter()
            .filter_map(|name| self.place(name))
            .flat_map(|place| self.cells(place).map(|(row, _)| row))
            .filter(|row| self.counts(row, condition))
            .collect();
        let now = |name: &str| -> Option<Vec<f64>> {
            let place = self.place(name).filter(|_| columns.contains(&name))?;
            Some(
                self.cells(place)
                    .filter(|(row, _)| rows.contains(row))
                    .map(|(_, value)| number(value))
                    .collect(),
            )
        };
        let of_where = condition.map_or(String::new(), |Condition { column, yaml, .. }| {
            format!(", where: {{ {column}: {yaml} }}")
        });
        let line = format!("{{ index: {index}, columns: [{}]{of_where} }}", columns.join(", "));
        Some(Suggestion {
            line: (!rows.is_empty()).then_some(line),
            rows: rows.iter().map(|row| self.row_name(index_place, row, names)).collect(),
            unit: table.unit.map(|unit| unit_comment(unit, now(unit))),
            thresholds: thresholds(table.limits, now),
        })
    }

    /// What the check will call a row.
    fn row_name(&self, index: usize, row: &[u32], names: &Names) -> String {
        let oid = self.roots[index].join(row).unwrap_or_default();
        let shown = self.cell(index, row).map_or_else(String::new, |value| names.show(&oid, value));
        if shown.is_empty() { row.iter().map(u32::to_string).collect::<Vec<_>>().join(".") } else { shown }
    }
}

/// In which unit a table counts bytes, by the values of the column that says so.
fn unit_comment(column: &str, values: Option<Vec<f64>>) -> String {
    let unit = match values.as_deref() {
        None | Some([]) => format!("units that the device does not name: it has no {column}"),
        Some([first, rest @ ..]) if rest.iter().all(|value| value == first) => {
            format!("units of {first} bytes")
        }
        Some(_) => format!("units of {column} bytes, which differ from row to row"),
    };
    format!("sizes are in {unit}; no limit is suggested, because it depends on the size")
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use custos_compat::snmp::VarBind;

    use super::*;

    /// A table whose columns have these values, row 1 first.
    fn read(table: &'static Known, columns: &[(&str, Vec<Value>)]) -> Read {
        let root = |name: &str| Names::builtin().resolve(name).unwrap();
        let cells = |name: &str, values: &[Value]| {
            let cell = |(row, value): (usize, &Value)| VarBind {
                oid: root(name).join(&[row as u32 + 1]).unwrap(),
                value: value.clone(),
            };
            values.iter().enumerate().map(cell).collect()
        };
        let column = |name: &str| {
            let values = columns.iter().find(|(known, _)| *known == name);
            Column { varbinds: values.map_or(Vec::new(), |(_, values)| cells(name, values)), cut: None }
        };
        let wishes: Vec<&str> = table.wishes().collect();
        Read {
            table,
            roots: wishes.iter().map(|name| root(name)).collect(),
            columns: wishes.iter().map(|name| column(name)).collect(),
        }
    }

    fn texts(values: &[&str]) -> Vec<Value> {
        values.iter().map(|text| Value::OctetString(text.as_bytes().to_vec())).collect()
    }

    fn numbers(values: &[i64]) -> Vec<Value> {
        values.iter().map(|number| Value::Integer(*number)).collect()
    }

    fn types(values: &[u32]) -> Vec<Value> {
        let of_type = |number: &u32| Value::ObjectId(format!("1.3.6.1.2.1.25.2.1.{number}").parse().unwrap());
        values.iter().map(of_type).collect()
    }

    fn comments(read: &Read) -> String {
        read.suggestion(Names::builtin()).unwrap().comments(read.table)
    }

    #[test]
    fn comments_name_the_rows_that_count_and_no_others() {
        let ports = read(
            &TABLES[0],
            &[
                ("ifName", texts(&["lo", "ifb0", "ifb1", "eth0"])),
                ("ifAdminStatus", numbers(&[1, 2, 2, 1])),
                ("ifOperStatus", numbers(&[1, 2, 2, 1])),
            ],
        );
        assert!(comments(&ports).ends_with("interfaces that are meant to be up: lo, eth0\n"));
        assert!(
            ports.suggestion(Names::builtin()).unwrap().thresholds.contains("      - { metric: ifOperStatus")
        );
        // Of all devices only the processors have a load.
        let mut cpus = read(&TABLES[2], &[("hrDeviceDescr", texts(&["CPU", "network", ""]))]);
        let load = TABLES[2].wishes().position(|wish| wish == "hrProcessorLoad").unwrap();
        for row in [1, 3] {
            let oid = cpus.roots[load].join(&[row]).unwrap();
            cpus.columns[load].varbinds.push(VarBind { oid, value: Value::Integer(5) });
        }
        assert!(comments(&cpus).ends_with(": CPU, 3\n"), "{}", comments(&cpus));
    }

    #[test]
    fn units_of_disks_are_those_of_the_rows_that_count() {
        let disks = |units: &[i64], kinds: &[u32]| {
            let names = texts(&["Physical memory", "/", "/boot"]);
            let used = numbers(&[5, 6, 7]);
            let columns = [
                ("hrStorageDescr", names),
                ("hrStorageUsed", used),
                ("hrStorageType", types(kinds)),
                ("hrStorageAllocationUnits", numbers(units)),
            ];
            comments(&read(&TABLES[1], &columns))
        };
        let rest = "; no limit is suggested, because it depends on the size\n";
        let same = disks(&[1024, 4096, 4096], &[2, 4, 4]);
        assert_eq!(same, format!("  # fixed disks: /, /boot\n  # sizes are in units of 4096 bytes{rest}"));
        let differing = disks(&[1024, 4096, 512], &[2, 4, 4]);
        assert!(differing.contains("units of hrStorageAllocationUnits bytes, which differ"), "{differing}");
        let silent = disks(&[], &[2, 4, 4]);
        assert!(silent.contains("units that the device does not name"), "{silent}");
        assert_eq!(disks(&[1024, 4096, 512], &[2, 3, 3]), "  # fixed disks: none\n");
    }
}
