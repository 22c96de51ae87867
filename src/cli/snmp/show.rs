//! `custos snmp get`, `walk` and `table`.

use std::collections::BTreeMap;
use std::io::Write;

use custos_compat::snmp::{Oid, Value};

use super::device::{Asked, DeviceArgs};
use crate::cli::read::Failure;
use crate::cli::style::printable;
use crate::limits::SNMP_VARBINDS_MAX;
use crate::mib::{Names, Syntax};
use crate::snmp::{Column, Found, Question};

/// Widest column of a table, in characters; what is longer is cut.
const CELL_MAX_CHARS: usize = 40;

/// Which device, and which of its objects.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ObjectArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// Objects, by number or by name
    #[arg(required = true, value_name = "OID")]
    objects: Vec<String>,
    /// Show numbers instead of names
    #[arg(long, short)]
    numeric: bool,
}

/// Shows values by name.
pub(super) fn get(args: &ObjectArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let device = args.device.find()?;
    let oids = device.resolve(&args.objects)?;
    let Found::Values(values) = device.ask(Question::Get(oids.clone()))?.found else { return Ok(()) };
    let mut missing = 0;
    for (oid, value) in oids.iter().zip(values) {
        let name = name(oid, &device, args);
        match value {
            Ok(value) => writeln!(out, "{name} = {}", shown(oid, &value, &device, args))?,
            Err(absence) => {
                missing += 1;
                writeln!(out, "{name}: {absence}")?;
            }
        }
    }
    match missing {
        0 => Ok(()),
        1 => Err(Failure::new("1 object has no value")),
        _ => Err(Failure::new(format!("{missing} objects have no value"))),
    }
}

/// Shows everything below objects.
pub(super) fn walk(args: &ObjectArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let device = args.device.find()?;
    let roots = device.resolve(&args.objects)?;
    // One after the other: side by side is for columns of one table.
    for root in &roots {
        let columns = columns(&device, vec![root.clone()])?;
        for column in &columns {
            for varbind in &column.varbinds {
                let name = name(&varbind.oid, &device, args);
                writeln!(out, "{name} = {}", shown(&varbind.oid, &varbind.value, &device, args))?;
            }
        }
        whole(&columns, root, &device.names)?;
    }
    Ok(())
}

/// Shows columns side by side.
pub(super) fn table(args: &ObjectArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let device = args.device.find()?;
    let roots: Vec<Oid> =
        device.resolve(&args.objects)?.into_iter().flat_map(|oid| columns_of(oid, &device.names)).collect();
    let columns = columns(&device, roots.clone())?;
    let mut rows: BTreeMap<&[u32], Vec<String>> = BTreeMap::new();
    for (place, (root, column)) in roots.iter().zip(&columns).enumerate() {
        for varbind in &column.varbinds {
            let Some(index) = varbind.oid.strip_prefix(root) else { continue };
            let row = rows.entry(index).or_insert_with(|| vec![String::new(); roots.len()]);
            row[place] = shown(&varbind.oid, &varbind.value, &device, args);
        }
    }
    // Columns that the device has not are not shown.
    let filled: Vec<usize> = (0..roots.len()).filter(|place| !columns[*place].varbinds.is_empty()).collect();
    let mut lines = vec![
        std::iter::once("index".to_owned())
            .chain(filled.iter().map(|place| name(&roots[*place], &device, args)))
            .collect::<Vec<_>>(),
    ];
    lines.extend(rows.into_iter().map(|(index, cells)| {
        let index = index.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        std::iter::once(index).chain(filled.iter().map(|place| cells[*place].clone())).collect()
    }));
    write_aligned(&lines, out)?;
    for (root, column) in roots.iter().zip(&columns) {
        whole(std::slice::from_ref(column), root, &device.names)?;
    }
    Ok(())
}

/// The columns of a table or of its row; anything else is a column itself.
fn columns_of(oid: Oid, names: &Names) -> Vec<Oid> {
    let depth = match names.object(&oid) {
        Some((object, [])) if object.syntax == Syntax::Table => 2,
        Some((object, [])) if object.syntax == Syntax::Row => 1,
        _ => return vec![oid],
    };
    let below = names.objects().filter(|object| object.oid.len() == oid.len() + depth);
    let mut columns: Vec<Oid> = below
        .filter(|object| object.syntax.has_value() && object.oid.starts_with(&oid))
        .map(|object| object.oid.clone())
        .collect();
    columns.sort();
    columns.dedup();
    if columns.is_empty() { vec![oid] } else { columns }
}

pub(super) fn columns(device: &Asked, roots: Vec<Oid>) -> Result<Vec<Column>, Failure> {
    match device.ask(Question::Walk { roots, rows_max: SNMP_VARBINDS_MAX })?.found {
        Found::Columns(columns) => Ok(columns),
        Found::Values(_) => Ok(Vec::new()),
    }
}

fn whole(columns: &[Column], root: &Oid, names: &Names) -> Result<(), Failure> {
    match columns.iter().find_map(|column| column.cut) {
        None => Ok(()),
        Some(cut) => Err(Failure::new(format!("failed to read all of {}: {cut}", names.name(root)))),
    }
}

fn name(oid: &Oid, device: &Asked, args: &ObjectArgs) -> String {
    if args.numeric { oid.to_string() } else { device.names.name(oid) }
}

fn shown(oid: &Oid, value: &Value, device: &Asked, args: &ObjectArgs) -> String {
    let text = match value {
        Value::Integer(number) if args.numeric => number.to_string(),
        Value::TimeTicks(ticks) if args.numeric => ticks.to_string(),
        Value::ObjectId(oid) if args.numeric => oid.to_string(),
        value => device.names.show(oid, value),
    };
    printable(&text).into_owned()
}

fn write_aligned(lines: &[Vec<String>], out: &mut dyn Write) -> Result<(), Failure> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let chars = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count());
        chars.max().unwrap_or(0).min(CELL_MAX_CHARS)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let cut = cell.chars().count() > CELL_MAX_CHARS;
                let kept = if cut { CELL_MAX_CHARS - 1 } else { CELL_MAX_CHARS };
                let mut text: String = cell.chars().take(kept).collect();
                if cut {
                    text.push('…');
                }
                format!("{text:<width$}")
            })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
