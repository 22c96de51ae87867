//! The native protocol of systemd's journal: an entry is a list of fields, and one datagram to journald.
//!
//! A value without a line end is `NAME=value\n`. One with a line end is `NAME\n`, its length as 64 bits little endian, the
//! value and `\n`, so no value can begin a field of its own.

/// The longest name of a field that the journal keeps.
const NAME_MAX_BYTES: usize = 64;

/// Adds a field to an entry. The name is made one that the journal takes; a field whose name has nothing of that kind is
/// left out.
pub fn append_field(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    let name = field_name(name);
    if name.is_empty() {
        return;
    }
    entry.extend(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend(value);
    entry.push(b'\n');
}

/// Capital letters, digits and underscores, beginning with a letter: journald discards fields with other names, and
/// those that begin with an underscore are its own.
fn field_name(name: &str) -> String {
    let allowed = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { b'_' };
    let bytes = name.bytes().map(allowed).skip_while(|byte| !byte.is_ascii_uppercase());
    bytes.take(NAME_MAX_BYTES).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of an entry, read as journald does it.
    fn fields(mut entry: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut fields = Vec::new();
        while !entry.is_empty() {
            let line_end = entry.iter().position(|byte| *byte == b'\n').unwrap();
            let (line, rest) = entry.split_at(line_end);
            let (name, value, rest) = match line.iter().position(|byte| *byte == b'=') {
                Some(at) => (&line[..at], &line[at + 1..], &rest[1..]),
                None => {
                    let len = u64::from_le_bytes(rest[1..9].try_into().unwrap()) as usize;
                    assert_eq!(rest[9 + len], b'\n');
                    (line, &rest[9..9 + len], &rest[10 + len..])
                }
            };
            fields.push((String::from_utf8(name.to_vec()).unwrap(), value.to_vec()));
            entry = rest;
        }
        fields
    }

    #[test]
    fn values_are_text_or_have_their_length() {
        let mut entry = Vec::new();
        append_field(&mut entry, "MESSAGE", b"a=b");
        append_field(&mut entry, "CUSTOS_CHECK", b"x\nPRIORITY=0");
        assert_eq!(entry, b"MESSAGE=a=b\nCUSTOS_CHECK\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n");
    }

    #[test]
    fn names_are_those_that_the_journal_takes() {
        assert_eq!(field_name("custos_since_ms"), "CUSTOS_SINCE_MS");
        assert_eq!(field_name("_PID=1\nx.y"), "PID_1_X_Y");
        assert_eq!(field_name("9ü_"), "");
        assert_eq!(field_name(&"a".repeat(65)).len(), 64);
        let mut entry = Vec::new();
        append_field(&mut entry, "_", b"x");
        assert_eq!(entry, b"");
    }

    proptest! {
        #[test]
        fn no_value_makes_a_field_of_its_own(values in prop::collection::vec(any::<Vec<u8>>(), 0..5)) {
            let mut entry = Vec::new();
            for value in &values {
                append_field(&mut entry, "A", value);
            }
            let expected: Vec<_> = values.into_iter().map(|value| ("A".to_owned(), value)).collect();
            prop_assert_eq!(fields(&entry), expected);
        }
    }
}
