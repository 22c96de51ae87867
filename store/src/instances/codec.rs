//! The difference between two sets as bytes.
//!
//! ```text
//! varint  changes, in order of the labels; each:
//! varint  2 × (instances of the set before that come before it, minus the same of the change before; 0 at first),
//!         plus 1 if the instance is gone: nothing else follows then
//! u8      1 it is new, else it takes the place of the one that is there; state << 1; and what differs:
//!         8 since, 16 pending since, 32 seen, 64 value, 128 text
//!         if it is new: varint labels, each two texts; it is compared with one of which all is 0 or absent
//! zigzag  the time of the run minus since
//! u8, …   pending since: 0 absent, 1 and then zigzag the time of the run minus it
//! u8, …   seen: the same
//! u8, …   value: 0 absent, 1 and a float, 2 and a signed integer of 8 bytes, 3 and zigzag an integer that is a float
//! text
//! ```

use std::sync::Arc;

use super::instance::Instance;
use super::set::{Instances, check_size};
use crate::bytes::{Cursor, Short, put_str, put_varint, put_zigzag};
use crate::limits::INSTANCE_TEXT_BYTES_MAX;
use crate::state::State;
use crate::value::Value;

const GONE: u64 = 1;

const NEW: u8 = 1;
const STATE_SHIFT: u8 = 1;
const SINCE: u8 = 8;
const PENDING: u8 = 16;
const SEEN: u8 = 32;
const VALUE: u8 = 64;
const TEXT: u8 = 128;

const NO_VALUE: u8 = 0;
const FLOAT: u8 = 1;
const INTEGER: u8 = 2;
const WHOLE: u8 = 3;

/// Floats without fraction up to here are written as integers.
const WHOLE_MAX: f64 = (1_u64 << 53) as f64;

/// Appends what makes one set of another, for a run of that time. Returns the number of changes; appends nothing if
/// there are none.
pub(crate) fn put_changes(out: &mut Vec<u8>, before: &Instances, after: &Instances, time_ms: i64) -> usize {
    let mut body = Vec::new();
    let (mut count, mut last) = (0, 0);
    for change in after.changes_since(before) {
        let skipped = (change.index - last) as u64;
        last = change.index;
        count += 1;
        match change.after {
            None => put_varint(&mut body, skipped << 1 | GONE),
            Some(after) => {
                put_varint(&mut body, skipped << 1);
                put_instance(&mut body, change.before.map(|before| &**before), after, time_ms);
            }
        }
    }
    if count > 0 {
        put_varint(out, count as u64);
        out.append(&mut body);
    }
    count
}

fn put_instance(out: &mut Vec<u8>, before: Option<&Instance>, after: &Instance, time_ms: i64) {
    let blank = Instance::default();
    let was = before.unwrap_or(&blank);
    let mut mask = after.state.code() << STATE_SHIFT;
    let mut set = |bit, is: bool| mask |= if is { bit } else { 0 };
    set(NEW, before.is_none());
    set(SINCE, after.since_ms != was.since_ms);
    set(PENDING, after.pending_since_ms != was.pending_since_ms);
    set(SEEN, after.seen_ms != was.seen_ms);
    set(VALUE, after.value != was.value);
    set(TEXT, after.text != was.text);
    out.push(mask);
    if mask & NEW != 0 {
        put_varint(out, after.labels.len() as u64);
        for (name, value) in &after.labels {
            put_str(out, name);
            put_str(out, value);
        }
    }
    if mask & SINCE != 0 {
        put_zigzag(out, time_ms.wrapping_sub(after.since_ms));
    }
    for (bit, time) in [(PENDING, after.pending_since_ms), (SEEN, after.seen_ms)] {
        if mask & bit != 0 {
            out.push(u8::from(time.is_some()));
            time.into_iter().for_each(|time| put_zigzag(out, time_ms.wrapping_sub(time)));
        }
    }
    if mask & VALUE != 0 {
        put_value(out, after.value);
    }
    if mask & TEXT != 0 {
        put_str(out, &after.text);
    }
}

fn put_value(out: &mut Vec<u8>, value: Option<Value>) {
    match value {
        None => out.push(NO_VALUE),
        Some(Value::Integer(integer)) => {
            out.push(INTEGER);
            out.extend_from_slice(&integer.to_le_bytes());
        }
        Some(Value::Float(float)) if float.fract() == 0.0 && float.abs() < WHOLE_MAX => {
            out.push(WHOLE);
            put_zigzag(out, float as i64);
        }
        Some(Value::Float(float)) => {
            out.push(FLOAT);
            out.extend_from_slice(&float.to_le_bytes());
        }
    }
}

fn get_value(cursor: &mut Cursor<'_>) -> Result<Option<Value>, Short> {
    match cursor.u8()? {
        NO_VALUE => Ok(None),
        FLOAT => Ok(Some(Value::Float(cursor.f64()?))),
        INTEGER => Ok(Some(Value::Integer(i64::from_le_bytes(cursor.array()?)))),
        WHOLE => Ok(Some(Value::from(cursor.zigzag()?))),
        _ => Err(Short),
    }
}

/// What [`put_changes`] wrote, applied to the set before. What no other set shares is changed in place.
pub(crate) fn get_changes(
    cursor: &mut Cursor<'_>,
    before: Instances,
    time_ms: i64,
) -> Result<Instances, Short> {
    let from_none = before.is_empty();
    let mut after = before;
    let mut new = Vec::new();
    let mut index = 0_usize;
    // All changes so far come before the next one, and have moved it by so much.
    let (mut added, mut gone) = (0_usize, 0_usize);
    for _ in 0..cursor.count(1)? {
        let head = cursor.varint()?;
        index =
            usize::try_from(head >> 1).ok().and_then(|skipped| index.checked_add(skipped)).ok_or(Short)?;
        let at = || index.checked_add(added).and_then(|at| at.checked_sub(gone)).ok_or(Short);
        if head & GONE != 0 {
            after.remove_nth(at()?).ok_or(Short)?;
            gone += 1;
            continue;
        }
        let mask = cursor.u8()?;
        if mask & NEW == 0 {
            after
                .change_nth(at()?, |instance| get_fields(cursor, mask, instance, time_ms))
                .ok_or(Short)??;
            continue;
        }
        let labels = (0..cursor.count(2)?)
            .map(|_| Ok((cursor.str()?.to_owned(), cursor.str()?.to_owned())))
            .collect::<Result<_, Short>>()?;
        let mut instance = Instance { labels, ..Instance::default() };
        get_fields(cursor, mask, &mut instance, time_ms)?;
        if !instance.is_settled() || instance.check().is_err() {
            return Err(Short);
        }
        if from_none {
            new.push(instance);
        } else {
            after.place(Arc::new(instance));
            added += 1;
        }
    }
    if from_none {
        return Instances::new(new).map_err(|_| Short);
    }
    // Only now: what was new may have come before what is gone.
    check_size(after.len(), after.bytes()).map_err(|_| Short)?;
    Ok(after)
}

/// Reads what differs into an instance, whose labels stay.
fn get_fields(cursor: &mut Cursor<'_>, mask: u8, instance: &mut Instance, time_ms: i64) -> Result<(), Short> {
    instance.state = State::from_code(mask >> STATE_SHIFT & 3).ok_or(Short)?;
    if mask & SINCE != 0 {
        instance.since_ms = time_ms.wrapping_sub(cursor.zigzag()?);
    }
    for (bit, time) in [(PENDING, &mut instance.pending_since_ms), (SEEN, &mut instance.seen_ms)] {
        if mask & bit != 0 {
            *time = match cursor.u8()? {
                0 => None,
                1 => Some(time_ms.wrapping_sub(cursor.zigzag()?)),
                _ => return Err(Short),
            };
        }
    }
    if mask & VALUE != 0 {
        instance.value = get_value(cursor)?;
    }
    if mask & TEXT != 0 {
        let text = cursor.str()?;
        if text.len() > INSTANCE_TEXT_BYTES_MAX {
            return Err(Short);
        }
        text.clone_into(&mut instance.text);
    }
    Ok(())
}
