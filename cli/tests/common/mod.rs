//! What the tests of the command share.
#![allow(dead_code, reason = "each test takes a part")]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const CALL: &str = "tests/data/calls/call40_185s_2ch_pcm16.wav";
pub const CLIP: &str = "tests/data/emodb/03a01Nc.wav";

/// Longest time that a run may take. What hangs takes for ever; what runs takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Says that something is not tested, past the test runner's capture of output.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

/// A folder for one test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("affect-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn command() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_affect"));
    c.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    c
}

/// Waits for the end, which has to come; reads what comes out meanwhile.
pub fn ended(mut child: Child) -> Output {
    let mut streams: (Box<dyn Read + Send>, Box<dyn Read + Send>) =
        (Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap()));
    let all = |from: &mut Box<dyn Read + Send>| {
        let mut text = Vec::new();
        from.read_to_end(&mut text).map(|_| text).unwrap_or_default()
    };
    let out = std::thread::spawn(move || all(&mut streams.0));
    let err = std::thread::spawn(move || all(&mut streams.1));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the command hangs; so far it said: {}", String::from_utf8_lossy(&err.join().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

/// Runs the command to its end.
pub fn affect<S: AsRef<std::ffi::OsStr>>(words: &[S]) -> Output {
    ended(command().args(words).spawn().unwrap())
}

pub fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// The records of a run with `--format jsonl` or `--json`.
pub fn records(out: &Output) -> Vec<serde_json::Value> {
    String::from_utf8(out.stdout.clone()).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A chunk of a RIFF file with this stated length.
pub fn chunk(name: &[u8; 4], stated: u32, bytes: &[u8]) -> Vec<u8> {
    [&name[..], &stated.to_le_bytes(), bytes].concat()
}

/// A WAV file of 16-bit samples of two channels at 8 kHz with these chunks after the format.
pub fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
    let format = [1u16.to_le_bytes(), 2u16.to_le_bytes()].concat();
    let format = [&format[..], &8000u32.to_le_bytes(), &32_000u32.to_le_bytes(), &[4, 0, 16, 0]].concat();
    let all = [chunk(b"fmt ", 16, &format), chunks.concat()].concat();
    [&b"RIFF"[..], &(4 + all.len() as u32).to_le_bytes(), b"WAVE", &all].concat()
}

/// Three seconds of the call, as bytes of its samples.
pub fn speech() -> Vec<u8> {
    let bytes = std::fs::read(root().join(CALL)).unwrap();
    bytes[44 + 2 * 32_000..][..96_000].to_vec()
}

pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}
