//! The table that comes with the program, read from `builtin.txt` once; the file says how it is written.

use std::collections::HashMap;

use custos_compat::snmp::Oid;

use super::object::{Object, Syntax};

const TABLE: &str = include_str!("builtin.txt");

/// Every object of the built-in table. A line that cannot be read is left out; a test sees to it that there is none.
pub(super) fn objects() -> Vec<Object> {
    parse(TABLE).0
}

/// The objects of a table, and the lines that are not understood.
fn parse(text: &str) -> (Vec<Object>, Vec<&str>) {
    let mut objects: Vec<Object> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut faulty = Vec::new();
    let mut module = "";
    for line in text.lines() {
        match line.as_bytes().first() {
            None | Some(b';') => {}
            Some(b'#') => module = line[1..].trim(),
            Some(_) => match object(line, module, &objects, &places) {
                Some((name, object)) => {
                    places.insert(name, objects.len());
                    objects.push(object);
                }
                None => faulty.push(line),
            },
        }
    }
    (objects, faulty)
}

fn object<'t>(
    line: &'t str,
    module: &str,
    objects: &[Object],
    places: &HashMap<&str, usize>,
) -> Option<(&'t str, Object)> {
    let (line, units) = match line.split_once(" \"") {
        Some((line, units)) => (line, units.strip_suffix('"')?),
        None => (line, ""),
    };
    let mut parts = line.split(' ');
    let name = parts.next()?;
    let oid = place(parts.next()?, objects, places)?;
    let syntax = match parts.next() {
        Some(word) => Syntax::from_word(word)?,
        None => Syntax::Node,
    };
    let words = parts.next().map_or(Some(Vec::new()), words)?;
    if parts.next().is_some() || places.contains_key(name) {
        return None;
    }
    let (words, units) = (words.into(), units.into());
    Some((name, Object { name: name.into(), module: module.into(), oid, syntax, words, units }))
}

/// `PARENT.NUMBER[.NUMBER…]`, or numbers alone.
fn place(text: &str, objects: &[Object], places: &HashMap<&str, usize>) -> Option<Oid> {
    let (parent, numbers) = match text.split_once('.') {
        Some((parent, numbers)) if !parent.starts_with(|c: char| c.is_ascii_digit()) => {
            (objects[*places.get(parent)?].oid.clone(), numbers)
        }
        _ => (Oid::default(), text),
    };
    let numbers: Option<Vec<u32>> = numbers.split('.').map(|number| number.parse().ok()).collect();
    parent.join(&numbers?)
}

fn words(text: &str) -> Option<Vec<(i64, Box<str>)>> {
    text.split(',')
        .map(|pair| {
            let (word, number) = pair.split_once('=')?;
            Some((number.parse().ok()?, word.into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let (objects, faulty) = parse(TABLE);
        assert_eq!(faulty, Vec::<&str>::new());
        assert!(objects.len() > 1000);
    }

    #[test]
    fn lines_that_make_no_sense_are_told() {
        let table =
            "a 1\nb a.2 int x=1,y=2 \"s\"\nb a.3\nc d.1\nd a.x\ne a.1 what\nf a.1 int x\ng a.1 int x=1 y";
        let (objects, faulty) = parse(table);
        assert_eq!(faulty.len(), 6, "{faulty:?}");
        assert_eq!(objects[1].oid.to_string(), "1.2");
        assert_eq!(
            (objects[1].word(2), objects[1].number("x"), &*objects[1].units),
            (Some("y"), Some(1), "s")
        );
    }
}
