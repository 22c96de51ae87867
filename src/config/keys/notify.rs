//! The `notify` section: targets with their media, and what holds for all of them.

use std::time::Duration;

use crate::config::keys::settings::STATES;
use crate::config::keys::shapes::path;
use crate::config::keys::snmp::SECRET;
use crate::config::model::notify::{GraphStyle, MailTls};
use crate::document::key::{Is, Key, Own, Required, key, section};
use crate::document::kind::{Choice, Flag, Span, Whole};
use crate::document::section::{Row, Rule, Shape};
use crate::limits::{
    INTERVAL_MAX, NOTIFY_GROUP_INTERVAL, NOTIFY_GROUP_WAIT, NOTIFY_INTERVAL_MIN, NOTIFY_REPEAT_INTERVAL,
    NOTIFY_RESEND,
};

/// A name that is part of a file's name too.
pub(crate) const TARGET_NAME: &str = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$";
/// Each alert alone, as Alertmanager writes it.
pub(crate) const EVERYTHING: &str = "...";
const URL: &str = r"^https?://[^\s]+$";
const SERVER: &str = r"^([^\s:/\[\]]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$";
const MAIL_ADDRESS: &str = r"^[^\s@]+@[^\s@]+$|^[^\s@]+$";
/// The words for how graphs are drawn.
pub(crate) const GRAPHS: [(&str, GraphStyle); 3] =
    [("braille", GraphStyle::Braille), ("ascii", GraphStyle::Ascii), ("none", GraphStyle::None)];
const MAIL_TLS: [(&str, MailTls); 3] =
    [("starttls", MailTls::Starttls), ("tls", MailTls::Tls), ("none", MailTls::None)];

fn matchers() -> Shape {
    Shape::Text.one_or_more()
}

fn secret() -> Shape {
    Shape::Section(&SECRET)
}

section! {
    /// The section.
    NOTIFY = "notify";
    TARGETS: Key<Own> = key("targets",
        Own(|| Shape::Map { names: TARGET_NAME.to_owned(), reserved: &[], values: Box::new(Shape::Section(&TARGET)) }),
        "the [targets](#targets) by name")
        .says("nobody is told");
    GROUP_BY: Key<Own> = key("group_by", Own(|| Shape::Text.one_or_more()),
        "labels: alerts that have the same values of them are told together; `\"...\"` tells each alert alone")
        .says("all alerts of the host are told together");
    GROUP_WAIT: Key<Span, Is<Duration>> = key("group_wait", Span(Duration::ZERO, INTERVAL_MAX),
        "how long the first alert of a group waits for others")
        .is(NOTIFY_GROUP_WAIT);
    GROUP_INTERVAL: Key<Span, Is<Duration>> = key("group_interval", Span(Duration::ZERO, INTERVAL_MAX),
        "time between two messages with news about a group")
        .is(NOTIFY_GROUP_INTERVAL);
    REPEAT_INTERVAL: Key<Span, Is<Duration>> = key("repeat_interval", Span(NOTIFY_INTERVAL_MIN, INTERVAL_MAX),
        "time after which a group that goes on firing without news is told again")
        .is(NOTIFY_REPEAT_INTERVAL);
    INHIBIT: Key<Own> = key("inhibit", Own(|| Shape::List(Box::new(Shape::Section(&INHIBITION)))),
        "[alerts that are not told](#inhibition) while others fire");
    HEARTBEAT: Key<Own> = key("heartbeat", Own(|| Shape::Section(&HEARTBEAT_OF)),
        "`{ target: NAME, interval: TIME }`: a [message again and again](#heartbeat), whose absence somebody notices");
}

/// The media, of which a target has one.
pub(crate) const MEDIA: [&dyn Row; 7] = [&WEBHOOK, &ALERTMANAGER, &EMAIL, &COMMAND, &NRDP, &ICINGA, &NSCA];

section! {
    /// One of the `targets`.
    TARGET = "target" rules [
        Rule::One(&MEDIA), Rule::With(&ACCESS_USER, &ACCESS_PASSWORD), Rule::With(&ACCESS_PASSWORD, &ACCESS_USER),
    ];
    WEBHOOK: Key<Own> = key("webhook", Own(|| Shape::Pattern(URL)),
        "an address that gets a `POST` with the JSON of Alertmanager's webhooks (version 4)")
        .says("this or another medium is required");
    ALERTMANAGER: Key<Own> = key("alertmanager", Own(|| Shape::Pattern(URL).one_or_more()),
        "the address of an Alertmanager, or of several, which all are told");
    EMAIL: Key<Own> = key("email", Own(|| Shape::Section(&MAIL)), "[mail](#email)");
    COMMAND: Key<Own> = key("command",
        Own(|| Shape::Either(vec![Shape::Text, Shape::List(Box::new(Shape::Scalar))])),
        "what to run: a line, or a list of words; the JSON is on its stdin, and Nagios' macros are in its environment");
    NRDP: Key<Own> = key("nrdp", Own(|| Shape::Section(&NRDP_OF)), "[passive results to a Nagios](#nrdp), by NRDP");
    ICINGA: Key<Own> = key("icinga", Own(|| Shape::Section(&ICINGA_OF)), "[passive results to an Icinga](#icinga), by its API");
    NSCA: Key<Own> = key("nsca", Own(|| Shape::Section(&NSCA_OF)), "[passive results to a Nagios](#nsca), by NSCA");
    ACCESS_USER: Key<Own> = key("user", Own(|| Shape::Text), "as whom to log in to a `webhook` or to `alertmanager`s")
        .says("no login");
    ACCESS_PASSWORD: Key<Own> = key("password", Own(secret),
        "`{ file: PATH }`: the password for that, in a file that no other user may read");
    ACCESS_TOKEN: Key<Own> = key("token", Own(secret),
        "`{ file: PATH }`: a token for a `webhook` or for `alertmanager`s (`Authorization: Bearer`), in a file that no other user may read");
    ACCESS_CA: Key<Own> = key("ca", Own(path),
        "PEM file of the authorities that the certificate of a `webhook` or of `alertmanager`s is verified against")
        .says("those of the system");
    MATCH: Key<Own> = key("match", Own(matchers),
        "[conditions on labels](#conditions), or a list of them: the alerts that the target is for")
        .says("all alerts");
    TARGET_STATES: Key<Own> = key("states",
        Own(|| Shape::Words(STATES.into_iter().map(|(word, _)| word).collect()).one_or_more()),
        "the states that it is told of: `warning`, `critical`, `unknown`, and [`ok`](#alerts)")
        .says("all but `ok`; of `alertmanager` all");
    SEND_RESOLVED: Key<Flag, Is<bool>> = key("send_resolved", Flag, "whether it is told that an alert is over").is(true);
    HOURS: Key<Own> = key("hours", Own(|| Shape::Text),
        "the [period](configuration.md#periods) in which it is told; what still fires when that begins is told then")
        .says("always");
    GRAPH: Key<Choice<GraphStyle>, Is<GraphStyle>> = key("graph", Choice(&GRAPHS),
        "how graphs are drawn in its messages: `braille`, `ascii` or `none`")
        .is(GraphStyle::Braille);
    RESEND: Key<Span, Is<Duration>> = key("resend", Span(NOTIFY_INTERVAL_MIN, INTERVAL_MAX),
        "how often a medium that keeps states (`alertmanager`, `nrdp`, `icinga`, `nsca`) is sent what fires")
        .is(NOTIFY_RESEND);
}

section! {
    /// How mail is sent.
    MAIL = "email" rules [Rule::With(&MAIL_PASSWORD, &MAIL_USER), Rule::With(&MAIL_USER, &SMTP)];
    MAIL_TO: Key<Own, Required> = key("to", Own(|| Shape::Pattern(MAIL_ADDRESS).one_or_more()),
        "who gets it: an address, or a list of them")
        .required();
    MAIL_FROM: Key<Own> = key("from", Own(|| Shape::Pattern(MAIL_ADDRESS)), "the sender").says("`custos` at this host");
    SMTP: Key<Own> = key("smtp", Own(|| Shape::Pattern(SERVER)), "the mail server, `HOST:PORT`")
        .says("`sendmail` of this host");
    SENDMAIL: Key<Own> = key("sendmail", Own(path), "the program that takes mail where there is no `smtp`; it is run with `-t -i`")
        .says("`/usr/sbin/sendmail`");
    MAIL_TLS_OF: Key<Choice<MailTls>, Is<MailTls>> = key("tls", Choice(&MAIL_TLS),
        "how the connection is made safe: `starttls`, `tls` (from the first byte) or `none`")
        .is(MailTls::Starttls);
    MAIL_USER: Key<Own> = key("user", Own(|| Shape::Text), "as whom to log in").says("no login");
    MAIL_PASSWORD: Key<Own> = key("password", Own(secret), "`{ file: PATH }`: the password, in a file that no other user may read");
    MAIL_CA: Key<Own> = key("ca", Own(path), "PEM file of the authorities that the server's certificate is verified against")
        .says("those of the system");
}

section! {
    /// Where NRDP is.
    NRDP_OF = "nrdp";
    NRDP_URL: Key<Own, Required> = key("url", Own(|| Shape::Pattern(URL)), "its address").required();
    NRDP_TOKEN: Key<Own, Required> = key("token", Own(secret), "`{ file: PATH }`: the token, in a file that no other user may read")
        .required();
    NRDP_CA: Key<Own> = key("ca", Own(path), "PEM file of the authorities that its certificate is verified against")
        .says("those of the system");
}

section! {
    /// Where an Icinga's API is.
    ICINGA_OF = "icinga";
    ICINGA_URL: Key<Own, Required> = key("url", Own(|| Shape::Pattern(URL)), "its address, such as `https://icinga.example:5665`")
        .required();
    ICINGA_USER: Key<Own, Required> = key("user", Own(|| Shape::Text), "the user of the API").required();
    ICINGA_PASSWORD: Key<Own, Required> = key("password", Own(secret),
        "`{ file: PATH }`: the password, in a file that no other user may read")
        .required();
    ICINGA_CA: Key<Own> = key("ca", Own(path), "PEM file of the authorities that its certificate is verified against")
        .says("those of the system");
}

section! {
    /// Where NSCA is.
    NSCA_OF = "nsca";
    NSCA_SERVER: Key<Own, Required> = key("server", Own(|| Shape::Pattern(SERVER)), "`HOST:PORT`").required();
    NSCA_PASSWORD: Key<Own> = key("password", Own(secret), "`{ file: PATH }`: the password, in a file that no other user may read");
    NSCA_ENCRYPTION: Key<Whole<u8>, Is<u8>> = key("encryption", Whole(0, 26),
        "the method of encryption, by its number in `send_nsca.cfg`; 0 (none), 1 (exclusive or), 3 (3DES) and 14 (AES) are supported")
        .is(1);
}

section! {
    /// Alerts that are not told while others fire.
    INHIBITION = "inhibit";
    INHIBIT_SOURCE: Key<Own, Required> = key("source", Own(matchers), "[conditions](#conditions) of the alerts that fire").required();
    INHIBIT_TARGET: Key<Own, Required> = key("target", Own(matchers), "conditions of those that are not told meanwhile").required();
    INHIBIT_EQUAL: Key<Own> = key("equal", Own(|| Shape::Text.one_or_more()), "labels that must have the same values in both");
}

section! {
    /// A message again and again.
    HEARTBEAT_OF = "heartbeat";
    HEARTBEAT_TARGET: Key<Own, Required> = key("target", Own(|| Shape::Text), "the name of a target").required();
    HEARTBEAT_INTERVAL: Key<Span, Is<Duration>> = key("interval", Span(NOTIFY_INTERVAL_MIN, INTERVAL_MAX), "how often")
        .is(Duration::from_secs(60));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_texts_say_of_states_is_so() {
        for (word, _) in STATES {
            assert!(TARGET_STATES.text().contains(&format!("`{word}`")), "{word}");
        }
    }
}
