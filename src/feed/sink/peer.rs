//! A receiver over HTTP, with what it says of itself.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Method;
use hyper::body::Bytes;

use super::answer::{Answer, Looked, Sent};
use super::link::{Asked, Link, Reply};
use super::receiver::{About, Questions};
use super::settings::Endpoint;
use crate::limits::{SINK_LOOK_MAX_BYTES, SINK_REPLY_MAX_BYTES};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Peer {
    link: Link,
    about: About,
    /// The connection over which the receiver was last asked what it is.
    known_by: u64,
}

impl Peer {
    /// Not connected yet.
    pub(super) fn new(endpoint: &Endpoint) -> Peer {
        Peer { link: Link::new(endpoint), about: About::default(), known_by: 0 }
    }

    /// Bytes of the bodies that were sent.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.link.sent_bytes()
    }

    /// What the receiver said of itself when it was looked at last.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// The path that is configured, with what follows `?`.
    ///
    /// # Errors
    /// The address that is configured is none.
    pub(super) fn path(&self) -> Result<String, String> {
        let uri = self.link.uri()?;
        Ok(uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str).to_owned())
    }

    /// Asks the receiver what it is, and how it is set up.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) async fn look(&mut self) -> Result<Looked, String> {
        let mut questions = Questions::new(&self.path()?);
        while let Some(path) = questions.next() {
            let reply = self.get(&path).await?;
            questions.answered(&path, reply.status, &reply.body, reply.date_ms);
        }
        self.about = questions.about();
        self.known_by = self.link.connected().await?;
        Ok(self.about.looked())
    }

    /// Posts a body of samples. It is known before that which process is at the other end of the connection: over a new one it may be
    /// a new process.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn post(
        &mut self,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: Bytes,
    ) -> Result<Reply, String> {
        if self.link.connected().await? != self.known_by {
            self.look().await?;
        }
        let reply_max_bytes = SINK_REPLY_MAX_BYTES;
        self.link.ask(Asked { method: Method::POST, path, headers, body, reply_max_bytes }).await
    }

    /// Gets what is at a path.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn get(&mut self, path: &str) -> Result<Reply, String> {
        let (headers, body, reply_max_bytes) = (&[][..], Bytes::new(), SINK_LOOK_MAX_BYTES);
        self.link.ask(Asked { method: Method::GET, path, headers, body, reply_max_bytes }).await
    }

    /// Asks something else.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn ask(&mut self, asked: Asked<'_>) -> Result<Reply, String> {
        self.link.ask(asked).await
    }

    /// What became of a parcel, with the process that has answered.
    pub(super) fn sent(&self, answer: Answer, date_ms: Option<i64>) -> Sent {
        Sent { answer, process: self.about.process(), date_ms }
    }
}

/// A body in gzip.
pub(super) fn gzipped(body: &[u8]) -> Result<Bytes, String> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map(Bytes::from).map_err(|error| format!("failed to compress: {error}"))
}
