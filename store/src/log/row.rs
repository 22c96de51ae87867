//! One run as bytes: what its schema does not already say.
//!
//! A row is the same in the log wherever it stands in a frame but for its time, which the frame keeps. Fields with
//! their usual content (state OK, exit status 0, no stderr, …) are absent and cost a bit.

use crate::bytes::{Cursor, Short, put_str, put_varint, put_zigzag};
use crate::log::instances::InstancesAt;
use crate::log::schema::{Schema, SeriesMeta};
use crate::provenance::Provenance;
use crate::run::{Reason, Run, Standing};
use crate::state::State;
use crate::value::{Value, canonical};

// Bits of the field mask, in the order in which the fields follow.
const LATENESS: u32 = 1 << 0;
const CPU: u32 = 1 << 1;
const RSS: u32 = 1 << 2;
/// A byte: state | plugin state << 2 | reason << 4.
const VERDICT: u32 = 1 << 3;
const EXIT_CODE: u32 = 1 << 4;
const SIGNAL: u32 = 1 << 5;
const MISSED: u32 = 1 << 6;
/// A byte (hard | flapping << 1 | hard state << 2), attempt, since (zigzag), flap history.
const STANDING: u32 = 1 << 7;
const TEXT: u32 = 1 << 8;
const LONG_TEXT: u32 = 1 << 9;
const STDERR: u32 = 1 << 10;
const ORIGIN: u32 = 1 << 11;
const JUDGEMENT: u32 = 1 << 12;
/// Every value is a float: 8 bytes each. Otherwise each has a tag byte first.
const FLOATS: u32 = 1 << 13;
/// Some metrics differ from the schema in unit or limits: a count, then (index, meta) each.
const METAS: u32 = 1 << 14;
/// The instances are not those of the run before: see `instances.rs`.
const INSTANCES: u32 = 1 << 15;
/// A byte: partial | provenance << 1 | function << 4 | imported << 7; then the span of a consolidated value.
const KIND: u32 = 1 << 16;
const MASK_ALL: u32 = (1 << 17) - 1;

const TAG_NONE: u8 = 0;
const TAG_FLOAT: u8 = 1;
const TAG_INTEGER: u8 = 2;

/// What a row is written with besides the run.
pub(super) struct Defined<'a> {
    /// The number of the schema.
    pub(super) number: u64,
    pub(super) schema: &'a Schema,
    /// How many metrics differ from it in unit or limits.
    pub(super) changed_metas: usize,
    /// What becomes of the instances, as bytes, if anything does.
    pub(super) instances: Option<Vec<u8>>,
}

/// Appends the row of a run.
pub(super) fn put(out: &mut Vec<u8>, run: &Run, defined: &Defined<'_>) {
    let (schema, changed_metas) = (defined.schema, defined.changed_metas);
    let texts = [
        (TEXT, &run.text),
        (LONG_TEXT, &run.long_text),
        (STDERR, &run.stderr),
        (ORIGIN, &run.origin),
        (JUDGEMENT, &run.judgement),
    ];
    let verdict = run.state.code() | run.plugin_state.code() << 2 | run.reason.code() << 4;
    let floats = run.metrics.iter().all(|metric| matches!(metric.value, Some(Value::Float(_))));
    let (kind, span_ms) = run.provenance.code(run.partial, run.imported);
    let mut mask = 0;
    let mut set = |bit, is: bool| mask |= if is { bit } else { 0 };
    set(LATENESS, run.lateness_us.is_some());
    set(CPU, run.cpu_us.is_some());
    set(RSS, run.max_rss_bytes.is_some());
    set(VERDICT, verdict != 0);
    set(EXIT_CODE, run.exit_code.is_some());
    set(SIGNAL, run.signal.is_some());
    set(MISSED, run.missed_slots != 0);
    set(STANDING, run.standing != Standing::default());
    texts.iter().for_each(|(bit, text)| set(*bit, !text.is_empty()));
    set(FLOATS, floats);
    set(METAS, changed_metas > 0);
    set(INSTANCES, defined.instances.is_some());
    set(KIND, kind != 0);

    put_varint(out, u64::from(mask));
    put_varint(out, run.duration_us);
    for number in [run.lateness_us, run.cpu_us, run.max_rss_bytes].into_iter().flatten() {
        put_varint(out, number);
    }
    if mask & VERDICT != 0 {
        out.push(verdict);
    }
    out.extend([run.exit_code, run.signal].into_iter().flatten());
    if mask & MISSED != 0 {
        put_varint(out, u64::from(run.missed_slots));
    }
    if mask & STANDING != 0 {
        put_standing(out, &run.standing);
    }
    texts.iter().filter(|(_, text)| !text.is_empty()).for_each(|(_, text)| put_str(out, text));
    if changed_metas > 0 {
        put_metas(out, run, schema, changed_metas);
    }
    defined.instances.iter().for_each(|instances| out.extend_from_slice(instances));
    if kind != 0 {
        out.push(kind);
        span_ms.into_iter().for_each(|span_ms| put_varint(out, span_ms));
    }
    for metric in &run.metrics {
        put_value(out, metric.value, floats);
    }
}

fn put_standing(out: &mut Vec<u8>, standing: &Standing) {
    out.push(u8::from(standing.hard) | u8::from(standing.flapping) << 1 | standing.hard_state.code() << 2);
    put_varint(out, u64::from(standing.attempt));
    put_zigzag(out, standing.since_ms);
    put_varint(out, standing.flap_history);
}

fn put_metas(out: &mut Vec<u8>, run: &Run, schema: &Schema, changed: usize) {
    put_varint(out, changed as u64);
    for (index, (metric, (_, meta))) in run.metrics.iter().zip(&schema.metrics).enumerate() {
        if !meta.is_of(metric) {
            put_varint(out, index as u64);
            SeriesMeta::of(metric).put(out);
        }
    }
}

fn put_value(out: &mut Vec<u8>, value: Option<Value>, floats: bool) {
    match value {
        // Adding zero turns a negative zero into zero.
        Some(Value::Float(value)) => {
            if !floats {
                out.push(TAG_FLOAT);
            }
            out.extend_from_slice(&canonical(value).to_le_bytes());
        }
        Some(Value::Integer(value)) => {
            out.push(TAG_INTEGER);
            out.extend_from_slice(&value.to_le_bytes());
        }
        None => out.push(TAG_NONE),
    }
}

/// A row that has been taken apart but not copied.
#[derive(Debug)]
pub(crate) struct RowView<'a> {
    /// The run without its texts and metrics.
    pub(crate) plain: Run,
    /// Text, long text, stderr, origin and judgement.
    pub(crate) texts: [&'a str; 5],
    /// (index of the metric, what replaces the schema's content).
    pub(crate) metas: Vec<(usize, SeriesMeta)>,
    floats: bool,
    values: &'a [u8],
}

impl<'a> RowView<'a> {
    /// Takes the row apart of a run whose time and schema are known.
    pub(super) fn get(cursor: &mut Cursor<'a>, time_ms: i64, schema: &Schema) -> Result<RowView<'a>, Short> {
        let mask = get_mask(cursor)?;
        let has = |bit: u32| mask & bit != 0;
        let mut run = Run { time_ms, duration_us: cursor.varint()?, ..Run::default() };
        if has(LATENESS) {
            run.lateness_us = Some(cursor.varint()?);
        }
        if has(CPU) {
            run.cpu_us = Some(cursor.varint()?);
        }
        if has(RSS) {
            run.max_rss_bytes = Some(cursor.varint()?);
        }
        if has(VERDICT) {
            (run.state, run.plugin_state, run.reason) = get_verdict(cursor)?;
        }
        if has(EXIT_CODE) {
            run.exit_code = Some(cursor.u8()?);
        }
        if has(SIGNAL) {
            run.signal = Some(cursor.u8()?);
        }
        if has(MISSED) {
            run.missed_slots = u32::try_from(cursor.varint()?).map_err(|_| Short)?;
        }
        if has(STANDING) {
            run.standing = get_standing(cursor)?;
        }
        let mut texts = [""; 5];
        for (bit, text) in [TEXT, LONG_TEXT, STDERR, ORIGIN, JUDGEMENT].into_iter().zip(&mut texts) {
            if has(bit) {
                *text = cursor.str()?;
            }
        }
        let metas = if has(METAS) { get_metas(cursor, schema)? } else { Vec::new() };
        if has(INSTANCES) {
            InstancesAt::skip(cursor)?;
        }
        if has(KIND) {
            let code = cursor.u8()?;
            (run.provenance, run.partial, run.imported) = Provenance::decode(code, || cursor.varint())?;
        }
        let floats = has(FLOATS);
        let mut end = *cursor;
        skip_values(&mut end, schema, floats)?;
        let values = cursor.take(end.at() - cursor.at())?;
        Ok(RowView { plain: run, texts, metas, floats, values })
    }

    /// Steps over a row, which is as well formed as [`RowView::get`] wants it, in a fraction of the time; returns what
    /// becomes of the instances.
    pub(super) fn skip(cursor: &mut Cursor<'a>, schema: &Schema) -> Result<Option<InstancesAt>, Short> {
        let mask = get_mask(cursor)?;
        let has = |bit: u32| mask & bit != 0;
        let numbers = 1 + (mask & (LATENESS | CPU | RSS)).count_ones();
        (0..numbers).try_for_each(|_| cursor.varint().map(drop))?;
        if has(VERDICT) {
            get_verdict(cursor)?;
        }
        cursor.take((mask & (EXIT_CODE | SIGNAL)).count_ones() as usize)?;
        if has(MISSED) {
            u32::try_from(cursor.varint()?).map_err(|_| Short)?;
        }
        if has(STANDING) {
            get_standing(cursor)?;
        }
        let texts = (mask & (TEXT | LONG_TEXT | STDERR | ORIGIN | JUDGEMENT)).count_ones();
        (0..texts).try_for_each(|_| cursor.str().map(drop))?;
        if has(METAS) {
            get_metas(cursor, schema)?;
        }
        let instances = if has(INSTANCES) { Some(InstancesAt::skip(cursor)?) } else { None };
        if has(KIND) {
            let code = cursor.u8()?;
            Provenance::decode(code, || cursor.varint())?;
        }
        skip_values(cursor, schema, has(FLOATS))?;
        Ok(instances)
    }

    /// The values of the metrics in the order of the schema.
    pub(crate) fn values(&self) -> impl Iterator<Item = Option<Value>> + '_ {
        let mut cursor = Cursor::new(self.values);
        std::iter::from_fn(
            move || if cursor.is_at_end() { None } else { get_value(&mut cursor, self.floats).ok() },
        )
    }

    /// The whole run but for its instances.
    pub(super) fn into_run(self, schema: &Schema) -> Run {
        let [text, long_text, stderr, origin, judgement] = self.texts.map(str::to_owned);
        let metrics = schema.metrics.iter().zip(self.values()).enumerate();
        let metrics = metrics
            .map(|(index, ((series, meta), value))| {
                let changed = self.metas.iter().find(|(at, _)| *at == index);
                changed.map_or(meta, |(_, meta)| meta).metric(series, value)
            })
            .collect();
        Run { text, long_text, stderr, origin, judgement, metrics, ..self.plain }
    }
}

fn get_mask(cursor: &mut Cursor<'_>) -> Result<u32, Short> {
    let mask = u32::try_from(cursor.varint()?).map_err(|_| Short)?;
    if mask & !MASK_ALL == 0 { Ok(mask) } else { Err(Short) }
}

fn get_verdict(cursor: &mut Cursor<'_>) -> Result<(State, State, Reason), Short> {
    let verdict = cursor.u8()?;
    Ok((
        State::from_code(verdict & 3).ok_or(Short)?,
        State::from_code(verdict >> 2 & 3).ok_or(Short)?,
        Reason::from_code(verdict >> 4).ok_or(Short)?,
    ))
}

fn skip_values(cursor: &mut Cursor<'_>, schema: &Schema, floats: bool) -> Result<(), Short> {
    if floats {
        return cursor.take(schema.metrics.len() * 8).map(drop);
    }
    schema.metrics.iter().try_for_each(|_| get_value(cursor, false).map(drop))
}

fn get_standing(cursor: &mut Cursor<'_>) -> Result<Standing, Short> {
    let bits = cursor.u8()?;
    Ok(Standing {
        hard: bits & 1 != 0,
        flapping: bits & 2 != 0,
        hard_state: State::from_code(bits >> 2).ok_or(Short)?,
        attempt: u32::try_from(cursor.varint()?).map_err(|_| Short)?,
        since_ms: cursor.zigzag()?,
        flap_history: cursor.varint()?,
    })
}

fn get_metas(cursor: &mut Cursor<'_>, schema: &Schema) -> Result<Vec<(usize, SeriesMeta)>, Short> {
    (0..cursor.count(4)?)
        .map(|_| {
            let index = cursor.size()?;
            if index >= schema.metrics.len() {
                return Err(Short);
            }
            Ok((index, SeriesMeta::get(cursor)?))
        })
        .collect()
}

fn get_value(cursor: &mut Cursor<'_>, floats: bool) -> Result<Option<Value>, Short> {
    match if floats { TAG_FLOAT } else { cursor.u8()? } {
        TAG_NONE => Ok(None),
        TAG_FLOAT => Ok(Some(Value::Float(cursor.f64()?))),
        TAG_INTEGER => Ok(Some(Value::Integer(i64::from_le_bytes(cursor.array()?)))),
        _ => Err(Short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Metric;

    /// A run with the fields whose bits are set.
    fn run(bits: u32) -> Run {
        let has = |bit: u32| bits & 1 << bit != 0;
        let text = |bit| if has(bit) { "ä text".repeat(bit as usize) } else { String::new() };
        let values = [Value::from(-0.5), if has(0) { Value::from(7_i64) } else { Value::from(1.0) }];
        Run {
            lateness_us: has(1).then_some(300),
            cpu_us: has(2).then_some(1 << 40),
            max_rss_bytes: has(3).then_some(1 << 20),
            state: if has(4) { State::Critical } else { State::Ok },
            exit_code: has(5).then_some(2),
            signal: has(6).then_some(9),
            missed_slots: if has(7) { 70_000 } else { 0 },
            standing: Standing { hard: has(8), attempt: u32::from(has(8)) * 3, ..Standing::default() },
            text: text(9),
            judgement: text(10),
            partial: has(11),
            metrics: values.map(|value| Metric::new("m", Some(value))).into(),
            ..Run::default()
        }
    }

    #[test]
    fn skipping_a_row_ends_where_reading_it_does_and_refuses_the_same() {
        for bits in (0..1 << 12).step_by(3) {
            let run = run(bits);
            let schema = Schema::of(&run);
            let mut bytes = Vec::new();
            let changed_metas = (bits % 3 / 2) as usize;
            let defined = Defined {
                number: 0,
                schema: &schema,
                changed_metas,
                instances: (bits % 5 == 0).then(|| vec![0]),
            };
            put(&mut bytes, &run, &defined);
            bytes.push(0);
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= (bits as u8).wrapping_mul(7);
                let (mut skipped, mut read) = (Cursor::new(&damaged), Cursor::new(&damaged));
                let skip = RowView::skip(&mut skipped, &schema).map(|_| skipped.at());
                let get = RowView::get(&mut read, 0, &schema).map(|_| read.at());
                assert_eq!(skip, get, "{damaged:?}");
                assert!((bits as u8).wrapping_mul(7) != 0 || changed_metas > 0 || get == Ok(bytes.len() - 1));
            }
        }
    }
}
