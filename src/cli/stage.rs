//! What the tests of the commands that show the store have in common: a store, a moment to look at it, and a plain
//! terminal.

use std::io::Write;

use clap::Parser;
use custos_store::{Options, Writer};
use jiff::Zoned;
use tempfile::TempDir;

use super::read::Failure;
use super::style::Style;
use crate::graph::Glyphs;

/// 2026-11-22 12:00 UTC. Commands are called a minute later, in Berlin.
pub(super) const NOON: i64 = 1_795_348_800_000;
/// A terminal of 80 by 24 characters without colours.
pub(super) const STYLE: Style =
    Style { color: false, glyphs: Glyphs::Braille, terminal: false, width: 80, height: 24 };

/// The options of any command.
#[derive(Parser)]
struct Line<A: clap::Args> {
    #[command(flatten)]
    args: A,
}

/// A store with what is written to it.
pub(super) fn store(write: impl FnOnce(&mut Writer)) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    write(&mut writer);
    writer.close().unwrap();
    directory
}

/// The options of a command that reads a store.
pub(super) fn options<A: clap::Args>(store: &TempDir, options: &[&str]) -> A {
    let store = store.path().to_str().unwrap();
    let Line { args } = Line::parse_from([&["custos", "--store", store], options].concat());
    args
}

/// What a command with these options shows of a store.
pub(super) fn shown<A: clap::Args>(
    store: &TempDir,
    line: &[&str],
    show: impl FnOnce(&A, &Zoned, Style, &mut dyn Write) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let now = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
    let mut out = Vec::new();
    show(&options(store, line), &now, STYLE, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}
