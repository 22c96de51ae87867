//! A mail: headers, a text, and a graph beside it. Only ASCII, in short lines, so that it passes everywhere.
//!
//! Nothing that a plugin prints can become a header: a subject that is not plain is encoded as a whole, and the text is
//! quoted-printable.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::body::fingerprint;
use super::receipt::Failure;
use crate::hash::fnv1a;
use crate::limits::{MAIL_REFERENCES_MAX, MAIL_SUBJECT_MAX_BYTES};
use crate::notify::message::Message;
use crate::notify::{Notification, NotifiedAlert};
use crate::rules::SEVERITY;
use crate::text::head::head;
use crate::text::printable;

/// Longest line of a body without its end.
const LINE_MAX: usize = 76;
/// Bytes of text in an encoded word, so that a line with one has no more than 76 characters.
const WORD_BYTES: usize = 39;
/// Stands between the parts of a mail. An equals sign is always encoded in them.
const BOUNDARY: &str = "=_custos_part_=";

/// Who writes to whom.
#[derive(Clone, Debug)]
pub(super) struct Letter<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    /// The name of this host.
    pub(super) host: &'a str,
    /// The zone of its date.
    pub(super) zone: &'a TimeZone,
    /// Its date (ms since the epoch).
    pub(super) now_ms: i64,
}

/// The mail that a notification becomes, with CRLF at the end of each line.
///
/// # Errors
/// An address cannot stand in a header.
pub(super) fn compose(
    letter: &Letter<'_>,
    notification: &Notification,
    message: &Message,
) -> Result<String, Failure> {
    for address in letter.to.iter().map(String::as_str).chain([letter.from]) {
        is_address(address)?;
    }
    let domain = domain(letter.host);
    let mut mail = String::new();
    let mut header = |name: &str, value: &str| {
        mail.push_str(name);
        mail.push_str(": ");
        mail.push_str(value);
        mail.push_str("\r\n");
    };
    header("Date", &date(letter));
    header("From", letter.from);
    header("To", &letter.to.join(",\r\n "));
    header("Subject", &encoded(&message.subject));
    header("Message-ID", &message_id(letter, notification, &domain));
    let threads = threads(notification, &domain);
    if let Some(first) = threads.first() {
        header("In-Reply-To", first);
        header("References", &threads.join("\r\n "));
    }
    header("Auto-Submitted", "auto-generated");
    header("X-Auto-Response-Suppress", "All");
    header("MIME-Version", "1.0");
    let text = quoted_printable(&message.text);
    let kind = "text/plain; charset=utf-8";
    let transfer = "quoted-printable";
    let Some(svg) = &message.svg else {
        header("Content-Type", kind);
        header("Content-Transfer-Encoding", transfer);
        return Ok(format!("{mail}\r\n{text}"));
    };
    header("Content-Type", &format!("multipart/mixed; boundary=\"{BOUNDARY}\""));
    let svg = base64(svg.as_bytes());
    Ok(format!(
        "{mail}\r\n--{BOUNDARY}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n{text}\r\n\
         --{BOUNDARY}\r\nContent-Type: image/svg+xml; name=\"graph.svg\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"graph.svg\"\r\n\r\n{svg}\r\n--{BOUNDARY}--\r\n"
    ))
}

/// Refuses what would not remain one address in a header and in an envelope.
pub(super) fn is_address(address: &str) -> Result<(), Failure> {
    let fits = |character: char| character.is_ascii_graphic() && !"<>()[],;:\\\"".contains(character);
    if address.is_empty() || !address.chars().all(fits) {
        return Err(Failure::Permanent(format!(
            "{} is no address that mail can be sent to",
            printable(address)
        )));
    }
    Ok(())
}

fn date(letter: &Letter<'_>) -> String {
    let now = Timestamp::from_millisecond(letter.now_ms).unwrap_or_default();
    now.to_zoned(letter.zone.clone()).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// What of the name of a host may stand in an identifier.
fn domain(host: &str) -> String {
    let fits = |character: &char| character.is_ascii_alphanumeric() || ".-".contains(*character);
    let domain: String = host.chars().filter(fits).collect();
    if domain.is_empty() { "localhost".to_owned() } else { domain }
}

/// The same for each attempt to send the same, so that whoever keeps mails can tell.
fn message_id(letter: &Letter<'_>, notification: &Notification, domain: &str) -> String {
    let to = letter.to.join(" ");
    let parts = [&to, &notification.group_key].into_iter().flat_map(|part| part.bytes().chain([0xff]));
    format!("<custos.{:016x}.{}@{domain}>", fnv1a(parts), notification.at_ms)
}

/// What all mails about an alert refer to, from the time at which it began to fire: by that they make a thread, whatever its severity
/// becomes.
fn threads(notification: &Notification, domain: &str) -> Vec<String> {
    let thread = |alert: &NotifiedAlert| {
        let mut labels = alert.labels.clone();
        labels.remove(SEVERITY);
        format!("<custos.{}.{}@{domain}>", fingerprint(&labels), alert.started_ms)
    };
    notification.alerts.iter().take(MAIL_REFERENCES_MAX).map(thread).collect()
}

/// The value of a header, by RFC 2047 where it is not plain.
fn encoded(text: &str) -> String {
    let text = printable(text);
    let mut rest = head(&text, MAIL_SUBJECT_MAX_BYTES);
    let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if rest.len() <= LINE_MAX - 10 && rest.bytes().all(is_plain) && !rest.contains("=?") {
        return rest.to_owned();
    }
    if rest.bytes().all(is_plain) && !rest.contains("=?") {
        return folded(rest);
    }
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, others) = rest.split_at(head(rest, WORD_BYTES).len());
        words.push(format!("=?utf-8?B?{}?=", openssl::base64::encode_block(word.as_bytes())));
        rest = others;
    }
    words.join("\r\n ")
}

/// A plain text, folded at blanks, so that the lines of its header are short where that is possible. Runs of blanks become one.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut column = "Subject: ".len();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let first = folded.is_empty();
        if !first && column + 1 + word.len() > LINE_MAX {
            folded.push_str("\r\n ");
            column = 1;
        } else if !first {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += word.len();
    }
    folded
}

/// A text whose lines end with CRLF, by RFC 2045.
fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let mut column = 0;
        let bytes = line.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            let is_last = index + 1 == bytes.len();
            // Some programs change a line that begins so.
            let of_mailbox = index == 0 && line.starts_with("From ");
            let plain = match byte {
                b'=' => false,
                b' ' => !is_last,
                _ => byte.is_ascii_graphic() && !of_mailbox,
            };
            let width = if plain { 1 } else { 3 };
            if column + width > LINE_MAX - 1 {
                out.push_str("=\r\n");
                column = 0;
            }
            if plain {
                out.push(char::from(*byte));
            } else {
                out.push_str(&format!("={byte:02X}"));
            }
            column += width;
        }
        out.push_str("\r\n");
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    let whole = openssl::base64::encode_block(bytes);
    let lines: Vec<&str> =
        whole.as_bytes().chunks(LINE_MAX).map(|line| str::from_utf8(line).unwrap_or_default()).collect();
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::send::stage::{NOON, notification};

    fn mail(subject: &str, text: &str, svg: Option<&str>) -> String {
        let to = ["ops@example.org".to_owned(), "night@example.org".to_owned()];
        let zone = TimeZone::UTC;
        let letter = Letter { from: "custos@web", to: &to, host: "web\n1", zone: &zone, now_ms: NOON };
        let message = Message { subject: subject.into(), text: text.into(), svg: svg.map(str::to_owned) };
        compose(&letter, &notification(&["disk"]), &message).unwrap()
    }

    #[test]
    fn a_mail_has_what_mails_need() {
        let mail = mail("CRITICAL web disk", "full\r\nFrom here\n= 97 % \n", None);
        let expected = "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: custos@web\r\nTo: ops@example.org,\r\n \
                        night@example.org\r\nSubject: CRITICAL web disk\r\nMessage-ID: <custos.";
        assert!(mail.starts_with(expected), "{mail}");
        assert!(mail.contains(&format!(".{}@web1>\r\nIn-Reply-To: <custos.", NOON + 30_000)), "{mail}");
        assert!(mail.contains("\r\nAuto-Submitted: auto-generated\r\n"));
        assert!(mail.ends_with("\r\n\r\nfull\r\n=46rom here\r\n=3D 97 %=20\r\n"), "{mail}");
    }

    #[test]
    fn a_graph_is_attached() {
        let mail = mail("s", "text", Some("<svg>é</svg>"));
        let attached =
            "Content-Disposition: attachment; filename=\"graph.svg\"\r\n\r\nPHN2Zz7DqTwvc3ZnPg==\r\n--";
        assert!(mail.contains(attached), "{mail}");
        assert!(mail.ends_with("--=_custos_part_=--\r\n"));
    }

    #[test]
    fn a_subject_that_is_not_plain_is_encoded_in_words() {
        let long = ["word"; 40].join(" ");
        let folded = encoded(&long);
        assert!(
            folded.split("\r\n").all(|line| line.len() <= LINE_MAX) && folded.replace("\r\n", "") == long
        );
        assert_eq!(encoded("größer"), "=?utf-8?B?Z3LDtsOfZXI=?=");
        assert_eq!(encoded("a\r\nBcc: x"), "a\\r\\nBcc: x");
        assert_eq!(encoded("=?utf-8?B?eA==?="), "=?utf-8?B?PT91dGYtOD9CP2VBPT0/PQ==?=");
        for word in encoded(&"ä".repeat(100)).split("\r\n ") {
            assert!(word.len() <= 75 && word.starts_with("=?utf-8?B?") && word.ends_with("?="), "{word}");
        }
    }

    #[test]
    fn an_address_is_one() {
        assert_eq!(is_address("ops+a@example.org"), Ok(()));
        for bad in ["", "a b", "a@b\r\nBcc: c@d", "a@b,c@d", "<a@b>", "ä@b"] {
            assert!(matches!(is_address(bad), Err(Failure::Permanent(_))), "{bad}");
        }
    }

    /// The headers that a mail may have.
    const HEADERS: [&str; 11] = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    ];

    proptest! {
        #[test]
        fn no_text_adds_a_header_or_a_part(subject in any::<String>(), text in any::<String>(), lines in ".*\r?\n.*") {
            for (subject, text) in [(&*subject, &*text), (&*lines, &*lines)] {
                let mail = mail(subject, text, Some("<svg/>"));
                prop_assert!(mail.bytes().all(|byte| byte == b'\r' || byte == b'\n' || (32..127).contains(&byte)));
                prop_assert!(mail.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
                let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
                for line in headers.split("\r\n").filter(|line| !line.starts_with(' ')) {
                    let name = line.split(':').next().unwrap();
                    prop_assert!(HEADERS.contains(&name), "{line}");
                }
                prop_assert_eq!(mail.matches(BOUNDARY).count(), 4);
            }
        }
    }
}
