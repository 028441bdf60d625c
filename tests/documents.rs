//! What the documents name has to exist.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Every test that `docs/compliance.md` names as `module::test`.
fn named_tests(document: &str) -> Vec<&str> {
    document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.rsplit_once("::"))
        .map(|(_, test)| test)
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == "node_modules") {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_the_compliance_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/compliance.md")).unwrap();
    let mut files = Vec::new();
    sources(&root.join("tests"), &mut files);
    let code: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let named = named_tests(&document);
    let missing: Vec<_> = named
        .iter()
        .filter(|test| !code.contains(&format!("fn {test}(")))
        .collect();

    assert!(named.len() > 100, "only {} tests are named", named.len());
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

/// The lines of the behaviour list that are built.
const LINES: [&str; 40] = [
    "A1", "A2", "A3", "A4", "A5", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B10", "C1",
    "C2", "C3", "C4", "C5", "C6", "C7", "D1", "D2", "D3", "D4", "D5", "D6", "E1", "E3", "E4", "E5",
    "E6", "E7", "E8", "E9", "E10", "E11", "F1", "F2", "F3",
];

#[test]
fn every_behaviour_of_the_table_has_a_test() {
    let document = include_str!("../docs/compliance.md");
    let is_proved = |line: &&str| {
        let start = format!("| {line} |");
        document
            .lines()
            .any(|row| row.starts_with(&start) && row.contains("::"))
    };
    let bare: Vec<_> = LINES.iter().filter(|line| !is_proved(line)).collect();

    assert!(bare.is_empty(), "lines without a test: {bare:?}");
}
