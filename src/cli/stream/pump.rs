//! From the feed to stdout, and from stdin to the cursor.

use std::io::Write;

use custos_query::check_names;
use custos_store::{Bundle, Position, put_framed};

use super::acks::{Acks, Heard, Unacked};
use super::args::StreamArgs;
use super::watch::watch;
use crate::cli::bounded_lines::Line;
use crate::cli::read::{Failure, finish, store_error, tell};
use crate::cli::unknown::all_selected;
use crate::clock;
use crate::exit_code::ExitCode;
use crate::feed::lines::Lines;
use crate::feed::read::{Budget, Feed, FeedError, FeedOptions, Order, Piece, Selection};
use crate::feed::sink::is_of_sink;
use crate::limits::{FEED_POLL, STREAM_ACK_LINE_MAX_BYTES, STREAM_PIECE_BYTES, STREAM_PIECE_RUNS};

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Failure {
        match error {
            FeedError::Selection { .. } => Failure::usage(format!("failed to {error}")),
            FeedError::Beyond { .. } => {
                Failure::new(format!("failed to {error}; begin at `start`, at a time, or at `end`"))
            }
            FeedError::Store(error) => error.into(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &StreamArgs) -> ExitCode {
    finish(|out| if args.watch { watch(args, out) } else { stream(args, out) })
}

fn stream(args: &StreamArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (dir, config) = args.read.locate()?;
    if let Some(cursor) = args.cursor.as_ref().filter(|cursor| args.ack && is_of_sink(cursor)) {
        let why = format!(
            "{cursor} is the cursor of a sink, which moves it by itself; choose a name that does not begin with `sink-`"
        );
        return Err(Failure::usage(why));
    }
    let options = FeedOptions {
        name: args.cursor.clone(),
        from: args.from()?,
        anew: false,
        order: Order::InOrder,
        selection: Selection::parse(&args.selectors)?,
    };
    let feed = Feed::open(&dir, options).map_err(|error| match error {
        FeedError::Store(error) => {
            Failure::new(format!("failed to open the store: {}", store_error(&dir, &error)))
        }
        error => error.into(),
    })?;
    let mut known = check_names(feed.reader());
    known.extend(config.iter().flat_map(|config| config.checks.keys().cloned()));
    known.sort();
    known.dedup();
    all_selected(&args.selectors, &known)?;
    let acks = args.ack.then(Acks::read);
    let mut pump = Pump {
        feed,
        lines: Lines::new(args.form()),
        frames: args.frames,
        unacked: Unacked::default(),
        acks,
        follow: args.follow,
    };
    let pumped = pump.run(out);
    // Whatever ended it: what was acknowledged counts.
    let saved = if args.ack { pump.feed.save() } else { Ok(()) };
    pumped.and(saved.map_err(Failure::from))
}

struct Pump {
    feed: Feed,
    lines: Lines,
    /// Frames are written instead of lines.
    frames: bool,
    unacked: Unacked,
    acks: Option<Acks>,
    follow: bool,
}

impl Pump {
    fn run(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        let budget = Budget { runs: STREAM_PIECE_RUNS, bytes: STREAM_PIECE_BYTES };
        loop {
            let piece = match self.unacked.is_full() {
                true => None,
                false => self.feed.next(budget, clock::now())?,
            };
            for notice in self.feed.take_notices() {
                tell(&notice.to_string());
            }
            let is_idle = piece.is_none();
            if let Some(piece) = piece {
                self.write(piece, out)?;
            } else {
                out.flush()?;
                let is_done = self.acks.is_none() || self.unacked.is_empty();
                if !self.follow && is_done {
                    return Ok(());
                }
            }
            if self.hear(is_idle)? {
                return Ok(());
            }
        }
    }

    fn write(&mut self, piece: Piece, out: &mut dyn Write) -> Result<(), Failure> {
        if self.frames {
            return self.write_frames(piece, out);
        }
        for gap in &piece.gaps {
            let position = self.lines.gap(gap, out)?;
            if piece.runs.is_empty() && self.acks.is_some() {
                self.unacked.add(Some(position), piece.progress.clone());
            }
        }
        for (index, fed) in piece.runs.iter().enumerate() {
            let written = self.lines.run(fed, piece.again, self.feed.reader(), out)?;
            if self.acks.is_some() {
                let position = (written > 0).then(|| fed.number.saturating_add(1));
                self.unacked.add(position, piece.progress_at(index));
            }
        }
        if piece.runs.is_empty() && piece.gaps.is_empty() && self.acks.is_some() {
            self.unacked.add(None, piece.progress);
        }
        self.take_free()
    }

    /// A piece is one frame, which is acknowledged as a whole, and one for each gap.
    fn write_frames(&mut self, piece: Piece, out: &mut dyn Write) -> Result<(), Failure> {
        let mut positions = Vec::new();
        let mut bytes = Vec::new();
        for gap in &piece.gaps {
            let mut line = Vec::new();
            let position = self.lines.gap(gap, &mut line)?;
            put_framed(&mut bytes, Position(position), &line);
            positions.push(position);
        }
        let mut bundle = Bundle::default();
        piece.runs.iter().for_each(|fed| bundle.add(&fed.check, fed.number, &fed.run));
        if let Some(last) = piece.runs.last() {
            let position = last.number.saturating_add(1);
            let payload = bundle.finish().map_err(|error| Failure::new(format!("failed to {error}")))?;
            put_framed(&mut bytes, Position(position), &payload);
            positions = vec![position];
        }
        out.write_all(&bytes)?;
        if self.acks.is_some() {
            self.unacked.add(positions.last().copied(), piece.progress);
        }
        self.take_free()
    }

    fn take_free(&mut self) -> Result<(), Failure> {
        for progress in self.unacked.take_free() {
            self.feed.acknowledged(&progress, clock::now())?;
        }
        Ok(())
    }

    /// Takes what the consumer says; waits for it a little where there is nothing else to do. `true` if it has gone.
    fn hear(&mut self, is_idle: bool) -> Result<bool, Failure> {
        let Some(acks) = &self.acks else {
            if is_idle {
                clock::pause(FEED_POLL);
            }
            return Ok(false);
        };
        let mut wait = if is_idle { FEED_POLL } else { std::time::Duration::ZERO };
        loop {
            match acks.wait(wait) {
                Heard::Line(line) => {
                    wait = std::time::Duration::ZERO;
                    let position = acknowledged(&line)?;
                    for progress in self.unacked.take(position) {
                        self.feed.acknowledged(&progress, clock::now())?;
                    }
                }
                Heard::Nothing => return Ok(false),
                Heard::End => return Ok(true),
            }
        }
    }
}

/// The position that a line acknowledges.
fn acknowledged(line: &Line) -> Result<u64, Failure> {
    let why = match line {
        Line::Whole(text) => match text.trim().parse() {
            Ok(position) => return Ok(position),
            Err(_) => format!("{text:?} is no position"),
        },
        Line::TooLong => {
            format!("a line has more than {STREAM_ACK_LINE_MAX_BYTES} bytes, and a position is a number")
        }
    };
    Err(Failure::new(format!("failed to read an acknowledgement: {why}")))
}
