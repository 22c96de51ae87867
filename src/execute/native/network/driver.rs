//! Carries out the steps of a plugin on the network.

use std::io;

use custos_native::{Event, Live, NotNative, Now, Printed, Step, System as _, Talk};

use super::connection::{Connection, NoConnection};
use super::resolver::Resolver;
use crate::clock;

/// Does what the plugin would, until it is over or the plugin gives up.
///
/// # Errors
/// The plugin itself has to be run.
pub(super) async fn talk(mut talk: Talk, resolver: &Resolver) -> Result<Printed, NotNative> {
    let timeout = talk.timeout();
    let ended = tokio::select! {
        // The alarm of the plugin was set before any time within it, and so comes first.
        biased;
        () = tokio::time::sleep(timeout) => None,
        ended = steps(&mut talk, resolver) => Some(ended),
    };
    ended.unwrap_or_else(|| Ok(talk.timed_out()))
}

async fn steps(talk: &mut Talk, resolver: &Resolver) -> Result<Printed, NotNative> {
    let mut connection: Option<Connection> = None;
    let mut step = talk.next(Event::Begun, now())?;
    loop {
        // Whatever an event refers to lives as long as this.
        let (received, error);
        let event = match step {
            Step::Done(printed) => return Ok(printed),
            Step::Connect(target) => match Connection::open(&target, resolver).await {
                Ok(opened) => {
                    connection = Some(opened);
                    Event::Connected
                }
                Err(NoConnection::Refused(why)) => {
                    error = why;
                    Event::NotConnected(&error)
                }
                Err(NoConnection::Lost) => {
                    return Err(NotNative("the connection is gone at once".to_owned()));
                }
                Err(NoConnection::NoAddress(why)) => return Err(NotNative(format!("no address: {why}"))),
            },
            Step::Secure { name } => {
                let plain = connection.take().ok_or_else(no_connection)?;
                let secured = plain.secured(name.as_deref()).await;
                // The plugin prints the errors of its library, with numbers of its own.
                let (secure, certificate) = secured.map_err(|why| NotNative(format!("no TLS: {why}")))?;
                connection = Some(secure);
                Event::Secured(certificate)
            }
            Step::Send(bytes) => match connection.as_mut().ok_or_else(no_connection)?.send(&bytes).await {
                // The plugin would be killed by a signal.
                Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                    return Err(NotNative("the other side is gone".to_owned()));
                }
                Ok(()) | Err(_) => Event::Sent,
            },
            Step::Receive { max, within } => {
                match connection.as_mut().ok_or_else(no_connection)?.receive(max, within).await {
                    Some(bytes) => {
                        received = bytes;
                        Event::Received(&received)
                    }
                    None => Event::Silent,
                }
            }
            Step::Read(path) => {
                received = Live::default().read(path).map_err(|why| NotNative(format!("{path}: {why}")))?;
                Event::Read(&received)
            }
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                Event::Waited
            }
        };
        step = talk.next(event, now())?;
    }
}

fn now() -> Now {
    Now { mono_us: clock::mono_us(), wall_us: clock::wall_us() }
}

fn no_connection() -> NotNative {
    NotNative("there is no connection yet".to_owned())
}
