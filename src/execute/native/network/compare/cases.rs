//! Cases side by side.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use custos_native::{Flavour, NotNative, Printed, plan};

use super::super::driver::talk;
use super::super::resolver::Resolver;

/// Where Debian has the plugins.
const PLUGINS: &str = "/usr/lib/nagios/plugins";
/// Of how many cases one is tried where not all are.
const SAMPLE: usize = 13;
/// Cases at a time: most of them wait.
const SIDE_BY_SIDE: usize = 24;
/// How often a case is tried before it counts as different: servers and clients race.
const TRIES: usize = 3;

/// A command line without its directory.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) plugin: &'static str,
    pub(super) words: Vec<String>,
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    native: usize,
    /// Those that only turned out while they were run to be the plugin's.
    left: usize,
    different: Vec<String>,
}

/// Compares all, or a sample; panics with what was different, and if fewer than this were compared.
pub(super) fn compare(cases: Vec<Case>, native_min: usize) {
    let every = if std::env::var_os("CUSTOS_COMPARE").is_some() { 1 } else { SAMPLE };
    compare_each(cases.into_iter().step_by(every).collect(), native_min);
}

/// The same without ever being content with a sample.
pub(super) fn compare_each(cases: Vec<Case>, native_min: usize) {
    let count = cases.len();
    let (waiting, compared) = (Mutex::new(cases), Mutex::new(Compared::default()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let Some(case) = waiting.lock().unwrap().pop() else { break };
                    compare_one(&case, &runtime, &compared);
                }
            });
        }
    });
    let Compared { native, left, different } = compared.into_inner().unwrap();
    eprintln!("{count} cases, {native} of them without a process, {left} begun and left to the plugin");
    let shown = different.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(different.is_empty(), "{} are different:\n{shown}", different.len());
    assert!(native >= native_min, "only {native} of {count} cases were compared");
}

fn compare_one(case: &Case, runtime: &tokio::runtime::Runtime, compared: &Mutex<Compared>) {
    let arguments: Vec<OsString> = case.words.iter().map(OsString::from).collect();
    let Ok(plan) = plan(case.plugin, &arguments, Flavour::V2_3) else { return };
    let mut difference = String::new();
    for _ in 0..TRIES {
        let ours = runtime.block_on(talk(plan.talk().unwrap(), &Resolver::new()));
        let ours = match ours {
            Ok(ours) => ours,
            Err(NotNative(_)) => {
                compared.lock().unwrap().left += 1;
                return;
            }
        };
        let (code, stdout) = theirs(case);
        if (i32::from(ours.exit), without_times(&ours.stdout)) == (code, without_times(&stdout)) {
            compared.lock().unwrap().native += 1;
            return;
        }
        difference = shown(case, code, &stdout, &ours);
    }
    compared.lock().unwrap().different.push(difference);
}

fn theirs(case: &Case) -> (i32, Vec<u8>) {
    let output = Command::new(format!("{PLUGINS}/{}", case.plugin))
        .args(&case.words)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)), output.stdout)
}

fn shown(case: &Case, code: i32, stdout: &[u8], ours: &Printed) -> String {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).escape_debug().to_string();
        text.chars().take(400).collect::<String>()
    };
    format!(
        "{} {:?}\n  plugin {code} {}\n  ours   {} {}",
        case.plugin,
        case.words,
        text(stdout),
        ours.exit,
        text(&ours.stdout)
    )
}

/// A text with its times blotted out, but for how many digits they have behind the point.
fn without_times(stdout: &[u8]) -> Vec<u8> {
    let mut text = stdout.to_vec();
    // What clocks are apart is the same within a fraction of a second.
    for (before, after) in [(&b"Offset "[..], &b" secs"[..]), (b"offset=", b"s;")] {
        let Some(start) = find(&text, before).map(|at| at + before.len()) else { continue };
        let Some(length) = find(&text[start..], after) else { continue };
        if let Ok(offset_s) = String::from_utf8_lossy(&text[start..start + length]).parse::<f64>() {
            text.splice(start..start + length, format!("{}", (offset_s * 4.0).round() as i64).into_bytes());
        }
    }
    for (before, after) in
        [(&b"="[..], &b"s;"[..]), (b" - ", b" second response"), (b" in ", b" second response")]
    {
        let mut from = 0;
        while let Some(start) = find(&text[from..], before).map(|at| from + at + before.len()) {
            from = start;
            let length =
                text[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
            let number = &text[start..start + length];
            if number.contains(&b'.') && text[start + length..].starts_with(after) {
                let digits = number.iter().rev().take_while(|byte| **byte != b'.').count();
                text.splice(start..start + length, format!("<{digits}>").into_bytes());
            }
        }
    }
    text
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Every combination of one of each list.
pub(super) fn combined(plugin: &'static str, lists: &[Vec<Vec<String>>]) -> Vec<Case> {
    let mut lines = vec![Vec::new()];
    for list in lists {
        let with = |line: &Vec<String>| {
            list.iter().map(|words| [&line[..], &words[..]].concat()).collect::<Vec<_>>()
        };
        lines = lines.iter().flat_map(with).collect();
    }
    lines.into_iter().map(|words| Case { plugin, words }).collect()
}

/// The words of each line, which blanks divide.
pub(super) fn lines(lines: &[&str]) -> Vec<Vec<String>> {
    let words = |line: &&str| line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    lines.iter().map(words).collect()
}

#[test]
fn only_times_are_blotted_out() {
    let blotted = |text: &str| String::from_utf8(without_times(text.as_bytes())).unwrap();
    assert_eq!(
        blotted("TCP OK - 0.012 second response time on port 5|time=0.012345s;;;0.000000;10.000000"),
        "TCP OK - <3> second response time on port 5|time=<6>s;;;0.000000;10.000000"
    );
    assert_eq!(blotted("TCP OK - x second response"), "TCP OK - x second response");
}
