//! Rows of features as CSV or JSON lines.

use crate::args::Level;
use affect::analyzer::FeatureSet;
use affect::features::catalogue::Entry;
use affect::record::Record;
use affect_media::files::{Complete, Kind};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where rows go.
pub enum Sink {
    Standard(io::Stdout),
    File(Complete),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(s) => s.write(bytes),
            Self::File(f) => f.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(s) => s.flush(),
            Self::File(f) => f.flush(),
        }
    }
}

/// Rows in one of the forms.
pub enum Output {
    Csv(Box<csv::Writer<Sink>>),
    Jsonl(BufWriter<Sink>),
}

fn number(value: Option<f32>) -> String {
    value.filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default()
}

/// The input/output error inside a CSV error, so that its kind (a closed pipe, a full disk) is not lost.
fn plain(e: csv::Error) -> io::Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl Output {
    /// Opens the output and writes the header. A file appears under its name when [`Self::finish`] is called.
    pub fn open(path: Option<&Path>, jsonl: bool, set: FeatureSet, level: Level) -> io::Result<Self> {
        let sink = match path {
            Some(p) => Sink::File(Complete::create(p, Kind::Text)?),
            None => Sink::Standard(io::stdout()),
        };
        if jsonl {
            return Ok(Self::Jsonl(BufWriter::new(sink)));
        }
        let list: &[Entry] = match level {
            Level::Lld => set.llds(),
            Level::Functionals => set.functionals(),
        };
        let mut csv = csv::Writer::from_writer(sink);
        let names = list.iter().map(|e| e.name.as_str());
        csv.write_record(["file", "channel", "start_ns", "end_ns"].into_iter().chain(names)).map_err(plain)?;
        Ok(Self::Csv(Box::new(csv)))
    }

    /// Writes one result of `file`.
    pub fn write(&mut self, file: &str, r: &Record) -> io::Result<()> {
        match self {
            Self::Jsonl(w) => {
                w.write_all(r.to_json().as_bytes())?;
                w.write_all(b"\n")
            }
            Self::Csv(w) => {
                let head = [file.to_owned(), r.channel.label(), r.start_ns.to_string(), r.end_ns.to_string()];
                w.write_record(head.into_iter().chain(r.features.iter().map(|f| number(f.value)))).map_err(plain)
            }
        }
    }

    fn sink(self) -> io::Result<Sink> {
        match self {
            Self::Csv(w) => w.into_inner().map_err(|e| io::Error::new(e.error().kind(), e.error().to_string())),
            Self::Jsonl(w) => w.into_inner().map_err(io::IntoInnerError::into_error),
        }
    }

    /// Brings everything to its place.
    pub fn finish(self) -> io::Result<()> {
        match self.sink()? {
            Sink::Standard(mut s) => s.flush(),
            Sink::File(f) => f.finish(),
        }
    }

    /// Leaves an output unfinished; says where what was written is.
    pub fn abandon(self) -> io::Result<Option<PathBuf>> {
        match self.sink()? {
            Sink::Standard(mut s) => s.flush().map(|()| None),
            Sink::File(f) => Ok(f.part().map(Path::to_owned)),
        }
    }
}
