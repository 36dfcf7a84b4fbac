//! The programs in `examples/` that an integrator would copy: each one runs.

mod common;

use common::{CALL, CLIP, root};
use std::path::PathBuf;
use std::process::Command;

/// The folder of the plugin as a shared object: beside this test, as `scripts/test` builds it, or built for release.
fn plugin_path() -> Option<PathBuf> {
    let beside = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let found = [beside, root().join("target/release")].into_iter().find(|d| d.join("libgstaffect.so").exists());
    if found.is_none() {
        common::skipped("libgstaffect.so is not built");
    }
    found
}

fn lines(command: &mut Command) -> Vec<String> {
    let plugin = plugin_path().unwrap();
    let registry = std::env::temp_dir().join(format!("affect-examples-{}.bin", std::process::id()));
    let out = command.env("GST_PLUGIN_PATH", plugin).env("GST_REGISTRY", registry).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn python_reads_results_by_name() {
    if plugin_path().is_none() {
        return;
    }
    // Debian's interpreter: it is the one that Debian's bindings belong to.
    let got =
        lines(Command::new("/usr/bin/python3").arg(root().join("examples/read_results.py")).arg(root().join(CALL)));
    assert!(got.len() >= 6, "{got:?}");
    assert!(got.iter().all(|l| l.contains("F0_Hz_median")));
    assert!(got.iter().any(|l| l.starts_with("channel 0")) && got.iter().any(|l| l.starts_with("channel 1")));
}

#[test]
fn c_reads_results_by_name() {
    if plugin_path().is_none() {
        return;
    }
    let binary = std::env::temp_dir().join(format!("read_results-{}", std::process::id()));
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]).output().unwrap();
    let flags = String::from_utf8(flags.stdout).unwrap();
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror"])
        .arg(root().join("examples/read_results.c"))
        .arg("-o")
        .arg(&binary)
        .args(flags.split_whitespace())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let got = lines(Command::new(&binary).arg(root().join(CALL)));
    assert!(got.len() >= 20, "{got:?}");
    assert!(got.iter().all(|l| l.contains("bytes of JSON")));
    std::fs::remove_file(binary).unwrap();
}

#[test]
fn rust_uses_the_library_alone() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .current_dir(root())
        .args(["run", "--quiet", "--locked", "--example", "features", "--", CLIP])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.lines().count() >= 1);
    for l in text.lines() {
        let v: serde_json::Value = serde_json::from_str(l).unwrap();
        assert_eq!(v["features"].as_object().unwrap().len(), 136);
    }
}
