//! Any bytes in a configuration file give a configuration or mistakes, and a configuration can be shown.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use custos::config::{Surroundings, load_with, show};
use libfuzzer_sys::fuzz_target;

/// In a directory of its own, so that a relative `include` finds nothing.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("custos-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory can be made");
    directory.join("custos.yaml")
});

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("a temporary file can be written");
    let surroundings = Surroundings { host: "fuzz".to_owned(), cpus: 1, ..Surroundings::of_this_machine() };
    match load_with(&FILE, &surroundings) {
        Ok(loaded) => assert!(show(&loaded.config).contains("checks:")),
        Err(mistakes) => assert!(mistakes.has_errors() && !mistakes.to_string().is_empty()),
    }
});
