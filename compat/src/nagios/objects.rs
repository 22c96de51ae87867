//! Nagios' object cache, into which it writes what its configuration comes to: no templates, no groups, a definition for each service
//! of each host. `nagios -vp` writes the same.

use std::fmt;

/// A definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// What it defines, such as `service`.
    pub kind: String,
    /// The line at which it begins, from 1.
    pub line: usize,
    /// What it says, in order.
    pub fields: Vec<ObjectField>,
}

/// One thing that a definition says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its line, from 1.
    pub line: usize,
}

/// A line that is none of an object cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for ObjectsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ObjectsFault {}

impl Object {
    /// The value of a field; none if it is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| field.value.as_str())
    }

    /// A field; none if it is not there.
    pub fn field(&self, name: &str) -> Option<&ObjectField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The definitions of an object cache.
///
/// # Errors
/// A line is outside of a definition and begins none, or a definition does not end.
pub fn parse_objects(text: &str) -> Result<Vec<Object>, ObjectsFault> {
    let mut objects = Vec::new();
    let mut open: Option<Object> = None;
    for (at, line) in text.lines().enumerate() {
        let (number, trimmed) = (at + 1, line.trim());
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let fault = |what| ObjectsFault { line: number, what };
        match &mut open {
            None => {
                let kind = trimmed.strip_prefix("define").and_then(|rest| rest.strip_suffix('{'));
                let kind = kind.ok_or(fault("it begins no definition"))?.trim().to_owned();
                open = Some(Object { kind, line: number, fields: Vec::new() });
            }
            Some(_) if trimmed == "}" => objects.extend(open.take()),
            Some(object) => {
                // Days of a period have blanks in their name: in a cache a tab ends it.
                let parts = trimmed.split_once('\t').or_else(|| trimmed.split_once(' '));
                let (name, value) = parts.unwrap_or((trimmed, ""));
                let field = ObjectField {
                    name: name.trim().to_owned(),
                    value: value.trim().to_owned(),
                    line: number,
                };
                object.fields.push(field);
            }
        }
    }
    match open {
        Some(object) => Err(ObjectsFault { line: object.line, what: "the definition does not end" }),
        None => Ok(objects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_know_their_lines() {
        let text = "# NAGIOS\n\ndefine timeperiod {\n\tmonday 1 may\t08:00-09:00\n\t}\n\ndefine service {\n\thost_name\tweb1\n\t_EXTRA\tfoo bar\n\tnotes\n\t}\n";
        let objects = parse_objects(text).unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0].fields[0].name, "monday 1 may");
        assert_eq!((objects[1].kind.as_str(), objects[1].line), ("service", 7));
        assert_eq!(objects[1].get("_EXTRA"), Some("foo bar"));
        assert_eq!((objects[1].get("notes"), objects[1].get("other")), (Some(""), None));
        assert_eq!(objects[1].field("host_name").map(|field| field.line), Some(8));
    }

    #[test]
    fn what_is_no_cache_is_said() {
        assert_eq!(parse_objects("service {").unwrap_err().line, 1);
        assert_eq!(parse_objects("\ndefine host {\nhost_name a\n").unwrap_err().line, 2);
    }
}
