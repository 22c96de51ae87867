//! A column of texts: most repeat, or repeat but for their numbers.
//!
//! ```text
//! u8  0: one text     length and bytes
//! u8  1: many         zstd frame (varint length before it) of the distinct texts, each with a varint length before
//!                     it; then integers: for each row the index of its text
//! u8  2: templates    the distinct texts as `templates.rs` writes them; then integers as before
//! ```

use super::ints::{Ints, put_ints};
use super::packed::Effort;
use super::templates::{get_templates, put_templates};
use std::collections::HashMap;

use crate::bytes::{Cursor, Short, put_str, put_varint};
use crate::error::{Error, Result};
use crate::limits::TEXTS_BYTES_MAX;

const ONE: u8 = 0;
const MANY: u8 = 1;
const TEMPLATES: u8 = 2;

/// Texts of consecutive rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// The distinct texts.
    pub(crate) distinct: Vec<String>,
    /// For each row the index of its text.
    pub(crate) rows: Vec<u32>,
}

impl Texts {
    pub(crate) fn at(&self, row: usize) -> &str {
        &self.distinct[self.rows[row] as usize]
    }
}

/// Texts that are being collected.
#[derive(Default)]
pub(crate) struct TextsBuilder {
    texts: Texts,
    indexes: HashMap<String, u32>,
    bytes: usize,
}

impl TextsBuilder {
    /// The index of a text.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        // Most rows repeat the one before.
        if let Some(last) = self.texts.rows.last()
            && let known = &self.texts.distinct[*last as usize]
            && known.len() == text.len()
            && (text.is_empty() || known == text)
        {
            return *last;
        }
        if let Some(index) = self.indexes.get(text) {
            return *index;
        }
        let index = self.texts.distinct.len() as u32;
        self.texts.distinct.push(text.to_owned());
        self.indexes.insert(text.to_owned(), index);
        self.bytes += text.len();
        index
    }

    pub(crate) fn push(&mut self, index: u32) {
        self.texts.rows.push(index);
    }

    /// Bytes of the distinct texts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }
}

/// Writes the texts of all rows.
pub(crate) fn put_texts(out: &mut Vec<u8>, texts: &Texts, effort: Effort) -> Result<()> {
    if texts.distinct.len() <= 1 {
        out.push(ONE);
        put_str(out, texts.distinct.first().map_or("", String::as_str));
        return Ok(());
    }
    let mut distinct: Vec<u8> = Vec::new();
    texts.distinct.iter().for_each(|text| put_str(&mut distinct, text));
    let level = if effort == Effort::Quick { 1 } else { 9 };
    let packed = zstd::bulk::compress(&distinct, level)
        .map_err(|error| Error::Compress { what: error.to_string() })?;
    // What will be merged soon is not worth the time that templates take. A reader expects no more texts than rows.
    let tried = effort == Effort::Full && texts.distinct.len() <= texts.rows.len();
    let templates = if tried { put_templates(&texts.distinct)? } else { None };
    match templates.filter(|templates| templates.len() < packed.len()) {
        Some(templates) => {
            out.push(TEMPLATES);
            out.extend_from_slice(&templates);
        }
        None => {
            out.push(MANY);
            put_varint(out, distinct.len() as u64);
            put_varint(out, packed.len() as u64);
            out.extend_from_slice(&packed);
            put_varint(out, texts.distinct.len() as u64);
        }
    }
    let indexes: Vec<i64> = texts.rows.iter().map(|index| i64::from(*index)).collect();
    put_ints(out, &indexes, effort)
}

/// Reads the texts of `n` rows.
pub(crate) fn get_texts(cursor: &mut Cursor<'_>, n: usize) -> std::result::Result<Texts, Short> {
    match cursor.u8()? {
        ONE => Ok(Texts { distinct: vec![cursor.str()?.to_owned()], rows: vec![0; n] }),
        MANY => {
            let len = cursor.size()?;
            if len > TEXTS_BYTES_MAX {
                return Err(Short);
            }
            let packed_len = cursor.count(1)?;
            let bytes = zstd::bulk::decompress(cursor.take(packed_len)?, len).map_err(|_| Short)?;
            let mut inner = Cursor::new(&bytes);
            let count = cursor.size()?;
            let distinct: Vec<String> =
                std::iter::from_fn(|| (!inner.is_at_end()).then(|| inner.str().map(str::to_owned)))
                    .collect::<std::result::Result<_, Short>>()?;
            if distinct.len() != count {
                return Err(Short);
            }
            get_rows(cursor, n, distinct)
        }
        TEMPLATES => {
            let distinct = get_templates(cursor, n)?;
            get_rows(cursor, n, distinct)
        }
        _ => Err(Short),
    }
}

/// Reads which of the texts each row has.
fn get_rows(cursor: &mut Cursor<'_>, n: usize, distinct: Vec<String>) -> std::result::Result<Texts, Short> {
    let index =
        |index: i64| u32::try_from(index).ok().filter(|at| (*at as usize) < distinct.len()).ok_or(Short);
    let indexes = Ints::get(cursor, n)?.all(n)?;
    let rows = indexes.into_iter().map(index).collect::<std::result::Result<_, Short>>()?;
    Ok(Texts { distinct, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str]) -> usize {
        let mut builder = TextsBuilder::default();
        for text in texts {
            let index = builder.intern(text);
            builder.push(index);
        }
        let mut bytes = Vec::new();
        put_texts(&mut bytes, builder.texts(), Effort::Full).unwrap();
        let read = get_texts(&mut Cursor::new(&bytes), texts.len()).unwrap();
        texts.iter().enumerate().for_each(|(row, text)| assert_eq!(read.at(row), *text));
        bytes.len()
    }

    #[test]
    fn texts_come_back_and_repeats_cost_little() {
        assert_eq!(check(&["OK"; 1000]), 4);
        assert!(check(&[""; 1000]) < 4);
        let mut texts = vec!["DISK OK - free space: / 8123 MB"; 1000];
        texts[300..600].fill("DISK WARNING - free space: / 900 MB");
        assert!(check(&texts) < 100);
        check(&["a", "b", "a", "ü\n\0"]);
        let texts: Vec<String> =
            (0..1000).map(|n| format!("PING OK - RTA = 0.{} ms", n * 7919 % 97)).collect();
        assert!(check(&texts.iter().map(String::as_str).collect::<Vec<_>>()) < 1500);
    }
}
