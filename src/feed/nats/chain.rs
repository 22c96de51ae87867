//! The chain of the messages of a subject: each carries a hash of itself and of the hash before, so that whoever reads them
//! knows without the sender that none is missing, none is there twice and none was changed.
//!
//! The hash of a message is SHA-256 over the 32 bytes of the hash before it, 32 zeros for the first, and the body.
//! Both stand in its headers as 64 hexadecimal digits.

use std::fmt;

use openssl::sha::Sha256;

use custos_compat::nats::Headers;

/// The header that has the hash of a message.
pub const HASH: &str = "Custos-Hash";
/// The header that has the hash of the message before.
pub const PREVIOUS: &str = "Custos-Previous";

/// The hash of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link(pub [u8; 32]);

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Link {
    /// Reads 64 hexadecimal digits.
    pub fn read(text: &str) -> Option<Link> {
        let digits: Vec<u32> = text
            .chars()
            .map(|digit| digit.to_digit(16))
            .collect::<Option<Vec<_>>>()
            .filter(|all| all.len() == 64)?;
        Some(Link(std::array::from_fn(|at| (digits[2 * at] << 4 | digits[2 * at + 1]) as u8)))
    }

    /// What a message with this hash is known by among those of all subjects: 32 hexadecimal digits, the same whenever it is sent.
    pub fn id_in(self, subject: &str) -> String {
        let mut id = hash(self, subject.as_bytes()).to_string();
        id.truncate(32);
        id
    }
}

/// The hash of a message behind another one.
pub fn hash(previous: Link, body: &[u8]) -> Link {
    let mut sha = Sha256::new();
    sha.update(&previous.0);
    sha.update(body);
    Link(sha.finish())
}

/// What is wrong with a message in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainFault {
    /// It has no hashes: Custos did not send it.
    Foreign,
    /// Its hash is not that of what it says.
    Changed,
    /// It does not follow the message before it: what lies between is missing, or is there twice.
    Broken,
}

impl ChainFault {
    /// Whether what the message says is not to be believed.
    pub fn is_of_content(&self) -> bool {
        matches!(self, ChainFault::Foreign | ChainFault::Changed)
    }
}

impl fmt::Display for ChainFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            ChainFault::Foreign => "it has no hash, so it is not of Custos",
            ChainFault::Changed => "its hash is not that of its content",
            ChainFault::Broken => {
                "it does not follow the message before it: messages are missing between them"
            }
        })
    }
}

impl std::error::Error for ChainFault {}

/// A chain as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chain {
    last: Option<Link>,
    /// The first message was not the first of its subject: what came before is gone.
    begins_late: bool,
}

impl Chain {
    /// The hash of the last message; none before the first.
    pub fn last(&self) -> Option<Link> {
        self.last
    }

    /// Whether the first message that was read had one before it.
    pub fn begins_late(&self) -> bool {
        self.begins_late
    }

    /// Takes in the next message.
    ///
    /// # Errors
    /// If it is not what follows. The chain goes on behind it all the same, unless it is none of the chain.
    pub fn follow(&mut self, headers: &Headers, body: &[u8]) -> Result<(), ChainFault> {
        let link = |name| headers.get(name).and_then(Link::read).ok_or(ChainFault::Foreign);
        let (own, previous) = (link(HASH)?, link(PREVIOUS)?);
        let last = self.last.replace(own);
        if hash(previous, body) != own {
            return Err(ChainFault::Changed);
        }
        match last {
            Some(last) if last != previous => Err(ChainFault::Broken),
            Some(_) => Ok(()),
            None => {
                self.begins_late = previous != Link::default();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_has_one_id_in_a_subject_and_another_in_another() {
        let link = hash(Link::default(), b"body");
        assert_eq!(link.id_in("custos.a.b"), link.id_in("custos.a.b"));
        assert_ne!(link.id_in("custos.a.b"), link.id_in("custos.a.c"));
        assert_ne!(link.id_in("custos.a.b"), hash(link, b"body").id_in("custos.a.b"));
        assert_eq!(link.id_in("custos.a.b").len(), 32);
    }

    fn headers(own: Link, previous: Link) -> Headers {
        Headers::read(format!("NATS/1.0\r\n{HASH}: {own}\r\n{PREVIOUS}: {previous}\r\n\r\n").as_bytes())
            .unwrap()
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // sha256 of 32 zeros and "abc", as sha256sum prints it.
        let link = hash(Link::default(), b"abc");
        assert_eq!(Link::read(&link.to_string()), Some(link));
        assert_eq!(Link::read("00"), None);
        assert_eq!(Link::read(&"g".repeat(64)), None);
        let empty = Sha256::new().finish();
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Link(empty).to_string(), known);
    }

    #[test]
    fn what_is_missing_doubled_or_changed_breaks_the_chain() {
        let first = hash(Link::default(), b"1");
        let second = hash(first, b"2");
        let third = hash(second, b"3");
        let one = (headers(first, Link::default()), &b"1"[..]);
        let two = (headers(second, first), &b"2"[..]);
        let three = (headers(third, second), &b"3"[..]);
        let follow = |messages: &[&(Headers, &[u8])]| {
            let mut chain = Chain::default();
            let all: Vec<_> = messages.iter().map(|(headers, body)| chain.follow(headers, body)).collect();
            (all, chain.begins_late())
        };
        assert_eq!(follow(&[&one, &two, &three]), (vec![Ok(()); 3], false));
        assert_eq!(follow(&[&two, &three]), (vec![Ok(()); 2], true));
        assert_eq!(follow(&[&one, &three]).0[1], Err(ChainFault::Broken));
        assert_eq!(follow(&[&one, &two, &two]).0[2], Err(ChainFault::Broken));
        assert_eq!(follow(&[&(one.0.clone(), b"x")]).0[0], Err(ChainFault::Changed));
        assert_eq!(follow(&[&(Headers::default(), b"1")]).0[0], Err(ChainFault::Foreign));
    }
}
