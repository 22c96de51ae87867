//! The `snmp` section: profiles by which devices are spoken to, and who may send traps.

use std::time::Duration;

use custos_compat::snmp::usm::{AuthProtocol, PrivProtocol};

use crate::config::keys::shapes::{addresses, networks, path};
use crate::document::key::{Is, Key, Own, Required, key, section};
use crate::document::kind::{Choice, Span, Whole};
use crate::document::section::{Row, Rule, Shape};
use crate::limits::{
    SNMP_REPETITIONS_MAX, SNMP_RETRIES_MAX, SNMP_TIMEOUT_MAX, SNMP_TIMEOUT_MIN, TRAPS_PER_SOURCE_MAX,
    TRAPS_RATE_MAX, TRAPS_TOTAL_MAX,
};

/// The words for `answers_from`, and whether answers count from wherever they come.
const FROM_WORDS: [(&str, bool); 2] = [("asked", false), ("any", true)];
/// The words for `answers_community`, and whether answers count with any.
const COMMUNITY_WORDS: [(&str, bool); 2] = [("same", false), ("any", true)];
/// Names of digests and ciphers that are known beside those of the tables.
const DIGEST: &str = "^([Mm][Dd]-?5|[Ss][Hh][Aa](-?(1|224|256|384|512))?)$";
const CIPHER: &str = "^([Dd][Ee][Ss]|[Aa][Ee][Ss](-?(128|192|256|192[Cc]|256[Cc]))?)$";
const HEXADECIMAL: &str = "^(0x)?([0-9A-Fa-f]{2}){5,32}$";

/// The versions as they are written; `2` is `2c`.
const VERSIONS: [&str; 4] = ["1", "2c", "3", "2"];
/// Keys that version 3 alone has.
pub(crate) const OF_USERS: [&dyn Row; 4] = [&USER, &AUTH, &PRIV, &CONTEXT];
/// Keys that version 3 has not.
pub(crate) const OF_COMMUNITIES: [&dyn Row; 2] = [&COMMUNITY, &ANSWERS_COMMUNITY];

section! {
    /// The section.
    SNMP = "snmp";
    PROFILES: Key<Own> = key("profiles", Own(|| Shape::Section(&PROFILE).by_name()),
        "[profiles](snmp.md#profiles) by name: how devices are spoken to");
    TRAPS: Key<Own> = key("traps", Own(|| Shape::Section(&RECEIVER)),
        "where [traps](snmp.md#traps) are received, and from whom");
    MIBS: Key<Own> = key("mibs", Own(|| path().one_or_more()),
        "files of MIBs, or directories of them, whose names may be used")
        .says("the names that are built in");
}

section! {
    /// A profile: how to talk to a device.
    PROFILE = "profile" rules [
        Rule::With(&PRIV, &AUTH),
        Rule::Where { key: &VERSION, values: &["3"], needed: &USER, refused: &OF_COMMUNITIES },
        Rule::Where { key: &VERSION, values: &["1", "2c", "2"], needed: &COMMUNITY, refused: &OF_USERS },
    ];
    VERSION: Key<Own, Required> = key("version", Own(|| Shape::Words(VERSIONS.to_vec())), "`1`, `2c` or `3`").required();
    COMMUNITY: Key<Own> = key("community", Own(|| Shape::Either(vec![Shape::Section(&SECRET), Shape::Text])),
        "of versions 1 and 2c: `{ file: PATH }`, or the community itself")
        .says("required");
    USER: Key<Own> = key("user", Own(|| Shape::Scalar), "of version 3: the name of the user").says("required");
    AUTH: Key<Own> = key("auth", Own(|| Shape::Section(&DIGESTED)),
        "of version 3: `{ protocol: P, file: PATH }`, where P is `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512` and \
         the file has the passphrase");
    PRIV: Key<Own> = key("priv", Own(|| Shape::Section(&ENCRYPTED)),
        "the same for encryption: `des`, `aes128`, `aes192`, `aes256`, and `aes192c` and `aes256c` as Cisco lengthens their \
         keys; needs `auth`");
    CONTEXT: Key<Own> = key("context", Own(|| Shape::Scalar), "of version 3").says("the usual one");
    PORT: Key<Whole<u16>, Is<u16>> = key("port", Whole(1, u16::MAX), "UDP port of devices").is(161);
    TIMEOUT: Key<Span, Is<Duration>> = key("timeout", Span(SNMP_TIMEOUT_MIN, SNMP_TIMEOUT_MAX),
        "wait for the answer to one attempt")
        .is(Duration::from_secs(1));
    RETRIES: Key<Whole<u32>, Is<u32>> = key("retries", Whole(0, SNMP_RETRIES_MAX), "attempts after the first").is(3);
    MAX_REPETITIONS: Key<Whole<u32>, Is<u32>> = key("max_repetitions", Whole(1, SNMP_REPETITIONS_MAX),
        "rows that one GETBULK asks for at most")
        .is(25);
    ANSWERS_FROM: Key<Choice<bool>, Is<bool>> = key("answers_from", Choice(&FROM_WORDS),
        "`asked`: an answer counts only from the address and port that were asked. `any`: from wherever it comes, for clusters \
         (VRRP, HSRP, UCS) and old routers that answer from another of their addresses")
        .is(false);
    ANSWERS_COMMUNITY: Key<Choice<bool>, Is<bool>> = key("answers_community", Choice(&COMMUNITY_WORDS),
        "of versions 1 and 2c: `same`: an answer counts only with the community of the request. `any`: with any")
        .is(false);
}

section! {
    /// A secret in a file.
    SECRET = "secret";
    FILE: Key<Own, Required> = key("file", Own(path), "the file with it, which no other user may read").required();
}

section! {
    /// A digest with its passphrase.
    DIGESTED = "auth";
    AUTH_PROTOCOL: Key<Own, Required> = key("protocol",
        Own(|| Shape::Either(vec![Shape::Words(AuthProtocol::ALL.map(AuthProtocol::name).to_vec()), Shape::Pattern(DIGEST)])),
        "the digest: `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`")
        .required();
    AUTH_FILE: Key<Own, Required> = key("file", Own(path), "the file with the passphrase, which no other user may read")
        .required();
}

section! {
    /// A cipher with its passphrase.
    ENCRYPTED = "priv";
    PRIV_PROTOCOL: Key<Own, Required> = key("protocol",
        Own(|| Shape::Either(vec![Shape::Words(PrivProtocol::ALL.map(PrivProtocol::name).to_vec()), Shape::Pattern(CIPHER)])),
        "the cipher: `des`, `aes128`, `aes192`, `aes256`, `aes192c` or `aes256c`")
        .required();
    PRIV_FILE: Key<Own, Required> = key("file", Own(path), "the file with the passphrase, which no other user may read")
        .required();
}

section! {
    /// Where traps are received.
    RECEIVER = "traps";
    LISTEN: Key<Own, Required> = key("listen", Own(addresses), "addresses with port, `*:162` for every address").required();
    ACCEPTED: Key<Own> = key("profiles", Own(|| Shape::Scalar.one_or_more()),
        "those whose communities and users may send")
        .says("all");
    SOURCES: Key<Own> = key("sources", Own(networks), "networks that traps are taken from").says("all");
    PER_SOURCE: Key<Whole<u32>, Is<u32>> = key("per_source", Whole(1, TRAPS_RATE_MAX),
        "traps a second that are taken from one source")
        .is(TRAPS_PER_SOURCE_MAX);
    TOTAL: Key<Whole<u32>, Is<u32>> = key("total", Whole(1, TRAPS_RATE_MAX), "traps a second that are taken in all")
        .is(TRAPS_TOTAL_MAX);
    ENGINE_ID: Key<Own> = key("engine_id",
        Own(|| Shape::Either(vec![Shape::Whole { least: 0, most: i64::MAX }, Shape::Pattern(HEXADECIMAL)])),
        "5 to 32 bytes in hexadecimal digits, by which senders of informs of version 3 know this agent")
        .says("made of the host's name");
}
