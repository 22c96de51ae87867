//! By messages of NATS JetStream: whole runs, many in each, one message under way at a time.
//!
//! Both lanes of a sink share what publishes, since their messages are of one chain. What the stream has is asked of the stream
//! ([`Ending`]) whenever it is connected to, and never taken from what was sent. Where it ends otherwise than expected, the
//! *process* of the answers becomes another one, so that what follows is read from there.

use std::sync::Arc;

use custos_compat::nats::{Headers, Login};
use custos_store::{Bundle, Delivered, Identity, fingerprint};
use tokio::sync::Mutex;

use super::answer::{Answer, Looked, Sent};
use super::parcel::{Origin, Parcel};
use super::settings::NatsEndpoint;
use crate::clock;
use crate::feed::nats::{Address, Client, HostStream, Link, NatsError, Stream, subject_of};
use crate::limits::{NATS_IDLE, SINK_SEND_TIMEOUT};

/// What a stream that is made takes: the messages of all hosts.
const SUBJECTS: [&str; 1] = ["custos.>"];
/// The header that names the store.
const STORE: &str = "Custos-Store";
/// The header with number and fingerprint of the last run that was sent in order of arrival.
const LAST: &str = "Custos-Last";
/// The code by which a stream refuses a message that is larger than its `max_msg_size`.
const MESSAGE_TOO_LARGE: u32 = 10_054;

/// What a stream has of this host last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The store that it is from.
    pub store: Identity,
    /// The last run that was sent in order of arrival; none if only others were sent.
    pub last: Option<Delivered>,
}

/// A sender of a lane.
#[derive(Debug)]
pub struct Nats {
    publisher: Arc<Mutex<Publisher>>,
    /// What the stream was known to end with when this was heard of last, and how often that had changed.
    ending: (u64, Option<Ending>),
    process: u64,
    sent_bytes: u64,
}

/// What both lanes publish by.
#[derive(Debug)]
struct Publisher {
    endpoint: NatsEndpoint,
    subject: String,
    open: Option<Open>,
    /// The hash of the last message; none before the stream was asked.
    link: Option<Link>,
    /// How often the stream ended otherwise than expected, the first time included.
    process: u64,
    ending: Option<Ending>,
    changes: u64,
    /// The store of this host, once something of it is in the stream.
    own: Option<Identity>,
    /// The message of which it is not known whether it arrived.
    unanswered: Option<(Link, Ending, Which)>,
    /// What turned out to have arrived although it was not answered; at most one for each lane.
    arrived: Vec<Which>,
    looked: Looked,
}

#[derive(Debug)]
struct Open {
    client: Client,
    host: HostStream,
    used_us: u64,
}

/// Which runs a message has: whether they are new ones, and the numbers of the first and the last.
type Which = (bool, u64, u64);

impl Nats {
    /// The senders of both lanes. `own` is the store of this host if something of it was delivered before.
    pub fn pair(endpoint: &NatsEndpoint, host: &str, own: Option<Identity>) -> [Nats; 2] {
        let publisher = Publisher {
            endpoint: endpoint.clone(),
            subject: subject_of(&endpoint.site, host),
            open: None,
            link: None,
            process: 0,
            ending: None,
            changes: 0,
            own,
            unanswered: None,
            arrived: Vec::new(),
            looked: Looked::default(),
        };
        let publisher = Arc::new(Mutex::new(publisher));
        let lane =
            || Nats { publisher: Arc::clone(&publisher), ending: (0, None), process: 0, sent_bytes: 0 };
        [lane(), lane()]
    }

    /// What the stream has last, as far as this sender knows, behind a number: what has a greater one is newer.
    pub fn ending(&self) -> (u64, Option<Ending>) {
        self.ending
    }

    /// Bytes of the messages that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Sends runs.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let publisher = Arc::clone(&self.publisher);
        let mut publisher = publisher.lock().await;
        let before = self.process;
        let published = async {
            publisher.make_ready().await?;
            // What it was told to send goes by another end of the stream.
            if publisher.process != before {
                return Err(NatsError::Broken("the stream ends elsewhere than it did".to_owned()));
            }
            publisher.publish(parcel).await
        };
        let published = tokio::time::timeout(SINK_SEND_TIMEOUT, published).await;
        let answer = match published.unwrap_or(Err(NatsError::Slow(SINK_SEND_TIMEOUT))) {
            Ok(bytes) => {
                self.sent_bytes += bytes;
                Answer::Taken
            }
            Err(error) => meaning(&error),
        };
        self.note(&publisher);
        Sent { answer, process: self.process, date_ms: None }
    }

    /// Asks the stream how it is set up, and what it has last.
    ///
    /// # Errors
    /// It does not answer, or cannot be used.
    pub async fn look(&mut self) -> Result<Looked, String> {
        let publisher = Arc::clone(&self.publisher);
        let mut publisher = publisher.lock().await;
        let looked = tokio::time::timeout(SINK_SEND_TIMEOUT, publisher.look()).await;
        self.note(&publisher);
        looked.unwrap_or(Err(NatsError::Slow(SINK_SEND_TIMEOUT))).map_err(|error| error.to_string())?;
        Ok(Looked { process: self.process, in_order_only: true, ..publisher.looked.clone() })
    }

    fn note(&mut self, publisher: &Publisher) {
        (self.process, self.ending) = (publisher.process, (publisher.changes, publisher.ending));
    }
}

impl Publisher {
    /// Connects where there is no connection, or one that has been idle for so long that it may be gone.
    async fn make_ready(&mut self) -> Result<(), NatsError> {
        if let Some(mut open) = self.open.take() {
            let idle_us = clock::now().mono_us.saturating_sub(open.used_us);
            if idle_us < clock::micros(NATS_IDLE) || open.client.ping().await.is_ok() {
                self.open = Some(open);
                return Ok(());
            }
        }
        self.look().await
    }

    /// Asks the stream how it is set up and what it has last.
    async fn look(&mut self) -> Result<(), NatsError> {
        let endpoint = &self.endpoint;
        let stream = Stream::new(&endpoint.stream, None)?;
        let mut client = match self.open.take() {
            Some(open) => open.client,
            None => {
                let address = Address::read(&endpoint.url);
                let address = address.map_err(|fault| NatsError::Unfit(fault.to_string()))?;
                let authorities = endpoint.authorities.as_deref().map(str::as_bytes);
                Client::connect(&address, &endpoint.login()?, authorities).await?
            }
        };
        let config = stream.find_or_make(&mut client, &SUBJECTS).await?.config;
        if !config.takes(&self.subject) {
            let (name, subject) = (&endpoint.stream, &self.subject);
            return Err(NatsError::Unfit(format!(
                "the stream {name} does not take {subject}: add custos.> to its subjects"
            )));
        }
        self.looked.what = format!("NATS {}, stream {}", client.info().version, endpoint.stream);
        self.looked.warnings = config.faults();
        let (host, last) = HostStream::resume(&mut client, &stream, &self.subject).await?;
        let ending = last.and_then(|stored| ending_of(&stored.headers));
        if let (Some(own), Some(Ending { store, .. })) = (self.own, ending)
            && own != store
        {
            return Err(NatsError::Unfit(format!(
                "another store delivers as {}: give each host a `host` of its own, or a `site`",
                self.subject
            )));
        }
        self.found(host.link(), ending);
        self.open = Some(Open { client, host, used_us: clock::now().mono_us });
        Ok(())
    }

    /// Takes in with what the stream ends.
    fn found(&mut self, link: Link, ending: Option<Ending>) {
        self.changes += 1;
        match self.unanswered.take() {
            Some((sent, after, which)) if sent == link => {
                (self.link, self.ending, self.own) = (Some(link), Some(after), Some(after.store));
                self.arrived.push(which);
            }
            _ if self.link == Some(link) => {}
            _ => {
                (self.link, self.ending) = (Some(link), ending);
                self.arrived.clear();
                self.process += 1;
            }
        }
    }

    /// Publishes what is not there yet; how many bytes that took.
    async fn publish(&mut self, parcel: &Parcel) -> Result<u64, NatsError> {
        let (runs, Some(origin)) = (parcel.runs(), parcel.origin()) else { return Ok(0) };
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(0) };
        let which = (origin.live, first.number, last.number);
        if let Some(at) = self.arrived.iter().position(|arrived| *arrived == which) {
            self.arrived.swap_remove(at);
            return Ok(0);
        }
        let body = bundled(parcel)?;
        let after = self.after(parcel, origin);
        let store = after.store.to_string();
        let said = after.last.map(|last| format!("{} {:016x}", last.number, last.fingerprint));
        let mut headers = vec![(STORE, &*store)];
        headers.extend(said.as_deref().map(|said| (LAST, said)));
        let Some(mut open) = self.open.take() else {
            return Err(NatsError::Broken("there is no connection".to_owned()));
        };
        // The same runs behind the same message are the same message.
        let id = format!("{}-{}-{}", first.number, last.number, open.host.last());
        let before = open.client.sent_bytes();
        let link = open.host.link_of(&body);
        // From here on it may arrive, whatever becomes of this future.
        self.unanswered = Some((link, after, which));
        match open.host.send(&mut open.client, &id, &headers, &body).await {
            Ok(_) => {}
            Err(error @ (NatsError::Refused(..) | NatsError::TooLarge(..))) => {
                self.unanswered = None;
                self.open = Some(open);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.unanswered = None;
        self.changes += 1;
        (self.link, self.ending, self.own) = (Some(link), Some(after), Some(after.store));
        open.used_us = clock::now().mono_us;
        let bytes = open.client.sent_bytes() - before;
        self.open = Some(open);
        Ok(bytes)
    }

    /// What the stream has last once it has a parcel.
    fn after(&self, parcel: &Parcel, origin: Origin) -> Ending {
        let before = self.ending.filter(|ending| ending.store == origin.store).and_then(|ending| ending.last);
        let new = parcel.runs().last().filter(|_| origin.live).map(|one| Delivered {
            number: one.number,
            fingerprint: fingerprint(one.number, &one.check, &one.run),
        });
        Ending { store: origin.store, last: new.or(before) }
    }
}

fn bundled(parcel: &Parcel) -> Result<Vec<u8>, NatsError> {
    let mut bundle = Bundle::default();
    parcel.runs().iter().for_each(|one| bundle.add(&one.check, one.number, &one.run));
    let bytes = bundle.content_bytes();
    bundle.finish().map_err(|_| NatsError::TooLarge(bytes, custos_store::limits::BUNDLE_BYTES_MAX as u64))
}

/// What the headers of a message say that the stream has with it.
fn ending_of(headers: &Headers) -> Option<Ending> {
    let store = headers.get(STORE)?.parse().ok()?;
    let last = headers.get(LAST).and_then(|said| {
        let (number, fingerprint) = said.split_once(' ')?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).ok()?;
        Some(Delivered { number: number.parse().ok()?, fingerprint })
    });
    Some(Ending { store, last })
}

/// What an error means for what was to be sent. A stream that is full or sealed refuses everything: that is nothing of a run.
fn meaning(error: &NatsError) -> Answer {
    match error {
        NatsError::TooLarge(..) | NatsError::Refused(MESSAGE_TOO_LARGE, _) => {
            Answer::TooLarge(error.to_string())
        }
        NatsError::Denied(_) => Answer::Closed(error.to_string()),
        _ => Answer::later(error.to_string()),
    }
}

impl NatsEndpoint {
    /// How to log in.
    fn login(&self) -> Result<Login, NatsError> {
        self.login.read().map_err(|fault| NatsError::Denied(format!("failed to use the key: {fault}")))
    }
}
