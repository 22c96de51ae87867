//! Where sinks may write files: not in the directory of the store, and no two to the same file.

use std::path::{Path, PathBuf};

use crate::config::keys::sink as keys;
use crate::config::model::sink::{Receiver, Sink};
use crate::document::diagnostic::Findings;
use crate::document::place::Place;
use crate::document::real_path::real;
use crate::document::section::Row;
use crate::document::yaml::{Content, Entry};

/// Reports files that are in the directory of the store or that several sinks write to.
pub(super) fn verify(sinks: &[(&Entry, Sink)], store: &Path, findings: &mut Findings) {
    let store_real = real(store);
    let mut known: Vec<(PathBuf, &Entry)> = Vec::new();
    for (entry, sink) in sinks {
        let Receiver::File { path, .. } = &sink.receiver else { continue };
        let (place, written) = written(entry);
        let file = real(path);
        if file.starts_with(&store_real) {
            let message = format!(
                "found `{written}`, which is in the directory of the store, {}, expected a file elsewhere: nothing but the store is \
                 written there",
                store.display()
            );
            findings.error(place, message);
        } else if let Some((_, first)) = known.iter().find(|(other, _)| *other == file) {
            let message = format!("the sinks `{}` and `{}` write to the same file", first.key, entry.key);
            findings.error_beside(place, message, "first", self::written(first).0);
        }
        known.push((file, entry));
    }
}

/// What stands for the file of a sink, and where.
fn written(entry: &Entry) -> (&Place, &str) {
    let Content::Map(fields) = &entry.value.content else { return (&entry.key_place, "") };
    let Some(field) = fields.iter().find(|field| field.key == keys::FILE_OF.name()) else {
        return (&entry.key_place, "");
    };
    let text = match &field.value.content {
        Content::Scalar(scalar) => scalar.text.as_str(),
        _ => "",
    };
    (&field.value.place, text)
}
