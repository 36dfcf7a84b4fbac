//! Rows of features as CSV or JSON lines.

use crate::args::Level;
use affect::analyzer::{Config, FeatureSet, Output as Result_};
use affect::features::catalogue::Entry;
use affect::record::Record;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Where rows go.
pub enum Output {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Jsonl(BufWriter<Box<dyn Write>>),
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
    /// Opens the output and writes the header.
    pub fn open(path: Option<&Path>, jsonl: bool, set: FeatureSet, level: Level) -> io::Result<Self> {
        let inner: Box<dyn Write> = match path {
            Some(p) => Box::new(std::fs::File::create(p)?),
            None => Box::new(io::stdout()),
        };
        if jsonl {
            return Ok(Self::Jsonl(BufWriter::new(inner)));
        }
        let list: &[Entry] = match level {
            Level::Lld => set.llds(),
            Level::Functionals => set.functionals(),
        };
        let mut csv = csv::Writer::from_writer(inner);
        let names = list.iter().map(|e| e.name.as_str());
        csv.write_record(["file", "channel", "start_ns", "end_ns"].into_iter().chain(names)).map_err(plain)?;
        Ok(Self::Csv(Box::new(csv)))
    }

    /// Writes one result of `file`.
    pub fn write(&mut self, file: &str, config: &Config, result: &Result_<'_>) -> io::Result<()> {
        match (self, result) {
            (Self::Jsonl(w), Result_::Segment(record)) => line(w, record),
            (Self::Jsonl(w), Result_::Frame(row)) => line(w, &row.to_record(config)),
            (Self::Csv(w), Result_::Segment(r)) => {
                let head = [file.to_owned(), r.channel.label(), r.start_ns.to_string(), r.end_ns.to_string()];
                w.write_record(head.into_iter().chain(r.features.iter().map(|f| number(f.value)))).map_err(plain)
            }
            (Self::Csv(w), Result_::Frame(row)) => {
                let channel = row.channel.map_or("mix".to_owned(), |c| c.to_string());
                let head = [file.to_owned(), channel, row.start_ns.to_string(), row.end_ns.to_string()];
                w.write_record(head.into_iter().chain(row.columns().iter().map(|v| number(*v)))).map_err(plain)
            }
        }
    }

    /// Brings everything to its place.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(w) => w.flush(),
            Self::Jsonl(w) => w.flush(),
        }
    }
}

fn line(w: &mut impl Write, record: &Record) -> io::Result<()> {
    w.write_all(record.to_json().as_bytes())?;
    w.write_all(b"\n")
}
