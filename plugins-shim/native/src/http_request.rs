//! `check_http`: what is sent, and to whom.

/// How the plugin calls itself.
pub(crate) const OWN_NAME: &str = "check_http/v2.3.3 (monitoring-plugins 2.3.3)";
pub(crate) const HTTP_PORT: u16 = 80;
pub(crate) const HTTPS_PORT: u16 = 443;

/// Whom to ask for what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) address: String,
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    /// The port that the server is told.
    pub(crate) told_port: u16,
    pub(crate) url: String,
    pub(crate) is_tls: bool,
}

/// What is sent beside the site.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Option<String>,
    pub(crate) agent: String,
    pub(crate) headers: Vec<String>,
    pub(crate) login: String,
    pub(crate) proxy_login: String,
    pub(crate) body: Option<String>,
    pub(crate) body_type: Option<String>,
}

impl Request {
    /// What is sent to a site.
    pub(crate) fn text(&self, site: &Site) -> Vec<u8> {
        let method = self.method.as_deref().unwrap_or("GET");
        let version = if site.host.is_some() { "HTTP/1.1" } else { "HTTP/1.0" };
        let mut text =
            format!("{method} {} {version}\r\nUser-Agent: {}\r\nConnection: close\r\n", site.url, self.agent);
        let own_host = self.headers.iter().rposition(|header| header.starts_with("Host:"));
        let mut line = |line: &str| {
            text.push_str(line);
            text.push_str("\r\n");
        };
        let usual_port = if site.is_tls { HTTPS_PORT } else { HTTP_PORT };
        match (&site.host, own_host) {
            (Some(_), Some(own)) => line(&self.headers[own]),
            (Some(host), None) if site.told_port == usual_port => line(&format!("Host: {host}")),
            (Some(host), None) => line(&format!("Host: {host}:{}", site.told_port)),
            (None, _) => {}
        }
        for (index, header) in self.headers.iter().enumerate() {
            if own_host != Some(index) {
                line(header);
            }
        }
        if !self.login.is_empty() {
            line(&format!("Authorization: Basic {}", base64(self.login.as_bytes())));
        }
        if !self.proxy_login.is_empty() {
            line(&format!("Proxy-Authorization: Basic {}", base64(self.proxy_login.as_bytes())));
        }
        if let Some(body) = &self.body {
            let body_type = self.body_type.as_deref().unwrap_or("application/x-www-form-urlencoded");
            line(&format!("Content-Type: {body_type}"));
            line(&format!("Content-Length: {}", body.len()));
        }
        line("");
        text.push_str(self.body.as_deref().unwrap_or_default());
        text.into_bytes()
    }
}

/// Bytes in base 64, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= group.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_in_base_64() {
        let texts = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
