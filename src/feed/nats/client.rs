//! A connection over which one request at a time is sent and its answer awaited.

use std::time::Duration;

use custos_compat::nats::{
    Address, Incoming, Info, Login, Message, Publish, put_ping, put_pong, put_publish, put_subscribe,
};
use openssl::rand::rand_bytes;
use tokio::time::timeout;

use super::error::NatsError;
use super::handshake::{Wire, connect, refused};
use crate::connect::Authorities;
use crate::limits::{NATS_CONNECT_TIMEOUT, NATS_REQUEST_TIMEOUT};

/// The number of the only subscription: answers.
const ANSWERS: u64 = 1;
/// The status of a request that nobody listens to.
const NO_RESPONDERS: u16 = 503;

/// See the head of this file. After an error other than a refusal it is not to be used again.
pub struct Client {
    wire: Wire,
    info: Info,
    inbox: String,
    requests: u64,
    sent_bytes: u64,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Client").field("info", &self.info).finish_non_exhaustive()
    }
}

async fn bounded<T>(
    time: Duration,
    what: impl Future<Output = Result<T, NatsError>>,
) -> Result<T, NatsError> {
    timeout(time, what).await.unwrap_or(Err(NatsError::Slow(time)))
}

impl Client {
    /// Connects to a server and logs in, within [`NATS_CONNECT_TIMEOUT`]. `authorities` are certificates in PEM; none for those of
    /// the system.
    ///
    /// # Errors
    /// If that fails, with what to do.
    pub async fn connect(
        address: &Address,
        login: &Login,
        authorities: Option<&[u8]>,
    ) -> Result<Client, NatsError> {
        let authorities = authorities.map_or(Authorities::System, Authorities::Pem);
        bounded(NATS_CONNECT_TIMEOUT, Client::connect_unbounded(address, login, authorities)).await
    }

    async fn connect_unbounded(
        address: &Address,
        login: &Login,
        authorities: Authorities<'_>,
    ) -> Result<Client, NatsError> {
        let (mut wire, info) = connect(address, login, authorities).await?;
        if !info.headers {
            let version = &info.version;
            return Err(NatsError::Unfit(format!("the server ({version}) knows no headers: it is too old")));
        }
        if !info.jetstream {
            return Err(NatsError::Unfit("the server has no JetStream: start it with -js".to_owned()));
        }
        let mut random = [0; 12];
        rand_bytes(&mut random).map_err(|_| NatsError::Unfit("OpenSSL has no random numbers".to_owned()))?;
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let inbox = format!("_INBOX.{random}");
        let mut bytes = Vec::new();
        put_subscribe(&mut bytes, &format!("{inbox}.*"), ANSWERS).map_err(own_fault)?;
        wire.send(&bytes).await?;
        Ok(Client { wire, info, inbox, requests: 0, sent_bytes: 0 })
    }

    /// What the server says of itself.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Bytes of the requests that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Sends a request and waits for its answer, for [`NATS_REQUEST_TIMEOUT`] at most.
    ///
    /// # Errors
    /// If there is none, or nobody listens there.
    pub async fn request(
        &mut self,
        subject: &str,
        headers: &[(&str, &str)],
        payload: &[u8],
    ) -> Result<Message, NatsError> {
        self.requests += 1;
        let reply = format!("{}.{}", self.inbox, self.requests);
        let mut bytes = Vec::with_capacity(payload.len() + 512);
        let message = Publish { subject, reply: Some(&reply), headers, payload };
        put_publish(&mut bytes, &message).map_err(own_fault)?;
        let size = bytes.len();
        if size as u64 > self.info.max_payload {
            return Err(NatsError::TooLarge(size, self.info.max_payload));
        }
        let answered = async {
            self.wire.send(&bytes).await?;
            Self::answer(&mut self.wire, &mut self.info, &reply).await
        };
        let answer = bounded(NATS_REQUEST_TIMEOUT, answered).await?;
        self.sent_bytes += size as u64;
        if answer.headers.status == Some(NO_RESPONDERS) {
            let why =
                format!("nobody answers at {subject}: see that the stream is there, and who may use it");
            return Err(NatsError::Unfit(why));
        }
        Ok(answer)
    }

    async fn answer(wire: &mut Wire, info: &mut Info, reply: &str) -> Result<Message, NatsError> {
        loop {
            // Another message is the answer to a request that was given up.
            match Self::said(wire, info).await? {
                Incoming::Message(message) if message.subject == reply => return Ok(*message),
                _ => {}
            }
        }
    }

    /// What the server says next beside what it wants to know and says of itself.
    async fn said(wire: &mut Wire, info: &mut Info) -> Result<Incoming, NatsError> {
        loop {
            match wire.incoming().await? {
                Incoming::Ping => {
                    let mut pong = Vec::new();
                    put_pong(&mut pong);
                    wire.send(&pong).await?;
                }
                Incoming::Info(newer) => *info = *newer,
                Incoming::Refused(why) => return Err(refused(&why)),
                said => return Ok(said),
            }
        }
    }

    /// Asks the server whether it is there; keeps the connection alive, too.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn ping(&mut self) -> Result<(), NatsError> {
        let asked = async {
            let mut ping = Vec::new();
            put_ping(&mut ping);
            self.wire.send(&ping).await?;
            while !matches!(Self::said(&mut self.wire, &mut self.info).await?, Incoming::Pong) {}
            Ok(())
        };
        bounded(NATS_REQUEST_TIMEOUT, asked).await
    }
}

fn own_fault(error: custos_compat::nats::Error) -> NatsError {
    NatsError::Unfit(error.to_string())
}
