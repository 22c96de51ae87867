//! Sends notifications to targets, each by its medium.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use custos_store::Snapshot;
use jiff::tz::TimeZone;

use super::command::OfCheck;
use super::http::Endpoint;
use super::mail::{self, Letter};
use super::nsca::Server;
use super::receipt::{Failure, Receipt};
use super::smtp::{self, Relay, Security};
use super::{alertmanager, command, icinga, nrdp, nsca, webhook};
use crate::clock;
use crate::config::{Access, Check, Email, GraphStyle, MailTls, Medium, Target};
use crate::execute::{Commands, Program};
use crate::limits::{NOTIFY_COMMAND_TIMEOUT, NOTIFY_PAST_READ_MAX};
use crate::notify::Notification;
use crate::notify::message::{Known, Message, MessageStyle};
use crate::picture::{StoreReader, glyphs};

/// Sends notifications. Clones share what they read the store with.
#[derive(Clone)]
pub struct Sender {
    /// The name of this host.
    host: Arc<str>,
    /// Where it is found; empty if nobody said so.
    external_url: Arc<str>,
    /// The zone that times are shown in.
    zone: TimeZone,
    commands: Commands,
    store: Arc<Mutex<StoreReader>>,
    /// The checks that are defined.
    checks: Arc<BTreeMap<String, Arc<Check>>>,
}

impl Sender {
    /// Sends as the host of this name, runs commands by those, and writes messages by the store in that directory.
    pub fn new(host: &str, zone: TimeZone, commands: Commands, store: PathBuf) -> Sender {
        let store = Arc::new(Mutex::new(StoreReader::new(store)));
        Sender { host: host.into(), external_url: "".into(), zone, commands, store, checks: Arc::default() }
    }

    /// Says that this host is found at that address.
    #[must_use]
    pub fn found_at(self, external_url: &str) -> Sender {
        Sender { external_url: external_url.into(), ..self }
    }

    /// Draws the thresholds of these checks where messages show graphs.
    #[must_use]
    pub fn by_checks(self, checks: &BTreeMap<String, Arc<Check>>) -> Sender {
        Sender { checks: Arc::new(checks.clone()), ..self }
    }

    /// Sends a notification to a target and waits for what becomes of it, which is bounded. Needs a tokio runtime with I/O and
    /// time. Nothing is left running once the future is dropped, but for a command, which ends by itself.
    pub async fn send(&self, target: &Target, notification: &Notification) -> Receipt {
        self.send_after(std::future::ready(()), target, notification).await
    }

    /// The same, where nothing is sent before `first`. The message is written meanwhile.
    pub async fn send_after(
        &self,
        first: impl Future<Output = ()>,
        target: &Target,
        notification: &Notification,
    ) -> Receipt {
        let now_ms = clock::now_ms();
        let host = &*self.host;
        let parts = match &target.medium {
            Medium::Command(_) => command::by_check(notification),
            _ => vec![OfCheck::whole(notification)],
        };
        let written = self.messages(target, &parts, now_ms);
        let (messages, ()) = tokio::join!(written, first);
        let message = messages.first().cloned().unwrap_or_default();
        match &target.medium {
            Medium::Webhook(hook) => {
                let endpoint = endpoint(&hook.url, &hook.access);
                webhook::send(&target.name, &self.external_url, &endpoint, notification, &message).await
            }
            Medium::Alertmanager(managers) => {
                let endpoints: Vec<Endpoint> =
                    managers.urls.iter().map(|url| endpoint(url, &managers.access)).collect();
                alertmanager::send(&endpoints, target.resend, notification, now_ms).await
            }
            Medium::Email(email) => {
                let sent = self.mail(email, notification, &message, now_ms).await;
                Receipt::of(notification.alerts.len(), sent)
            }
            Medium::Command(words) => {
                let handler = command::Handler {
                    argv: words,
                    commands: &self.commands,
                    contact: &target.name,
                    host,
                    external_url: &self.external_url,
                    zone: &self.zone,
                    now_ms,
                };
                let messages = messages.into_iter().chain(std::iter::repeat_with(Message::default));
                let runs: Vec<_> = parts.into_iter().zip(messages).collect();
                command::send(&handler, notification.alerts.len(), &runs).await
            }
            Medium::Nrdp(nrdp) => {
                let access = Access { ca: nrdp.ca.clone(), ..Access::default() };
                nrdp::send(&endpoint(&nrdp.url, &access), &nrdp.token, host, notification).await
            }
            Medium::Icinga(icinga) => {
                let login = Some((icinga.user.clone(), icinga.password.clone()));
                let access = Access { login, ca: icinga.ca.clone(), token: None };
                icinga::send(&endpoint(&icinga.url, &access), host, notification).await
            }
            Medium::Nsca(nsca) => match host_and_port(&nsca.server) {
                Ok((server, port)) => {
                    let (password, encryption) = (nsca.password.as_ref(), nsca.encryption);
                    let server = Server { host: server, port, password, encryption };
                    nsca::send(&server, host, notification).await
                }
                Err(failure) => Receipt::of(notification.alerts.len(), Err(failure)),
            },
        }
    }

    /// The message of each part of a notification, written by a thread that may wait for the store; nothing where the medium has no words.
    async fn messages(&self, target: &Target, parts: &[OfCheck], now_ms: i64) -> Vec<Message> {
        let svg = match &target.medium {
            Medium::Email(_) => true,
            Medium::Webhook(_) | Medium::Command(_) => false,
            _ => return Vec::new(),
        };
        let glyphs = glyphs(target.graph);
        let svg = svg && target.graph != GraphStyle::None;
        let style = MessageStyle { host: self.host.to_string(), zone: self.zone.clone(), glyphs, svg };
        let (store, checks) = (Arc::clone(&self.store), Arc::clone(&self.checks));
        let about: Vec<Notification> = parts.iter().map(OfCheck::told).collect();
        let write = move || {
            let snapshot: Option<Snapshot> = store.lock().unwrap_or_else(PoisonError::into_inner).snapshot();
            let until_us = clock::mono_us().saturating_add(clock::micros(NOTIFY_PAST_READ_MAX));
            let is_late = || clock::mono_us() > until_us;
            let known = snapshot.as_ref().map(|store| Known { store, checks: &checks, is_late: &is_late });
            about.iter().map(|one| Message::of(one, known, &style, now_ms)).collect()
        };
        tokio::task::spawn_blocking(write).await.unwrap_or_default()
    }

    async fn mail(
        &self,
        email: &Email,
        notification: &Notification,
        message: &Message,
        now_ms: i64,
    ) -> Result<(), Failure> {
        let own = format!("custos@{}", self.host);
        let from = email.from.as_deref().unwrap_or(&own);
        let letter_to = |to| Letter { from, to, host: &self.host, zone: &self.zone, now_ms };
        let Some(server) = &email.smtp else {
            let mail = mail::compose(&letter_to(&email.to), notification, message)?;
            return self.sendmail(&email.sendmail, &mail).await;
        };
        let (host, port) = host_and_port(server)?;
        let relay = Relay {
            host,
            port,
            security: match email.tls {
                MailTls::Starttls => Security::StartTls,
                MailTls::Tls => Security::Tls,
                MailTls::None => Security::None,
            },
            authorities: email.ca.as_deref(),
            login: email.user.as_deref().zip(email.password.as_ref()),
            name: &self.host,
        };
        // One that is refused keeps no other from having it: a message to several is a trial or a heartbeat.
        let mut sent = Ok(());
        for to in email.to.chunks(1) {
            let one = match mail::compose(&letter_to(to), notification, message) {
                Ok(mail) => smtp::send(&relay, from, &to[0], &mail).await,
                Err(failure) => Err(failure),
            };
            sent = sent.and(one);
        }
        sent
    }

    /// Hands a mail to `sendmail`, which finds the recipients in it.
    async fn sendmail(&self, path: &Path, mail: &str) -> Result<(), Failure> {
        let program = Program {
            argv: [&path.to_string_lossy(), "-t", "-i"].map(str::to_owned).to_vec(),
            variables: Vec::new(),
            stdin: mail.replace("\r\n", "\n").into_bytes(),
            timeout: NOTIFY_COMMAND_TIMEOUT,
        };
        command::ended(self.commands.run(program).await, NOTIFY_COMMAND_TIMEOUT)
    }
}

fn endpoint(url: &str, access: &Access) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        basic: access.login.clone(),
        bearer: access.token.clone(),
        authorities: access.ca.clone(),
    }
}

/// The parts of `HOST:PORT`, where an address of IPv6 stands in brackets.
fn host_and_port(server: &str) -> Result<(&str, u16), Failure> {
    let parts = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts.ok_or_else(|| Failure::Permanent(format!("{server} is not HOST:PORT")))?;
    Ok((host.trim_start_matches('[').trim_end_matches(']'), port))
}
