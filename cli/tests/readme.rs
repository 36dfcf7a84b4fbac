//! The check of README's examples notices examples that fail.

mod common;

use common::{Folder, root, said};
use std::process::Command;

/// Whether the check passes over a README with these commands as one of its examples.
fn passes(name: &str, commands: &str) -> bool {
    let folder = Folder::new(&format!("readme-{name}"));
    let readme = folder.at("README.md");
    let block = |commands: &str| format!("```sh run\n{commands}\n```\n");
    std::fs::write(&readme, [block("echo one"), block(commands), block("echo three")].concat()).unwrap();
    let out = Command::new("python3").arg(root().join("scripts/check-readme")).arg(&readme).output().unwrap();
    assert!(out.status.code().is_some_and(|c| c < 2), "the check itself fails: {}", said(&out));
    out.status.success()
}

#[test]
fn an_example_that_fails_is_noticed() {
    assert!(passes("good", "echo first\necho a b \\\n    c | head -n 1\necho x >y # --out y"));
    for (name, commands) in [
        ("pipe", "echo first\n(echo x; exit 3) | head -n 1"),
        ("exit", "echo first; exit 1"),
        ("silent", "echo first\ntrue"),
        ("file", "echo first\necho --out y"),
        ("json", "echo first\necho no affectsink"),
    ] {
        assert!(!passes(name, commands), "{name}: {commands}");
    }
}
