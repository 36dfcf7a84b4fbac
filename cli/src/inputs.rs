//! Audio files that are named one by one, by folders, by patterns, and in lists.

use crate::{DONE, FAILED};
use affect_archive::plan::is_key;
use affect_media::files::to_name;
use clap::Args;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Ends of names that a folder's audio has: what GStreamer's usual plugins decode, videos with sound included.
const ENDINGS: [&str; 34] = [
    "3gp", "aac", "aif", "aifc", "aiff", "amr", "ape", "au", "avi", "awb", "caf", "flac", "flv", "gsm", "m2ts", "m4a",
    "m4b", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpg", "oga", "ogg", "opus", "snd", "spx", "ts", "wav", "webm",
    "wma", "wv",
];

/// Files to read.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// Audio files, folders (all audio files below them, in the order of their names), and patterns in quotes, such as
    /// 'calls/**/*.wav'. They are read in this order.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A list of such names too, one a line, or each ended by a zero byte (as `find -print0` writes them); - is standard input.
    /// May come several times.
    #[arg(long, value_name = "LIST")]
    files_from: Vec<PathBuf>,
    /// Name streams relative to this folder, below which all files have to be: then names and ids of results do not depend on where it is
    /// mounted. Without it they are the names that the files were given by.
    #[arg(long, value_name = "FOLDER")]
    relative_to: Option<PathBuf>,
}

/// The files that were named.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// In order.
    pub files: Vec<PathBuf>,
    /// Names of their streams.
    pub names: Vec<String>,
    /// What named nothing, and what could not be looked at.
    pub problems: Vec<String>,
}

impl InputArgs {
    /// Finds the files.
    ///
    /// # Errors
    /// A sentence where nothing was named, or a list cannot be read.
    pub fn find(&self) -> Result<Inputs, String> {
        if self.files.is_empty() && self.files_from.is_empty() {
            return Err("expected audio files: names, folders, patterns, or --files-from LIST".to_owned());
        }
        let mut inputs = Inputs::default();
        self.files.iter().for_each(|name| inputs.add(name));
        for list in &self.files_from {
            let bytes = read(list).map_err(|e| format!("--files-from {}: {e}", list.display()))?;
            names(&bytes).into_iter().for_each(|name| inputs.add(Path::new(&name)));
        }
        if inputs.files.is_empty() && inputs.problems.is_empty() {
            return Err("expected audio files: the lists are empty".to_owned());
        }
        let name = |file: &PathBuf| match &self.relative_to {
            None => Ok(to_name(file)),
            Some(root) => key(root, file)
                .ok_or_else(|| format!("{}: expected a file below --relative-to {}", file.display(), root.display())),
        };
        inputs.names = inputs.files.iter().map(name).collect::<Result<_, _>>()?;
        Ok(inputs)
    }
}

/// Name of a file relative to a folder: what the stream of an archive's call is named. `None` where the file is not below the folder.
pub fn key(root: &Path, file: &Path) -> Option<String> {
    let below = match file.strip_prefix(root) {
        Ok(below) => below.to_owned(),
        Err(_) => std::path::absolute(file).ok()?.strip_prefix(std::path::absolute(root).ok()?).ok()?.to_owned(),
    };
    let key = to_name(below);
    is_key(&key).then_some(key)
}

fn read(list: &Path) -> io::Result<Vec<u8>> {
    if list == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(list)
}

/// The names of a list. Lines may end as on Windows; empty ones are nothing.
fn names(list: &[u8]) -> Vec<OsString> {
    let zeros = list.contains(&0);
    let ends = |b: &u8| if zeros { *b == 0 } else { *b == b'\n' };
    let plain = |name: &[u8]| match name {
        [rest @ .., b'\r'] if !zeros => rest.to_vec(),
        _ => name.to_vec(),
    };
    list.split(ends).map(plain).filter(|n| !n.is_empty()).map(OsString::from_vec).collect()
}

impl Inputs {
    /// Says what named nothing, on standard error; returns the exit code.
    pub fn report_problems(&self) -> u8 {
        self.problems.iter().for_each(|p| eprintln!("affect: {p}"));
        if self.problems.is_empty() { DONE } else { FAILED }
    }

    /// Adds what a name stands for. A name that stands for nothing is kept: reading it will say why.
    fn add(&mut self, name: &Path) {
        if name.is_dir() {
            return self.add_folder(name);
        }
        let pattern = name.to_str().filter(|n| n.contains(['*', '?', '[']) && !name.exists());
        let Some(pattern) = pattern else { return self.files.push(name.to_owned()) };
        let before = self.files.len();
        // As in folders, names that begin with a dot are not meant unless they are written.
        let how = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
        match glob::glob_with(pattern, how) {
            Ok(paths) => {
                for path in paths {
                    match path {
                        Ok(path) if path.is_dir() => {}
                        Ok(path) => self.files.push(path),
                        Err(e) => self.problems.push(e.to_string()),
                    }
                }
            }
            Err(e) => return self.problems.push(format!("{pattern}: expected a file or a pattern: {e}")),
        }
        if self.files.len() == before {
            self.problems.push(format!("{pattern}: no file has such a name"));
        }
    }

    fn add_folder(&mut self, folder: &Path) {
        let before = self.files.len();
        let shown = |name: &std::ffi::OsStr| !name.to_string_lossy().starts_with('.');
        let tree = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        for entry in tree.filter_entry(|e| e.depth() == 0 || shown(e.file_name())) {
            match entry {
                Ok(e) if e.file_type().is_file() && is_audio(e.path()) => self.files.push(e.into_path()),
                Ok(_) => {}
                Err(e) => self.problems.push(e.to_string()),
            }
        }
        if self.files.len() == before {
            let folder = folder.display();
            self.problems.push(format!(
                "{folder}: no audio file is in this folder (by the ends of names, .wav to .{})",
                ENDINGS[0]
            ));
        }
    }
}

/// Whether a name ends like that of a recording.
pub fn is_audio(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|e| ENDINGS.contains(&e.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(files: &[&str], lists: &[&Path]) -> InputArgs {
        InputArgs {
            files: files.iter().map(PathBuf::from).collect(),
            files_from: lists.iter().map(|p| p.to_path_buf()).collect(),
            relative_to: None,
        }
    }

    #[test]
    fn keys_are_relative() {
        let key_of = |root: &str, file: &str| key(Path::new(root), Path::new(file));
        assert_eq!(key_of("/a", "/a/b/c.wav"), Some("b/c.wav".to_owned()));
        assert_eq!(key_of("a/", "a/b.wav"), Some("b.wav".to_owned()));
        assert_eq!(key_of(".", "a/b.wav"), Some("a/b.wav".to_owned()));
        let here = std::env::current_dir().unwrap();
        assert_eq!(key(&here, Path::new("a/b.wav")), Some("a/b.wav".to_owned()));
        for (root, file) in [("/a", "/b/c.wav"), ("/a", "/a"), ("/a", "/a/../b.wav"), ("/a/b", "/a/bc.wav")] {
            assert_eq!(key_of(root, file), None, "{file}");
        }
    }

    #[test]
    fn lists_hold_lines_or_names_ended_by_zeros() {
        assert_eq!(names(b"a.wav\nb c.wav\r\n\nd.wav"), ["a.wav", "b c.wav", "d.wav"]);
        assert_eq!(names(b"a\n1.wav\0b\r\0"), ["a\n1.wav", "b\r"]);
        assert_eq!(names(b"\xff\n"), [OsString::from_vec(vec![0xff])]);
        assert!(names(b"").is_empty() && names(b"\n\n").is_empty());
        assert!(ENDINGS.is_sorted());
    }

    #[test]
    fn folders_patterns_and_lists_are_in_order() {
        let folder = std::env::temp_dir().join(format!("affect-inputs-{}", std::process::id()));
        for name in ["b/2.wav", "b/1.FLAC", "a/3.opus", "a/note.txt", "a/.hidden.wav", ".cache/4.wav", "c[1].wav"] {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names_file = folder.join("list");
        std::fs::write(&names_file, format!("{}\nmissing.wav\n", folder.join("a").display())).unwrap();
        let root = folder.to_str().unwrap();
        let find = |files: &[&str], lists: &[&Path]| {
            let inputs = args(files, lists).find().unwrap();
            let short = |p: &PathBuf| p.strip_prefix(&folder).unwrap_or(p).display().to_string();
            (inputs.files.iter().map(short).collect::<Vec<_>>(), inputs.problems.len())
        };
        assert_eq!(find(&[root], &[]).0, ["a/3.opus", "b/1.FLAC", "b/2.wav", "c[1].wav"]);
        let pattern = format!("{root}/**/*.wav");
        assert_eq!(find(&[&pattern, "x.wav"], &[]).0, ["b/2.wav", "c[1].wav", "x.wav"]);
        assert_eq!(find(&["y.wav"], &[&names_file]).0, ["y.wav", "a/3.opus", "missing.wav"]);
        // A file of that name is no pattern.
        assert_eq!(find(&[&format!("{root}/c[1].wav")], &[]), (vec!["c[1].wav".to_owned()], 0));
        assert_eq!(find(&[&format!("{root}/*.mp3")], &[]), (vec![], 1));
        assert_eq!(find(&[&format!("{root}/.cache/**/none")], &[]).1, 1);
        assert!(args(&[], &[]).find().unwrap_err().contains("--files-from"));
        assert!(args(&[], &[Path::new("/no/list")]).find().unwrap_err().contains("/no/list"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
