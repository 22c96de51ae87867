//! Walks of devices that keep the rules, and of devices that do not.

use std::collections::BTreeMap;
use std::ops::Bound;

use custos_compat::snmp::Fault;
use proptest::prelude::*;

use super::*;

/// How a device deviates from RFC 3416.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Not at all.
    None,
    /// It answers with what fits, where more is asked for by GetBulk.
    CutsOff,
    /// It repeats variables that are not to be repeated.
    IgnoresNonRepeaters,
    /// It leaves out variables that are not to be repeated.
    DropsNonRepeaters,
    /// Its GetBulk comes back to the third row again and again.
    Circles,
    /// Its GetBulk has nothing in it.
    EmptyBulk,
    /// Its GetBulk answers column by column instead of row by row.
    ByColumns,
    /// It knows no GetBulk of several columns, and does not say which is too much.
    OneColumn,
    /// It knows no GetBulk.
    NoBulk,
    /// Its GetBulk is at the end of all at once.
    EndsBulk,
}

const HABITS: [Habit; 10] = [
    Habit::None,
    Habit::CutsOff,
    Habit::IgnoresNonRepeaters,
    Habit::DropsNonRepeaters,
    Habit::Circles,
    Habit::EmptyBulk,
    Habit::ByColumns,
    Habit::OneColumn,
    Habit::NoBulk,
    Habit::EndsBulk,
];

/// A device: its variables, how many fit an answer, and its habit.
struct Agent {
    tree: BTreeMap<Oid, Value>,
    fits: usize,
    habit: Habit,
}

impl Agent {
    fn next(&self, after: &Oid) -> VarBind {
        match self.tree.range((Bound::Excluded(after.clone()), Bound::Unbounded)).next() {
            Some((oid, value)) => VarBind { oid: oid.clone(), value: value.clone() },
            None => VarBind { oid: after.clone(), value: Value::EndOfMibView },
        }
    }

    fn rows(&self, first: &[Oid], repetitions: u32) -> Vec<Vec<VarBind>> {
        let mut row = first.to_vec();
        let next = |_| {
            let found: Vec<VarBind> = row.iter().map(|oid| self.next(oid)).collect();
            row = found.iter().map(|varbind| varbind.oid.clone()).collect();
            found
        };
        (0..repetitions).map(next).collect()
    }

    fn answer(&self, request: &Request) -> Pdu {
        let mut pdu = request.to_pdu(1);
        (pdu.kind, pdu.error_status, pdu.error_index) = (PduKind::Response, 0, 0);
        let refuse = |pdu: Pdu, status: ErrorStatus, index: i32| Pdu {
            error_status: status.0,
            error_index: index,
            varbinds: Vec::new(),
            ..pdu
        };
        match request.kind {
            PduKind::Get => {
                let value = |oid: &Oid| self.tree.get(oid).cloned().unwrap_or(Value::NoSuchObject);
                let found = request.oids.iter().map(|oid| VarBind { oid: oid.clone(), value: value(oid) });
                pdu.varbinds = found.collect();
                return pdu;
            }
            PduKind::GetNext => {
                pdu.varbinds = request.oids.iter().map(|oid| self.next(oid)).collect();
                // Version 1 knows no endOfMibView.
                let end = pdu.varbinds.iter().position(|varbind| varbind.value == Value::EndOfMibView);
                if let Some(end) = end {
                    return refuse(pdu, ErrorStatus::NO_SUCH_NAME, end as i32 + 1);
                }
            }
            _ => {
                let fixed = request.non_repeaters as usize;
                match self.habit {
                    Habit::OneColumn if request.oids.len() - fixed > 1 => {
                        return refuse(pdu, ErrorStatus::GEN_ERR, 0);
                    }
                    Habit::NoBulk => return refuse(pdu, ErrorStatus::GEN_ERR, 1),
                    _ => pdu.varbinds = self.bulk(request, fixed),
                }
            }
        }
        if self.habit == Habit::CutsOff && request.kind == PduKind::GetBulk {
            pdu.varbinds.truncate(self.fits);
        }
        if pdu.varbinds.len() > self.fits { refuse(pdu, ErrorStatus::TOO_BIG, 0) } else { pdu }
    }

    fn bulk(&self, request: &Request, fixed: usize) -> Vec<VarBind> {
        let (fixed, repeated) = match self.habit {
            Habit::IgnoresNonRepeaters => (&[][..], &request.oids[..]),
            Habit::DropsNonRepeaters => (&[][..], &request.oids[fixed..]),
            _ => request.oids.split_at(fixed),
        };
        let mut varbinds: Vec<VarBind> = fixed.iter().map(|oid| self.next(oid)).collect();
        let mut rows = self.rows(repeated, request.max_repetitions);
        match self.habit {
            Habit::Circles => {
                for varbind in rows.iter_mut().flatten() {
                    let (column, row) = varbind.oid.ids().split_at(varbind.oid.len() - 1);
                    if row[0] > 3 {
                        varbind.oid = oid(&[column, &[2]].concat());
                    }
                }
            }
            Habit::EmptyBulk => rows.clear(),
            Habit::ByColumns => {
                let columns = repeated.len();
                let transposed = (0..columns).map(|c| rows.iter().map(|row| row[c].clone()).collect());
                rows = transposed.collect();
            }
            Habit::EndsBulk => {
                rows = vec![
                    repeated
                        .iter()
                        .map(|oid| VarBind { oid: oid.clone(), value: Value::EndOfMibView })
                        .collect(),
                ];
            }
            _ => {}
        }
        varbinds.extend(rows.into_iter().flatten());
        varbinds
    }
}

fn oid(ids: &[u32]) -> Oid {
    Oid::new(ids).unwrap()
}

/// A table, but for the columns and cells that it has not.
fn table(columns: u32, rows: u32, has: impl Fn(u32, u32) -> bool) -> BTreeMap<Oid, Value> {
    let mut tree = BTreeMap::from([
        (oid(&UPTIME), Value::TimeTicks(7)),
        (oid(&[1, 3, 6, 1, 2, 1, 1, 4, 0]), Value::OctetString(b"contact".to_vec())),
        (oid(&[1, 3, 6, 1, 2, 1, 99, 1, 0]), Value::Integer(1)),
    ]);
    for column in 1..=columns {
        for row in (1..=rows).filter(|row| has(column, *row)) {
            let cell = oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column, row]);
            tree.insert(cell, Value::Counter32(column * 1000 + row));
        }
    }
    tree
}

fn walk(agent: &Agent, roots: &[Oid], version: Version, manner: Manner) -> (Walk, usize) {
    let mut walk = Walk::new(roots, 10_000, version, 25, manner);
    let mut requests = 0;
    while let Some(request) = walk.request() {
        requests += 1;
        assert!(requests < 10_000, "no end: {:?}", agent.habit);
        walk.reply(agent.answer(&request)).unwrap();
    }
    (walk, requests)
}

fn roots(columns: u32) -> Vec<Oid> {
    (1..=columns).map(|column| oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column])).collect()
}

#[test]
fn a_small_table_takes_one_request() {
    let agent = Agent { tree: table(7, 4, |_, _| true), fits: 1000, habit: Habit::None };
    let (walk, requests) = walk(&agent, &roots(7), Version::V2c, Manner::Together);
    assert_eq!(requests, 1);
    let (uptime, columns, manner) = walk.finish();
    assert_eq!((uptime, manner), (Some(7), Manner::Together));
    assert!(columns.iter().all(|column| column.varbinds.len() == 4 && column.cut.is_none()));
}

/// Whether each column is whole; of the cells, those that the agent has.
fn expect_whole(agent: &Agent, roots: &[Oid], walk: Walk) {
    let (uptime, columns, _) = walk.finish();
    assert_eq!(uptime, Some(7), "{:?}", agent.habit);
    for (root, column) in roots.iter().zip(&columns) {
        let expected = agent.tree.iter().filter(|(oid, _)| oid.starts_with(root));
        let found = column.varbinds.iter().map(|varbind| (&varbind.oid, &varbind.value));
        assert!(found.eq(expected), "{:?}: {root} {column:?}", agent.habit);
        assert_eq!(column.cut, None, "{:?}: {root}", agent.habit);
    }
}

proptest! {
    #[test]
    fn every_table_is_read_whole_from_whatever_agent(
        columns in 1u32..30,
        rows in 0u32..40,
        fits in 2usize..200,
        old in any::<bool>(),
        backwards in any::<bool>(),
        // Every so many columns one is absent, and every so many cells.
        absent in 2u32..9,
        holes in 2u32..9,
        habit in 0..HABITS.len(),
        manner in 0usize..3,
    ) {
        let has = |column: u32, row: u32| !column.is_multiple_of(absent) && !(column + row).is_multiple_of(holes);
        let agent = Agent { tree: table(columns, rows, has), fits, habit: HABITS[habit] };
        let version = if old { Version::V1 } else { Version::V2c };
        let manner = [Manner::Together, Manner::Apart, Manner::Single][manner];
        let mut roots = roots(columns);
        if backwards {
            roots.reverse();
        }
        let (walk, _) = walk(&agent, &roots, version, manner);
        expect_whole(&agent, &roots, walk);
    }

    #[test]
    fn nonsense_ends_a_walk(answers in prop::collection::vec(prop::collection::vec((0u32..4, 0u32..30), 0..20), 1..40)) {
        let mut walk = Walk::new(&roots(3), 50, Version::V2c, 10, Manner::Together);
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
fn the_group_of_the_uptime_itself_is_read_whole() {
    let roots = [oid(&[1, 3, 6, 1, 2, 1, 1]), oid(&[1, 3, 6, 1, 2, 1, 1, 3])];
    for habit in HABITS {
        for roots in [&roots[..1], &roots[1..], &roots[..]] {
            let agent = Agent { tree: table(2, 3, |_, _| true), fits: 100, habit };
            let (walk, _) = walk(&agent, roots, Version::V2c, Manner::Together);
            expect_whole(&agent, roots, walk);
        }
    }
}

#[test]
fn what_a_device_needs_is_remembered() {
    for (habit, expected) in [
        (Habit::IgnoresNonRepeaters, Manner::Apart),
        (Habit::ByColumns, Manner::Single),
        (Habit::OneColumn, Manner::Single),
    ] {
        let agent = Agent { tree: table(4, 9, |_, _| true), fits: 100, habit };
        let (first, _) = walk(&agent, &roots(4), Version::V2c, Manner::Together);
        let manner = first.finish().2;
        assert_eq!(manner, expected, "{habit:?}");
        let (again, requests) = walk(&agent, &roots(4), Version::V2c, manner);
        assert_eq!((again.finish().2, requests), (manner, if manner == Manner::Apart { 2 } else { 5 }));
    }
}

#[test]
fn an_answer_that_ends_within_its_first_row_is_gone_on_with() {
    for fits in 1..5 {
        let agent = Agent { tree: table(4, 3, |_, _| true), fits, habit: Habit::CutsOff };
        let (walk, _) = walk(&agent, &roots(4), Version::V2c, Manner::Together);
        expect_whole(&agent, &roots(4), walk);
    }
}

fn response(varbinds: Vec<VarBind>) -> Pdu {
    Pdu { kind: PduKind::Response, request_id: 1, error_status: 0, error_index: 0, varbinds }
}

fn cell(column: u32, row: u32) -> VarBind {
    VarBind { oid: oid(&[1, 3, 6, 1, 2, 1, 2, 2, 1, column, row]), value: Value::Integer(1) }
}

/// Answers every request with the same, and returns the columns.
fn always(count: u32, rows_max: usize, answer: &[VarBind]) -> Vec<Column> {
    let mut walk = Walk::new(&roots(count), rows_max, Version::V2c, 5, Manner::Together);
    let mut requests = 0;
    while walk.request().is_some() {
        requests += 1;
        assert!(requests < 50, "no end");
        walk.reply(response(answer.to_vec())).unwrap();
    }
    walk.finish().1
}

#[test]
fn what_breaks_a_rule_in_the_simplest_manner_too_is_cut() {
    assert!(always(2, 10, &[]).iter().all(|column| column.cut == Some(Absence::NotAnswered)));
    let columns = always(1, 9, &[cell(1, 4), cell(1, 4), cell(1, 3), cell(1, 5)]);
    assert_eq!((columns[0].varbinds.len(), columns[0].cut), (1, Some(Absence::NotIncreasing)));
    let below = VarBind { oid: oid(&[1, 3, 6, 1, 2, 1, 1, 5, 0]), value: Value::Null };
    assert_eq!(always(1, 9, &[below])[0].cut, Some(Absence::NotIncreasing));
    let nameless = VarBind { oid: Oid::default(), value: Value::Unreadable(Fault::Oid) };
    assert_eq!(always(1, 9, &[nameless])[0].cut, Some(Absence::Unreadable(Fault::Oid)));
}

#[test]
fn long_columns_are_cut() {
    let agent = Agent { tree: table(1, 30, |_, _| true), fits: 100, habit: Habit::None };
    let mut walk = Walk::new(&roots(1), 20, Version::V2c, 25, Manner::Together);
    while let Some(request) = walk.request() {
        walk.reply(agent.answer(&request)).unwrap();
    }
    let column = walk.finish().1.remove(0);
    assert_eq!((column.varbinds.len(), column.cut), (20, Some(Absence::TooManyRows)));
}

#[test]
fn a_device_that_refuses_everything_says_so() {
    for (roots, refused) in [(roots(1), true), (roots(3), false)] {
        let mut walk = Walk::new(&roots, 10, Version::V2c, 5, Manner::Together);
        let mut failure = None;
        while let (Some(request), None) = (walk.request(), &failure) {
            let mut pdu = request.to_pdu(1);
            (pdu.kind, pdu.error_status, pdu.error_index) = (PduKind::Response, 16, 0);
            failure = walk.reply(pdu).err();
        }
        assert_eq!(failure, refused.then_some(Failure::Status(ErrorStatus(16))));
        if !refused {
            let cut = Some(Absence::Status(ErrorStatus(16)));
            assert!(walk.finish().1.iter().all(|column| column.cut == cut));
        }
    }
}
