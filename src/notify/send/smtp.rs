//! A client of SMTP: one mail over one connection to the server that takes mail for this host.

use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connection::{self, Connection};
use super::mail::is_address;
use super::receipt::Failure;
use crate::config::Secret;
use crate::limits::{NOTIFY_MAIL_TIMEOUT, NOTIFY_REASON_MAX_CHARS, SMTP_REPLY_MAX_BYTES};
use crate::text::printable;

/// How the connection is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// By `STARTTLS`, which the server must offer.
    StartTls,
    /// From its first byte.
    Tls,
    /// Not at all.
    None,
}

/// The server.
#[derive(Clone, Debug)]
pub(super) struct Relay<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) security: Security,
    /// PEM file of the authorities that its certificate is verified against; `None` for those of the system.
    pub(super) authorities: Option<&'a std::path::Path>,
    /// User and password.
    pub(super) login: Option<(&'a str, &'a Secret)>,
    /// The name of this host.
    pub(super) name: &'a str,
}

/// Hands a mail over, whose lines end with CRLF. It is delivered once the server has said so.
///
/// # Errors
/// The server does not take it.
pub(super) async fn send(relay: &Relay<'_>, from: &str, to: &str, mail: &str) -> Result<(), Failure> {
    match tokio::time::timeout(NOTIFY_MAIL_TIMEOUT, talk(relay, from, to, mail)).await {
        Ok(result) => result,
        Err(_) => {
            let seconds = NOTIFY_MAIL_TIMEOUT.as_secs();
            Err(Failure::Temporary(format!("the mail server has not answered within {seconds} s")))
        }
    }
}

async fn talk(relay: &Relay<'_>, from: &str, to: &str, mail: &str) -> Result<(), Failure> {
    let stream = connection::tcp(relay.host, relay.port).await?;
    let stream: Connection = match relay.security {
        Security::Tls => Box::pin(connection::tls(stream, relay.host, relay.authorities).await?),
        Security::StartTls | Security::None => Box::pin(stream),
    };
    let mut session = Session { stream, unread: Vec::new() };
    session.expect(2, "its greeting").await?;
    let mut offered = session.greet(relay.name).await?;
    if relay.security == Security::StartTls {
        if !offers(&offered, "STARTTLS") {
            return Err(Failure::Temporary("the mail server does not offer STARTTLS".to_owned()));
        }
        session.command("STARTTLS", 2).await.map_err(temporary)?;
        session = session.begin_tls(relay).await?;
        offered = session.greet(relay.name).await?;
    }
    if let Some((user, password)) = relay.login {
        session.log_in(&offered, user, password).await?;
    }
    session.deliver(from, to, mail).await?;
    // It has the mail, whatever it answers now.
    let _ = session.command("QUIT", 2).await;
    Ok(())
}

/// What somebody can put right.
fn temporary(failure: Failure) -> Failure {
    match failure {
        Failure::Permanent(why) | Failure::Temporary(why) => Failure::Temporary(why),
    }
}

/// Whether a word is among the extensions in the answer to `EHLO`.
fn offers(offered: &[String], extension: &str) -> bool {
    offered.iter().any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(extension)))
}

/// Whether a way to log in is among them.
fn offers_login(offered: &[String], mechanism: &str) -> bool {
    let of_auth = |line: &&String| line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("AUTH"));
    let words = offered.iter().filter(of_auth).flat_map(|line| line[4..].split([' ', '=']));
    words.into_iter().any(|word| word.eq_ignore_ascii_case(mechanism))
}

struct Session<S> {
    stream: S,
    /// What has come and was not looked at yet.
    unread: Vec<u8>,
}

impl Session<Connection> {
    /// What was said before counts for nothing, since anybody could have said it.
    async fn begin_tls(self, relay: &Relay<'_>) -> Result<Session<Connection>, Failure> {
        if !self.unread.is_empty() {
            return Err(Failure::Temporary("the mail server said something before TLS had begun".to_owned()));
        }
        let stream = connection::tls(self.stream, relay.host, relay.authorities).await?;
        let stream: Pin<Box<dyn connection::Duplex>> = Box::pin(stream);
        Ok(Session { stream, unread: Vec::new() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Greets the server; returns what it offers.
    async fn greet(&mut self, name: &str) -> Result<Vec<String>, Failure> {
        let fits = |character: &char| character.is_ascii_alphanumeric() || ".-".contains(*character);
        let name: String = name.chars().filter(fits).collect();
        let name = if name.is_empty() { "localhost" } else { &name };
        let mut lines = self.command(&format!("EHLO {name}"), 2).await.map_err(temporary)?;
        lines.remove(0);
        Ok(lines)
    }

    async fn log_in(&mut self, offered: &[String], user: &str, password: &Secret) -> Result<(), Failure> {
        let password = password.bytes().map_err(|why| Failure::Temporary(why.to_owned()))?;
        let base64 = openssl::base64::encode_block;
        let result = if offers_login(offered, "PLAIN") {
            let words = [b"\0", user.as_bytes(), b"\0", password].concat();
            self.secret(&format!("AUTH PLAIN {}", base64(&words)), "AUTH PLAIN", 2).await
        } else if offers_login(offered, "LOGIN") {
            self.command("AUTH LOGIN", 3).await.map_err(temporary)?;
            self.secret(&base64(user.as_bytes()), "the user", 3).await.map_err(temporary)?;
            self.secret(&base64(password), "the password", 2).await
        } else {
            return Err(Failure::Temporary(
                "the mail server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned(),
            ));
        };
        // Whoever corrects the password need not know of this mail.
        result.map(drop).map_err(temporary)
    }

    async fn deliver(&mut self, from: &str, to: &str, mail: &str) -> Result<(), Failure> {
        is_address(from)?;
        is_address(to)?;
        self.command(&format!("MAIL FROM:<{from}>"), 2).await?;
        self.command(&format!("RCPT TO:<{to}>"), 2).await?;
        self.command("DATA", 3).await?;
        self.write(stuffed(mail).as_bytes()).await?;
        self.expect(2, "the end of the mail").await.map(drop)
    }

    /// Sends a line, and expects an answer of this class; returns its lines without their numbers.
    async fn command(&mut self, line: &str, class: u8) -> Result<Vec<String>, Failure> {
        self.secret(line, line, class).await
    }

    /// The same with a line that no message may repeat.
    async fn secret(&mut self, line: &str, shown: &str, class: u8) -> Result<Vec<String>, Failure> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.expect(class, shown).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let failed = |error: std::io::Error| broken(&error.to_string());
        self.stream.write_all(bytes).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)
    }

    async fn expect(&mut self, class: u8, to: &str) -> Result<Vec<String>, Failure> {
        let (code, lines) = self.reply().await?;
        if code / 100 == u16::from(class) {
            return Ok(lines);
        }
        let said: String = lines.join(" ").chars().take(NOTIFY_REASON_MAX_CHARS).collect();
        let why = format!("the mail server answered {code} to {}: {}", printable(to), printable(&said));
        Err(if code / 100 == 5 { Failure::Permanent(why) } else { Failure::Temporary(why) })
    }

    /// An answer: its number, and its lines.
    async fn reply(&mut self) -> Result<(u16, Vec<String>), Failure> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        loop {
            let line = self.line().await?;
            bytes += line.len();
            if bytes > SMTP_REPLY_MAX_BYTES {
                return Err(broken("its answer is too long"));
            }
            let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            let code = code.ok_or_else(|| broken("its answer has no number"))?;
            let goes_on = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !goes_on {
                return Ok((code, lines));
            }
        }
    }

    async fn line(&mut self) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.unread.len() > SMTP_REPLY_MAX_BYTES {
                return Err(broken("its answer is too long"));
            }
            let read = self.stream.read_buf(&mut self.unread).await;
            match read {
                Ok(0) => return Err(broken("it has closed the connection")),
                Ok(_) => {}
                Err(error) => return Err(broken(&error.to_string())),
            }
        }
    }
}

fn broken(why: &str) -> Failure {
    Failure::Temporary(format!("failed to talk to the mail server: {why}"))
}

/// A mail as `DATA` takes it: a line that begins with a point gets another one, and a point alone ends it.
fn stuffed(mail: &str) -> String {
    let mut stuffed = String::with_capacity(mail.len() + 64);
    for line in mail.lines() {
        if line.starts_with('.') {
            stuffed.push('.');
        }
        stuffed.push_str(line);
        stuffed.push_str("\r\n");
    }
    stuffed + ".\r\n"
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Plays a server that answers each line in turn with the next of these; returns what came of it and all that it read.
    async fn played(replies: &[&str], to: &str, mail: &str) -> (Result<(), Failure>, String) {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let replies: Vec<String> = replies.iter().map(|reply| (*reply).to_owned()).collect();
        let server = tokio::spawn(async move {
            let (mut read, mut in_data) = (String::new(), false);
            let mut replies = replies.into_iter();
            let mut at = 0;
            let mut next = replies.next();
            while let Some(reply) = next {
                if theirs.write_all(reply.as_bytes()).await.is_err() {
                    return read;
                }
                in_data |= reply.starts_with("354");
                let end = if in_data { "\r\n.\r\n" } else { "\r\n" };
                let mut buffer = [0; 1024];
                while !read[at..].contains(end) {
                    let count = theirs.read(&mut buffer).await.unwrap();
                    if count == 0 {
                        return read;
                    }
                    read.push_str(str::from_utf8(&buffer[..count]).unwrap());
                }
                at = read.len();
                next = replies.next();
            }
            read
        });
        let mut session = Session { stream: ours, unread: Vec::new() };
        let result = async {
            session.expect(2, "its greeting").await?;
            let offered = session.greet("we\r\nb").await?;
            if offers_login(&offered, "LOGIN") || offers_login(&offered, "PLAIN") {
                session.log_in(&offered, "me", &Secret::inline("pw")).await?;
            }
            session.deliver("custos@web", to, mail).await
        }
        .await;
        drop(session);
        (result, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_mail_is_handed_over_line_by_line() {
        let replies = [
            "220 a\r\n",
            "250-b\r\n250-AUTH LOGIN PLAIN\r\n250 HELP\r\n",
            "235 in\r\n",
            "250 f\r\n",
            "250 t\r\n",
        ];
        let replies = [&replies[..], &["354 go\r\n", "250 kept\r\n"]].concat();
        let (result, read) = played(&replies, "ops@example.org", "A: b\r\n\r\n.\r\n..x\r\n").await;
        assert_eq!(result, Ok(()));
        let expected = "EHLO web\r\nAUTH PLAIN AG1lAHB3\r\nMAIL FROM:<custos@web>\r\nRCPT TO:<ops@example.org>\r\n\
                        DATA\r\nA: b\r\n\r\n..\r\n...x\r\n.\r\n";
        assert_eq!(read, expected);
    }

    #[tokio::test]
    async fn a_login_in_two_steps_is_known_too() {
        let replies = ["220 a\r\n", "250 AUTH=LOGIN\r\n", "334 u\r\n", "334 p\r\n", "535 no\r\n"];
        let replies = [&["220 a\r\n", "250-b\r\n250 AUTH=LOGIN\r\n"], &replies[2..]].concat();
        let (result, read) = played(&replies, "a@b", "").await;
        assert!(read.ends_with("AUTH LOGIN\r\nbWU=\r\ncHc=\r\n"), "{read}");
        let why = "the mail server answered 535 to the password: no".to_owned();
        assert_eq!(result, Err(Failure::Temporary(why)));
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let to_rcpt = ["220 a\r\n", "250 b\r\n", "250 f\r\n"];
        let with = |further: &[&'static str]| [&to_rcpt[..], further].concat();
        let (nobody, _) = played(&with(&["550 who\u{1b}\r\n"]), "a@b", "x").await;
        let why = "the mail server answered 550 to RCPT TO:<a@b>: who\\u{1b}".to_owned();
        assert_eq!(nobody, Err(Failure::Permanent(why)));
        let (later, read) = played(&with(&["451 grey\r\n"]), "a@b", "x").await;
        assert!(matches!(later, Err(Failure::Temporary(_))) && !read.contains("DATA"), "{later:?}");
        let (injected, read) = played(&with(&["250 t\r\n"]), "a@b>\r\nDATA", "x").await;
        assert!(matches!(injected, Err(Failure::Permanent(_))) && !read.contains("DATA"), "{injected:?}");
    }

    #[tokio::test]
    async fn an_answer_has_a_bound_and_a_number() {
        let long = format!("220-{}\r\n", "x".repeat(1000)).repeat(100);
        let (result, _) = played(&[&long], "a@b", "x").await;
        assert_eq!(result, Err(broken("its answer is too long")));
        let (result, _) = played(&["hello\r\n"], "a@b", "x").await;
        assert_eq!(result, Err(broken("its answer has no number")));
        let (result, _) = played(&[&"9".repeat(200_000)], "a@b", "x").await;
        assert_eq!(result, Err(broken("its answer is too long")));
    }
}
