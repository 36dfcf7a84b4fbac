//! Results as CSV, JSON lines or a Parquet table.

use crate::whole::Full;
use crate::{DONE, FAILED, INTERRUPTED};
use affect::features::catalogue::Entry;
use affect::record::Record;
use affect_archive::{Columns, TableError, TableWriter};
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

impl Sink {
    /// Standard output, or a file that appears when it is complete.
    pub fn open(path: Option<&Path>, kind: Kind) -> io::Result<Self> {
        Ok(match path {
            Some(p) => Self::File(Complete::create(p, kind)?),
            None => Self::Standard(io::stdout()),
        })
    }

    /// Brings everything to its place.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut s) => s.flush(),
            Self::File(f) => f.finish(),
        }
    }

    /// Leaves it unfinished; says where what was written is.
    pub fn abandon(self) -> io::Result<Option<PathBuf>> {
        match self {
            Self::Standard(mut s) => s.flush().map(|()| None),
            Self::File(f) => Ok(f.part().map(Path::to_owned)),
        }
    }
}

/// Something that is brought to its place, or left where it is.
pub trait Ending {
    /// Brings everything to its place.
    fn finish(self) -> io::Result<()>;
    /// Leaves an output unfinished; says where what was written is. A table can be read up to there.
    fn abandon(self) -> io::Result<Option<PathBuf>>;
}

/// Says that an output cannot be written; returns the exit code.
pub fn output_failed(path: Option<&Path>, e: &io::Error) -> u8 {
    if e.kind() == io::ErrorKind::BrokenPipe {
        return DONE; // whoever read has had enough
    }
    let name = path.map_or("standard output".to_owned(), |p| format!("\"{}\"", p.display()));
    eprintln!("affect: cannot write to {name}: {e}");
    FAILED
}

/// Ends an output after a batch of files, as that went; returns the exit code.
pub fn ended(outcome: Result<u8, Full>, path: Option<&Path>, output: impl Ending) -> u8 {
    match outcome {
        Ok(INTERRUPTED) => match output.abandon() {
            Ok(Some(part)) => {
                eprintln!("affect: what was done until then is in {}", part.display());
                INTERRUPTED
            }
            Ok(None) => INTERRUPTED,
            Err(e) => output_failed(path, &e),
        },
        Ok(code) => match output.finish() {
            Ok(()) => code,
            Err(e) => output_failed(path, &e),
        },
        Err(Full(e)) => {
            let code = output_failed(path, &e);
            if let Ok(Some(part)) = output.abandon() {
                eprintln!("affect: what was written until then is in {}", part.display());
            }
            code
        }
    }
}

/// Form of the output.
pub enum Form<'a> {
    /// A row for each result, with these features.
    Csv(&'a [Entry]),
    /// A record a line.
    Jsonl,
    /// A table with these columns.
    Parquet(Columns),
}

/// Rows in one of the forms.
pub enum Output {
    Csv(Box<csv::Writer<Sink>>),
    Jsonl(BufWriter<Sink>),
    Parquet(Box<TableWriter<Sink>>),
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

/// The same of a table.
fn table(e: TableError) -> io::Error {
    match e {
        TableError::Io(e) => e,
        other => io::Error::other(other.to_string()),
    }
}

impl Output {
    /// Opens the output and writes the header. A file appears under its name when [`Self::finish`] is called.
    pub fn open(path: Option<&Path>, form: Form<'_>) -> io::Result<Self> {
        let kind = if matches!(form, Form::Parquet(_)) { Kind::Parquet } else { Kind::Text };
        let sink = Sink::open(path, kind)?;
        let entries = match form {
            Form::Jsonl => return Ok(Self::Jsonl(BufWriter::new(sink))),
            Form::Parquet(columns) => {
                let software = concat!("affect ", env!("CARGO_PKG_VERSION")).to_owned();
                let writer = TableWriter::new(sink, &columns, &[("software", software)]).map_err(table)?;
                return Ok(Self::Parquet(Box::new(writer)));
            }
            Form::Csv(entries) => entries,
        };
        let mut csv = csv::Writer::from_writer(sink);
        let names = entries.iter().map(|e| e.name.as_str());
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
            Self::Parquet(w) => w.push(r).map_err(table),
        }
    }

    /// Writes another line, where the form is lines of JSON.
    pub fn write_line(&mut self, json: &str) -> io::Result<()> {
        match self {
            Self::Jsonl(w) => writeln!(w, "{json}"),
            Self::Csv(_) | Self::Parquet(_) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "not a form of JSON lines"))
            }
        }
    }

    /// Lets readers have what there is so far, where the form allows that.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Jsonl(w) => w.flush(),
            Self::Csv(w) => w.flush(),
            Self::Parquet(_) => Ok(()),
        }
    }

    fn sink(self) -> io::Result<Sink> {
        match self {
            Self::Csv(w) => w.into_inner().map_err(|e| io::Error::new(e.error().kind(), e.error().to_string())),
            Self::Jsonl(w) => w.into_inner().map_err(io::IntoInnerError::into_error),
            Self::Parquet(w) => w.finish().map_err(table),
        }
    }
}

impl Ending for Output {
    fn finish(self) -> io::Result<()> {
        self.sink()?.finish()
    }

    fn abandon(self) -> io::Result<Option<PathBuf>> {
        self.sink()?.abandon()
    }
}
