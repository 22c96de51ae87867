//! The page: files that are part of the program, the same for everybody, so that they are sent to whoever calls this host by its name.
//! What they show is asked for by what is in them, and answered only to those who may ask.

use std::io::Write;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use form_urlencoded::parse;
use hyper::body::Bytes;
use openssl::sha::sha256;

use crate::limits::HTTP_PAGE_HOSTS_MAX;

/// A file of the page.
pub(super) struct File {
    pub(super) content_type: &'static str,
    pub(super) plain: &'static [u8],
    packed: OnceLock<(Bytes, String)>,
}

impl File {
    const fn new(content_type: &'static str, plain: &'static str) -> File {
        File { content_type, plain: plain.as_bytes(), packed: OnceLock::new() }
    }

    /// It in gzip, which is made once.
    pub(super) fn packed(&self) -> Bytes {
        self.made().0.clone()
    }

    /// What tells its versions apart, as the header `ETag` has it.
    pub(super) fn tag(&self) -> &str {
        &self.made().1
    }

    fn made(&self) -> &(Bytes, String) {
        self.packed.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            // Writing to memory does not fail.
            let packed = encoder.write_all(self.plain).and_then(|()| encoder.finish()).unwrap_or_default();
            let digest: String = sha256(self.plain)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
            (Bytes::from(packed), format!("\"{digest}\""))
        })
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

static FILES: [(&str, File); 14] = [
    ("/", File::new("text/html; charset=utf-8", include_str!("page/index.html"))),
    ("/page/page.css", File::new("text/css; charset=utf-8", include_str!("page/page.css"))),
    ("/page/page.js", File::new(SCRIPT, include_str!("page/page.js"))),
    ("/page/asked.js", File::new(SCRIPT, include_str!("page/asked.js"))),
    ("/page/agent.js", File::new(SCRIPT, include_str!("page/agent.js"))),
    ("/page/board.js", File::new(SCRIPT, include_str!("page/board.js"))),
    ("/page/chart.js", File::new(SCRIPT, include_str!("page/chart.js"))),
    ("/page/columns.js", File::new(SCRIPT, include_str!("page/columns.js"))),
    ("/page/curves.js", File::new(SCRIPT, include_str!("page/curves.js"))),
    ("/page/live.js", File::new(SCRIPT, include_str!("page/live.js"))),
    ("/page/past.js", File::new(SCRIPT, include_str!("page/past.js"))),
    ("/page/text.js", File::new(SCRIPT, include_str!("page/text.js"))),
    ("/page/trial.js", File::new(SCRIPT, include_str!("page/trial.js"))),
    ("/page/view.js", File::new(SCRIPT, include_str!("page/view.js"))),
];

/// The file at a path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, file)| file)
}

/// What the page may do: show and ask what is of this host, and ask the agents that its address names.
pub(super) fn policy(query: &str) -> String {
    let hosts = parse(query.as_bytes()).filter(|(name, _)| name == "hosts");
    let named: Vec<String> = hosts
        .flat_map(|(_, all)| all.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|origin| is_origin(origin))
        .take(HTTP_PAGE_HOSTS_MAX)
        .map(|origin| format!(" {origin}"))
        .collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{}; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        named.concat()
    )
}

/// Whether a text is a scheme, a host and perhaps a port, and nothing that would say more in a policy.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    rest.is_some_and(|host| !host.is_empty() && host.len() <= 260 && host.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_asks_nobody_else() {
        let bytes: usize = FILES.iter().map(|(_, file)| file.packed().len()).sum();
        assert!(bytes <= 150_000, "{bytes}");
        for (path, file) in &FILES {
            let text = std::str::from_utf8(file.plain).unwrap();
            for banned in
                ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "style=", "onclick="]
            {
                assert!(!text.contains(banned), "{path}: {banned}");
            }
            // One place says how text comes onto the page.
            assert!(!text.contains("textContent =") || *path == "/page/text.js", "{path}");
            assert!(!text.contains("//cdn") && file.packed().len() < file.plain.len(), "{path}");
        }
        assert_ne!(FILES[0].1.tag(), FILES[1].1.tag());
    }

    #[test]
    fn the_policy_names_agents_and_nothing_else() {
        let policy =
            policy("check=a&hosts=https://b:43191,https://c%20*,http://[::1]:1,data:,https://x;script-src");
        assert!(policy.contains("connect-src 'self' https://b:43191 http://[::1]:1;"), "{policy}");
        assert_eq!(policy.matches("script-src").count(), 1, "{policy}");
    }
}
