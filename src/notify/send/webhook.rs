//! A webhook: a `POST` of JSON.

use super::body::body;
use super::http::{self, Endpoint};
use super::receipt::Receipt;
use crate::notify::Notification;
use crate::notify::message::Message;

/// Posts a notification.
pub(super) async fn send(
    receiver: &str,
    external_url: &str,
    endpoint: &Endpoint,
    notification: &Notification,
    message: &Message,
) -> Receipt {
    let body = body(receiver, external_url, notification, message);
    let reply = http::post(endpoint, "application/json", body).await;
    Receipt::of(notification.alerts.len(), reply.and_then(|reply| reply.accepted()))
}
