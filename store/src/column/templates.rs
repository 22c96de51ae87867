//! Texts taken apart: templates with slots for numbers, and the numbers.
//!
//! What plugins print repeats but for its numbers. As the numbers of a slot follow each other closely, a column of
//! them takes less than what zstd makes of their digits. Putting a text together gives back its very bytes.
//!
//! ```text
//! varint    length of all templates, each with a varint length before it
//! varint    length of the zstd frame of these, and the frame
//! varint    number of texts
//! integers  for each text the index of its template
//! integers  for each template, for each of its slots: the numbers of the texts of that template, in order
//! ```
//!
//! A slot is a byte 255, which no UTF-8 has, and a byte d: the number is written with d decimals.

use std::collections::HashMap;

use super::ints::{Ints, put_ints};
use super::packed::Effort;
use crate::bytes::{Cursor, Short, put_varint};
use crate::error::{Error, Result};
use crate::limits::TEXTS_BYTES_MAX;

const SLOT: u8 = 0xff;

/// Digits of a number: fewer than 2^63 has.
const DIGITS_MAX: usize = 18;

/// Templates are tried where at least so many texts share one on average.
const TEXTS_PER_TEMPLATE: usize = 4;

/// A text as template and numbers.
fn split(text: &[u8], numbers: &mut Vec<i64>) -> Vec<u8> {
    let digit =
        |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    let mut template = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        // A zero before another digit would be lost in a number.
        if digit(at).is_none() || (*byte == b'0' && digit(at + 1).is_some()) {
            template.push(*byte);
            at += 1;
            continue;
        }
        let (mut number, mut digits, mut decimals) = (0, 0, 0);
        while let Some(next) = digit(at).filter(|_| digits < DIGITS_MAX) {
            (number, digits, at) = (number * 10 + next, digits + 1, at + 1);
        }
        if text.get(at) == Some(&b'.') && digits < DIGITS_MAX && digit(at + 1).is_some() {
            at += 1;
            while let Some(next) = digit(at).filter(|_| digits < DIGITS_MAX) {
                (number, digits, decimals, at) = (number * 10 + next, digits + 1, decimals + 1, at + 1);
            }
        }
        template.extend([SLOT, decimals]);
        numbers.push(number);
    }
    template
}

/// Writes a number with decimals.
fn put_number(out: &mut Vec<u8>, number: i64, decimals: u8) {
    let width = usize::from(decimals) + 1;
    let digits = format!("{number:0width$}");
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    out.extend_from_slice(whole.as_bytes());
    if decimals > 0 {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

/// Writes texts, if templates may suit them.
pub(super) fn put_templates(texts: &[String]) -> Result<Option<Vec<u8>>> {
    let mut indexes: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut templates: Vec<u8> = Vec::new();
    // Of each template, of each slot, the numbers.
    let mut slots: Vec<Vec<Vec<i64>>> = Vec::new();
    let mut of_texts = Vec::with_capacity(texts.len());
    let mut numbers = Vec::new();
    for text in texts {
        numbers.clear();
        let template = split(text.as_bytes(), &mut numbers);
        let index = *indexes.entry(template).or_insert_with_key(|template| {
            put_varint(&mut templates, template.len() as u64);
            templates.extend_from_slice(template);
            slots.push(vec![Vec::new(); numbers.len()]);
            slots.len() - 1
        });
        if slots.len() * TEXTS_PER_TEMPLATE > texts.len() {
            return Ok(None);
        }
        slots[index].iter_mut().zip(&numbers).for_each(|(slot, number)| slot.push(*number));
        of_texts.push(index as i64);
    }
    let frame =
        zstd::bulk::compress(&templates, 9).map_err(|error| Error::Compress { what: error.to_string() })?;
    let mut out = Vec::new();
    put_varint(&mut out, templates.len() as u64);
    put_varint(&mut out, frame.len() as u64);
    out.extend_from_slice(&frame);
    put_varint(&mut out, texts.len() as u64);
    put_ints(&mut out, &of_texts, Effort::Full)?;
    slots.iter().flatten().try_for_each(|slot| put_ints(&mut out, slot, Effort::Full))?;
    Ok(Some(out))
}

/// A template taken apart: what comes before each slot, the decimals of the slot; what comes after the last.
struct Template<'a> {
    slots: Vec<(&'a [u8], u8)>,
    rest: &'a [u8],
}

impl<'a> Template<'a> {
    fn get(bytes: &'a [u8]) -> std::result::Result<Template<'a>, Short> {
        let (mut slots, mut rest) = (Vec::new(), bytes);
        while let Some(at) = rest.iter().position(|byte| *byte == SLOT) {
            let decimals = *rest.get(at + 1).filter(|d| usize::from(**d) < DIGITS_MAX).ok_or(Short)?;
            slots.push((&rest[..at], decimals));
            rest = &rest[at + 2..];
        }
        Ok(Template { slots, rest })
    }
}

/// Reads at most `max` texts.
pub(super) fn get_templates(cursor: &mut Cursor<'_>, max: usize) -> std::result::Result<Vec<String>, Short> {
    let len = cursor.size()?;
    if len > TEXTS_BYTES_MAX {
        return Err(Short);
    }
    let frame_len = cursor.count(1)?;
    let bytes = zstd::bulk::decompress(cursor.take(frame_len)?, len).map_err(|_| Short)?;
    let mut inner = Cursor::new(&bytes);
    let mut templates = Vec::new();
    while !inner.is_at_end() {
        let len = inner.count(1)?;
        templates.push(Template::get(inner.take(len)?)?);
    }
    let count = cursor.size()?;
    if count > max {
        return Err(Short);
    }
    let of_texts = Ints::get(cursor, count)?.all(count)?;
    let mut counts = vec![0_usize; templates.len()];
    for index in &of_texts {
        *usize::try_from(*index).ok().and_then(|index| counts.get_mut(index)).ok_or(Short)? += 1;
    }
    // Every slot is at least a byte of every text, so this bounds what follows.
    let least = |(template, count): (&Template<'_>, &usize)| template.slots.len().saturating_mul(*count);
    if templates.iter().zip(&counts).map(least).fold(0, usize::saturating_add) > TEXTS_BYTES_MAX {
        return Err(Short);
    }
    let mut numbers = Vec::with_capacity(templates.len());
    for (template, count) in templates.iter().zip(&counts) {
        let columns = template.slots.iter().map(|_| Ok(Ints::get(cursor, *count)?.all(*count)?.into_iter()));
        numbers.push(columns.collect::<std::result::Result<Vec<_>, Short>>()?);
    }
    let (mut texts, mut bytes) = (Vec::with_capacity(count), 0);
    for index in &of_texts {
        let (template, columns) = (&templates[*index as usize], &mut numbers[*index as usize]);
        let mut text = Vec::new();
        for ((before, decimals), column) in template.slots.iter().zip(columns) {
            text.extend_from_slice(before);
            put_number(&mut text, column.next().filter(|number| *number >= 0).ok_or(Short)?, *decimals);
        }
        text.extend_from_slice(template.rest);
        bytes += text.len();
        if bytes > TEXTS_BYTES_MAX {
            return Err(Short);
        }
        texts.push(String::from_utf8(text).map_err(|_| Short)?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(texts: &[String]) -> Option<usize> {
        let bytes = put_templates(texts).unwrap()?;
        let mut cursor = Cursor::new(&bytes);
        assert_eq!(get_templates(&mut cursor, texts.len()).unwrap(), texts);
        assert!(cursor.is_at_end());
        assert_eq!(get_templates(&mut Cursor::new(&bytes), texts.len() - 1), Err(Short));
        for end in 0..bytes.len().min(200) {
            assert_eq!(get_templates(&mut Cursor::new(&bytes[..end]), texts.len()), Err(Short));
        }
        Some(bytes.len())
    }

    #[test]
    fn numbers_keep_their_digits() {
        for text in [
            "0",
            "00",
            "007",
            "0.50",
            "1.",
            ".5",
            "1.2.3",
            "-3.0",
            "1e05",
            "12:05:09",
            "10.0.0.1",
            "٣",
            "999999999999999999",
            "1000000000000000000",
            "12345678901234567890.12345678901234567890",
            "0.000000000000000001",
            "load average: 0.00, 0.01, 0.05",
            "",
            "no number",
            "5",
            "1.0",
        ] {
            let mut numbers = Vec::new();
            let template = split(text.as_bytes(), &mut numbers);
            let taken = Template::get(&template).unwrap();
            let mut back = Vec::new();
            for ((before, decimals), number) in taken.slots.iter().zip(&numbers) {
                back.extend_from_slice(before);
                put_number(&mut back, *number, *decimals);
            }
            back.extend_from_slice(taken.rest);
            assert_eq!(String::from_utf8(back).unwrap(), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_texts_come_back(
            texts in prop::collection::vec("(load|[0-9.]{0,25}|ü)( [0-9]{1,3}[.][0-9]{2}){0,2}", 1..60),
            times in 1_usize..8,
        ) {
            round_trip(&std::iter::repeat_n(texts, times).flatten().collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_that_follow_each_other_cost_little() {
        let texts: Vec<String> = (0..5000)
            .map(|n| format!("DISK OK - free space: / {} MB ({}.{}%)", 90_000 - n, n / 10, n % 10))
            .collect();
        assert!(round_trip(&texts).unwrap() < 5000 / 4);
        assert_eq!(round_trip(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), None);
    }
}
