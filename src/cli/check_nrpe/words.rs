//! The command line of the client, and the file that it may name.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use custos_compat::getopt::{self, Given, Known};

use super::draft::{Draft, Refused};
use crate::limits;
use crate::nrpe::client::Options;
use crate::text::system_error;

/// In nrpe's order, which shows where an option is ambiguous.
const KNOWN: [Known; 27] = [
    Known { short: b'H', long: "host", value: true },
    Known { short: b'f', long: "config-file", value: true },
    Known { short: b'b', long: "bind", value: true },
    Known { short: b'c', long: "command", value: true },
    Known { short: b'a', long: "args", value: true },
    Known { short: b'n', long: "no-ssl", value: false },
    Known { short: b'u', long: "unknown-timeout", value: false },
    Known { short: b'2', long: "v2-packets-only", value: false },
    Known { short: b'3', long: "v3-packets-only", value: false },
    Known { short: b'4', long: "ipv4", value: false },
    Known { short: b'6', long: "ipv6", value: false },
    Known { short: b'd', long: "use-adh", value: true },
    Known { short: b'S', long: "ssl-version", value: true },
    Known { short: b'L', long: "cipher-list", value: true },
    Known { short: b'C', long: "client-cert", value: true },
    Known { short: b'K', long: "key-file", value: true },
    Known { short: b'A', long: "ca-cert-file", value: true },
    Known { short: b's', long: "ssl-logging", value: true },
    Known { short: b't', long: "timeout", value: true },
    Known { short: b'p', long: "port", value: true },
    Known { short: b'P', long: "payload-size", value: true },
    Known { short: b'g', long: "log-file", value: true },
    Known { short: b'h', long: "help", value: false },
    Known { short: b'l', long: "license", value: false },
    Known { short: b'V', long: "version", value: false },
    Known { short: b'E', long: "stderr-to-stdout", value: false },
    Known { short: b'D', long: "disable-syslog", value: false },
];

/// What a call comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A question.
    Ask(Box<Options>),
    /// No question, but words about the program.
    Usage(Usage),
    /// Nothing.
    End,
}

/// Which words about the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// The call cannot be carried out.
    pub(super) mistaken: bool,
    /// The options are asked for.
    pub(super) help: bool,
    /// The licence is asked for.
    pub(super) license: bool,
    version: bool,
}

impl Usage {
    /// Whether the call is one for words, and not for an answer.
    fn is_asked_for(self) -> bool {
        self.help || self.license || self.version
    }
}

/// A command line that has been read.
#[derive(Debug)]
pub(super) struct Reading {
    /// For stdout, before anything else.
    pub(super) said: String,
    /// For stderr.
    pub(super) complained: String,
    /// What it comes to.
    pub(super) call: Call,
}

impl Reading {
    /// Reads a command line, without the name that the program goes by.
    pub(super) fn of(program: &str, words: &[OsString]) -> Reading {
        let mut reader = Reader::default();
        let read = if words.is_empty() { Err(Refused::Usage) } else { reader.read_line(program, words) };
        let Reader { mut draft, mut usage, complained, .. } = reader;
        let said = std::mem::take(&mut draft.said);
        usage.mistaken = read == Err(Refused::Usage);
        let call = match read {
            Err(Refused::Said) => Call::End,
            Ok(()) if !usage.is_asked_for() => Call::Ask(Box::new(draft.options())),
            Ok(()) | Err(Refused::Usage) => Call::Usage(usage),
        };
        Reading { said, complained, call }
    }
}

#[derive(Debug, Default)]
struct Reader {
    draft: Draft,
    usage: Usage,
    file: Option<PathBuf>,
    complained: String,
}

impl Reader {
    fn read_line(&mut self, program: &str, words: &[OsString]) -> Result<(), Refused> {
        for given in self.options_of(program, words) {
            match given.short {
                b'f' => self.file = Some(given.value.into()),
                // Every word from the first argument on, whatever it looks like.
                b'a' => self.draft.arguments = words[given.index..].to_vec(),
                short => self.take(short, &given.value)?,
            }
        }
        let halves = self.draft.halves();
        // The file comes last, and fills in what is not there yet.
        if let Some(path) = self.file.take() {
            self.read_file(&path)?;
        }
        self.judge(halves)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Refused> {
        let words = file_words(path).map_err(|text| {
            self.draft.said.push_str(&text);
            Refused::Usage
        })?;
        if words.is_empty() {
            return Err(Refused::Usage);
        }
        let before = self.draft.halves();
        for given in self.options_of("check_nrpe", &words) {
            match given.short {
                b'f' => self.say("Error: The config file should not have a config-file (-f) option.\n"),
                b'c' => {
                    self.say("Error: The config file should not have a command (-c) option.\n");
                    return Err(Refused::Usage);
                }
                b'a' => {
                    self.say("Error: The config file should not have args (-a) arguments.\n");
                    return Err(Refused::Usage);
                }
                short if self.draft.has(short) => {}
                short => self.take(short, &given.value)?,
            }
        }
        let after = self.draft.halves();
        self.judge((after.0 && !before.0, after.1 && !before.1))
    }

    fn options_of(&mut self, program: &str, words: &[OsString]) -> Vec<Given> {
        let parsed = getopt::parse(words, &KNOWN, |short| short == b'a');
        for mistake in parsed.mistakes {
            self.complained.push_str(&format!("{program}: {mistake}\n"));
            self.usage.help = true;
        }
        parsed.options
    }

    fn take(&mut self, short: u8, value: &OsStr) -> Result<(), Refused> {
        match short {
            b'h' => self.usage.help = true,
            b'V' => self.usage.version = true,
            b'l' => self.usage.license = true,
            _ => self.draft.take(short, value)?,
        }
        Ok(())
    }

    /// Judges what was read; of the client's certificate, the halves that came with it.
    fn judge(&mut self, (certificate, key): (bool, bool)) -> Result<(), Refused> {
        if certificate != key {
            self.say("Error: the client certificate and the private key must both be given or neither\n");
            return Err(Refused::Usage);
        }
        self.draft.judge(self.usage.is_asked_for())
    }

    fn say(&mut self, text: &str) {
        self.draft.said.push_str(text);
    }
}

/// The words of a file, which end at a NUL byte; or what to say.
fn file_words(path: &Path) -> Result<Vec<OsString>, String> {
    let content = fs::read(path).map_err(|error| {
        format!("Error: Could not open config file {}: {}\n", path.display(), system_error::words(&error))
    })?;
    let content = content.split(|&byte| byte == 0).next().unwrap_or_default();
    let words: Vec<OsString> = content
        .split(|byte| b" \t\r\n".contains(byte))
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    if words.len() > limits::CHECK_NRPE_FILE_WORDS_MAX {
        return Err(format!("Error: too many parameters in config file {}\n", path.display()));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use custos_compat::nrpe::{AddressFamily, UseAdh, Version};
    use custos_store::State;

    use super::*;

    fn read(words: &[&str]) -> Reading {
        Reading::of("prog", &words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn options(words: &[&str]) -> Options {
        match read(words).call {
            Call::Ask(options) => *options,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn query(words: &[&str]) -> String {
        String::from_utf8(options(words).query).unwrap()
    }

    fn is_mistaken(words: &[&str]) -> bool {
        matches!(read(words).call, Call::Usage(Usage { mistaken: true, .. }))
    }

    #[test]
    fn defaults() {
        let expected = Options { host: "h".into(), ..Options::default() };
        assert_eq!(options(&["-H", "h"]), expected);
        assert_eq!(options(&["-H", "h", "stray", "words", "-s", "0xff", "-D", "-g", "/x"]), expected);
        assert_eq!(options(&["-H", "h", "-L", "", "-P", "0"]), expected);
    }

    #[test]
    fn arguments_take_the_rest_of_the_line() {
        assert_eq!(query(&["-H", "h", "-c", "c", "-a", "x", "-H", "", "a b"]), "c!x!-H!!a b");
        assert_eq!(query(&["-H", "h", "-c", "c", "--args=x", "y"]), "c!--args=x!y");
        assert_eq!(query(&["-H", "h"]), "_NRPE_CHECK");
        assert_eq!(query(&["-H", "h", "-c", &"x".repeat(3000)]).len(), 2047);
        assert_eq!(query(&["-H", "h", "-c", &"x".repeat(2046), "-a", "y"]), "x".repeat(2046));
    }

    #[test]
    fn timeouts() {
        let timeout = |written: &str| {
            let options = options(&["-H", "h", "-t", written]);
            (options.timeout.as_secs(), options.timeout_state)
        };
        assert_eq!(timeout("5"), (5, State::Critical));
        assert_eq!(timeout("5:warning"), (5, State::Warning));
        assert_eq!(timeout(":3"), (10, State::Unknown));
        for odd in [":", "", "10:", "10x"] {
            assert_eq!(timeout(odd), (10, State::Critical), "{odd:?}");
        }
        assert_eq!(timeout("5::OK:3"), (5, State::Ok));
        assert_eq!(options(&["-H", "h", "-u"]).timeout_state, State::Unknown);
        assert_eq!(options(&["-H", "h", "-u", "-t", "3:OK"]).timeout_state, State::Ok);
        assert_eq!(options(&["-H", "h", "-t", "3:OK", "-u"]).timeout_state, State::Unknown);
        for none in ["x", "0", "-1", "4294967296"] {
            let reading = read(&["-H", "h", "-t", none]);
            assert_eq!(reading.call, Call::End);
            assert_eq!(reading.said, "Timeout value must be a positive integer\n");
        }
    }

    #[test]
    fn a_timeout_state_that_there_is_not_is_told_and_dropped() {
        for none in ["3:FOO", "3:03", "3:+3", "3: 3"] {
            let reading = read(&["-H", "h", "-u", "-t", none]);
            assert!(reading.said.starts_with("Timeout state must be"), "{none}");
            let Call::Ask(options) = reading.call else { panic!("{none}") };
            assert_eq!((options.timeout, options.timeout_state), (Duration::from_secs(3), State::Critical));
        }
    }

    #[test]
    fn numbers_as_nrpe_reads_them() {
        for (written, port) in [("70000", 4464), ("-1", 65535), (" 5x", 5)] {
            assert_eq!(options(&["-H", "h", "-p", written]).port, port, "{written}");
        }
        for (written, use_adh) in
            [("0", UseAdh::Never), ("1x", UseAdh::Allowed), ("02", UseAdh::Only), ("20", UseAdh::Allowed)]
        {
            assert_eq!(options(&["-H", "h", "-d", written]).use_adh, use_adh, "{written}");
        }
        for mistaken in [["-p", "0"], ["-p", "65536"], ["-d", "3"], ["-d", ""], ["-d", " 1"], ["-S", "foo"]] {
            assert!(is_mistaken(&[&["-H", "h"], &mistaken[..]].concat()), "{mistaken:?}");
        }
    }

    #[test]
    fn versions_and_sizes() {
        assert_eq!(options(&["-H", "h", "-2", "-P", "2048"]).v2_field_len, 2048);
        assert_eq!(options(&["-H", "h", "-3"]).version, Version::V3);
        for words in [
            &["-H", "h", "-P", "2048"][..],
            &["-H", "h", "-2", "-P", "-1"],
            &["-H", "h", "-2", "-3"],
            &["-H", "h", "-C", "x"],
            &[],
            &["-n"],
        ] {
            assert!(is_mistaken(words), "{words:?}");
        }
        // Mistakes in other options are reported even if there is no host.
        assert!(read(&["-K", "x"]).said.contains("must both be given"));
    }

    #[test]
    fn mistakes_of_the_command_line_show_the_options() {
        let reading = read(&["--bogus", "-H", "h", "-x"]);
        let expected = "prog: unrecognized option '--bogus'\nprog: invalid option -- 'x'\n";
        assert_eq!((reading.said.as_str(), reading.complained.as_str()), ("", expected));
        assert_eq!(reading.call, Call::Usage(Usage { help: true, ..Usage::default() }));
    }

    /// Reads the words behind a `-f` for a file with this content.
    fn with_file(content: &[u8], words: &[&str]) -> Reading {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("options");
        fs::write(&file, content).unwrap();
        read(&[&["-f", "/none", "-f", file.to_str().unwrap()], words].concat())
    }

    #[test]
    fn a_file_gives_way_to_the_command_line() {
        let asked = |content: &[u8], words: &[&str]| match with_file(content, words).call {
            Call::Ask(options) => *options,
            other => panic!("{other:?}"),
        };
        let given = asked(b"-p 7000\n -t 3:OK\n-n -4 -6\0-x", &["-H", "h", "-p", "7001"]);
        assert_eq!((given.port, given.tls, given.addresses), (7001, false, AddressFamily::V4));
        // Nor does nrpe take a timeout from there.
        assert_eq!((given.timeout.as_secs(), given.timeout_state), (10, State::Critical));
        assert_eq!(asked(b"-2", &["-H", "h", "-3"]).version, Version::V3);
        assert_eq!(asked(b"-b 192.0.2.2", &["-H", "h", "-b", "192.0.2.1"]).bind.unwrap(), "192.0.2.2");
        // A value that does not count is not looked at.
        assert_eq!(asked(b"-p 0 -S foo", &["-H", "h", "-p", "1", "-S", "TLSv1"]).port, 1);
    }

    #[test]
    fn files_that_cannot_be_used() {
        let many = "-n ".repeat(49);
        for content in [&b""[..], b" \n", b"-c x", b"-a x", b"-C x", many.as_bytes()] {
            let call = with_file(content, &["-H", "h", "-K", "y"]).call;
            assert!(matches!(call, Call::Usage(Usage { mistaken: true, .. })), "{call:?}");
        }
        let version = with_file(b"-V", &["-H", "h"]).call;
        assert_eq!(version, Call::Usage(Usage { version: true, ..Usage::default() }));
        let nested = with_file(b"-f /none -n", &["-H", "h"]);
        assert!(nested.said.starts_with("Error: The config file should not have a config-file"));
        assert!(matches!(nested.call, Call::Ask(_)));
    }
}
