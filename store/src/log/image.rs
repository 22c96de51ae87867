//! One log file in memory: an image that readers share while it goes on growing.
//!
//! The image has the file's bytes and the runs in them, in order of arrival and by check. A clone costs some pointers and
//! stays as it is when the original reads on (`read.rs`), so the rows of a snapshot are read without a lock.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::ends::End;
use super::instances::{InstancesAt, LogInstances};
use super::pieces::Pieces;
use super::reading::Reading;
use super::row::RowView;
use super::row_ref::RowRef;
use super::schema::Schema;
use crate::blocks::Blocks;
use crate::bytes::{Cursor, Short};
use crate::damage::Damage;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::instances::Instances;
use crate::names::log_name;
use crate::own_name::own_name;
use crate::position::Position;
use crate::run::Run;

/// A part of the file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDamage {
    /// Offset in the file.
    pub(crate) offset: u64,
    /// What does not hold.
    pub(crate) what: &'static str,
    /// Number of the first run that may have been there.
    pub(crate) start: u64,
    /// Number of the next run that can be read; none if there is none yet.
    pub(crate) end: Option<u64>,
    /// The check that the lost runs belong to, if it is known and one alone.
    pub(crate) check: Option<Arc<str>>,
    /// How many runs are lost, if not all with these numbers are.
    pub(crate) runs: Option<u64>,
}

/// Runs of one frame whose instances are not known, as those that they go on from are lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct WithoutBase {
    first: u64,
    last: u64,
    runs: u64,
    /// Index of the check, if they are all of one.
    check: Option<u32>,
}

impl WithoutBase {
    /// With one more run.
    pub(super) fn and(before: Option<WithoutBase>, seq: u64, check: Option<u32>) -> WithoutBase {
        let Some(before) = before else {
            return WithoutBase { first: seq, last: seq, runs: 1, check };
        };
        let check = before.check.filter(|before| Some(*before) == check);
        WithoutBase { last: seq, runs: before.runs + 1, check, ..before }
    }
}

/// The metrics that some runs of a check have.
#[derive(Debug)]
pub(super) struct Definition {
    /// Index of the check.
    pub(super) check: u32,
    pub(super) schema: Schema,
    /// The names that some of these have of their own, ascending.
    own_names: Box<[String]>,
}

impl Definition {
    fn new(check: u32, schema: Schema) -> Definition {
        let own: BTreeSet<&str> =
            schema.metrics.iter().filter_map(|(series, _)| own_name(&series.labels)).collect();
        let own_names = own.into_iter().map(str::to_owned).collect();
        Definition { check, schema, own_names }
    }
}

/// The runs that have a definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) runs: u64,
    /// The earliest, in ms since the epoch.
    pub(crate) first_ms: i64,
    /// The latest.
    pub(crate) last_ms: i64,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
}

impl Use {
    const NONE: Use = Use { runs: 0, first_ms: i64::MAX, last_ms: i64::MIN, seq_min: u64::MAX, seq_max: 0 };

    fn add(&mut self, row: &RowRef) {
        self.runs += 1;
        self.first_ms = self.first_ms.min(row.time_ms);
        self.last_ms = self.last_ms.max(row.time_ms);
        self.seq_min = self.seq_min.min(row.seq);
        self.seq_max = self.seq_max.max(row.seq);
    }
}

/// One check of the log.
#[derive(Clone, Debug)]
pub(super) struct CheckLog {
    name: Arc<str>,
    /// Indexes of its runs in order of arrival.
    rows: Blocks<u32, 256>,
    /// The order of arrival is that of time.
    ordered: bool,
    last_ms: i64,
    /// What instances its runs have, if any has some.
    instances: Option<LogInstances>,
}

/// A log file in memory.
#[derive(Clone)]
pub(crate) struct LogImage {
    /// None for an image that was made from bytes.
    pub(super) file: Option<Arc<dyn DiskFile>>,
    name: Arc<str>,
    pub(super) start: u64,
    /// Runs from this number on belong to the next file, or were refused.
    pub(super) end: u64,
    /// The run before that number was there.
    pub(super) end_is_exact: bool,
    /// Number of the first run of the next file.
    pub(super) next: u64,
    /// It has runs with numbers of the next file, so one of the two is not what it seems.
    pub(super) overlaps: bool,
    pub(super) pieces: Pieces,
    /// All runs in order of arrival.
    rows: Blocks<RowRef, 1024>,
    names: Arc<HashMap<Arc<str>, u32>>,
    checks: Blocks<CheckLog, 32>,
    definitions: Blocks<Arc<Definition>, 64>,
    /// By index of the definition.
    uses: Blocks<Use, 64>,
    damages: Arc<Vec<LogDamage>>,
    pub(super) torn: Option<(u64, usize)>,
    pub(super) reading: Reading,
}

impl LogImage {
    /// Opens a log whose runs end there. Reads nothing yet.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be opened although it is there.
    pub(crate) fn open(disk: &dyn Disk, start: u64, end: End) -> Result<LogImage> {
        let name = log_name(start);
        let file = disk.open(&name).map_err(Error::open(disk.path().join(&name)))?;
        Ok(LogImage::over(Arc::from(file), &name, start, end))
    }

    /// A log that is open, under whatever name. Reads nothing yet.
    pub(crate) fn over(file: Arc<dyn DiskFile>, name: &str, start: u64, end: End) -> LogImage {
        LogImage { file: Some(file), ..LogImage::empty(name, start, end) }
    }

    pub(super) fn empty(name: &str, start: u64, end: End) -> LogImage {
        LogImage {
            file: None,
            name: Arc::from(name),
            start,
            end: end.before,
            end_is_exact: end.exact,
            next: end.next,
            overlaps: false,
            pieces: Pieces::default(),
            rows: Blocks::default(),
            names: Arc::default(),
            checks: Blocks::default(),
            definitions: Blocks::default(),
            uses: Blocks::default(),
            damages: Arc::default(),
            torn: None,
            reading: Reading::default(),
        }
    }

    /// The file's name in the store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Number of the first run that it can have.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Runs from this number on belong to the next file, or were refused.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Its runs turn out to end there.
    pub(crate) fn set_end(&mut self, end: End) {
        if self.last_seq().is_some_and(|last| last >= end.next) {
            self.overlap(end.next);
        }
        let left = self.rows.partition_point(|row| row.seq < end.before);
        if left < self.rows.len() {
            self.rows.truncate(left);
            for index in 0..self.checks.len() {
                if let Some(check) = self.checks.get_mut(index) {
                    let of_check = check.rows.partition_point(|row| (*row as usize) < left);
                    check.rows.truncate(of_check);
                }
            }
            for index in 0..self.uses.len() {
                if let Some(of_definition) = self.uses.get_mut(index) {
                    *of_definition = Use::NONE;
                }
            }
            for row in self.rows.iter() {
                if let Some(of_definition) = self.uses.get_mut(row.schema as usize) {
                    of_definition.add(row);
                }
            }
        }
        (self.end, self.end_is_exact, self.next) = (end.before, end.exact, end.next);
    }

    /// Notes that runs from this number on are here and seem to be in the next file too.
    pub(super) fn overlap(&mut self, seq: u64) {
        if !std::mem::replace(&mut self.overlaps, true) {
            let what = "it has runs with the numbers of the file after it, which hides them";
            let (offset, end) = (self.parsed(), Some(seq));
            let damage = LogDamage { offset, what, start: seq, end, check: None, runs: None };
            Arc::make_mut(&mut self.damages).push(damage);
        }
    }

    /// `true` if it has runs with numbers of the next file.
    pub(crate) fn overlaps(&self) -> bool {
        self.overlaps
    }

    /// The number of the first run of the frame read last.
    pub(crate) fn last_frame(&self) -> u64 {
        self.reading.last_frame.unwrap_or(self.start)
    }

    /// The highest number read so far.
    pub(crate) fn last_seq(&self) -> Option<u64> {
        self.reading.last_seq
    }

    /// Parts that could not be read, and what is missing at the end.
    pub(crate) fn damages(&self) -> Vec<LogDamage> {
        let mut damages = self.damages.to_vec();
        let (start, end) = (self.next_seq(), self.end);
        if self.end_is_exact && start < end {
            match damages.last_mut().filter(|last| last.end.is_none()) {
                Some(last) => last.end = Some(end),
                None => {
                    let what = "runs at the end of the log are missing";
                    let (offset, end) = (self.parsed(), Some(end));
                    damages.push(LogDamage { offset, what, start, end, check: None, runs: None });
                }
            }
        }
        damages
    }

    /// The same with the path of the file, for whoever is not concerned with logs.
    pub(crate) fn damages_in(&self, path: &Path) -> Vec<Damage> {
        let damage = |damage: LogDamage| Damage {
            file: path.to_path_buf(),
            offset: damage.offset,
            what: damage.what.to_owned(),
            check: damage.check.map(|check| check.to_string()),
            start: Position(damage.start),
            end: Position(damage.end.unwrap_or(self.end)),
            runs: damage.runs.or(damage.end.map(|end| end.saturating_sub(damage.start))),
            samples: None,
        };
        self.damages().into_iter().map(damage).collect()
    }

    /// Where the file ends in bytes that are neither frames nor zeros: (offset, length). That is what was being written
    /// when the writer ended, or damage to the very last frame.
    pub(crate) fn torn_tail(&self) -> Option<(u64, usize)> {
        self.torn
    }

    /// The checks with their runs.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&str, CheckRows<'_>)> {
        self.checks.iter().map(|check| (&*check.name, CheckRows { rows: &self.rows, check: Some(check) }))
    }

    /// The runs of one check.
    pub(crate) fn rows(&self, check: &str) -> CheckRows<'_> {
        let check = self.names.get(check).and_then(|index| self.checks.get(*index as usize));
        CheckRows { rows: &self.rows, check }
    }

    /// The runs of all checks from a number on, in order of arrival.
    pub(crate) fn arrivals(&self, from: u64) -> impl Iterator<Item = &RowRef> {
        self.rows.iter_from(self.rows.partition_point(|row| row.seq < from))
    }

    /// How many runs there are from one number to before another.
    pub(crate) fn count_between(&self, from: u64, until: u64) -> u64 {
        let before = |number: u64| self.rows.partition_point(|row| row.seq < number);
        before(until).saturating_sub(before(from)) as u64
    }

    /// Check, metrics and use of each definition that some run has.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = (&str, &Schema, &Use)> {
        let used =
            self.definitions.iter().zip(self.uses.iter()).filter(|(_, of_definition)| of_definition.runs > 0);
        used.filter_map(|(definition, of_definition)| {
            let check = self.checks.get(definition.check as usize)?;
            Some((&*check.name, &definition.schema, of_definition))
        })
    }

    /// The checks of which series have names of their own, with these names; a check may be there several times.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = (&str, &[String])> {
        let own = self.definitions.iter().filter(|definition| !definition.own_names.is_empty());
        own.filter_map(|definition| {
            let check = self.checks.get(definition.check as usize)?;
            Some((&*check.name, &*definition.own_names))
        })
    }

    fn definition(&self, row: &RowRef) -> &Definition {
        self.definitions
            .get(row.schema as usize)
            .expect("a row refers to a definition that was read before it")
    }

    /// The schema of a run.
    pub(crate) fn schema(&self, row: &RowRef) -> &Schema {
        &self.definition(row).schema
    }

    /// The check of a run.
    pub(crate) fn check(&self, row: &RowRef) -> &Arc<str> {
        let check = self.checks.get(self.definition(row).check as usize);
        &check.expect("a definition refers to a check that was read before it").name
    }

    /// A run taken apart.
    pub(crate) fn view(&self, disk: &dyn Disk, row: &RowRef) -> Result<RowView<'_>> {
        let mut cursor = Cursor::new(self.pieces.from(u64::from(row.at)));
        RowView::get(&mut cursor, row.time_ms, self.schema(row)).map_err(self.malformed(disk, row))
    }

    fn malformed(&self, disk: &dyn Disk, row: &RowRef) -> impl FnOnce(Short) -> Error {
        move |Short| {
            Error::damaged(disk.path().join(&*self.name), u64::from(row.at), "a run is not well formed")
        }
    }

    /// The instances of a run.
    pub(crate) fn instances(&self, disk: &dyn Disk, row: &RowRef) -> Result<Instances> {
        let definition = self.definition(row);
        if !definition.schema.instances {
            return Ok(Instances::default());
        }
        let check = self.checks.get(definition.check as usize);
        let known = check.and_then(|check| check.instances.as_ref()).ok_or(Short);
        known.and_then(|known| known.at(&self.pieces, row.at)).map_err(self.malformed(disk, row))
    }

    /// A run in full.
    pub(crate) fn run(&self, disk: &dyn Disk, row: &RowRef) -> Result<Run> {
        let run = self.view(disk, row)?.into_run(self.schema(row));
        Ok(Run { instances: self.instances(disk, row)?, ..run })
    }

    /// Which schema a run has, as an index that holds for this image. Runs of the same metrics mostly have the same.
    pub(crate) fn schema_index(&self, row: &RowRef) -> usize {
        row.schema as usize
    }

    /// The definition of some metrics of a check, which may be there already.
    pub(super) fn define(&mut self, known: Option<u32>, check: u32, schema: Schema) -> u32 {
        let same = |at: &u32| {
            let definition = self.definitions.get(*at as usize);
            definition.is_some_and(|definition| definition.check == check && definition.schema == schema)
        };
        known.filter(same).unwrap_or_else(|| {
            self.definitions.push(Arc::new(Definition::new(check, schema)));
            self.uses.push(Use::NONE);
            self.definitions.len() as u32 - 1
        })
    }

    /// Index of the check that a definition is of.
    pub(super) fn check_of(&self, schema: u32) -> Option<u32> {
        self.definitions.get(schema as usize).map(|definition| definition.check)
    }

    /// The metrics of a definition.
    pub(super) fn defined(&self, index: u32) -> std::result::Result<&Schema, Short> {
        self.definitions.get(index as usize).map(|definition| &definition.schema).ok_or(Short)
    }

    /// Takes in what a run says of its instances; `false` if what it has cannot be known. `epoch` counts what is missing
    /// before it.
    pub(super) fn follow_instances(&mut self, row: &RowRef, change: Option<InstancesAt>, epoch: u64) -> bool {
        let check = self.definition(row).check as usize;
        let known = self.checks.get(check).and_then(|check| check.instances.as_ref());
        if change.is_none() {
            return known.is_some_and(|known| known.is_current(epoch));
        }
        let check = self.checks.get_mut(check).map(|check| check.instances.get_or_insert_default());
        check.zip(change).is_some_and(|(known, change)| known.follow(row, change, epoch))
    }

    /// Adds a run that came after all others.
    pub(super) fn push(&mut self, row: RowRef) {
        let index = self.rows.len() as u32;
        let check = self.definition(&row).check as usize;
        self.rows.push(row);
        if let Some(of_definition) = self.uses.get_mut(row.schema as usize) {
            of_definition.add(&row);
        }
        if let Some(check) = self.checks.get_mut(check) {
            check.ordered &= check.rows.len() == 0 || check.last_ms <= row.time_ms;
            check.last_ms = row.time_ms;
            check.rows.push(index);
        }
    }

    pub(super) fn check_index(&mut self, name: &str) -> u32 {
        if let Some(index) = self.names.get(name) {
            return *index;
        }
        let (name, index) = (Arc::<str>::from(name), self.checks.len() as u32);
        let check = CheckLog {
            name: Arc::clone(&name),
            rows: Blocks::default(),
            ordered: true,
            last_ms: 0,
            instances: None,
        };
        self.checks.push(check);
        Arc::make_mut(&mut self.names).insert(name, index);
        index
    }

    /// Notes what cannot be read; `end` is the number of the next run, where known.
    pub(super) fn damage(&mut self, offset: u64, what: &'static str, start: u64, end: Option<u64>) {
        let damage = LogDamage { offset, what, start, end, check: None, runs: None };
        Arc::make_mut(&mut self.damages).push(damage);
    }

    /// Notes runs of a frame that cannot be read as it is not known what their instances are.
    pub(super) fn damage_of_instances(&mut self, offset: u64, lost: &WithoutBase) {
        let check = lost.check.and_then(|index| self.checks.get(index as usize));
        let damage = LogDamage {
            offset,
            what: "a frame has runs whose instances are lost",
            start: lost.first,
            end: Some(lost.last.saturating_add(1)),
            check: check.map(|check| Arc::clone(&check.name)),
            runs: Some(lost.runs),
        };
        Arc::make_mut(&mut self.damages).push(damage);
    }

    /// The next run that can be read has this number.
    pub(super) fn end_damage(&mut self, seq: u64) {
        if self.damages.last().is_some_and(|damage| damage.end.is_none())
            && let Some(last) = Arc::make_mut(&mut self.damages).last_mut()
        {
            last.end = Some(seq.max(last.start));
        }
    }
}

/// The runs of one check in a log.
#[derive(Clone, Copy)]
pub(crate) struct CheckRows<'a> {
    rows: &'a Blocks<RowRef, 1024>,
    /// None if the log has no such check.
    check: Option<&'a CheckLog>,
}

impl<'a> CheckRows<'a> {
    pub(crate) fn len(&self) -> usize {
        self.check.map_or(0, |check| check.rows.len())
    }

    /// In order of arrival.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &'a RowRef> + use<'a> {
        let rows = self.rows;
        self.check
            .into_iter()
            .flat_map(|check| check.rows.iter())
            .filter_map(|index| rows.get(*index as usize))
    }

    /// From a number on, in order of arrival.
    pub(crate) fn iter_from(&self, seq: u64) -> impl Iterator<Item = &'a RowRef> + use<'a> {
        let rows = self.rows;
        let before = |index: &u32| rows.get(*index as usize).is_some_and(|row| row.seq < seq);
        let first = self.check.map_or(0, |check| check.rows.partition_point(before));
        let indexes = self.check.into_iter().flat_map(move |check| check.rows.iter_from(first));
        indexes.filter_map(|index| rows.get(*index as usize))
    }

    /// The n-th that arrived.
    pub(crate) fn get(&self, n: usize) -> Option<&'a RowRef> {
        self.row(*self.check?.rows.get(n)?)
    }

    /// Those in a span of time, in order of arrival. Where that is the order of time, no others are looked at.
    pub(crate) fn within(&self, span: &RangeInclusive<i64>) -> Vec<&'a RowRef> {
        let Some(check) = self.check else { return Vec::new() };
        let found = check.rows.iter_from(self.first(check, span)).filter_map(|index| self.row(*index));
        if check.ordered {
            return found.take_while(|row| span.contains(&row.time_ms)).collect();
        }
        found.filter(|row| span.contains(&row.time_ms)).collect()
    }

    /// The least and the greatest time in a span.
    pub(crate) fn ends_within(&self, span: &RangeInclusive<i64>) -> Option<(i64, i64)> {
        let check = self.check?;
        if check.ordered {
            let first = self.row(*check.rows.get(self.first(check, span))?)?.time_ms;
            let past = check.rows.partition_point(|index| self.time(*index) <= *span.end());
            let last = self.row(*check.rows.get(past.checked_sub(1)?)?)?.time_ms;
            return (span.contains(&first) && span.contains(&last)).then_some((first, last));
        }
        let times = self.iter().map(|row| row.time_ms).filter(|time| span.contains(time));
        times.fold(None, |ends: Option<(i64, i64)>, time| {
            Some(ends.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
        })
    }

    /// Where the first run of a span may be.
    fn first(&self, check: &CheckLog, span: &RangeInclusive<i64>) -> usize {
        if check.ordered { check.rows.partition_point(|index| self.time(*index) < *span.start()) } else { 0 }
    }

    fn row(&self, index: u32) -> Option<&'a RowRef> {
        self.rows.get(index as usize)
    }

    fn time(&self, index: u32) -> i64 {
        self.row(index).map_or(i64::MAX, |row| row.time_ms)
    }
}
