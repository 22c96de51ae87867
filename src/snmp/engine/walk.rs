//! Walking columns side by side: GetBulk with as many rows as fit, or GetNext for version 1.
//!
//! Invariants: a column only ever goes forward, or its walk ends; each answer brings a walk nearer to its end or ends
//! it; no column gets more than its bound of rows, and all together no more than [`SNMP_VARBINDS_MAX`].

use custos_compat::snmp::{ErrorStatus, Oid, Pdu, PduKind, Value, VarBind, Version};

use super::get::UPTIME;
use super::request::Request;
use crate::limits::{SNMP_BULK_VARBINDS_MAX, SNMP_COLUMNS_AT_ONCE_MAX, SNMP_VARBINDS_MAX};
use crate::snmp::question::{Absence, Column, Failure};

/// The conversation.
#[derive(Debug)]
pub(super) struct Walk {
    tracks: Vec<Track>,
    /// Places of the tracks that the request under way asks for.
    asked: Vec<usize>,
    /// Whether the request under way asks for the uptime too.
    asks_uptime: bool,
    uptime: Option<u32>,
    bulk: bool,
    rows_max: usize,
    /// Rows to ask for at once; halved when an answer does not fit, doubled when it does.
    repetitions: u32,
    repetitions_max: u32,
    found: usize,
    answered: bool,
}

#[derive(Debug)]
struct Track {
    root: Oid,
    last: Oid,
    column: Column,
    done: bool,
}

impl Walk {
    pub(super) fn new(roots: &[Oid], rows_max: usize, version: Version, repetitions_max: u32) -> Walk {
        let tracks = roots.iter().map(|root| Track {
            root: root.clone(),
            last: root.clone(),
            column: Column::default(),
            done: false,
        });
        let mut walk = Walk {
            tracks: tracks.collect(),
            asked: Vec::new(),
            asks_uptime: true,
            uptime: None,
            bulk: version != Version::V1,
            rows_max,
            repetitions: repetitions_max.max(1),
            repetitions_max: repetitions_max.max(1),
            found: 0,
            answered: false,
        };
        walk.choose();
        walk
    }

    /// Chooses the columns of the next request: the first that are not done.
    fn choose(&mut self) {
        let left = (0..self.tracks.len()).filter(|place| !self.tracks[*place].done);
        self.asked = left.take(SNMP_COLUMNS_AT_ONCE_MAX).collect();
    }

    /// The next request; none when every column is at its end.
    pub(super) fn request(&self) -> Option<Request> {
        if self.asked.is_empty() {
            return None;
        }
        let mut oids = Vec::with_capacity(self.asked.len() + 1);
        if self.asks_uptime {
            // What follows sysUpTime is sysUpTime.0.
            oids.extend(Oid::new(&UPTIME[..8]));
        }
        oids.extend(self.asked.iter().map(|place| self.tracks[*place].last.clone()));
        let kind = if self.bulk { PduKind::GetBulk } else { PduKind::GetNext };
        let fitting = (SNMP_BULK_VARBINDS_MAX / self.asked.len()).max(1) as u32;
        let max_repetitions = self.repetitions.min(fitting);
        Some(Request { kind, non_repeaters: u32::from(self.asks_uptime), max_repetitions, oids })
    }

    /// The request was not answered in time: a shorter answer may get through.
    pub(super) fn shorten(&mut self) {
        self.repetitions = (self.repetitions / 2).max(1);
    }

    /// Takes the answer to the request under way.
    pub(super) fn reply(&mut self, pdu: Pdu) -> Result<(), Failure> {
        self.answered = true;
        match pdu.status() {
            ErrorStatus::NO_ERROR => self.take(pdu.varbinds),
            ErrorStatus::TOO_BIG if self.repetitions > 1 => {
                self.shorten();
                return Ok(());
            }
            ErrorStatus::TOO_BIG if self.asked.len() > 1 => {
                self.asked.truncate(self.asked.len() / 2);
                return Ok(());
            }
            status => self.refused(status, pdu.error_index)?,
        }
        self.choose();
        Ok(())
    }

    /// An error of one name: version 1 ends a column so.
    fn refused(&mut self, status: ErrorStatus, index: i32) -> Result<(), Failure> {
        let index = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
        let index = index.filter(|index| *index < self.asked.len() + usize::from(self.asks_uptime));
        match (index, self.asked.len()) {
            (Some(0), _) if self.asks_uptime => self.asks_uptime = false,
            (Some(index), _) => {
                let track = &mut self.tracks[self.asked[index - usize::from(self.asks_uptime)]];
                track.done = true;
                if status != ErrorStatus::NO_SUCH_NAME {
                    track.column.cut = Some(Absence::Status(status));
                }
            }
            (None, 1) if status == ErrorStatus::NO_SUCH_NAME => self.tracks[self.asked[0]].done = true,
            (None, _) => return Err(Failure::Status(status)),
        }
        Ok(())
    }

    fn take(&mut self, varbinds: Vec<VarBind>) {
        let mut varbinds = varbinds.into_iter();
        let asked_uptime = std::mem::take(&mut self.asks_uptime);
        if asked_uptime
            && let Some(VarBind { oid, value: Value::TimeTicks(ticks) }) = varbinds.next()
            && oid.ids() == UPTIME
        {
            self.uptime = Some(ticks);
        }
        let columns = self.asked.len();
        let mut count = 0;
        for (place, varbind) in varbinds.enumerate() {
            count += 1;
            let track = &mut self.tracks[self.asked[place % columns]];
            if track.done {
                continue;
            }
            if self.found == SNMP_VARBINDS_MAX || track.column.varbinds.len() == self.rows_max {
                track.cut(Absence::TooManyRows);
            } else if track.take(varbind) {
                self.found += 1;
            }
        }
        // A device may end an answer where it no longer fits, even within the first row: then the columns behind are
        // asked for again. An answer with nothing at all would be the same again.
        if count == 0 && !asked_uptime {
            for place in &self.asked {
                self.tracks[*place].cut(Absence::NotAnswered);
            }
        }
        self.repetitions = self.repetitions.saturating_mul(2).min(self.repetitions_max);
    }

    /// The uptime if the device said it, and the columns in the order asked.
    pub(super) fn finish(self) -> (Option<u32>, Vec<Column>) {
        (self.uptime, self.tracks.into_iter().map(|track| track.column).collect())
    }

    /// Whether anything was answered yet.
    pub(super) fn begun(&self) -> bool {
        self.answered
    }
}

impl Track {
    fn cut(&mut self, why: Absence) {
        if !self.done {
            self.done = true;
            self.column.cut = Some(why);
        }
    }

    /// Takes what follows; returns whether it belongs to the column.
    fn take(&mut self, varbind: VarBind) -> bool {
        if varbind.value.is_absent() || !varbind.oid.starts_with(&self.root) {
            self.done = true;
            return false;
        }
        if varbind.oid <= self.last {
            self.cut(Absence::NotIncreasing);
            return false;
        }
        self.last = varbind.oid.clone();
        self.column.varbinds.push(varbind);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn oid(ids: &[u32]) -> Oid {
        Oid::new(ids).unwrap()
    }

    /// A device that answers as RFC 3416 says, with at most `fits` variables at once. Where more are asked for by
    /// GetBulk, it may answer with those that fit.
    fn answer(tree: &BTreeMap<Oid, Value>, request: &Request, fits: usize, truncates: bool) -> Pdu {
        let next = |after: &Oid| {
            let found =
                tree.range((std::ops::Bound::Excluded(after.clone()), std::ops::Bound::Unbounded)).next();
            match found {
                Some((oid, value)) => VarBind { oid: oid.clone(), value: value.clone() },
                None => VarBind { oid: after.clone(), value: Value::EndOfMibView },
            }
        };
        let mut pdu = request.to_pdu(1);
        (pdu.kind, pdu.error_status, pdu.error_index) = (PduKind::Response, 0, 0);
        let fixed = if request.kind == PduKind::GetBulk {
            request.non_repeaters as usize
        } else {
            request.oids.len()
        };
        let mut varbinds: Vec<VarBind> = request.oids[..fixed].iter().map(next).collect();
        let mut row = request.oids[fixed..].to_vec();
        for _ in 0..request.max_repetitions {
            let found: Vec<VarBind> = row.iter().map(next).collect();
            row = found.iter().map(|varbind| varbind.oid.clone()).collect();
            varbinds.extend(found);
        }
        if request.kind == PduKind::GetNext {
            // Version 1 knows no endOfMibView.
            if let Some(place) = varbinds.iter().position(|varbind| varbind.value == Value::EndOfMibView) {
                (pdu.error_status, pdu.error_index) = (ErrorStatus::NO_SUCH_NAME.0, place as i32 + 1);
                return pdu;
            }
        }
        if truncates && request.kind == PduKind::GetBulk {
            varbinds.truncate(fits);
        }
        if varbinds.len() > fits {
            pdu.error_status = ErrorStatus::TOO_BIG.0;
            pdu.varbinds.clear();
        } else {
            pdu.varbinds = varbinds;
        }
        pdu
    }

    fn table(columns: u32, rows: u32) -> BTreeMap<Oid, Value> {
        let mut tree = BTreeMap::from([(oid(&UPTIME), Value::TimeTicks(7))]);
        for column in 1..=columns {
            for row in 1..=rows {
                tree.insert(
                    oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column, row]),
                    Value::Counter32(column * 1000 + row),
                );
            }
        }
        tree
    }

    fn walk(
        tree: &BTreeMap<Oid, Value>,
        roots: &[Oid],
        version: Version,
        fits: usize,
        truncates: bool,
    ) -> (Walk, usize) {
        let mut walk = Walk::new(roots, 10_000, version, 25);
        let mut requests = 0;
        while let Some(request) = walk.request() {
            requests += 1;
            assert!(requests < 10_000, "no end");
            walk.reply(answer(tree, &request, fits, truncates)).unwrap();
        }
        (walk, requests)
    }

    fn roots(columns: u32) -> Vec<Oid> {
        (1..=columns).map(|column| oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column])).collect()
    }

    #[test]
    fn a_small_table_takes_one_request() {
        let (walk, requests) = walk(&table(7, 4), &roots(7), Version::V2c, 1000, false);
        assert_eq!(requests, 1);
        let (uptime, columns) = walk.finish();
        assert_eq!(uptime, Some(7));
        assert!(columns.iter().all(|column| column.varbinds.len() == 4 && column.cut.is_none()));
    }

    proptest! {
        #[test]
        fn every_table_is_read_whole(columns in 1u32..30, rows in 0u32..60, fits in 2usize..200, old in any::<bool>(),
            truncates in any::<bool>()) {
            let tree = table(columns, rows);
            let version = if old { Version::V1 } else { Version::V2c };
            let (walk, _) = walk(&tree, &roots(columns), version, fits, truncates);
            let (_, found) = walk.finish();
            for (place, column) in found.iter().enumerate() {
                prop_assert_eq!(column.cut, None);
                prop_assert_eq!(column.varbinds.len(), rows as usize);
                for (row, varbind) in column.varbinds.iter().enumerate() {
                    prop_assert_eq!(&varbind.value, &Value::Counter32((place as u32 + 1) * 1000 + row as u32 + 1));
                }
            }
        }

        #[test]
        fn nonsense_ends_a_walk(answers in prop::collection::vec(prop::collection::vec((0u32..4, 0u32..30), 0..20), 1..40)) {
            let mut walk = Walk::new(&roots(3), 50, Version::V2c, 10);
            let mut requests = 0;
            while walk.request().is_some() {
                let varbinds = answers[requests % answers.len()].iter().map(|(column, row)| VarBind {
                    oid: oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, *column, *row]),
                    value: Value::Counter32(1),
                });
                let pdu = Pdu { kind: PduKind::Response, request_id: 1, error_status: 0, error_index: 0,
                    varbinds: varbinds.collect() };
                prop_assert!(walk.reply(pdu).is_ok());
                requests += 1;
                prop_assert!(requests < 400, "no end");
            }
        }
    }

    #[test]
    fn an_answer_that_ends_within_its_first_row_is_gone_on_with() {
        for fits in 1..5 {
            let (walk, _) = walk(&table(4, 3), &roots(4), Version::V2c, fits, true);
            let (uptime, columns) = walk.finish();
            assert_eq!(uptime, Some(7));
            assert!(
                columns.iter().all(|column| column.varbinds.len() == 3 && column.cut.is_none()),
                "{fits}"
            );
        }
    }

    #[test]
    fn an_answer_without_anything_ends_a_walk() {
        let mut walk = Walk::new(&roots(2), 10, Version::V2c, 5);
        let mut requests = 0;
        while let Some(request) = walk.request() {
            requests += 1;
            let mut pdu = request.to_pdu(1);
            (pdu.kind, pdu.error_status, pdu.error_index) = (PduKind::Response, 0, 0);
            pdu.varbinds.clear();
            walk.reply(pdu).unwrap();
        }
        assert_eq!(requests, 2);
        assert!(walk.finish().1.iter().all(|column| column.cut == Some(Absence::NotAnswered)));
    }

    #[test]
    fn circles_and_long_columns_are_cut() {
        let mut walk = Walk::new(&roots(1), 2, Version::V2c, 5);
        let row = |row| VarBind { oid: oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, 1, row]), value: Value::Integer(1) };
        let pdu = |varbinds| Pdu {
            kind: PduKind::Response,
            request_id: 1,
            error_status: 0,
            error_index: 0,
            varbinds,
        };
        let uptime = VarBind { oid: oid(&UPTIME), value: Value::TimeTicks(1) };
        walk.reply(pdu(vec![uptime, row(1), row(2), row(3)])).unwrap();
        assert_eq!(walk.request(), None);
        let column = walk.finish().1.remove(0);
        assert_eq!((column.varbinds.len(), column.cut), (2, Some(Absence::TooManyRows)));
        let mut walk = Walk::new(&roots(1), 9, Version::V2c, 5);
        walk.reply(pdu(vec![row(4), row(4), row(3), row(5)])).unwrap();
        assert_eq!(walk.request(), None);
    }
}
