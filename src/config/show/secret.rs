//! What looks like a secret, and is masked where a configuration is shown.
//!
//! The rule, as `docs/configuration.md` states it:
//! - the value of an environment variable whose name contains one of [`SECRET_WORDS`];
//! - the value of a long option, or of a `name=value` word, whose name contains one of them;
//! - the value of the short options by which the known plugins of [`SHORT_OPTIONS`] take a secret;
//! - the user and password in an address such as `https://user:password@host/`;
//! - of the address of a webhook all but the host, and of others that notifications go to what follows `?`.
//!
//! It guesses from names, so a secret under a harmless name is shown. It masks too much rather than too little.

/// What stands in place of a secret.
pub(crate) const MASK: &str = "********";

/// Parts of names that mark a secret, compared without regard to case, with `-` as `_`.
const SECRET_WORDS: [&str; 16] = [
    "passwd",
    "password",
    "passphrase",
    "passwort",
    "pwd",
    "authpass",
    "privpass",
    "secret",
    "token",
    "community",
    "credential",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "authorization",
];

/// Short options that take a secret, by the beginning of the plugin's name.
const SHORT_OPTIONS: [(&str, &str); 13] = [
    ("check_snmp", "CAX"),
    ("check_ifstatus", "CAX"),
    ("check_ifoperstatus", "CAX"),
    ("check_hpjd", "C"),
    ("check_mysql", "p"),
    ("check_pgsql", "p"),
    ("check_ldap", "P"),
    ("check_http", "ab"),
    ("check_curl", "ab"),
    ("check_smtp", "P"),
    ("check_nt", "s"),
    ("check_radius", "p"),
    ("check_disk_smb", "p"),
];

/// `true` if a value under this name is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| name.contains(word)) || name == "pass" || name.ends_with("_pass")
}

/// The words of a command with secrets masked.
pub(crate) fn mask_words(words: &[String]) -> Vec<String> {
    let short = words.first().map_or("", |program| short_options(program));
    let mut hide_next = false;
    words
        .iter()
        .map(|word| {
            let (masked, hides_next) = if std::mem::take(&mut hide_next) {
                (MASK.to_owned(), false)
            } else {
                mask_word(word, short)
            };
            hide_next = hides_next;
            masked
        })
        .collect()
}

/// A line for the shell with secrets masked. Words end at blanks outside quotes.
pub(crate) fn mask_line(line: &str) -> String {
    let mut masked = String::new();
    let mut short = "";
    let mut hide_next = false;
    let mut rest = line;
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start().len();
        masked.push_str(&rest[..blanks]);
        rest = &rest[blanks..];
        let (word, after) = rest.split_at(word_end(rest));
        rest = after;
        if word.is_empty() {
            break;
        }
        let bare = word.trim_matches(['"', '\'']);
        if !short_options(bare).is_empty() {
            short = short_options(bare);
        }
        if std::mem::take(&mut hide_next) {
            masked.push_str(MASK);
            continue;
        }
        let (shown, hides_next) = mask_word(bare, short);
        masked.push_str(if shown == bare { word } else { &shown });
        hide_next = hides_next;
    }
    masked
}

/// Where the word at the start of `text` ends, in bytes; an open quote takes in the rest.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => return at,
            None => {}
        }
    }
    text.len()
}

fn short_options(program: &str) -> &'static str {
    let name = program.rsplit('/').next().unwrap_or(program);
    SHORT_OPTIONS.iter().find(|(plugin, _)| name.starts_with(plugin)).map_or("", |(_, letters)| letters)
}

/// The word with its secret masked, and whether the next word is one.
fn mask_word(word: &str, short: &str) -> (String, bool) {
    if let Some((name, value)) = word.split_once('=') {
        let names_a_secret = is_secret_name(name.trim_start_matches('-')) && !name.contains([' ', '/']);
        if names_a_secret && !value.is_empty() {
            return (format!("{name}={MASK}"), false);
        }
    } else if let Some(name) = word.strip_prefix("--") {
        return (word.to_owned(), is_secret_name(name));
    }
    let mut letters = word.chars();
    if let (Some('-'), Some(letter)) = (letters.next(), letters.next())
        && short.contains(letter)
    {
        let attached = !letters.as_str().is_empty();
        let shown = if attached { format!("-{letter}{MASK}") } else { word.to_owned() };
        return (shown, !attached);
    }
    (mask_address(word), false)
}

/// An address of which only the host is shown: who knows the rest of that of a webhook may send to it.
pub(crate) fn mask_path(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return MASK.to_owned() };
    match rest.find(['/', '?', '#']) {
        Some(at) if rest.len() > at + 1 => format!("{scheme}://{}/{MASK}", &rest[..at]),
        _ => address.to_owned(),
    }
}

/// An address with what follows `?` masked: there tokens are.
pub(crate) fn mask_question(address: &str) -> String {
    match address.split_once('?') {
        Some((before, _)) => format!("{before}?{MASK}"),
        None => address.to_owned(),
    }
}

/// Masks `user:password` in `scheme://user:password@host`.
fn mask_address(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(at) if authority[..at].contains(':') => format!("{scheme}://{MASK}{}", &rest[at..]),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        mask_words(&words).join(" ")
    }

    #[test]
    fn names_that_mark_a_secret() {
        for name in ["PGPASSWORD", "MYSQL_PWD", "api-key", "SNMP_COMMUNITY", "pass", "DB_PASS", "AccessToken"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "LC_ALL", "bypass", "compass", "KEYBOARD", "PASSIVE"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn options_that_take_a_secret_are_masked() {
        for (line, masked) in [
            ("check_x --password hunter2 -w 5", "check_x --password ******** -w 5"),
            ("check_x --password=hunter2", "check_x --password=********"),
            ("check_x --auth-token=a=b", "check_x --auth-token=********"),
            ("/usr/lib/check_snmp -H h -C public -o x", "/usr/lib/check_snmp -H h -C ******** -o x"),
            ("check_snmp -Cpublic", "check_snmp -C********"),
            ("check_mysql -u me -p x -P 3306", "check_mysql -u me -p ******** -P 3306"),
            ("check_tcp -p 80", "check_tcp -p 80"),
            ("check_disk -w 10% -p /", "check_disk -w 10% -p /"),
            ("check_x https://me:pw@host/a?b=c", "check_x https://********@host/a?b=c"),
            ("check_x https://host/a@b", "check_x https://host/a@b"),
            ("check_x --warning=5", "check_x --warning=5"),
            ("check_x password=x", "check_x password=********"),
        ] {
            assert_eq!(words(line), masked);
        }
    }

    #[test]
    fn of_the_address_of_a_webhook_the_host_is_shown() {
        for (address, masked) in [
            ("https://hooks.example.org/services/T0/B0/XXX", "https://hooks.example.org/********"),
            ("https://example.org:8443/?token=x", "https://example.org:8443/********"),
            ("https://example.org?token=x", "https://example.org/********"),
            ("https://example.org/", "https://example.org/"),
            ("https://example.org", "https://example.org"),
        ] {
            assert_eq!(mask_path(address), masked);
        }
    }

    #[test]
    fn lines_for_the_shell_keep_their_form() {
        for (line, masked) in [
            ("check_a | grep  x", "check_a | grep  x"),
            ("sudo check_snmp -C 'my secret' -H h | wc", "sudo check_snmp -C ******** -H h | wc"),
            ("PGPASSWORD=x psql -c 'select 1'", "PGPASSWORD=******** psql -c 'select 1'"),
            ("a --password \"x y", "a --password ********"),
        ] {
            assert_eq!(mask_line(line), masked);
        }
    }

    proptest! {
        #[test]
        fn a_secret_after_its_option_is_never_shown(before in "[a-z ='\"]{0,20}", secret in "[A-Z0-9]{8,12}") {
            let masked = mask_words(&[before.clone(), "--password".to_owned(), secret.clone()]);
            prop_assert!(!masked.join(" ").contains(&secret));
        }

        #[test]
        fn any_line_can_be_masked(line in "\\PC{0,60}") {
            let _ = mask_line(&line);
        }
    }
}
