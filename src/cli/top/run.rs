//! The command: the store, the agent and the terminal, joined.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use super::args::TopArgs;
use super::asker::{Asker, Search};
use super::draw::draw;
use super::model::{Deed, Model};
use super::source::Source;
use crate::cli::notify::author;
use crate::cli::read::{Failure, finish, now};
use crate::cli::style::Style;
use crate::clock;
use crate::exit_code::ExitCode;
use crate::graph::Glyphs;
use crate::terminal::{End, Event, Look, Screen};

/// Runs the command.
pub(in crate::cli) fn run(args: &TopArgs) -> ExitCode {
    finish(|_| {
        // The terminal is restored when this returns; then a signal may do what it does.
        if let Some(end) = fill(args)? {
            end.follow();
        }
        Ok(())
    })
}

/// Fills the terminal until somebody ends that.
fn fill(args: &TopArgs) -> Result<Option<End>, Failure> {
    if !stdout().is_terminal() {
        return Err(Failure::usage("custos top fills a terminal, and stdout is none; see custos status"));
    }
    let style = args.read.style();
    let glyphs = if args.ascii { Glyphs::Ascii } else { style.glyphs };
    let (store, config) = args.read.locate()?;
    let named = config.as_ref().map(|config| config.host.clone());
    let host = named.or_else(|| nix::unistd::gethostname().ok()?.into_string().ok()).unwrap_or_default();
    let mut source = Source::open(&store, config)?;
    let mut model = Model::new(host, author(None), glyphs, now());
    (model.sort, model.problems) = (args.sort, args.problems);
    let look = Look { glyphs, color: style.color };
    let mut screen = Screen::open(look)
        .map_err(|error| Failure::new(format!("failed to take the terminal of this process: {error}")))?;
    let mut asker = Asker::start(&store, screen.waker());
    let mut next_us = 0;
    loop {
        let now_us = clock::mono_us();
        if now_us >= next_us {
            next_us = now_us.saturating_add(clock::micros(args.every));
            model.now = now();
            model.store_trouble = source.refresh(&mut model).err();
            if model.awaits_schedule() {
                asker.hurry();
            }
        }
        let area = screen.area();
        model.arrange(area);
        let shown = model.shown(area);
        source.read_recent(&mut model, &shown);
        source.read_story(&mut model, usize::from(area.width));
        // A terminal that is gone is told by what happens next.
        let _ = screen.draw(|page| draw(&mut model, page));
        let wait = Duration::from_micros(next_us.saturating_sub(clock::mono_us()));
        let mut happened = screen.wait(wait);
        // All that is there counts before anything is drawn.
        while let Some(event) = happened {
            match event {
                Event::End(end) => return Ok(Some(end)),
                Event::Woken => {
                    while let Ok(news) = asker.news.try_recv() {
                        source.hear(news, &mut model);
                        // Checks that the agent has and nobody knew are read at once.
                        next_us = 0;
                    }
                }
                event => match model.take(event, screen.area()) {
                    Some(Deed::Quit) => return Ok(None),
                    Some(Deed::Ask(what, request)) => asker.ask(what, request),
                    Some(Deed::Search(check)) => {
                        let (width, height) = (usize::from(area.width), usize::from(area.height));
                        // Without colours, which the page has of its own.
                        let style = Style { color: false, glyphs, terminal: true, width, height };
                        asker.search(Search { check, now: model.now.clone(), style });
                    }
                    None => model.arrange(screen.area()),
                },
            }
            happened = screen.wait(Duration::ZERO);
        }
        if !model.is_searching() {
            asker.give_up();
        }
    }
}
