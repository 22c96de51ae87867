//! From a TCP connection to one over which can be published: INFO, perhaps TLS, CONNECT, and an answer to a first PING.

use custos_compat::nats::{Address, Connect, Incoming, Info, Login, Parser, put_ping};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::NatsError;
use crate::connect::{self, Authorities, Connection};
use crate::limits::NATS_READ_BYTES;

/// A connection, and what was read of it and not given out yet.
pub(super) struct Wire {
    connection: Connection,
    parser: Parser,
    buffer: Vec<u8>,
}

fn broken(error: &std::io::Error) -> NatsError {
    NatsError::Broken(format!("the connection broke: {}", crate::text::system_error::words(error)))
}

impl Wire {
    fn new(connection: Connection) -> Wire {
        Wire { connection, parser: Parser::default(), buffer: vec![0; NATS_READ_BYTES] }
    }

    /// What the server says next.
    pub(super) async fn incoming(&mut self) -> Result<Incoming, NatsError> {
        loop {
            let parsed = self.parser.incoming();
            if let Some(incoming) = parsed.map_err(|error| NatsError::Unfit(error.to_string()))? {
                return Ok(incoming);
            }
            let len = self.connection.read(&mut self.buffer).await.map_err(|error| broken(&error))?;
            if len == 0 {
                return Err(NatsError::Broken("the server closed the connection".to_owned()));
            }
            self.parser.feed(&self.buffer[..len]);
        }
    }

    /// Sends bytes.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), NatsError> {
        self.connection.write_all(bytes).await.map_err(|error| broken(&error))?;
        self.connection.flush().await.map_err(|error| broken(&error))
    }

    async fn info(&mut self) -> Result<Info, NatsError> {
        match self.incoming().await? {
            Incoming::Info(info) => Ok(*info),
            Incoming::Refused(why) => Err(refused(&why)),
            _ => Err(NatsError::Unfit("the server does not begin as a NATS server does".to_owned())),
        }
    }
}

/// What `-ERR` means.
pub(super) fn refused(why: &str) -> NatsError {
    let lower = why.to_ascii_lowercase();
    if lower.contains("authoriz") || lower.contains("authentic") || lower.contains("permission") {
        return NatsError::Denied(why.to_owned());
    }
    if lower.contains("secure connection") {
        return NatsError::Unfit(format!(
            "the server wants TLS ({why}): write tls:// in the place of nats://"
        ));
    }
    NatsError::Broken(format!("the server ends the connection: {why}"))
}

/// Connects and logs in.
pub(super) async fn connect(
    address: &Address,
    login: &Login,
    authorities: Authorities<'_>,
) -> Result<(Wire, Info), NatsError> {
    let stream = connect::tcp(&address.host, address.port).await.map_err(NatsError::Broken)?;
    // INFO comes in the clear. Nothing but it may come before TLS: what follows would be a stranger's.
    let mut wire = Wire::new(Box::pin(stream));
    let mut info = wire.info().await?;
    let tls = address.tls || info.tls_required;
    if tls {
        if !(info.tls_required || info.tls_available) {
            return Err(NatsError::Unfit(
                "the server has no TLS: set it up there, or write nats://".to_owned(),
            ));
        }
        if !wire.parser.is_empty() {
            return Err(NatsError::Unfit("the server says more than INFO before TLS".to_owned()));
        }
        let secured = connect::tls(wire.connection, &address.host, authorities).await;
        wire = Wire::new(Box::pin(secured.map_err(NatsError::Broken)?));
    }
    let connect = Connect::new(&info, ("custos", env!("CARGO_PKG_VERSION")), login, tls);
    let mut bytes =
        connect.map_err(|fault| NatsError::Denied(format!("failed to use the key: {fault}")))?.line();
    put_ping(&mut bytes);
    wire.send(&bytes).await?;
    loop {
        match wire.incoming().await? {
            Incoming::Pong => return Ok((wire, info)),
            Incoming::Refused(why) => return Err(refused(&why)),
            Incoming::Info(newer) => info = *newer,
            Incoming::Ping | Incoming::Done | Incoming::Message(_) => {}
        }
    }
}
