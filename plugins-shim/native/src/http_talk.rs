//! `check_http`: from site to site until a page is there, and the line about it.

use crate::certificate;
use crate::http::{Http, Redirect};
use crate::http_page::{Page, Verdict, headers_end, worse};
use crate::http_redirect::{Location, location};
use crate::http_request::Site;
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::step::{Event, Step, Target, out_of_turn};

/// What the plugin reads at once.
const READ_BYTES: usize = 8191;
/// What is read at once where it does not show.
const MUCH_BYTES: usize = 16 * 1024;
/// A larger page is left to the plugin.
const PAGE_MAX_BYTES: usize = 256 * 1024;

/// The program, at one of its steps.
#[derive(Debug)]
pub(crate) struct HttpTalk {
    http: Http,
    site: Site,
    redirections: u64,
    /// What was said of certificates.
    said: Vec<u8>,
    /// The state of the certificate of this site.
    before: State,
    page: Vec<u8>,
    times: Times,
}

/// When something was done (µs).
#[derive(Debug, Default)]
struct Times {
    began: u64,
    opening: u64,
    opened: u64,
    secured: u64,
    asked: u64,
    answered: Option<u64>,
}

impl HttpTalk {
    pub(crate) fn new(http: Http) -> HttpTalk {
        let site = http.site.clone();
        HttpTalk {
            http,
            site,
            redirections: 0,
            said: Vec::new(),
            before: State::Ok,
            page: Vec::new(),
            times: Times::default(),
        }
    }

    /// What it has said already.
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }

    pub(crate) fn next(&mut self, event: Event<'_>, now_us: u64) -> Result<Step, NotNative> {
        match event {
            Event::Begun => {
                self.times.began = now_us;
                self.open(now_us)
            }
            Event::NotConnected(error) => {
                let mut line = self.target()?.not_connected(error).into_bytes();
                line.extend_from_slice(b"\nHTTP CRITICAL - Unable to open TCP socket");
                Ok(self.say(&State::Critical.says(line)))
            }
            Event::Connected => {
                self.times.opened = now_us;
                self.times.secured = now_us;
                match self.site.is_tls {
                    true => Ok(Step::Secure { name: self.server_name()? }),
                    false => Ok(self.ask(now_us)),
                }
            }
            Event::Secured(found) => {
                self.times.secured = now_us;
                if let Some(days) = self.http.certificate {
                    let (state, line) = certificate::judge(found.as_ref(), days)?;
                    self.said.extend_from_slice(&line);
                    if !self.http.goes_on {
                        return Ok(self.say(&Printed { exit: state as u8, stdout: Vec::new() }));
                    }
                    self.before = state;
                }
                Ok(self.ask(now_us))
            }
            Event::Sent => {
                self.times.asked = now_us;
                Ok(self.read())
            }
            Event::Received([]) => self.end(now_us),
            Event::Received(bytes) => self.received(bytes, now_us),
            Event::Silent | Event::Waited | Event::Read(_) => Err(out_of_turn(&event)),
        }
    }

    fn open(&mut self, now_us: u64) -> Result<Step, NotNative> {
        let Times { began, .. } = self.times;
        self.times = Times { began, opening: now_us, ..Times::default() };
        self.page.clear();
        self.before = State::Ok;
        self.target().map(Step::Connect)
    }

    fn target(&self) -> Result<Target, NotNative> {
        Target::host(&self.site.address, self.site.port, self.http.family, false)
    }

    fn server_name(&self) -> Result<Option<String>, NotNative> {
        let name = self.site.host.clone().filter(|_| self.http.uses_sni);
        match name.as_ref().is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok()) {
            true => Err(NotNative("--sni with no name".to_owned())),
            false => Ok(name),
        }
    }

    fn ask(&mut self, now_us: u64) -> Step {
        self.times.asked = now_us;
        Step::Send(self.http.request.text(&self.site))
    }

    fn read(&self) -> Step {
        let max = if self.http.wanted.without_body { READ_BYTES } else { MUCH_BYTES };
        Step::Receive { max, within: None }
    }

    fn received(&mut self, bytes: &[u8], now_us: u64) -> Result<Step, NotNative> {
        self.times.answered.get_or_insert(now_us);
        self.page.extend(bytes.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }));
        match () {
            () if self.page.len() > PAGE_MAX_BYTES => {
                Err(NotNative(format!("a page of more than {PAGE_MAX_BYTES} bytes")))
            }
            () if self.http.wanted.without_body && headers_end(&self.page).is_some() => self.end(now_us),
            () => Ok(self.read()),
        }
    }

    /// The page is there.
    fn end(&mut self, now_us: u64) -> Result<Step, NotNative> {
        if self.page.is_empty() {
            return Ok(self.say(&State::Critical.says("HTTP CRITICAL - No data received from host")));
        }
        let page = std::mem::take(&mut self.page);
        let kept = headers_end(&page).filter(|_| self.http.wanted.without_body).unwrap_or(page.len());
        let read = Page::read(&page[..kept])?;
        let wanted = &self.http.wanted;
        let (mut state, mut line) = match read.judge(wanted, &self.site, self.before, page.len())? {
            Verdict::Final(printed) => return Ok(self.say(&printed)),
            Verdict::Remarks(state, remarks) => (state, remarks),
        };
        if wanted.status.is_none() && read.code()?.is_ok_and(|code| (300..400).contains(&code)) {
            match self.http.redirect {
                // Before anything else is judged.
                Redirect::Follow { same_host, same_port } => {
                    let found = location(&read, &self.site)?;
                    return self.follow(found, same_host, same_port, now_us);
                }
                Redirect::Is(own) => {
                    // What is judged later is worse anyhow, or this is what it is compared with.
                    state = worse(own, state);
                }
            }
        }
        let took_s = now_us.saturating_sub(self.times.began) as f64 / 1e6;
        line.extend_from_slice(
            format!(" - {} bytes in {took_s:.3} second response time |", page.len()).as_bytes(),
        );
        line.extend_from_slice(self.perfdata(took_s, page.len(), now_us).as_bytes());
        if wanted.shows_body {
            line.push(b'\n');
            line.extend_from_slice(&read.shown_body()?);
        }
        state = worse(self.http.thresholds.judge(took_s), state);
        let start = format!("HTTP {}: ", state.text());
        let printed = state.says([start.as_bytes(), &line].concat());
        Ok(self.say(&printed))
    }

    fn follow(
        &mut self,
        found: Location,
        same_host: bool,
        same_port: bool,
        now_us: u64,
    ) -> Result<Step, NotNative> {
        let to = match found {
            Location::Site(to) => to,
            Location::None(printed) => return Ok(self.say(&printed)),
        };
        let host = to.host.clone().unwrap_or_else(|| to.address.clone());
        // Which the plugin does not always know itself, as it says "http" of what it began by TLS.
        let scheme = if to.is_tls { "https" } else { "http" };
        let there = format!("{scheme}://{host}:{}{}", to.port, to.url);
        self.redirections += 1;
        let most = self.http.redirections_max;
        let is_same = self.site.port == to.port
            && self.site.address == host
            && self.site.host.as_ref() == Some(&host)
            && self.site.url == to.url;
        if self.redirections > most || is_same {
            if to.is_scheme_doubtful {
                return Err(NotNative("a redirection within the site".to_owned()));
            }
            let line = match self.redirections > most {
                true => format!("HTTP WARNING - maximum redirection depth {most} exceeded - {there}"),
                false => format!("HTTP CRITICAL - redirection creates an infinite loop - {there}"),
            };
            let state = if self.redirections > most { State::Warning } else { State::Critical };
            return Ok(self.say(&state.says(line)));
        }
        self.site = Site {
            address: if same_host { self.site.address.clone() } else { host.clone() },
            host: Some(host),
            port: if same_port { self.site.port } else { to.port },
            told_port: 0,
            url: to.url,
            is_tls: to.is_tls,
        };
        self.site.told_port = self.site.port;
        self.open(now_us)
    }

    fn perfdata(&self, took_s: f64, size: usize, now_us: u64) -> String {
        let Http { thresholds, timeout_s, wanted, .. } = &self.http;
        let end = |range: &Option<crate::range::Range>| {
            range.as_ref().and_then(|range| range.end).map_or_else(String::new, |end| format!("{end:.6}"))
        };
        let least = match wanted.bytes_min {
            0 => ";".to_owned(),
            least => format!("{least};0"),
        };
        let mut text = format!(
            "time={took_s:.6}s;{};{};0.000000;{timeout_s}.000000 size={size}B;{least};0;",
            end(&thresholds.warning),
            end(&thresholds.critical)
        );
        if self.http.is_extended {
            let Times { opening, opened, secured, asked, answered, .. } = self.times;
            let answered = answered.unwrap_or(now_us);
            let mut time = |name: &str, from: u64, to: u64| {
                let took_s = to.saturating_sub(from) as f64 / 1e6;
                text.push_str(&format!(" time_{name}={took_s:.6}s;;;;{timeout_s}.000000"));
            };
            time("connect", opening, opened);
            if self.site.is_tls {
                time("ssl", opened, secured);
            }
            time("headers", secured, asked);
            time("firstbyte", asked, answered);
            time("transfer", asked, now_us);
            if !self.site.is_tls {
                text = text.replace(" time_headers", "  time_headers");
            }
        }
        text
    }

    /// The last word, behind what was said before.
    fn say(&mut self, printed: &Printed) -> Step {
        let mut stdout = std::mem::take(&mut self.said);
        stdout.extend_from_slice(&printed.stdout);
        Step::Done(Printed { exit: printed.exit, stdout })
    }
}
