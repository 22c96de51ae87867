//! Passive results to a Nagios by NRDP: one form with all of them as XML, which every version of it reads.

use super::http::{self, Endpoint, Reply};
use super::passive::{PassiveResult, results};
use super::receipt::{Failure, Receipt};
use crate::config::Secret;
use crate::limits::NOTIFY_REASON_MAX_CHARS;
use crate::notify::Notification;
use crate::text::printable;

/// Sends where the checks of a notification stand.
pub(super) async fn send(
    endpoint: &Endpoint,
    token: &Secret,
    host: &str,
    notification: &Notification,
) -> Receipt {
    let results = results(notification, host);
    Receipt::of(notification.alerts.len(), submit(endpoint, token, &results).await)
}

async fn submit(endpoint: &Endpoint, token: &Secret, results: &[PassiveResult<'_>]) -> Result<(), Failure> {
    let token = token.bytes().map_err(|why| Failure::Temporary(why.to_owned()))?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", &String::from_utf8_lossy(token))
        .append_pair("cmd", "submitcheck")
        .append_pair("XMLDATA", &xml(results))
        .finish();
    let reply = http::post(endpoint, "application/x-www-form-urlencoded", form.into_bytes()).await?;
    reply.accepted()?;
    processed(&reply)
}

fn xml(results: &[PassiveResult<'_>]) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<checkresults>\n");
    for result in results {
        xml.push_str(&format!(
            "<checkresult type='service' checktype='1'><hostname>{}</hostname><servicename>{}</servicename>\
             <state>{}</state><output>{}</output></checkresult>\n",
            escaped(result.host),
            escaped(result.service),
            result.state,
            escaped(&result.printed()),
        ));
    }
    xml + "</checkresults>\n"
}

/// A text between tags. Characters that XML cannot have at all were replaced before, but for these.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            '\n' => escaped.push('\n'),
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Whether NRDP took the results: it answers with 200 in any case, and with a status of 0 in XML or JSON if it did.
fn processed(reply: &Reply) -> Result<(), Failure> {
    let squeezed: String = reply.body.chars().filter(|character| !character.is_whitespace()).collect();
    if squeezed.contains("<status>0</status>") || squeezed.contains("\"status\":0") {
        return Ok(());
    }
    let said = between(&reply.body, "<message>", "</message>")
        .or_else(|| between(&reply.body, "\"message\":\"", "\""))
        .unwrap_or(reply.body.trim());
    let said: String = said.chars().take(NOTIFY_REASON_MAX_CHARS).collect();
    Err(Failure::Temporary(format!("NRDP has not taken it: {}", printable(&said))))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;
    use crate::notify::send::stage::notification;

    #[test]
    fn results_are_escaped_for_xml() {
        let mut notification = notification(&["a<b"]);
        notification.alerts[0].check.verdict = "]]></output><x/> & 'q'\u{b}".into();
        notification.alerts[0].check.long_text = "".into();
        let written = xml(&results(&notification, "web"));
        assert_eq!(
            written,
            "<?xml version='1.0'?>\n<checkresults>\n<checkresult type='service' checktype='1'>\
             <hostname>web</hostname><servicename>a&lt;b</servicename><state>2</state>\
             <output>]]&gt;&lt;/output&gt;&lt;x/&gt; &amp; 'q'|/=97%;90;95</output></checkresult>\n</checkresults>\n"
        );
    }

    #[test]
    fn what_nrdp_took_it_says_in_its_answer() {
        let said = |body: &str| processed(&Reply { status: StatusCode::OK, body: body.into() });
        assert_eq!(
            said("<?xml version='1.0'?>\n<result>\n <status>0</status>\n <message>OK</message>"),
            Ok(())
        );
        assert_eq!(said("{\"result\": {\"status\": 0, \"message\": \"OK\"}}"), Ok(()));
        for body in [
            "<result><status>-1</status><message>BAD TOKEN</message></result>",
            "{\"result\":{\"status\":-1,\"message\":\"BAD TOKEN\"}}",
        ] {
            assert_eq!(said(body), Err(Failure::Temporary("NRDP has not taken it: BAD TOKEN".into())));
        }
    }
}
