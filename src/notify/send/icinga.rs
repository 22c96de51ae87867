//! Passive results to an Icinga by its API: one request for each check.

use serde_json::json;

use super::http::{self, Endpoint};
use super::passive::{PassiveResult, results};
use super::receipt::{Failure, Receipt, Taken};
use crate::notify::Notification;
use crate::text::printable;

/// What Icinga answers where it has no such service.
const NOTHING: &str = "{\"results\":[]}";

/// Sends where the checks of a notification stand. An alert is delivered when Icinga has taken the result of its check.
pub(super) async fn send(endpoint: &Endpoint, host: &str, notification: &Notification) -> Receipt {
    let base = endpoint.url.trim_end_matches('/');
    let endpoint = Endpoint { url: format!("{base}/v1/actions/process-check-result"), ..endpoint.clone() };
    let mut receipt = Receipt::all(notification.alerts.len(), Taken::Delivered);
    for result in results(notification, host) {
        let taken = Taken::from(submit(&endpoint, &result, host).await);
        for alert in &result.alerts {
            receipt.alerts[*alert] = taken.clone();
        }
    }
    receipt
}

async fn submit(endpoint: &Endpoint, result: &PassiveResult<'_>, source: &str) -> Result<(), Failure> {
    let reply = http::post(endpoint, "application/json", request(result, source)).await?;
    // Its answer where nothing fits the filter.
    let is_unknown =
        !reply.status.is_success() && reply.body.split_whitespace().collect::<String>() == NOTHING;
    if is_unknown {
        let (host, service) = (printable(result.host), printable(result.service));
        return Err(Failure::Temporary(format!("Icinga has no service {service} of the host {host}")));
    }
    reply.accepted()
}

/// Names are handed over as variables, so that none of them can become a part of the filter.
fn request(result: &PassiveResult<'_>, source: &str) -> Vec<u8> {
    let perfdata: Vec<&str> = if result.perfdata.is_empty() { Vec::new() } else { vec![&result.perfdata] };
    let request = json!({
        "type": "Service",
        "filter": "host.name == custos_host && service.name == custos_service",
        "filter_vars": { "custos_host": result.host, "custos_service": result.service },
        "exit_status": result.state,
        "plugin_output": result.output,
        "performance_data": perfdata,
        "check_source": source,
    });
    request.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::send::stage::notification;

    #[test]
    fn names_are_variables_of_the_filter() {
        let notification = notification(&["a\" || true || \""]);
        let results = results(&notification, "web");
        let read: serde_json::Value = serde_json::from_slice(&request(&results[0], "web")).unwrap();
        assert_eq!(read["filter"], "host.name == custos_host && service.name == custos_service");
        assert_eq!(read["filter_vars"]["custos_service"], "a\" || true || \"");
        assert_eq!(read["exit_status"], 2);
        assert_eq!(read["performance_data"], json!(["/=97%;90;95"]));
        assert_eq!(read["plugin_output"], "DISK CRITICAL - free space: / 3%\nfirst\nsecond");
    }
}
