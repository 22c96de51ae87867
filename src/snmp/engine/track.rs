//! One column of a walk: how far it was read, and what an answer adds to it.

use custos_compat::snmp::{Oid, Value, VarBind};

use crate::snmp::question::{Absence, Column};

/// A column, as far as it was read.
#[derive(Debug)]
pub(super) struct Track {
    root: Oid,
    /// What it is read on from.
    pub(super) last: Oid,
    column: Column,
    done: bool,
    /// Whether it is asked for by GetNext, as GetBulk does not get on with it.
    pub(super) by_next: bool,
}

/// What one answer has of a column.
#[derive(Debug)]
pub(super) struct Piece {
    /// The last name that was read.
    last: Oid,
    varbinds: Vec<VarBind>,
    end: End,
    /// What lies behind the column, if that came.
    passed: Option<Oid>,
}

/// Whether a column is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// No.
    Open,
    /// Something that lies behind the column came.
    Passed,
    /// There is nothing behind it.
    Nothing,
}

impl Piece {
    pub(super) fn has_ended(&self) -> bool {
        self.end != End::Open
    }

    /// What lies behind the column, if that came.
    pub(super) fn passed(&self) -> Option<&Oid> {
        self.passed.as_ref()
    }

    /// The first variable of the column in this answer.
    pub(super) fn first(&self) -> Option<&Oid> {
        self.varbinds.first().map(|varbind| &varbind.oid)
    }
}

impl Track {
    pub(super) fn new(root: Oid) -> Track {
        Track { last: root.clone(), root, column: Column::default(), done: false, by_next: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether it came to its end without a single variable.
    pub(super) fn ended_empty(&self) -> bool {
        self.done && self.column.cut.is_none() && self.column.varbinds.is_empty()
    }

    /// Has it asked for by GetNext where it ended, unless that was done.
    pub(super) fn reopen_by_next(&mut self) {
        self.done = self.by_next;
        self.by_next = true;
    }

    /// It is at its end.
    pub(super) fn end(&mut self) {
        self.done = true;
    }

    /// It ends before its end.
    pub(super) fn cut(&mut self, why: Absence) {
        if !self.done {
            self.done = true;
            self.column.cut = Some(why);
        }
    }

    /// What an answer has of it before anything of the answer was read.
    pub(super) fn begin(&self) -> Piece {
        Piece { last: self.last.clone(), varbinds: Vec::new(), end: End::Open, passed: None }
    }

    /// Adds the next variable of an answer to what the answer has of this column.
    ///
    /// # Errors
    /// It is not what may follow: then the answer breaks a rule.
    pub(super) fn read(&self, piece: &mut Piece, varbind: &VarBind) -> Result<(), Absence> {
        if varbind.value.is_absent() {
            piece.end = End::Nothing;
            return Ok(());
        }
        match &varbind.value {
            Value::Unreadable(fault) if varbind.oid.is_empty() => return Err(Absence::Unreadable(*fault)),
            _ if varbind.oid <= piece.last || piece.end == End::Nothing => {
                return Err(Absence::NotIncreasing);
            }
            _ => piece.last = varbind.oid.clone(),
        }
        if piece.end == End::Open && varbind.oid.starts_with(&self.root) {
            piece.varbinds.push(varbind.clone());
        } else {
            piece.end = End::Passed;
            piece.passed.get_or_insert_with(|| varbind.oid.clone());
        }
        Ok(())
    }

    /// Whether it was not yet begun.
    pub(super) fn is_new(&self) -> bool {
        self.last == self.root
    }

    /// Whether a name lies in this column.
    pub(super) fn has(&self, oid: &Oid) -> bool {
        oid.starts_with(&self.root)
    }

    /// Takes a piece, as far as there is room. Returns how many variables there are more.
    pub(super) fn take(&mut self, piece: Piece, room: usize, rows_max: usize) -> usize {
        let room = room.min(rows_max.saturating_sub(self.column.varbinds.len()));
        let count = piece.varbinds.len();
        let ended = piece.has_ended();
        self.column.varbinds.extend(piece.varbinds.into_iter().take(room));
        if let Some(last) = self.column.varbinds.last() {
            self.last = last.oid.clone();
        }
        if count > room {
            self.cut(Absence::TooManyRows);
        } else if ended {
            self.end();
        }
        count.min(room)
    }

    pub(super) fn finish(self) -> Column {
        self.column
    }
}
