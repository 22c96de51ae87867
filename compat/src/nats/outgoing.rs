//! What a client sends once it is connected.

use super::error::Error;
use super::headers::put_headers;
use super::subject::is_subject;

/// A message to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Publish<'a> {
    /// Where to.
    pub subject: &'a str,
    /// Where an answer is wanted.
    pub reply: Option<&'a str>,
    /// Its headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// What it says.
    pub payload: &'a [u8],
}

fn subject(text: &str) -> Result<&str, Error> {
    if is_subject(text) { Ok(text) } else { Err(Error::Subject(text.to_owned())) }
}

/// PUB, or HPUB if there are headers.
///
/// # Errors
/// If a subject or a header cannot be written.
pub fn put_publish(out: &mut Vec<u8>, message: &Publish<'_>) -> Result<(), Error> {
    let to = subject(message.subject)?;
    let reply = message.reply.map(subject).transpose()?.map(|reply| format!("{reply} ")).unwrap_or_default();
    if message.headers.is_empty() {
        out.extend_from_slice(format!("PUB {to} {reply}{}\r\n", message.payload.len()).as_bytes());
    } else {
        let mut headers = Vec::new();
        put_headers(&mut headers, message.headers)?;
        let total = headers.len() + message.payload.len();
        out.extend_from_slice(format!("HPUB {to} {reply}{} {total}\r\n", headers.len()).as_bytes());
        out.append(&mut headers);
    }
    out.extend_from_slice(message.payload);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// SUB: has what is sent to a subject, which may have wildcards, sent to this client, under a number of its own.
///
/// # Errors
/// If the subject cannot be written.
pub fn put_subscribe(out: &mut Vec<u8>, to: &str, number: u64) -> Result<(), Error> {
    out.extend_from_slice(format!("SUB {} {number}\r\n", subject(to)?).as_bytes());
    Ok(())
}

/// UNSUB.
pub fn put_unsubscribe(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(format!("UNSUB {number}\r\n").as_bytes());
}

/// PING.
pub fn put_ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"PING\r\n");
}

/// PONG.
pub fn put_pong(out: &mut Vec<u8>) {
    out.extend_from_slice(b"PONG\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_as_the_protocol_has_them() {
        let mut out = Vec::new();
        put_subscribe(&mut out, "_INBOX.1.*", 1).unwrap();
        put_publish(&mut out, &Publish { subject: "a", payload: b"hi", ..Publish::default() }).unwrap();
        let headers = [("Nats-Msg-Id", "7")];
        let message = Publish { subject: "a.b", reply: Some("r"), headers: &headers, payload: b"xyz" };
        put_publish(&mut out, &message).unwrap();
        put_unsubscribe(&mut out, 1);
        put_ping(&mut out);
        put_pong(&mut out);
        let expected = "SUB _INBOX.1.* 1\r\nPUB a 2\r\nhi\r\nHPUB a.b r 28 31\r\nNATS/1.0\r\nNats-Msg-Id: 7\r\n\r\nxyz\r\n\
            UNSUB 1\r\nPING\r\nPONG\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected.replace("            ", ""));
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_subject() {
        for subject in ["a b", "a\r\nPUB b 0", "", "a..b", ".a", "a.", "a\tb"] {
            let message = Publish { subject, ..Publish::default() };
            assert_eq!(put_publish(&mut Vec::new(), &message), Err(Error::Subject(subject.to_owned())));
        }
    }
}
