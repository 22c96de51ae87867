//! The checks of Rust files. Each returns what is wrong: where, why, and what to do.

use crate::cycles;
use crate::lexer::Token;
use crate::modules;
use crate::tree::{Source, matching};

/// A package, and what it may name of the world outside.
pub(crate) struct Package {
    pub(crate) root: &'static str,
    pub(crate) what: &'static str,
    pub(crate) outside: &'static [&'static str],
}

/// A room of `src/`: a directory or a file at its root.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) imports: &'static [&'static str],
    pub(crate) outside: &'static [&'static str],
}

/// Calls that are banned, for one reason.
pub(crate) struct Ban {
    /// Each `function`, `module::function` or `macro!`.
    pub(crate) calls: &'static [&'static str],
    pub(crate) reason: &'static str,
}

/// The room of a module.
fn room_of(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// Whether each room imports only rooms that stand before it.
pub(crate) fn table(rooms: &[Room]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, room) in rooms.iter().enumerate() {
        for import in room.imports {
            if !rooms[..at].iter().any(|lower| lower.name == *import) {
                let name = room.name;
                wrong
                    .push(format!("`{name}` imports `{import}`, which does not stand above it in the table"));
            }
        }
    }
    wrong
}

/// Imports between rooms that the table does not have.
pub(crate) fn rooms(root: &str, rooms: &[Room], sources: &[Source]) -> Vec<String> {
    let package = modules::Package::of(root, sources);
    let mut wrong = Vec::new();
    for (module, source) in package.modules() {
        if !module.is_empty() && !rooms.iter().any(|room| room.name == room_of(module)) {
            wrong.push(format!(
                "{}: the room `{}` is not in the table; add it, with what it is for and what it may import",
                source.path,
                room_of(module)
            ));
        }
    }
    for import in package.imports() {
        let (from, to) = (room_of(&import.from), room_of(&import.to));
        // The root declares the rooms, and what is in none of them is reported above.
        let Some(room) = rooms.iter().find(|room| room.name == from).filter(|_| !to.is_empty()) else {
            continue;
        };
        if from != to && !room.imports.contains(&to) {
            wrong.push(format!(
                "{}:{}: `{from}` must not import `{to}`: {from} is {}. It may import {}. Move what is needed to a \
                 room below both, or hand it over as data",
                package.file(&import.from),
                import.line,
                room.what,
                room.imports.join(", ")
            ));
        }
    }
    wrong
}

/// What the table allows and no file does.
pub(crate) fn unused(root: &str, rooms: &[Room], sources: &[Source]) -> Vec<String> {
    let package = modules::Package::of(root, sources);
    let imports = package.imports();
    let mut wrong = Vec::new();
    for Room { name, imports: allowed, outside, .. } in rooms {
        let imported = |room: &str| {
            imports.iter().any(|import| room_of(&import.from) == *name && room_of(&import.to) == room)
        };
        let files = || package.modules().filter(|(module, _)| room_of(module) == *name);
        let touched = |outer: &str| {
            files().any(|(_, Source { tokens, .. })| {
                (0..tokens.len()).any(|at| named(tokens, at) == Some(outer))
            })
        };
        let never = allowed.iter().filter(|room| !imported(room));
        let never = never.chain(outside.iter().filter(|outer| !touched(outer)));
        wrong.extend(never.map(|what| format!("`{name}` may use {what} and does not; take it out")));
    }
    wrong
}

/// Crates and parts of the standard library that are reported by their name.
const CRATES: [&str; 14] = [
    "custos_store",
    "custos_memory",
    "custos_native",
    "custos_promql",
    "custos_query",
    "custos_compat",
    "custos_shim",
    "tokio",
    "nix",
    "libc",
    "openssl",
    "clap",
    "saphyr_parser",
    "mib_rs",
];
const SOCKETS: [&str; 6] =
    ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"];

/// What of the world outside a token names.
fn named(tokens: &[Token], at: usize) -> Option<&'static str> {
    let word = tokens[at].word()?;
    if let Some(name) = CRATES.iter().find(|name| **name == word) {
        return Some(name);
    }
    let part_of_std = |part: &str| {
        // `std::fs`, or within the braces of `use std::{fs, io}`.
        let before = &tokens[..at];
        let direct =
            before.len() > 1 && before[before.len() - 1].is("::") && before[before.len() - 2].is("std");
        word == part && (direct || in_braces_of_std(before))
    };
    match () {
        () if SOCKETS.contains(&word) => Some("sockets"),
        () if word == "Instant" || word == "SystemTime" => Some("clock"),
        () if part_of_std("fs") => Some("files"),
        () if part_of_std("process") => Some("processes"),
        () if part_of_std("thread") => Some("threads"),
        () if part_of_std("env") => Some("env"),
        () => None,
    }
}

/// Whether these tokens end within the outermost braces of `use std::{`.
fn in_braces_of_std(before: &[Token]) -> bool {
    let mut depth = 0;
    for (at, token) in before.iter().enumerate().rev() {
        if token.is(";") {
            return false;
        } else if token.is("}") {
            depth += 1;
        } else if token.is("{") {
            if depth == 0 {
                return at > 1 && before[at - 1].is("::") && before[at - 2].is("std");
            }
            depth -= 1;
        }
    }
    false
}

/// What rooms and packages name of the world outside without being allowed to. Each is reported once a file.
pub(crate) fn outside(root: &str, rooms: &[Room], packages: &[Package], sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |source: &Source, name: &str, what: &str, allowed: &[&str]| {
        let mut seen = Vec::new();
        for at in 0..source.tokens.len() {
            let Some(outer) = named(&source.tokens, at) else { continue };
            if allowed.contains(&outer) || seen.contains(&outer) {
                continue;
            }
            seen.push(outer);
            wrong.push(format!(
                "{}:{}: `{name}` must not touch {outer}: it is {what}. Do that in a room that may, and hand over data",
                source.path, source.tokens[at].line
            ));
        }
    };
    for (module, source) in modules::Package::of(root, sources).modules() {
        if let Some(room) = rooms.iter().find(|room| room.name == room_of(module)) {
            check(source, room.name, room.what, room.outside);
        }
    }
    for package in packages {
        for (_, source) in modules::Package::of(package.root, sources).modules() {
            check(source, package.root, package.what, package.outside);
        }
    }
    wrong
}

/// Words in code that a directory must not contain.
pub(crate) fn unnamed(table: &[(&str, &str, &str)], sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (directory, word, reason) in table {
        for source in sources.iter().filter(|source| source.path.starts_with(directory)) {
            let token = source
                .all
                .iter()
                .find(|token| token.word().is_some_and(|name| name.to_lowercase().contains(word)));
            wrong
                .extend(token.map(|token| format!("{}:{}: names {word}: {reason}", source.path, token.line)));
        }
    }
    wrong
}

/// Files of a package that import one another in a circle.
pub(crate) fn circles(root: &str, sources: &[Source]) -> Vec<String> {
    let package = modules::Package::of(root, sources);
    let circles = cycles::find(&package.imports());
    let shown = circles.iter().map(|circle| {
        let files: Vec<&str> = circle.iter().map(|module| package.file(module)).collect();
        format!("{}: move what they share into a file below them", files.join(", "))
    });
    shown.collect()
}

/// Files of a package that no `mod` declares.
pub(crate) fn undeclared(root: &str, sources: &[Source]) -> Vec<String> {
    let undeclared = modules::Package::of(root, sources).undeclared();
    undeclared.iter().map(|path| format!("{path}: declare it or delete it")).collect()
}

/// Unsafe code outside of the listed files, and packages that do not forbid it.
pub(crate) fn unsafe_code(files: &[&str], forbid: &[&str], sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !files.contains(&source.path.as_str())) {
        let token = source.all.iter().find(|token| token.is("unsafe"));
        wrong.extend(token.map(|token| {
            format!(
                "{}:{}: unsafe code belongs where memory is mapped and where a process is created; use a safe form, or \
                 list the file with the reason",
                source.path, token.line
            )
        }));
    }
    for path in forbid {
        let Some(source) = sources.iter().find(|source| source.path == *path) else { continue };
        let forbids = source
            .all
            .windows(3)
            .any(|window| window[0].is("forbid") && window[1].is("(") && window[2].is("unsafe_code"));
        if !forbids {
            wrong.push(format!("{path}: it has no unsafe code, so it says #![forbid(unsafe_code)]"));
        }
    }
    wrong
}

/// Calls that are banned. Fuzz targets and examples are programs of their own and may print.
pub(crate) fn bans(bans: &[Ban], sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let own = |source: &&Source| {
        let path = &source.path;
        !path.starts_with("fuzz/") && !path.contains("examples/") && !path.contains("tests/")
    };
    for source in sources.iter().filter(own) {
        for at in 0..source.tokens.len() {
            for Ban { calls, reason } in bans {
                let line = source.tokens[at].line;
                let made = calls.iter().filter(|call| is_call(&source.tokens, at, call));
                wrong.extend(made.map(|call| format!("{}:{line}: {call} is banned: {reason}", source.path)));
            }
        }
    }
    wrong
}

/// Whether the call stands at this token.
fn is_call(tokens: &[Token], at: usize, call: &str) -> bool {
    let next = |steps: usize, text: &str| tokens.get(at + steps).is_some_and(|token| token.is(text));
    if let Some(name) = call.strip_suffix('!') {
        return tokens[at].is(name) && next(1, "!");
    }
    match call.split_once("::") {
        Some((module, function)) => {
            tokens[at].is(module) && next(1, "::") && next(2, function) && next(3, "(")
        }
        None => tokens[at].is(call) && next(1, "("),
    }
}

/// Files whose lints are switched off for whoever includes them, which may use only a part.
const ALLOWING: [&str; 1] = ["tests/stage/mod.rs"];

/// Lints that are switched off with `allow`, or without a reason.
pub(crate) fn attributes(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        for (at, token) in source.all.iter().enumerate() {
            let opens = token.is("allow") || token.is("expect");
            let attribute = at > 0 && source.all[at - 1].is("[") && opens;
            if !attribute || !source.all.get(at + 1).is_some_and(|next| next.is("(")) {
                continue;
            }
            let inner = &source.all[at + 1..matching(&source.all, at + 1)];
            let place = format!("{}:{}", source.path, token.line);
            if !inner.iter().any(|token| token.is("reason")) {
                wrong.push(format!("{place}: a lint is switched off without a reason; add reason = \"…\""));
            } else if token.is("allow") && !ALLOWING.contains(&source.path.as_str()) {
                wrong.push(format!("{place}: write expect instead of allow, so that it ends with its cause"));
            }
        }
    }
    wrong
}

/// Files that are too long.
pub(crate) fn lengths(lines_max: usize, sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|source| source.len > lines_max);
    let shown = long.map(|source| {
        let (path, len) = (&source.path, source.len);
        format!("{path}: {len} lines before its tests, at most {lines_max}: look for the second idea in it")
    });
    shown.collect()
}

/// Roots of modules that define functions.
pub(crate) fn module_roots(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let root =
        |path: &str| path.ends_with("/mod.rs") && path.contains("src/") || path.ends_with("src/lib.rs");
    for source in sources.iter().filter(|source| root(&source.path)) {
        // A trait that the files below implement may stand in the root.
        let mut at = 0;
        while at < source.tokens.len() && !["fn", "impl"].iter().any(|word| source.tokens[at].is(word)) {
            let body = (at..source.tokens.len()).find(|at| source.tokens[*at].is("{"));
            let of_trait = source.tokens[at].is("trait").then_some(body).flatten();
            at = of_trait.map_or(at + 1, |open| matching(&source.tokens, open));
        }
        wrong.extend(source.tokens.get(at).map(|token| {
            format!("{}:{}: a root only declares and re-exports; give this a file", source.path, token.line)
        }));
    }
    wrong
}
