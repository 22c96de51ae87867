//! The schema for editors against what the reader says: a validator in another language reads every configuration.

mod broken;
mod mutants;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::stage::{custos, text};

/// A directory for a configuration, with the secrets that [`every_key`] names.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Home {
        let directory = tempfile::tempdir().unwrap();
        for name in ["community", "auth", "priv", "token"] {
            let path = directory.path().join(name);
            std::fs::write(&path, "long enough for a token\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        Home { directory }
    }

    /// The text as a configuration in this directory.
    fn write(&self, text: &str) -> PathBuf {
        let path = self.directory.path().join("custos.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What the reader finds wrong with a text; nothing if it accepts it.
    fn mistakes(&self, text: &str) -> Option<String> {
        custos::config::load(&self.write(text)).err().map(|mistakes| mistakes.to_string())
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn every_key() -> String {
    std::fs::read_to_string(repository().join("tests/it/schema/every_key.yaml")).unwrap()
}

/// What the validator says of each text: `ok`, or why it does not fit.
fn verdicts(texts: &[String]) -> Vec<String> {
    let python = std::env::var("CUSTOS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import jsonschema, ruamel.yaml"]).output();
    assert!(
        has.is_ok_and(|output| output.status.success()),
        "{python} has no jsonschema and ruamel.yaml; `scripts/python` installs them, and CUSTOS_PYTHON names the Python to use"
    );
    let schema = custos(&["config", "schema"]).output().unwrap();
    assert!(schema.status.success(), "{}", text(&schema.stderr));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &schema.stdout).unwrap();
    let mut validator = Command::new(&python)
        .arg(repository().join("tests/it/schema/fits.py"))
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = validator.stdin.take().unwrap();
    let lines: String = texts.iter().map(|text| format!("{}\n", serde_json::json!(text))).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = validator.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator failed");
    writer.join().unwrap().unwrap();
    let verdicts: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(verdicts.len(), texts.len());
    verdicts
}

#[test]
fn every_configuration_that_comes_with_the_program_fits() {
    let home = Home::new();
    let files =
        ["examples/custos.yaml", "packaging/etc/custos.yaml", "fuzz/seeds/configuration/every_key.yaml"];
    let mut texts: Vec<String> =
        files.iter().map(|file| std::fs::read_to_string(repository().join(file)).unwrap()).collect();
    texts.push(every_key());
    for text in &texts {
        assert_eq!(home.mistakes(text), None, "{text}");
    }
    assert_eq!(verdicts(&texts), vec!["ok"; texts.len()]);
}

/// The blocks of a page that are whole configurations, as the pages mark them.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(start) = lines.next() {
        let indent = start.len() - start.trim_start().len();
        let is_whole = start.trim() == "```yaml" || start.trim().starts_with("```yaml file=");
        if is_whole {
            let block = lines.by_ref().take_while(|line| line.trim() != "```");
            blocks.push(block.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect());
        }
    }
    blocks
}

#[test]
fn the_configurations_of_the_pages_fit() {
    let mut texts = Vec::new();
    for page in std::fs::read_dir(repository().join("docs")).unwrap() {
        let path = page.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            texts.extend(blocks(&std::fs::read_to_string(path).unwrap()));
        }
    }
    assert!(texts.len() > 8, "{texts:#?}");
    let verdicts = verdicts(&texts);
    let misfits: Vec<_> = verdicts.iter().zip(&texts).filter(|(verdict, _)| *verdict != "ok").collect();
    assert!(misfits.is_empty(), "{misfits:#?}");
}

#[test]
fn every_key_is_tried() {
    let schema = custos(&["config", "schema"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let page = every_key();
    let sections = schema["definitions"].as_object().unwrap().values().chain([&schema]);
    for key in sections.flat_map(|section| section["properties"].as_object().unwrap().keys()) {
        assert!(page.contains(&format!("{key}:")), "{key} is missing in every_key.yaml");
    }
}
