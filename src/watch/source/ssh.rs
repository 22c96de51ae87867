//! Another host over ssh, which runs `custos stream --watch` there. Nothing is asked of a person, and nothing is configured.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};

use super::access::Access;
use super::advice;
use super::inlet::Inlet;
use crate::clock;
use crate::limits::{
    WATCH_CONNECT_TIMEOUT, WATCH_LINE_MAX_BYTES, WATCH_OFFSET_INTERVAL, WATCH_REASON_MAX_BYTES,
    WATCH_SILENCE_MAX,
};
use crate::lock::locked;
use crate::text::{human::duration_ms, printable, system_error};
use crate::watch::target::SshSite;

/// The processes of ssh that there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    all: Arc<Mutex<Vec<Arc<Running>>>>,
}

/// A process of ssh, which is ended with this.
#[derive(Debug)]
struct Running(Mutex<Child>);

impl Running {
    fn end(&self) {
        let mut child = locked(&self.0);
        // One that has ended by itself needs no signal.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Children {
    /// Ends all of them.
    pub(super) fn end(&self) {
        locked(&self.all).drain(..).for_each(|running| running.end());
    }

    fn add(&self, running: &Arc<Running>) {
        locked(&self.all).push(Arc::clone(running));
    }

    fn remove(&self, running: &Arc<Running>) {
        locked(&self.all).retain(|known| !Arc::ptr_eq(known, running));
        running.end();
    }
}

/// The words with which ssh is called, those of [`Access::ssh`] first.
///
/// Neither host nor user can be taken for an option, since the words that are options end before them, and no word of the
/// command for more than a word, since the shell there gets them in quotes.
pub(super) fn words(site: &SshSite, access: &Access, checks: &[String], queries: &[String]) -> Vec<String> {
    let seconds = WATCH_CONNECT_TIMEOUT.as_secs();
    let mut words = access.ssh.clone();
    let options = ["-T".to_owned(), "-o".to_owned(), "BatchMode=yes".to_owned()];
    words.extend(options);
    for option in [
        format!("ConnectTimeout={seconds}"),
        "ServerAliveInterval=2".to_owned(),
        "ServerAliveCountMax=3".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
    ] {
        words.extend(["-o".to_owned(), option]);
    }
    if let Some(port) = site.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &site.user {
        words.extend(["-l".to_owned(), user.clone()]);
    }
    words.extend(["--".to_owned(), site.host.clone()]);
    let past = format!("{}ms", access.past.as_millis());
    let mut command = vec!["stream".to_owned(), "--watch".to_owned(), "--past".to_owned(), past];
    if let Some(every_ms) = access.every_ms {
        command.extend(["--every".to_owned(), format!("{every_ms}ms")]);
    }
    command.extend(queries.iter().map(|query| format!("--query={query}")));
    command.push("--".to_owned());
    command.extend(checks.iter().cloned());
    words.push(format!("{} {}", access.remote, shell_words::join(command)));
    words
}

/// Hands on lines until that ends.
///
/// # Errors
/// Why it has ended.
pub(super) fn watch(
    site: &SshSite,
    access: &Access,
    inlet: &Inlet,
    children: &Children,
) -> Result<(), String> {
    let words = words(site, access, &inlet.asked(), &inlet.asked_queries());
    let Some((program, arguments)) = words.split_first() else { return Err("--ssh is empty".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("failed to start {program}: {}", system_error::words(&error)))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let running = Arc::new(Running(Mutex::new(child)));
    children.add(&running);
    let heard_us = Arc::new(AtomicU64::new(0));
    let (over, is_over) = bounded::<()>(0);
    let asking = {
        let (running, heard_us) = (Arc::clone(&running), Arc::clone(&heard_us));
        thread::spawn(move || stdin.map(|stdin| ask_for_time(stdin, &is_over, &heard_us, &running)))
    };
    let complaining = thread::spawn(move || stderr.map(last_words).unwrap_or_default());
    let ended = stdout.map(|stdout| hand_on(BufReader::new(stdout), inlet, &heard_us));
    drop(over);
    children.remove(&running);
    let is_silent = asking.join().ok().flatten().unwrap_or(false);
    let complaint = complaining.join().unwrap_or_default();
    match ended {
        Some(Ok(true)) => Ok(()),
        Some(Err(why)) => Err(why),
        _ if is_silent => {
            let ms = i64::try_from(WATCH_SILENCE_MAX.as_millis()).unwrap_or(i64::MAX);
            Err(format!("nothing has come for {}", duration_ms(ms)))
        }
        _ if complaint.is_empty() => Err("ssh has ended".to_owned()),
        _ => {
            let advice = advice::of_ssh(&complaint, &access.remote);
            Err(complaint + &advice)
        }
    }
}

/// Hands on lines. `true` if the connection should be made anew, `false` at its end.
fn hand_on(mut lines: impl BufRead, inlet: &Inlet, heard_us: &AtomicU64) -> Result<bool, String> {
    loop {
        let mut line = Vec::new();
        let most = WATCH_LINE_MAX_BYTES as u64;
        let read = lines.by_ref().take(most).read_until(b'\n', &mut line);
        read.map_err(|error| format!("failed to read what ssh brings: {}", system_error::words(&error)))?;
        heard_us.store(clock::mono_us(), Ordering::Relaxed);
        match line.pop() {
            None => return Ok(false),
            Some(b'\n') => {}
            Some(_) if line.len() as u64 + 1 >= most => return Err("a line that came is too long".to_owned()),
            Some(_) => return Ok(false),
        }
        let Ok(line) = String::from_utf8(line) else { return Err("what came is no text".to_owned()) };
        if !inlet.line(line) {
            return Ok(true);
        }
    }
}

/// Asks for the time of the other host every now and then: what is said is when it is said, and comes back with the answer.
/// Ends the connection, and returns `true`, if nothing comes for too long.
fn ask_for_time(mut stdin: ChildStdin, over: &Receiver<()>, heard_us: &AtomicU64, running: &Running) -> bool {
    while over.recv_timeout(WATCH_OFFSET_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let (now_us, heard_us) = (clock::mono_us(), heard_us.load(Ordering::Relaxed));
        // Until the first line, ssh bounds the time itself.
        if heard_us == 0 {
            continue;
        }
        if now_us.saturating_sub(heard_us) > clock::micros(WATCH_SILENCE_MAX) {
            running.end();
            return true;
        }
        if writeln!(stdin, "{now_us}").and_then(|()| stdin.flush()).is_err() {
            break;
        }
    }
    false
}

/// The last line that ssh or the command there complains with.
fn last_words(stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match stderr.by_ref().take(WATCH_REASON_MAX_BYTES as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) if line.trim_ascii().is_empty() => {}
            Ok(_) => kept = line,
        }
    }
    printable(String::from_utf8_lossy(&kept).trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::watch::source::Keyring;

    fn access(every_ms: Option<u64>) -> Access {
        Access {
            store: PathBuf::new(),
            keyring: Keyring::default(),
            authorities: None,
            ssh: vec!["ssh".to_owned()],
            remote: "custos".to_owned(),
            every_ms,
            past: Duration::from_secs(60),
        }
    }

    #[test]
    fn no_name_is_an_option_or_a_command() {
        let site = SshSite { user: Some("op".to_owned()), host: "web1".to_owned(), port: Some(2222) };
        let checks = ["--config=/tmp/x; id".to_owned(), "it's".to_owned(), "disk root".to_owned()];
        let queries = ["sum(rate(load{metric='x'}[1m])) > $(id)".to_owned(), "-1 * (load)".to_owned()];
        let words = words(&site, &access(Some(200)), &checks, &queries);
        let (command, options) = words.split_last().unwrap();
        assert!(options.join(" ").ends_with("-p 2222 -l op -- web1"), "{options:?}");
        assert!(
            options.join(" ").starts_with("ssh -T -o BatchMode=yes -o ConnectTimeout=10 "),
            "{options:?}"
        );
        let read = shell_words::split(command).unwrap();
        assert_eq!(read[..2], ["custos", "stream"]);
        let end = read.iter().position(|word| word == "--").unwrap();
        assert_eq!(read[end + 1..], checks);
        assert!(read[..end - 2].join(" ").ends_with("--past 60000ms --every 200ms"), "{read:?}");
        assert_eq!(read[end - 2..end], queries.map(|query| format!("--query={query}")));
    }

    #[test]
    fn a_shell_takes_every_word_as_it_is() {
        let site = SshSite { user: None, host: "web1".to_owned(), port: None };
        let hostile = ["$(id)", "`id`", "a\nb", "'", "\\", "*", "~", "é \u{1b}[0m"].map(str::to_owned);
        let mut access = access(None);
        access.remote = "printf '%s\\0'".to_owned();
        let words = words(&site, &access, &hostile, &[]);
        let out = Command::new("sh").arg("-c").arg(words.last().unwrap()).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let said: Vec<&str> = said.split_terminator('\0').collect();
        let end = said.iter().position(|word| *word == "--").unwrap();
        assert_eq!(said[end + 1..], hostile);
    }
}
