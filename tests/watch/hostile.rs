//! A host that says what no host would: the others are watched nevertheless, memory has a bound, and the keys work.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::own::UTF8;
use crate::slow::resident_kib;
use crate::stage::Stage;
use crate::terminal::Terminal;

/// What is said to whoever watches; false once that is not wanted any more.
type Say = fn(&mut TcpStream) -> std::io::Result<()>;

/// A host that answers like this. Returns its port.
fn host(say: Say) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream, say));
        }
    });
    port
}

fn answer(mut stream: TcpStream, say: Say) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    if request.contains("/api/time") {
        // In the year 9999, and before the epoch.
        return write!(stream, "{head}{{\"received_ms\":-9000000000000000000,\"sent_ms\":253402300799999}}");
    }
    stream.write_all(head.as_bytes())?;
    say(&mut stream)
}

const WATCHING: &str =
    r#"{"watching":{"check":"x","interval_ms":18446744073709551615,"every_ms":1,"note":""}}"#;

fn endless(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        stream.write_all(&[b'x'; 1 << 16])?;
    }
}

fn garbage(stream: &mut TcpStream) -> std::io::Result<()> {
    for line in ["", "{}", "null", "{\"run\":{}}", "{\"run\":{\"check\":\"x\"}}", "[[[[", "\u{1b}[2J\u{202e}"]
    {
        writeln!(stream, "{line}")?;
    }
    wait(stream)
}

fn no_text(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"\xff\xfe\xff\n")?;
    wait(stream)
}

fn wait(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

/// Runs as fast as they are taken, at all times that there are, with values at the ends of what there is.
fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    writeln!(stream, "{WATCHING}")?;
    let mut number = 0_u64;
    loop {
        let mut lines = String::new();
        for _ in 0..256 {
            number += 1;
            let time_ms = match number % 4 {
                0 => i64::MIN,
                1 => 253_402_300_799_999,
                _ => 1_795_348_800_000 + (number % 3_600_000) as i64,
            };
            let value = ["1e308", "-1e308", "null", "1"][number as usize % 4];
            lines += &format!(
                "{{\"run\":{{\"check\":\"x\",\"time_ms\":{time_ms},\"state\":\"OK\",\"reason\":\"exited\",\"text\":\"{number}\",\
                 \"metrics\":[{{\"label\":\"m{}\",\"value\":{value},\"unit\":\"\"}}]}}}}\n",
                number % 1000
            );
        }
        stream.write_all(lines.as_bytes())?;
    }
}

#[test]
fn whatever_a_host_says_is_bounded_and_said() {
    for (say, said) in [
        (endless as Say, "a line that came is too long"),
        (garbage, "lines cannot be read; is it another version?"),
        (no_text, "what came is no text"),
        (flood, "more of its curves are not drawn"),
    ] {
        let stage = Stage::new();
        stage.configure("", "  none: { command: /bin/true }\n");
        let config = stage.shown("custos.yaml");
        let target = format!("http://127.0.0.1:{}/x", host(say));
        let terminal = Terminal::start(&stage, (100, 30), UTF8, &["watch", &target, "--config", &config]);
        let screen = terminal.wait(said, |screen| {
            let words: Vec<&str> = screen.split_whitespace().collect();
            words.join(" ").contains(said) || screen.contains("panels 1 to")
        });
        assert!(screen.starts_with("custos watch  2m"), "{screen}");
        // Keys are heard while it goes on.
        terminal.keys(&["?"]);
        terminal.wait("the keys", |screen| screen.contains("a longer window, a shorter one"));
        let resident = resident_kib(terminal.pid());
        assert!(resident < 128 * 1024, "{resident} KiB: {screen}");
        terminal.keys(&["q", "q"]);
        assert_eq!(terminal.ended(), "0");
    }
}
