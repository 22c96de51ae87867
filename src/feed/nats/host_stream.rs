//! What one host has in a stream: messages of one subject, `custos.SITE.HOST`, each a bundle of runs, chained by their hashes.
//!
//! Where it ends is asked of the stream and not remembered, so what was acknowledged and lost, or stored and not
//! acknowledged, is known before anything is sent.

use custos_compat::nats::jetstream::{PubAck, Stored};
use custos_compat::nats::{escape_token, unescape_token};

use super::chain::{HASH, Link, PREVIOUS, hash};
use super::client::Client;
use super::error::NatsError;
use super::stream::{Published, Stream};

/// The first token of all subjects.
const ROOT: &str = "custos";

/// The subject of a host at a site.
pub fn subject_of(site: &str, host: &str) -> String {
    format!("{ROOT}.{}.{}", escape_token(site), escape_token(host))
}

/// The subjects of hosts, where a site or a host that is not given stands for all.
pub fn subjects_of(site: Option<&str>, host: Option<&str>) -> String {
    let token = |name: Option<&str>| name.map_or("*".to_owned(), escape_token);
    format!("{ROOT}.{}.{}", token(site), token(host))
}

/// Site and host of a subject; none if it is of no host.
pub fn site_and_host(subject: &str) -> Option<(String, String)> {
    let (site, host) = subject.strip_prefix(ROOT)?.strip_prefix('.')?.split_once('.')?;
    Some((unescape_token(site)?, unescape_token(host)?))
}

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct HostStream {
    stream: Stream,
    subject: String,
    /// The sequence of the last message; 0 if there is none.
    last: u64,
    link: Link,
}

impl HostStream {
    /// Asks the stream where it ends; also returns its last message, if there is one.
    ///
    /// # Errors
    /// If the server does not say, or the last message is none of Custos.
    pub async fn resume(
        client: &mut Client,
        stream: &Stream,
        subject: &str,
    ) -> Result<(HostStream, Option<Stored>), NatsError> {
        let found = stream.last(client, subject).await?;
        let (last, link) = match &found {
            Some(stored) => {
                let link = stored.headers.get(HASH).and_then(Link::read);
                let foreign = || {
                    NatsError::Unfit(format!(
                        "the last message of {subject} is not of Custos: use another stream, site or host"
                    ))
                };
                (stored.seq, link.ok_or_else(foreign)?)
            }
            None => (0, Link::default()),
        };
        Ok((HostStream { stream: stream.clone(), subject: subject.to_owned(), last, link }, found))
    }

    /// The sequence of the last message; 0 if there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The hash of the last message; zeros if there is none.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The hash that a message of this body has if it comes next.
    pub fn link_of(&self, body: &[u8]) -> Link {
        hash(self.link, body)
    }

    /// Sends the next message, known by an id and with these headers beside its own.
    ///
    /// # Errors
    /// If the stream does not say that it has it. After that, resume.
    pub async fn send(
        &mut self,
        client: &mut Client,
        id: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<PubAck, NatsError> {
        let link = hash(self.link, body);
        let (own, previous) = (link.to_string(), self.link.to_string());
        let mut all = vec![(HASH, &*own), (PREVIOUS, &*previous)];
        all.extend_from_slice(headers);
        let message = Published { subject: &self.subject, id, last: self.last, headers: &all, payload: body };
        let ack = self.stream.publish(client, &message).await?;
        if ack.duplicate {
            // It is there, but whether as the last one and behind this one's predecessor is not known.
            return Err(NatsError::OtherLast(format!("a message with the id {id} was there already")));
        }
        (self.last, self.link) = (ack.seq, link);
        Ok(ack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_subject_that_names_it() {
        assert_eq!(subject_of("lab", "web.example"), "custos.lab.web%2Eexample");
        assert_eq!(subjects_of(None, Some("a")), "custos.*.a");
        let both = ("".to_owned(), "a.b *".to_owned());
        assert_eq!(site_and_host(&subject_of(&both.0, &both.1)), Some(both));
        for subject in ["custos.a", "custos.a.b.c", "other.a.b", "custosa.b.c", "custos.a.*"] {
            assert_eq!(site_and_host(subject), None, "{subject}");
        }
    }
}
