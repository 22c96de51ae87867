//! The names of the notes that a sink has in the store.

/// The name of the note of a sink, in which it has what was set aside ([`Asides`](super::Asides) as JSON), and of its cursor.
pub(super) fn note_name(sink: &str) -> String {
    format!("sink-{sink}")
}

/// The note by which somebody has a sink send again what was set aside.
pub fn retry_note(sink: &str) -> String {
    format!("sink-{sink}.retry")
}
