//! The source keeps to its layers and its files stay small.
//!
//! A folder of `src` uses only folders of lower layers. What is scanned are paths
//! from the crate's root (`crate::folder`, or as many `super::` as lead there).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/rust_source.rs"]
mod rust_source;

use std::fs;
use std::path::{Path, PathBuf};

use rust_source::{Use, uses};

/// Each folder of `src`, or file at its top, and the layer it belongs to.
const LAYERS: [(&str, u8); 18] = [
    ("types", 0),
    ("protocol", 1),
    ("jose", 1),
    ("model", 2),
    ("event", 2),
    ("fetch", 2),
    ("limit", 2),
    ("store", 3),
    ("idp", 3),
    ("server", 4),
    ("resource", 4),
    ("client", 4),
    ("endpoint", 5),
    ("adapter", 6),
    ("mcp_auth", 7),
    ("test_util", 8),
    ("lib", 9),
    // Paths such as `crate::Issuer`, which hide the folder they lead to.
    (rust_source::ROOT, 9),
];

/// Edges within one layer, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "protocol",
    "jose",
    "metadata and tokens on the wire name algorithms and keys",
)];

/// Exported macros, which stand at the root wherever they are written.
const MACROS: [(&str, &str); 1] = [("store_contract_tests", "store")];

const LINES_PER_FILE: usize = 400;

#[test]
fn folders_use_only_lower_layers() {
    let mut broken = Vec::new();
    for file in source_files() {
        let text = read(&file);
        broken.extend(violations(&file, &text));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn source_files_stay_small() {
    let mut long = Vec::new();
    for file in source_files() {
        let lines = read(&file).lines().count();
        if lines > LINES_PER_FILE {
            long.push(format!("src/{}: {lines} lines", file.display()));
        }
    }
    assert!(
        long.is_empty(),
        "more than {LINES_PER_FILE} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn a_forbidden_edge_is_found_in_whatever_way_it_is_written() {
    for (text, line) in [
        ("use crate::server::token::Minter;", 1),
        (
            "\nuse crate::{\n    types::Scope,\n    server::token::Minter,\n};",
            4,
        ),
        ("pub use crate::server as x;", 1),
        ("use super::super::server::token;", 1),
        ("use super::{super::{server::token}, code};", 1),
        ("fn f() -> crate::server::Token { todo!() }", 1),
        ("fn f() { let quote = '\"'; super::super::server::f() }", 1),
        ("mod inner { use super::super::super::server::token; }", 1),
        ("#[cfg(not(test))]\nuse crate::server::token;", 2),
        ("#[cfg(test)]\nmod tests {}\nuse crate::server::token;", 3),
        ("fn f<'a>(x: &'a str) -> crate::server::X<'a> {}", 1),
        ("use crate :: /* hidden? */ server;", 1),
    ] {
        let found = violations(Path::new("store/memory.rs"), text);
        assert_eq!(
            found,
            [format!("src/store/memory.rs:{line}: store -> server")],
            "{text}"
        );
    }
}

#[test]
fn siblings_of_one_layer_and_detours_over_the_root_are_forbidden() {
    for (file, text, edge) in [
        (
            "server/mod.rs",
            "use crate::resource::X;",
            "server -> resource",
        ),
        (
            "resource/mod.rs",
            "use crate::server::X;",
            "resource -> server",
        ),
        ("client/mod.rs", "use crate::server::X;", "client -> server"),
        ("jose/mod.rs", "use crate::protocol::X;", "jose -> protocol"),
        ("jose/mod.rs", "use super::protocol::X;", "jose -> protocol"),
        (
            "server/mod.rs",
            "use crate::Issuer;",
            "server -> the crate's root",
        ),
        (
            "server/mod.rs",
            "use crate::*;",
            "server -> the crate's root",
        ),
        (
            "server/mod.rs",
            "use crate as root;",
            "server -> the crate's root",
        ),
        (
            "server/mod.rs",
            "use crate::{self};",
            "server -> the crate's root",
        ),
        (
            "elsewhere/mod.rs",
            "use crate::types::X;",
            "elsewhere -> types",
        ),
    ] {
        let found = violations(Path::new(file), text);
        assert_eq!(found, [format!("src/{file}:1: {edge}")], "{text}");
    }
}

#[test]
fn what_is_no_dependency_of_the_code_is_not_an_edge() {
    for text in [
        "use crate::types::{Issuer, Scope};",
        "use crate::store::x; use super::server; pub(crate) fn f() {} pub(in crate::store) fn g() {}",
        "// crate::server\n/// [`crate::server`]\n/* crate::server /* nested */ crate::server */",
        r####"const A: &str = "crate::server"; const B: &str = r#"" crate::server"#;"####,
        "#[cfg(test)]\nmod tests { use crate::server::x; fn f() {} }",
        "#[cfg(test)]\n#[allow(unused)]\nuse crate::{server::x, client::y};",
        "#[cfg(all(test, feature = \"x\"))]\nmod tests { use crate::server::x; }",
    ] {
        let found = violations(Path::new("store/memory.rs"), text);
        assert!(found.is_empty(), "{found:?} in {text}");
    }
}

/// The forbidden edges of `file`, whose path is seen from `src`.
fn violations(file: &Path, text: &str) -> Vec<String> {
    let modules = module_path(file);
    let from = modules.first().map_or("lib", String::as_str);
    uses(text, modules.len())
        .into_iter()
        .map(|Use { line, target }| (line, known(target)))
        .filter(|(_, to)| from != to && !allowed(from, to))
        .map(|(line, to)| format!("src/{}:{line}: {from} -> {to}", file.display()))
        .collect()
}

/// Names at the root that are no folder are re-exports of something in one.
fn known(target: String) -> String {
    let macro_of = MACROS.iter().find(|(name, _)| *name == target);
    match (layer(&target), macro_of) {
        (Some(_), _) => target,
        (None, Some((_, folder))) => (*folder).to_owned(),
        (None, None) => rust_source::ROOT.to_owned(),
    }
}

fn allowed(from: &str, to: &str) -> bool {
    let lower = matches!((layer(from), layer(to)), (Some(from), Some(to)) if to < from);
    lower || EXCEPTIONS.iter().any(|edge| (edge.0, edge.1) == (from, to))
}

fn layer(name: &str) -> Option<u8> {
    let entry = LAYERS.iter().find(|(folder, _)| *folder == name);
    entry.map(|(_, layer)| *layer)
}

/// `server/token/mod.rs` and `server/token.rs` are the module `server::token`.
fn module_path(file: &Path) -> Vec<String> {
    let mut modules: Vec<_> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let is_folder_or_root = |last: &String| last == "mod" || last == "lib";
    if modules.last().is_some_and(is_folder_or_root) {
        modules.pop();
    }
    modules
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(file: &Path) -> String {
    fs::read_to_string(source_folder().join(file)).unwrap()
}

/// All of `src`, as paths seen from there; `tests.rs` belongs to the tests.
fn source_files() -> Vec<PathBuf> {
    let root = source_folder();
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                files.push(path.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}
