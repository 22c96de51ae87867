//! The messages of one host, read one after the other by a command that has nothing else to wait for.

use std::fmt;
use std::io;

use custos_compat::nats::jetstream::Stored;
use custos_compat::nats::{Address, Login};
use tokio::runtime::{Builder, Runtime};

use super::client::Client;
use super::error::NatsError;
use super::host_stream::{site_and_host, subjects_of};
use super::stream::Stream;

/// Why the messages cannot be read. The text continues "failed to read the stream: …".
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadingError {
    /// The server or the stream.
    Nats(NatsError),
    /// The address names no stream.
    NoStream,
    /// The stream has nothing of such a host; the subjects that were looked for.
    Nothing(String),
    /// The stream has several hosts, and it has to be said which one is meant: site and host of each.
    Several(Vec<(String, String)>),
    /// The system does not let this process wait.
    Runtime(io::Error),
}

impl fmt::Display for ReadingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadingError::Nats(error) => write!(out, "{error}"),
            ReadingError::NoStream => write!(out, "the address names no stream: write it behind a slash"),
            ReadingError::Nothing(subjects) => write!(out, "it has nothing of such a host ({subjects})"),
            ReadingError::Several(hosts) => write!(out, "it has {} hosts: say which one", hosts.len()),
            ReadingError::Runtime(error) => write!(out, "failed to wait for the server: {error}"),
        }
    }
}

impl std::error::Error for ReadingError {}

impl From<NatsError> for ReadingError {
    fn from(error: NatsError) -> ReadingError {
        ReadingError::Nats(error)
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Reading {
    runtime: Runtime,
    client: Client,
    stream: Stream,
    subject: String,
    /// The sequence of the last message that was read.
    last: u64,
}

impl Reading {
    /// Connects to the server and finds the only host of that site and that name, where these are given, in the stream that the
    /// address names.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn open(
        address: &Address,
        (login, authorities): (&Login, Option<&[u8]>),
        (site, host): (Option<&str>, Option<&str>),
    ) -> Result<Reading, ReadingError> {
        if address.path.is_empty() {
            return Err(ReadingError::NoStream);
        }
        let stream = Stream::new(&address.path, None)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ReadingError::Runtime)?;
        let filter = subjects_of(site, host);
        let (client, subjects) = runtime.block_on(async {
            let mut client = Client::connect(address, login, authorities).await?;
            let subjects = stream.subjects(&mut client, &filter).await?;
            Ok::<_, NatsError>((client, subjects))
        })?;
        let mut hosts = subjects.into_keys().filter_map(|subject| Some((site_and_host(&subject)?, subject)));
        match (hosts.next(), hosts.next()) {
            (None, _) => Err(ReadingError::Nothing(filter)),
            (Some((_, subject)), None) => Ok(Reading { runtime, client, stream, subject, last: 0 }),
            (Some((one, _)), Some((other, _))) => {
                let all = [one, other].into_iter().chain(hosts.map(|(host, _)| host));
                Err(ReadingError::Several(all.collect()))
            }
        }
    }

    /// The next message; none at the end.
    ///
    /// # Errors
    /// If the server does not say.
    pub fn message(&mut self) -> Result<Option<Stored>, NatsError> {
        let asked = self.stream.next(&mut self.client, &self.subject, self.last + 1);
        let found = self.runtime.block_on(asked)?;
        if let Some(stored) = &found {
            if stored.seq <= self.last {
                let why = format!("the server gave message {} after {}", stored.seq, self.last);
                return Err(NatsError::Unfit(why));
            }
            self.last = stored.seq;
        }
        Ok(found)
    }
}
