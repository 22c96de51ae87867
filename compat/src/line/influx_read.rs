//! InfluxDB's line protocol, read: a point is a line.
//!
//! ```text
//! measurement,tag=value,tag=value field=1.5,field=2i,field="text",field=true 1795305600000000000
//! ```

use std::fmt;

use super::number::Number;

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub struct InfluxPoint {
    /// Its measurement.
    pub measurement: String,
    /// Its tags, as they are written.
    pub tags: Vec<(String, String)>,
    /// Its fields, at least one.
    pub fields: Vec<(String, InfluxField)>,
    /// Its time, in the precision of whoever wrote it; none if the line has none.
    pub time: Option<i64>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum InfluxField {
    /// A number.
    Number(Number),
    /// A truth value.
    Boolean(bool),
    /// A text.
    Text(String),
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfluxFault {
    /// There is no measurement.
    Measurement,
    /// A tag has no name or no value.
    Tag,
    /// There is no field, or one without a name or a value.
    Field,
    /// The value of a field is none of the format's.
    Value,
    /// The time is no number.
    Time,
}

impl fmt::Display for InfluxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InfluxFault::Measurement => "it has no measurement",
            InfluxFault::Tag => "a tag has no name or no value",
            InfluxFault::Field => "it has no field, or one without a name or a value",
            InfluxFault::Value => {
                "the value of a field is neither a number, a text in quotes nor a truth value"
            }
            InfluxFault::Time => "its time is no whole number",
        })
    }
}

impl InfluxPoint {
    /// Reads a line; none if it is empty or a comment.
    ///
    /// # Errors
    /// The line is no point.
    pub fn parse(line: &str) -> Result<Option<InfluxPoint>, InfluxFault> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let (measurement, mut rest) = name(line, &[',', ' ']);
        if measurement.is_empty() {
            return Err(InfluxFault::Measurement);
        }
        let mut tags = Vec::new();
        while let Some(tag) = rest.strip_prefix(',') {
            let (key, behind) = name(tag, &[',', '=', ' ']);
            let (value, behind) = name(behind.strip_prefix('=').ok_or(InfluxFault::Tag)?, &[',', '=', ' ']);
            if key.is_empty() || value.is_empty() {
                return Err(InfluxFault::Tag);
            }
            tags.push((key, value));
            rest = behind;
        }
        let mut fields = Vec::new();
        rest = rest.strip_prefix(' ').ok_or(InfluxFault::Field)?.trim_start_matches(' ');
        loop {
            let (key, behind) = name(rest, &[',', '=', ' ']);
            let behind = behind.strip_prefix('=').filter(|_| !key.is_empty()).ok_or(InfluxFault::Field)?;
            let (value, behind) = field(behind)?;
            fields.push((key, value));
            match behind.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = behind;
                    break;
                }
            }
        }
        let time = rest.trim();
        let time = match time.is_empty() {
            true => None,
            false => Some(time.parse().map_err(|_| InfluxFault::Time)?),
        };
        Ok(Some(InfluxPoint { measurement, tags, fields, time }))
    }

    /// The value of a tag; empty if there is none.
    pub fn tag(&self, name: &str) -> &str {
        self.tags.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A name up to one of these characters that has no backslash before it, and what follows. A backslash before another character stands
/// for itself.
fn name<'l>(text: &'l str, ends: &[char]) -> (String, &'l str) {
    let mut found = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if ends.contains(&character) {
            return (found, &text[at..]);
        }
        let escaped = characters.peek().map(|(_, next)| *next).filter(|next| matches!(next, ',' | '=' | ' '));
        match (character, escaped) {
            ('\\', Some(next)) => {
                found.push(next);
                characters.next();
            }
            _ => found.push(character),
        }
    }
    (found, "")
}

/// The value of a field, and what follows.
fn field(text: &str) -> Result<(InfluxField, &str), InfluxFault> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut found = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return Ok((InfluxField::Text(found), &quoted[at + 1..])),
                '\\' => match characters.next() {
                    Some((_, next @ ('"' | '\\'))) => found.push(next),
                    Some((_, next)) => found.extend(['\\', next]),
                    None => return Err(InfluxFault::Value),
                },
                _ => found.push(character),
            }
        }
        return Err(InfluxFault::Value);
    }
    let end = text.find([',', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let value = match word {
        "t" | "T" | "true" | "True" | "TRUE" => InfluxField::Boolean(true),
        "f" | "F" | "false" | "False" | "FALSE" => InfluxField::Boolean(false),
        _ => InfluxField::Number(number(word).ok_or(InfluxFault::Value)?),
    };
    Ok((value, rest))
}

fn number(word: &str) -> Option<Number> {
    if let Some(integer) = word.strip_suffix('i') {
        return integer.parse().ok().map(Number::Integer);
    }
    if let Some(integer) = word.strip_suffix('u') {
        let unsigned: u64 = integer.parse().ok()?;
        // Beyond what the store has, as near as a float is.
        return Some(i64::try_from(unsigned).map_or(Number::Float(unsigned as f64), Number::Integer));
    }
    // Not the words for infinity that Rust knows, which the format has not.
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    word.parse().ok().filter(|_| is_plain).map(Number::Float)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::InfluxSeries;
    use super::*;

    fn parsed(line: &str) -> InfluxPoint {
        InfluxPoint::parse(line).unwrap().unwrap()
    }

    #[test]
    fn a_point_has_tags_fields_and_a_time() {
        let point = parsed(
            r#"disk\ io,host=web1,path=/a\,b used=1.5,n=-3i,u=18446744073709551615u,ok=t,text="a \"b\", c" 17"#,
        );
        assert_eq!(point.measurement, "disk io");
        assert_eq!((point.tag("host"), point.tag("path"), point.tag("x")), ("web1", "/a,b", ""));
        let field = |name: &str, value| (name.to_owned(), value);
        let number = InfluxField::Number;
        assert_eq!(
            point.fields,
            [
                field("used", number(Number::Float(1.5))),
                field("n", number(Number::Integer(-3))),
                field("u", number(Number::Float(18_446_744_073_709_551_615.0))),
                field("ok", InfluxField::Boolean(true)),
                field("text", InfluxField::Text("a \"b\", c".to_owned())),
            ]
        );
        assert_eq!(point.time, Some(17));
        assert_eq!(parsed("m f=1").time, None);
        assert_eq!(InfluxPoint::parse("  # comment"), Ok(None));
    }

    #[test]
    fn what_is_no_point_is_said() {
        for (line, fault) in [
            (",a=b f=1", InfluxFault::Measurement),
            ("m,a f=1", InfluxFault::Tag),
            ("m,a= f=1", InfluxFault::Tag),
            ("m", InfluxFault::Field),
            ("m f", InfluxFault::Field),
            ("m f=", InfluxFault::Value),
            ("m f=inf", InfluxFault::Value),
            ("m f=\"x", InfluxFault::Value),
            ("m f=1 soon", InfluxFault::Time),
        ] {
            assert_eq!(InfluxPoint::parse(line), Err(fault), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            measurement in "[a-z ,=/]{1,8}", key in "[a-z ,=]{1,5}", value in "[a-z ,=\"]{1,5}", number in any::<f64>(),
        ) {
            prop_assume!(number.is_finite() && !measurement.starts_with(' '));
            let mut line = String::new();
            InfluxSeries::new(&measurement, [(&*key, &*value)]).write(Number::Float(number), 5, &mut line);
            let point = parsed(&line);
            prop_assert_eq!(&point.measurement, &measurement);
            prop_assert_eq!(&point.tags, &[(key, value)]);
            prop_assert_eq!(&point.fields, &[("value".to_owned(), InfluxField::Number(Number::Float(number)))]);
        }

        #[test]
        fn nothing_makes_it_panic(line in "\\PC{0,60}") {
            let _ = InfluxPoint::parse(&line);
        }
    }
}
