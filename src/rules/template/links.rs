//! Addresses: parts of `host:port`, links to graphs, escapes.

/// `host:port` without the port; anything else as it is.
pub(super) fn strip_port(text: &str) -> String {
    split_host_port(text).map_or_else(|| text.to_owned(), |(host, _)| host.to_owned())
}

/// The first part of a host's name, with its port if it has one; addresses as they are.
pub(super) fn strip_domain(text: &str) -> String {
    let (host, port) = split_host_port(text).unwrap_or((text, ""));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let name = host.split('.').next().unwrap_or_default();
    match port {
        "" => name.to_owned(),
        port => format!("{name}:{port}"),
    }
}

/// Host and port of `host:port` and `[address]:port`, as Go's `net.SplitHostPort` finds them.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(inner) => {
            let address = inner.strip_suffix(']')?;
            (!address.contains(['[', ']'])).then_some((address, port))
        }
        None => (!host.contains([':', '[', ']']) && !port.contains(['[', ']'])).then_some((host, port)),
    }
}

/// The path of the graph of an expression in Prometheus' page.
pub(super) fn graph_link(expression: &str) -> String {
    link(expression, 0)
}

/// The path of the table of an expression in Prometheus' page.
pub(super) fn table_link(expression: &str) -> String {
    link(expression, 1)
}

fn link(expression: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", query_escape(expression))
}

/// A text as part of a query of a URL, as Go's `url.QueryEscape` writes it.
pub(super) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The path of a URL.
pub(super) fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |start| &rest[start..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_domains_are_taken_off() {
        for (text, port, domain) in [
            ("localhost:9090", "localhost", "localhost:9090"),
            ("web1.example.org:9100", "web1.example.org", "web1:9100"),
            ("web1.example.org", "web1.example.org", "web1"),
            ("10.1.2.3:80", "10.1.2.3", "10.1.2.3:80"),
            ("[2001:db8::1]:80", "2001:db8::1", "[2001:db8::1]:80"),
            ("[2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
            ("", "", ""),
        ] {
            assert_eq!((strip_port(text).as_str(), strip_domain(text).as_str()), (port, domain), "{text}");
        }
    }

    #[test]
    fn links_are_escaped() {
        assert_eq!(graph_link("up{a=\"b c\"}"), "/graph?g0.expr=up%7Ba%3D%22b+c%22%7D&g0.tab=0");
        assert_eq!(table_link("up"), "/graph?g0.expr=up&g0.tab=1");
        assert_eq!(path_of("http://testhost:9090/path/prefix?x"), "/path/prefix");
        assert_eq!(path_of("http://testhost:9090"), "");
    }
}
