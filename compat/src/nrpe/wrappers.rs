//! TCP wrappers: `hosts.allow` and `hosts.deny`, as far as they concern one daemon.
//!
//! A rule of `hosts.allow` that matches lets the peer in; else one of `hosts.deny` keeps it out; else it may come.
//! What cannot be decided here (user names, netgroups, endpoints) never lets anybody in and always keeps out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::hosts::{masked_v4, masked_v6};

/// Most patterns of one file, those of files it names included.
const PATTERNS_MAX: usize = 100_000;

/// Options that say nothing of who may come in.
const WITHOUT_VERDICT: [&str; 11] = [
    "banners",
    "group",
    "keepalive",
    "linger",
    "nice",
    "rfc931",
    "setenv",
    "severity",
    "spawn",
    "umask",
    "user",
];

/// The rules of one file that concern the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrapperRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    clients: List,
    /// `Some(true)` for the option `allow`, `Some(false)` for `deny` and for what ends the connection.
    option: Option<bool>,
}

/// Patterns, and those excepted from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct List {
    patterns: Vec<Pattern>,
    except: Option<Box<List>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    Local,
    Known,
    Unknown,
    Paranoid,
    /// `.example.com`
    Domain(String),
    /// `192.168.`
    Prefix(String),
    V4 {
        network: Ipv4Addr,
        mask: u32,
    },
    V6 {
        network: Ipv6Addr,
        prefix_bits: u8,
    },
    /// A name or an address, perhaps with `*` and `?`.
    Text(String),
    /// The patterns of a file.
    File(Vec<Pattern>),
    /// What is not understood here.
    Undecidable,
}

/// The peer's name, as the name service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerName {
    /// The name, which has the peer's address.
    Known(String),
    /// There is none.
    Unknown,
    /// There is one, but it has other addresses.
    Mismatch,
}

/// Which file is judged by; it decides what becomes of what cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrapperFile {
    /// `hosts.allow`
    Allow,
    /// `hosts.deny`
    Deny,
}

impl WrapperRules {
    /// Reads a file, and through `read` the files of patterns that it names. Rules for other daemons are left out.
    pub fn parse(
        content: &[u8],
        daemon: &str,
        file: WrapperFile,
        read: &mut dyn FnMut(&Path) -> Option<Vec<u8>>,
    ) -> WrapperRules {
        let mut left = PATTERNS_MAX;
        let rules = logical_lines(content)
            .iter()
            .filter_map(|line| parse_rule(line, daemon, file, read, &mut left))
            .collect();
        WrapperRules { rules }
    }

    /// Whether there is any rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the peer's name has to be known to judge it.
    pub fn need_name(&self) -> bool {
        self.rules.iter().any(|rule| rule.clients.needs_name())
    }

    /// Whether the first matching rule lets the peer in; none if no rule matches.
    pub fn judge(&self, peer: IpAddr, name: &PeerName, file: WrapperFile) -> Option<bool> {
        let peer = peer.to_canonical();
        let rule = self.rules.iter().find(|rule| rule.clients.matches(peer, name, file))?;
        Some(rule.option.unwrap_or(file == WrapperFile::Allow))
    }
}

/// Lines, with those that end in a backslash joined to the next, and without comments.
fn logical_lines(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let mut lines = Vec::new();
    let mut joined = String::new();
    for line in text.lines() {
        if joined.is_empty() && line.starts_with('#') {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(begin) => joined.push_str(begin),
            None => {
                joined.push_str(line);
                lines.push(std::mem::take(&mut joined));
            }
        }
    }
    if !joined.is_empty() {
        lines.push(joined);
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

fn parse_rule(
    line: &str,
    daemon: &str,
    file: WrapperFile,
    read: &mut dyn FnMut(&Path) -> Option<Vec<u8>>,
    left: &mut usize,
) -> Option<Rule> {
    let mut fields = split_fields(line).into_iter();
    let daemons = fields.next()?;
    let words: Vec<&str> = words(&daemons).collect();
    if !names_daemon(&words, daemon, file) {
        return None;
    }
    let clients = fields.next().unwrap_or_default();
    let clients: Vec<&str> = self::words(&clients).collect();
    let options: Vec<String> = fields.collect();
    let option = parse_options(&options);
    Some(Rule { clients: parse_list(&clients, read, left), option })
}

/// What the options of a rule decide.
///
/// libwrap refuses a peer whose rule has an option that it does not know, or `allow` before another one; so does this.
/// An address of IPv6 without brackets ends up here as well. `deny` and `twist`, which gives the connection to another
/// program, refuse by themselves; `aclexec` would have to be executed to know.
fn parse_options(options: &[String]) -> Option<bool> {
    let mut decided = None;
    for (index, option) in options.iter().enumerate() {
        let end_of_word = |character: char| character.is_ascii_whitespace() || character == '=';
        let word = option.trim_start().split(end_of_word).next().unwrap_or_default().to_ascii_lowercase();
        decided = match word.as_str() {
            "allow" if index + 1 == options.len() => Some(true),
            word if WITHOUT_VERDICT.contains(&word) => continue,
            _ => return Some(false),
        };
    }
    decided
}

/// Fields between colons; those within brackets and after a backslash do not count.
fn split_fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut bracketed) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&':') => {
                field.push(':');
                characters.next();
            }
            ':' if !bracketed => fields.push(std::mem::take(&mut field)),
            _ => {
                match character {
                    '[' => bracketed = true,
                    ']' => bracketed = false,
                    _ => {}
                }
                field.push(character);
            }
        }
    }
    fields.push(field);
    fields
}

fn words(field: &str) -> impl Iterator<Item = &str> {
    field
        .split(|character: char| character.is_ascii_whitespace() || character == ',')
        .filter(|word| !word.is_empty())
}

fn names_daemon(words: &[&str], daemon: &str, file: WrapperFile) -> bool {
    let (listed, excepted) = split_except(words);
    let is_named = |word: &str| {
        let word = word.to_ascii_lowercase();
        word == "all" || word == "known" || wildcard(word.as_bytes(), daemon.as_bytes())
    };
    let named = listed.iter().any(|word| match word.split_once('@') {
        // Which of this host's addresses is meant is not looked at.
        Some((name, _)) => file == WrapperFile::Deny && is_named(name),
        None => is_named(word),
    });
    named && !excepted.is_some_and(|excepted| names_daemon(excepted, daemon, file))
}

fn split_except<'a, 'b>(words: &'a [&'b str]) -> (&'a [&'b str], Option<&'a [&'b str]>) {
    match words.iter().position(|word| word.eq_ignore_ascii_case("EXCEPT")) {
        Some(at) => (&words[..at], Some(&words[at + 1..])),
        None => (words, None),
    }
}

fn parse_list(words: &[&str], read: &mut dyn FnMut(&Path) -> Option<Vec<u8>>, left: &mut usize) -> List {
    let (listed, excepted) = split_except(words);
    let mut patterns = Vec::new();
    for word in listed {
        if *left == 0 {
            break;
        }
        *left -= 1;
        patterns.push(match word.strip_prefix('/') {
            Some(_) => file_pattern(&PathBuf::from(word), read, left),
            None => parse_pattern(word),
        });
    }
    let except = excepted.map(|excepted| Box::new(parse_list(excepted, read, left)));
    List { patterns, except }
}

fn file_pattern(path: &Path, read: &mut dyn FnMut(&Path) -> Option<Vec<u8>>, left: &mut usize) -> Pattern {
    // A file that is not there names nobody.
    let content = read(path).unwrap_or_default();
    let mut patterns = Vec::new();
    for line in logical_lines(&content) {
        for word in words(&line) {
            if *left == 0 {
                return Pattern::File(patterns);
            }
            *left -= 1;
            // Files of patterns do not name further files.
            patterns.push(if word.starts_with('/') { Pattern::Undecidable } else { parse_pattern(word) });
        }
    }
    Pattern::File(patterns)
}

fn parse_pattern(word: &str) -> Pattern {
    match word.to_ascii_uppercase().as_str() {
        "ALL" => return Pattern::All,
        "LOCAL" => return Pattern::Local,
        "KNOWN" => return Pattern::Known,
        "UNKNOWN" => return Pattern::Unknown,
        "PARANOID" => return Pattern::Paranoid,
        _ => {}
    }
    // user@host and @netgroup
    if word.contains('@') {
        return Pattern::Undecidable;
    }
    if word.starts_with('.') {
        return Pattern::Domain(word.to_ascii_lowercase());
    }
    if word.ends_with('.') {
        return Pattern::Prefix(word.to_owned());
    }
    if let Some(rest) = word.strip_prefix('[') {
        return parse_v6(rest).unwrap_or(Pattern::Undecidable);
    }
    match word.split_once('/') {
        Some((network, mask)) => parse_v4(network, mask).unwrap_or(Pattern::Undecidable),
        None => Pattern::Text(word.to_ascii_lowercase()),
    }
}

fn parse_v4(network: &str, mask: &str) -> Option<Pattern> {
    let network: Ipv4Addr = network.parse().ok()?;
    let mask = match mask.parse::<u8>() {
        Ok(bits @ 1..=32) => u32::from(masked_v4(Ipv4Addr::BROADCAST, bits)),
        Ok(_) => return None,
        // To libwrap, a mask of all ones is a mistake.
        Err(_) => mask.parse::<Ipv4Addr>().ok().map(u32::from).filter(|&mask| mask != u32::MAX)?,
    };
    Some(Pattern::V4 { network, mask })
}

/// `2001:db8::]/32` or `2001:db8::1]`, the opening bracket already gone.
fn parse_v6(rest: &str) -> Option<Pattern> {
    let (address, after) = rest.split_once(']')?;
    // The form [2001:db8::/32] is seen as well.
    let (address, prefix) = match (address.split_once('/'), after.strip_prefix('/')) {
        (Some((address, prefix)), _) => (address, prefix),
        (None, Some(prefix)) => (address, prefix),
        (None, None) if after.is_empty() => (address, "128"),
        (None, None) => return None,
    };
    let prefix_bits: u8 = prefix.parse().ok().filter(|bits| *bits <= 128)?;
    Some(Pattern::V6 { network: masked_v6(address.parse().ok()?, prefix_bits), prefix_bits })
}

impl List {
    fn needs_name(&self) -> bool {
        self.patterns.iter().any(Pattern::needs_name)
            || self.except.as_ref().is_some_and(|except| except.needs_name())
    }

    fn matches(&self, peer: IpAddr, name: &PeerName, file: WrapperFile) -> bool {
        let undecidable = file == WrapperFile::Deny;
        if !self.patterns.iter().any(|pattern| pattern.matches(peer, name, undecidable)) {
            return false;
        }
        // An exception works the other way round, and so does what cannot be decided about it.
        let other = match file {
            WrapperFile::Allow => WrapperFile::Deny,
            WrapperFile::Deny => WrapperFile::Allow,
        };
        !self.except.as_ref().is_some_and(|except| except.matches(peer, name, other))
    }
}

impl Pattern {
    fn needs_name(&self) -> bool {
        match self {
            Pattern::Local | Pattern::Known | Pattern::Unknown | Pattern::Paranoid | Pattern::Domain(_) => {
                true
            }
            Pattern::Text(text) => text.parse::<IpAddr>().is_err(),
            Pattern::File(patterns) => patterns.iter().any(Pattern::needs_name),
            Pattern::All
            | Pattern::Prefix(_)
            | Pattern::V4 { .. }
            | Pattern::V6 { .. }
            | Pattern::Undecidable => false,
        }
    }

    fn matches(&self, peer: IpAddr, name: &PeerName, undecidable: bool) -> bool {
        let known = match name {
            PeerName::Known(name) => Some(name.to_ascii_lowercase()),
            PeerName::Unknown | PeerName::Mismatch => None,
        };
        match self {
            Pattern::All => true,
            Pattern::Local => known.is_some_and(|name| !name.contains('.')),
            Pattern::Known => known.is_some(),
            Pattern::Unknown => *name == PeerName::Unknown,
            Pattern::Paranoid => *name == PeerName::Mismatch,
            Pattern::Domain(domain) => known.is_some_and(|name| name.ends_with(domain.as_str())),
            Pattern::Prefix(prefix) => peer.to_string().starts_with(prefix.as_str()),
            Pattern::V4 { network, mask } => match peer {
                IpAddr::V4(peer) => u32::from(peer) & mask == u32::from(*network),
                IpAddr::V6(_) => false,
            },
            Pattern::V6 { network, prefix_bits } => match peer {
                IpAddr::V6(peer) => masked_v6(peer, *prefix_bits) == *network,
                IpAddr::V4(_) => false,
            },
            Pattern::Text(text) => {
                let fits = |subject: &str| wildcard(text.as_bytes(), subject.as_bytes());
                fits(&peer.to_string()) || known.is_some_and(|name| fits(&name))
            }
            Pattern::File(patterns) => {
                patterns.iter().any(|pattern| pattern.matches(peer, name, undecidable))
            }
            Pattern::Undecidable => undecidable,
        }
    }
}

/// Matches `*` and `?`, in time proportional to the product of the lengths.
fn wildcard(pattern: &[u8], subject: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut star = None;
    while s < subject.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, s));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == subject[s] => {
                p += 1;
                s += 1;
            }
            _ => match star {
                Some((star_p, star_s)) => {
                    star = Some((star_p, star_s + 1));
                    p = star_p + 1;
                    s = star_s + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(content: &str, file: WrapperFile, peer: &str, name: &PeerName) -> Option<bool> {
        let mut read =
            |path: &Path| (path == Path::new("/list")).then(|| b"192.0.2.7\n.example.org".to_vec());
        let rules = WrapperRules::parse(content.as_bytes(), "nrpe", file, &mut read);
        rules.judge(peer.parse().unwrap(), name, file)
    }

    fn allow(content: &str, peer: &str) -> Option<bool> {
        verdict(content, WrapperFile::Allow, peer, &PeerName::Unknown)
    }

    fn deny(content: &str, peer: &str) -> Option<bool> {
        verdict(content, WrapperFile::Deny, peer, &PeerName::Unknown)
    }

    fn named(content: &str, name: &str) -> Option<bool> {
        verdict(content, WrapperFile::Allow, "198.51.100.1", &PeerName::Known(name.into()))
    }

    #[test]
    fn rules_for_other_daemons_do_not_count() {
        assert_eq!(deny("sshd: ALL\n", "192.0.2.1"), None);
        assert_eq!(deny("sshd, nrpe : ALL\n", "192.0.2.1"), Some(false));
        assert_eq!(deny("ALL EXCEPT sshd: ALL\n", "192.0.2.1"), Some(false));
        assert_eq!(deny("ALL EXCEPT nrpe: ALL\n", "192.0.2.1"), None);
        assert_eq!(deny("# nrpe: ALL\n\n", "192.0.2.1"), None);
        for pattern in ["nrpe*", "N?PE", "KNOWN"] {
            assert_eq!(deny(&format!("{pattern}: ALL"), "192.0.2.1"), Some(false), "{pattern}");
        }
        assert_eq!(deny("n?e: ALL", "192.0.2.1"), None);
    }

    #[test]
    fn addresses_and_networks() {
        for pattern in [
            "192.0.2.1",
            "192.0.2.",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0/24",
            "192.0.*",
            "192.0.2.?",
            "ALL",
        ] {
            assert_eq!(allow(&format!("nrpe: {pattern}"), "192.0.2.1"), Some(true), "{pattern}");
            if pattern != "ALL" {
                assert_eq!(allow(&format!("nrpe: {pattern}"), "198.51.100.1"), None, "{pattern}");
            }
        }
        assert_eq!(allow("nrpe: [2001:db8::]/32", "2001:db8::1"), Some(true));
        assert_eq!(allow("nrpe: [2001:db8::1]", "2001:db8::2"), None);
    }

    #[test]
    fn names() {
        assert_eq!(named("nrpe: .example.com", "poller.example.com"), Some(true));
        assert_eq!(named("nrpe: POLLER.example.com", "poller.Example.com"), Some(true));
        assert_eq!(named("nrpe: LOCAL", "poller"), Some(true));
        assert_eq!(named("nrpe: LOCAL", "poller.example.com"), None);
        assert_eq!(named("nrpe: KNOWN", "x"), Some(true));
        assert_eq!(allow("nrpe: KNOWN", "192.0.2.1"), None);
        assert_eq!(deny("nrpe: UNKNOWN", "192.0.2.1"), Some(false));
        let paranoid = verdict("ALL: PARANOID", WrapperFile::Deny, "192.0.2.1", &PeerName::Mismatch);
        assert_eq!(paranoid, Some(false));
        let mut read = |_: &Path| None;
        let rules = |content: &str, read: &mut dyn FnMut(&Path) -> Option<Vec<u8>>| {
            WrapperRules::parse(content.as_bytes(), "nrpe", WrapperFile::Allow, read)
        };
        assert!(rules("nrpe: 192.0.2.1 EXCEPT .x", &mut read).need_name());
        assert!(!rules("nrpe: 192.0.2.1 192.0.2.0/24 ALL\nsshd: .x", &mut read).need_name());
    }

    #[test]
    fn exceptions_options_and_continuations() {
        assert_eq!(allow("nrpe: 192.0.2. EXCEPT 192.0.2.9 EXCEPT 192.0.2.9", "192.0.2.9"), Some(true));
        assert_eq!(allow("nrpe: 192.0.2. EXCEPT 192.0.2.9", "192.0.2.9"), None);
        assert_eq!(allow("nrpe: 192.0.2.1 : deny\nnrpe: ALL", "192.0.2.1"), Some(false));
        assert_eq!(deny("nrpe: 192.0.2.1 : severity info : ALLOW", "192.0.2.1"), Some(true));
        assert_eq!(allow("nrpe: \\\n 192.0.2.1", "192.0.2.1"), Some(true));
        for option in ["twist /bin/echo", "bogus", "", "allow : spawn x", "ALL", "aclexec /bin/true", ":1"] {
            assert_eq!(allow(&format!("nrpe: ALL : {option}"), "192.0.2.1"), Some(false), "{option}");
        }
        for option in ["keepalive", "severity=info", "spawn x : allow"] {
            assert_eq!(allow(&format!("nrpe: ALL : {option}"), "192.0.2.1"), Some(true), "{option}");
        }
    }

    #[test]
    fn files_of_patterns() {
        assert_eq!(allow("nrpe: /list", "192.0.2.7"), Some(true));
        assert_eq!(named("nrpe: /list", "a.example.org"), Some(true));
        assert_eq!(allow("nrpe: /missing", "192.0.2.7"), None);
        assert_eq!(deny("nrpe: /missing", "192.0.2.7"), None);
    }

    #[test]
    fn what_cannot_be_decided_keeps_out() {
        for pattern in [
            "root@192.0.2.1",
            "@pollers",
            "[nonsense]",
            "1.2.3.4/99",
            "0.0.0.0/0",
            "192.0.2.1/255.255.255.255",
        ] {
            assert_eq!(allow(&format!("nrpe: {pattern}"), "192.0.2.1"), None, "{pattern}");
            assert_eq!(deny(&format!("nrpe: {pattern}"), "192.0.2.1"), Some(false), "{pattern}");
        }
        // An exception that cannot be decided is not granted where it would let somebody in.
        assert_eq!(deny("nrpe: ALL EXCEPT @pollers", "192.0.2.1"), Some(false));
        assert_eq!(allow("nrpe: ALL EXCEPT @crackers", "192.0.2.1"), None);
    }
}
