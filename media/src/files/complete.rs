//! Output files that appear when they are complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Kind of an output, so that only an earlier one of its kind is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table, JSON, HTML.
    Text,
    /// A model.
    Onnx,
    /// Numbers of NumPy.
    Npy,
    /// A table of columns.
    Parquet,
    /// Sound: nothing that is there is ever replaced by it.
    Recording,
}

impl Kind {
    fn begins(self, beginning: &[u8]) -> bool {
        match self {
            Self::Text => {
                let cut =
                    std::str::from_utf8(beginning).map_or_else(|e| e.valid_up_to() + 4 > beginning.len(), |_| true);
                // A byte of control other than the white space of text belongs to something binary.
                cut && beginning.iter().all(|b| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r'))
            }
            // A model begins with the version of its format: field 1, a small number.
            Self::Onnx => matches!(beginning, [0x08, 1..=0x1F, ..]),
            Self::Npy => beginning.starts_with(b"\x93NUMPY"),
            Self::Parquet => beginning.starts_with(b"PAR1"),
            Self::Recording => false,
        }
    }

    /// What is said of something else in its place.
    fn unlike(self) -> &'static str {
        match self {
            Self::Text => " and is not text",
            Self::Onnx => " and is not an ONNX model",
            Self::Npy => " and is not a NumPy file",
            Self::Parquet => " and is not a Parquet table",
            Self::Recording => "",
        }
    }
}

/// Whether [`Complete::create`] would write there: nothing of another kind, such as a recording, is in its place. For work that
/// takes long, before it begins.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is something of another kind; those of reading.
pub fn replaceable(path: &Path, kind: Kind) -> io::Result<()> {
    if !fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return Ok(());
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut beginning)?;
    if beginning.is_empty() || kind.begins(&beginning) {
        return Ok(());
    }
    let said = format!("is there{}: it is not replaced; delete it or choose another name", kind.unlike());
    Err(io::Error::new(io::ErrorKind::AlreadyExists, said))
}

/// A file that is written beside its place and moved there when it is complete. What was there before stays until then, and
/// for good if the writing does not end well. Pipes and devices are written to directly.
#[derive(Debug)]
pub struct Complete {
    file: File,
    /// Where it is while it is written, and where it goes.
    places: Option<(PathBuf, PathBuf)>,
}

impl Complete {
    /// Opens a file to be written.
    ///
    /// # Errors
    /// Those of opening; [`io::ErrorKind::AlreadyExists`] where there is something of another kind, such as a recording.
    pub fn create(path: &Path, kind: Kind) -> io::Result<Self> {
        // A symbolic link stays one: what it leads to is replaced.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&place) {
            Ok(m) if !m.is_file() && !m.is_dir() => {
                return Ok(Self { file: OpenOptions::new().write(true).open(&place)?, places: None });
            }
            _ => replaceable(&place, kind)?,
        }
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = place.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        if let Ok(m) = fs::metadata(&place) {
            fs::set_permissions(&part, m.permissions())?;
        }
        Ok(Self { file, places: Some((part, place)) })
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// Those of [`Self::create`] and of writing.
    pub fn write(path: &Path, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let mut file = Self::create(path, kind)?;
        match file.write_all(bytes) {
            Ok(()) => file.finish(),
            Err(e) => {
                file.discard();
                Err(e)
            }
        }
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// Those of writing and moving.
    pub fn finish(self) -> io::Result<()> {
        let Some((part, place)) = &self.places else { return Ok(()) };
        self.file.sync_all()?;
        fs::rename(part, place)
    }

    /// Where an unfinished file is.
    #[must_use]
    pub fn part(&self) -> Option<&Path> {
        self.places.as_ref().map(|p| p.0.as_path())
    }

    /// Removes what was written.
    pub fn discard(self) {
        if let Some((part, _)) = &self.places {
            // What cannot be removed is left under its own name.
            let _ = fs::remove_file(part);
        }
    }
}

impl Write for Complete {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_appear_when_they_are_complete() {
        let folder = std::env::temp_dir().join(format!("affect-complete-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let out = folder.join("out.csv");
        fs::write(&out, "old").unwrap();
        std::os::unix::fs::symlink("out.csv", folder.join("link")).unwrap();
        let mut file = Complete::create(&folder.join("link"), Kind::Text).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"old");
        file.finish().unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"new");
        assert!(fs::symlink_metadata(folder.join("link")).unwrap().is_symlink());
        Complete::create(&out, Kind::Text).unwrap().discard();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left over");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_an_earlier_output_is_replaced() {
        let folder = std::env::temp_dir().join(format!("affect-kinds-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let text = "ä".repeat(5000);
        let (wav, onnx) = (&b"RIFF\x00\x00\x00\x00WAVEfmt "[..], &b"\x08\x0a:\x05"[..]);
        let cases = [("a", wav), ("b", b"OggS\x00\x02"), ("c", onnx), ("d", text.as_bytes()), ("e", &b""[..])];
        for (name, bytes) in cases {
            fs::write(folder.join(name), bytes).unwrap();
            let may = |kind| Complete::create(&folder.join(name), kind).map(Complete::discard).is_ok();
            assert_eq!(may(Kind::Text), "de".contains(name), "{name}");
            assert_eq!(may(Kind::Onnx), "ce".contains(name), "{name}");
            assert_eq!(fs::read(folder.join(name)).unwrap(), bytes);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
