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

#[test]
fn every_behaviour_of_the_table_has_a_test() {
    let document = include_str!("../docs/compliance.md");
    let rows = document.lines().filter(|line| {
        let mut letters = line.trim_start_matches("| ").chars();
        letters
            .next()
            .is_some_and(|letter| letter.is_ascii_uppercase())
            && letters.next().is_some_and(|digit| digit.is_ascii_digit())
    });
    let bare: Vec<_> = rows.filter(|row| !row.contains("::")).collect();

    assert!(bare.is_empty(), "rows without a test: {bare:?}");
}
