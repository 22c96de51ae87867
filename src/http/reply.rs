//! Answers to requests.

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// About what there is around the data of an answer.
const AROUND_BYTES: usize = 128;

/// Kinds of failures, as Prometheus calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
}

impl Failure {
    fn name(self) -> &'static str {
        match self {
            Failure::BadData => "bad_data",
            Failure::Execution => "execution",
            Failure::Canceled => "canceled",
            Failure::Timeout => "timeout",
            Failure::Internal => "internal",
        }
    }

    fn status(self) -> u16 {
        match self {
            Failure::BadData => 400,
            Failure::Execution => 422,
            Failure::Canceled => 499,
            Failure::Timeout => 503,
            Failure::Internal => 500,
        }
    }
}

/// What goes with the data of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

impl Reply {
    /// The answer that is this, as JSON, outside of Prometheus' API.
    ///
    /// # Errors
    /// The answer that it cannot be written.
    pub(super) fn json(value: &impl serde::Serialize) -> Result<Reply, Reply> {
        let body = serde_json::to_string(value);
        let body = body.map_err(|error| Reply::failure(Failure::Internal, &error.to_string()))?;
        Ok(Reply { status: 200, content_type: "application/json", body })
    }

    /// An answer of Prometheus' API with data, which is JSON.
    pub(super) fn success(data: &str, notes: &Notes) -> Reply {
        Reply::written(data.len(), notes, |body| body.push_str(data))
    }

    /// The same, of which the data, of about so many bytes, are written where they will be sent from.
    pub(super) fn written(bytes: usize, notes: &Notes, write: impl FnOnce(&mut String)) -> Reply {
        let mut body = String::with_capacity(bytes + AROUND_BYTES);
        body.push_str("{\"status\":\"success\",\"data\":");
        write(&mut body);
        for (name, lines) in [("warnings", &notes.warnings), ("infos", &notes.infos)] {
            if !lines.is_empty() {
                body.push_str(&format!(",\"{name}\":"));
                write_texts(&mut body, lines);
            }
        }
        body.push('}');
        Reply { status: 200, content_type: "application/json", body }
    }

    /// A failure of Prometheus' API.
    pub(super) fn failure(kind: Failure, message: &str) -> Reply {
        let mut body = format!("{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":", kind.name());
        write_text(&mut body, message);
        body.push('}');
        Reply { status: kind.status(), content_type: "application/json", body }
    }

    /// A wrong parameter, as Prometheus words it.
    pub(super) fn invalid(parameter: &str, what: &str) -> Reply {
        Reply::failure(Failure::BadData, &format!("invalid parameter {parameter:?}: {what}"))
    }

    /// Plain text.
    pub(super) fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// What Prometheus' router says of what it does not know.
    pub(super) fn not_found() -> Reply {
        Reply::text(404, "404 page not found\n")
    }
}

/// A list of texts as JSON.
pub(super) fn write_texts<T: AsRef<str>>(out: &mut String, texts: &[T]) {
    out.push('[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, text.as_ref());
    }
    out.push(']');
}

/// A text as JSON, escaped as Go's encoder does it: what HTML would read is, too.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(may_need_escape) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(c) = rest.chars().next() else { break };
        write_escaped(out, c);
        rest = &rest[c.len_utf8()..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Whether a byte is a character that is escaped, or begins one that may be.
fn may_need_escape(byte: u8) -> bool {
    /// The first byte of U+2028 and U+2029.
    const SEPARATOR: u8 = 0xe2;
    byte < b' ' || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | SEPARATOR)
}

fn write_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_shape_of_prometheus() {
        let notes = Notes { warnings: vec!["w".to_owned()], infos: Vec::new() };
        assert_eq!(Reply::success("[]", &notes).body, r#"{"status":"success","data":[],"warnings":["w"]}"#);
        let failure = Reply::invalid("query", "1:7: parse error: a<b \"x\"\n\u{1}");
        assert_eq!(failure.status, 400);
        assert_eq!(
            failure.body,
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:7: parse error: a\u003cb \"x\"\n\u0001"}"#
        );
        assert_eq!(Reply::failure(Failure::Timeout, "x").status, 503);
        let mut text = String::new();
        write_text(&mut text, "\u{20ac}\u{2028}a\\\u{e4}&");
        assert_eq!(text, "\"\u{20ac}\\u2028a\\\\\u{e4}\\u0026\"");
    }
}
