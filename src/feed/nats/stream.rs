//! A stream of JetStream: made or checked, published into, read from.

use std::collections::BTreeMap;

use custos_compat::nats::jetstream::{
    Api, ApiError, Ask, PubAck, Stored, StreamConfig, StreamInfo, codes, headers, read_info, read_stored,
    subjects_request,
};
use custos_compat::nats::{Error, Message};

use super::client::Client;
use super::error::NatsError;
use crate::limits::NATS_DUPLICATE_WINDOW;

/// A stream of a server, reached through the API of a domain or of the server itself.
#[derive(Clone, Debug)]
pub struct Stream {
    name: String,
    api: Api,
}

/// A message to be published so that it is there once.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// Where to.
    pub subject: &'a str,
    /// What it is known by: the same message has the same id whenever it is sent.
    pub id: &'a str,
    /// The sequence of the last message of the subject; 0 if there is none.
    pub last: u64,
    /// Its other headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// What it says.
    pub payload: &'a [u8],
}

fn unfit(error: Error) -> NatsError {
    NatsError::Unfit(error.to_string())
}

impl Stream {
    /// The stream of a name.
    ///
    /// # Errors
    /// If no stream can have that name.
    pub fn new(name: &str, domain: Option<&str>) -> Result<Stream, NatsError> {
        let is_token = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            !text.is_empty() && text.bytes().all(allowed)
        };
        for text in [Some(name), domain].into_iter().flatten() {
            if !is_token(text) {
                return Err(NatsError::Unfit(format!(
                    "{text:?} is no name: take letters, digits, '_' and '-'"
                )));
            }
        }
        Ok(Stream { name: name.to_owned(), api: Api::new(domain) })
    }

    /// What is known of the stream; none if there is no such stream.
    ///
    /// # Errors
    /// If the server does not say.
    pub async fn find(&self, client: &mut Client) -> Result<Option<StreamInfo>, NatsError> {
        let answer = client.request(&self.api.info(&self.name), &[], b"").await?;
        match read_info(&answer.payload).map_err(unfit)? {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.err_code == codes::NO_STREAM => Ok(None),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// The subjects of the stream that a filter with wildcards stands for, each with how many messages it has.
    ///
    /// # Errors
    /// If the server does not say.
    pub async fn subjects(
        &self,
        client: &mut Client,
        filter: &str,
    ) -> Result<BTreeMap<String, u64>, NatsError> {
        let answer = client.request(&self.api.info(&self.name), &[], &subjects_request(filter)).await?;
        match read_info(&answer.payload).map_err(unfit)? {
            Ok(info) => Ok(info.state.subjects.unwrap_or_default()),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// The stream, made if it is not there: one that keeps everything that is published to these subjects, with wildcards.
    ///
    /// # Errors
    /// If there is none and none can be made.
    pub async fn find_or_make(
        &self,
        client: &mut Client,
        subjects: &[&str],
    ) -> Result<StreamInfo, NatsError> {
        if let Some(info) = self.find(client).await? {
            return Ok(info);
        }
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let window_ns = NATS_DUPLICATE_WINDOW.as_nanos() as i64;
        let config = StreamConfig::keeping_all(&self.name, subjects, window_ns);
        let answer = client.request(&self.api.create(&self.name), &[], &config.json()).await?;
        read_info(&answer.payload).map_err(unfit)?.map_err(|error| self.unusable(&error))
    }

    /// Publishes a message so that it is in the stream once, if the last message of its subject is the expected one.
    ///
    /// # Errors
    /// If the stream does not say that it has it. After [`NatsError::is_temporary`] it may have it all the same: ask for
    /// the last one.
    pub async fn publish(&self, client: &mut Client, message: &Published<'_>) -> Result<PubAck, NatsError> {
        let last = message.last.to_string();
        let mut all = vec![
            (headers::MSG_ID, message.id),
            (headers::EXPECTED_STREAM, &*self.name),
            (headers::EXPECTED_LAST_SUBJECT_SEQUENCE, &*last),
        ];
        all.extend_from_slice(message.headers);
        let answer: Message = client.request(message.subject, &all, message.payload).await?;
        match PubAck::read(&answer.payload).map_err(unfit)? {
            Ok(ack) if ack.stream == self.name => Ok(ack),
            Ok(ack) => Err(NatsError::Unfit(format!(
                "the stream {} took the message, and not {}: see which subjects each has",
                ack.stream, self.name
            ))),
            Err(error) => Err(match error.err_code {
                codes::OTHER_LAST_SEQUENCE => NatsError::OtherLast(error.description),
                codes::OTHER_STREAM => {
                    let subject = message.subject;
                    NatsError::Unfit(format!("{subject} belongs to another stream than {}", self.name))
                }
                _ if error.code == 503 => NatsError::Broken(error.to_string()),
                code => NatsError::Refused(code, error.description),
            }),
        }
    }

    /// The last message of a subject; none if there is none.
    ///
    /// # Errors
    /// If the server does not say.
    pub async fn last(&self, client: &mut Client, subject: &str) -> Result<Option<Stored>, NatsError> {
        self.get(client, &Ask::Last { last_by_subj: subject }).await
    }

    /// The first message of a subject, which may have wildcards, from a sequence on; none if there is none.
    ///
    /// # Errors
    /// If the server does not say.
    pub async fn next(
        &self,
        client: &mut Client,
        subject: &str,
        from: u64,
    ) -> Result<Option<Stored>, NatsError> {
        self.get(client, &Ask::Next { seq: from, next_by_subj: subject }).await
    }

    async fn get(&self, client: &mut Client, ask: &Ask<'_>) -> Result<Option<Stored>, NatsError> {
        let answer = client.request(&self.api.get(&self.name), &[], &ask.json()).await?;
        match read_stored(&answer.payload).map_err(unfit)? {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if error.err_code == codes::NO_MESSAGE => Ok(None),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    fn unusable(&self, error: &ApiError) -> NatsError {
        match error.code {
            503 => NatsError::Broken(format!("the stream {} is not available: {error}", self.name)),
            404 => NatsError::Unfit(format!("there is no stream {}: {error}", self.name)),
            _ => NatsError::Unfit(format!("the stream {} cannot be used: {error}", self.name)),
        }
    }
}
