//! A stream of JetStream, which is read message by message, as far as it was not read before.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use custos::feed::nats::{Chain, Stream, subject_of};
use custos_store::{ArrivalRange, Position, Reader, fingerprint, read_bundle};
use nix::sys::signal::Signal;

use super::peer::Peer;
use crate::server::{Server, runtime};
use crate::stage::{Stage, text};

/// How often it is looked whether a restored store is the same.
const LOOKS: usize = 5;

/// What is known of runs: number, and fingerprint of all that they have.
type Runs = BTreeMap<u64, u64>;

/// A server with a stream, and what was read of both ends.
pub(super) struct JetStream {
    server: Server,
    chain: Chain,
    /// The sequence of the message that comes next.
    next: u64,
    /// What was in the messages and was not yet found in the store, and the other way round.
    ahead: Runs,
    behind: Runs,
    /// How many runs were at both ends.
    both: u64,
    /// All runs of the store before it were read.
    position: Position,
}

impl JetStream {
    pub(super) fn new(program: PathBuf) -> JetStream {
        JetStream {
            server: Server::start(&program, ""),
            chain: Chain::default(),
            next: 1,
            ahead: Runs::new(),
            behind: Runs::new(),
            both: 0,
            position: Position::START,
        }
    }

    /// Reads on in the stream. Panics where a message is missing, doubled or changed, or a run is there twice.
    fn read_stream(&mut self) {
        runtime().block_on(async {
            let mut client = self.server.client().await;
            let stream = Stream::new("CUSTOS", None).unwrap();
            let subject = subject_of("lab", "web1");
            while let Ok(Some(stored)) = stream.next(&mut client, &subject, self.next).await {
                self.next = stored.seq + 1;
                let followed = self.chain.follow(&stored.headers, &stored.payload);
                assert_eq!(followed, Ok(()), "message {}", stored.seq);
                for one in read_bundle(&stored.payload).unwrap() {
                    let twice = self.ahead.insert(one.number, fingerprint(one.number, &one.check, &one.run));
                    assert!(twice.is_none(), "run {} is in the stream twice", one.number);
                }
            }
        });
        assert!(!self.chain.begins_late());
    }

    fn read_store(&mut self, store: &Path) {
        let reader = Reader::open(store).unwrap();
        let range =
            ArrivalRange { from: self.position, until: reader.acknowledged(), ..ArrivalRange::default() };
        for arrived in reader.arrivals(range) {
            let arrived = arrived.unwrap();
            let number = arrived.position.0 - 1;
            self.behind.insert(number, fingerprint(number, &arrived.check, &arrived.run));
            self.position = arrived.position;
        }
    }

    /// Takes away what is the same at both ends. Panics where one number is that of two runs.
    fn match_up(&mut self) {
        let (ahead, both) = (&mut self.ahead, &mut self.both);
        self.behind.retain(|number, own| match ahead.remove(number) {
            Some(there) => {
                assert_eq!(there, *own, "run {number} is another one in the stream");
                *both += 1;
                false
            }
            None => true,
        });
    }
}

impl Peer for JetStream {
    fn port(&self) -> u16 {
        self.server.address().port
    }

    fn sink(&self, port: u16) -> String {
        format!("{{ nats: 'nats://127.0.0.1:{port}', site: lab }}")
    }

    fn start(&mut self, _stage: &Stage) {
        self.server.kill();
        self.server.start_again();
    }

    fn signal(&self, signal: Signal) {
        self.server.signal(signal);
    }

    fn end(&mut self, signal: Signal) {
        self.server.end(signal);
    }

    fn difference(&mut self, store: &Path, _times: Range<i64>) -> Option<String> {
        self.read_stream();
        self.read_store(store);
        self.match_up();
        let missing = self.behind.first_key_value();
        missing.map(|(number, _)| format!("{} runs are missing, such as {number}", self.behind.len()))
    }

    fn at_end(&mut self, stage: &Stage, store: &Path) {
        let (url, restored) = (self.server.url("CUSTOS"), stage.path("restored"));
        let shown = restored.display().to_string();
        let export = |dir: &str| {
            let exported = stage.custos(&["store", "export", dir]);
            assert!(exported.status.success(), "{}", text(&exported.stderr));
            text(&exported.stdout)
        };
        let mut differs = String::new();
        // The agent's check of itself may be recorded meanwhile.
        let equal = (0..LOOKS).any(|_| {
            let imported = stage.custos(&["store", "import", &shown, "--from", &url]);
            assert!(imported.status.success(), "{}", text(&imported.stderr));
            let said = text(&imported.stdout);
            assert!(
                said.contains("none is missing between them, none is doubled, none was changed"),
                "{said}"
            );
            let (own, other) = (export(&store.display().to_string()), export(&shown));
            let lines = own.lines().zip(other.lines()).enumerate();
            let first = lines.filter(|(_, (own, other))| own != other).take(3);
            differs = first.map(|(at, (own, other))| format!("{at}: {own}\n   {other}\n")).collect();
            std::fs::remove_dir_all(&restored).unwrap();
            own == other
        });
        assert!(equal, "what was restored differs from {}:\n{differs}", store.display());
        assert!(self.ahead.is_empty(), "{} runs are in the stream and not in the store", self.ahead.len());
        assert!(self.both > 0);
    }
}
