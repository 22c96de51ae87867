//! `custos snmp suggest`: what a device has, as checks.

use std::io::Write;

use custos_compat::snmp::Oid;

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
    /// A condition, if the column is there.
    condition: Option<(&'static str, &'static str)>,
}

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
        condition: Some(("ifAdminStatus", "1")),
    },
    Known {
        name: "disks",
        about: "fixed disks, in units of hrStorageAllocationUnits bytes",
        index: &["hrStorageDescr"],
        columns: &[&["hrStorageUsed"], &["hrStorageSize"], &["hrStorageAllocationUnits"]],
        condition: Some(("hrStorageType", "\"1.3.6.1.2.1.25.2.1.4\"")),
    },
    Known {
        name: "cpus",
        about: "load of processors, in per cent",
        index: &["hrDeviceDescr", "hrProcessorFrwID"],
        columns: &[&["hrProcessorLoad"]],
        condition: None,
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
    },
    Known {
        name: "power",
        about: "output of the UPS",
        index: &["upsOutputLineIndex"],
        columns: &[&["upsOutputPercentLoad"], &["upsOutputPower"], &["upsOutputVoltage"]],
        condition: None,
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
    }
    for table in &TABLES {
        let Some((line, rows)) = look(table, &device)? else { continue };
        let listed = rows.iter().take(NAMED_MAX).map(|row| printable(row)).collect::<Vec<_>>().join(", ");
        let more = if rows.len() > NAMED_MAX {
            format!(" and {} more", rows.len() - NAMED_MAX)
        } else {
            String::new()
        };
        writeln!(out, "  # {}: {listed}{more}", table.about)?;
        writeln!(out, "{}      table: {line}", head(table.name))?;
    }
    Ok(())
}

/// The YAML of a table, and what its rows are called; none if the device has nothing of it.
fn look(table: &Known, device: &super::device::Asked) -> Result<Option<(String, Vec<String>)>, Failure> {
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
    let condition = table.condition.filter(|(name, _)| is_there(name).is_some());
    let condition =
        condition.map_or(String::new(), |(name, value)| format!(", where: {{ {name}: {value} }}"));
    Ok(Some((format!("{{ index: {index}, columns: [{}]{condition} }}", columns.join(", ")), rows)))
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}
