//! Results beside a recording: tiers for Praat and ELAN, cues for players, a document for call analytics.

mod call;
mod textgrid;
mod vtt;

use affect::record::{Ended, Record};
use affect_media::file::Heard;
use affect_media::files::{Complete, Kind};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caption {
    /// Praat's TextGrid: tiers of intervals for each party.
    TextGrid,
    /// WebVTT: a cue for each result.
    Vtt,
    /// JSON in the names of contact-centre analytics.
    Call,
}

impl Caption {
    /// End of the file's name.
    fn ending(self) -> &'static str {
        match self {
            Self::TextGrid => "TextGrid",
            Self::Vtt => "vtt",
            Self::Call => "call.json",
        }
    }

    fn text(self, heard: &Heard, records: &[Record]) -> String {
        let mut final_records: Vec<&Record> = records.iter().filter(|r| r.ended != Ended::Open).collect();
        final_records.sort_by_key(|r| (r.start_ns, r.channel.index));
        match self {
            Self::TextGrid => textgrid::document(heard.end_ns, &final_records),
            Self::Vtt => vtt::document(&final_records),
            Self::Call => call::document(heard, &final_records),
        }
    }
}

/// Where documents go: one to standard output or a file, or one for each recording to a folder.
pub struct Captions {
    form: Caption,
    place: Place,
    written: BTreeSet<PathBuf>,
}

enum Place {
    Standard,
    File(PathBuf),
    Folder(PathBuf),
}

impl Captions {
    /// For so many recordings; `out` is a folder where there are several.
    ///
    /// # Errors
    /// A sentence where several recordings would go to one place.
    pub fn new(form: Caption, out: Option<&Path>, recordings: usize) -> Result<Self, String> {
        let place = match out {
            Some(p) if p.is_dir() => Place::Folder(p.to_owned()),
            Some(p) if recordings == 1 => Place::File(p.to_owned()),
            None if recordings == 1 => Place::Standard,
            _ => {
                return Err(format!(
                    "{recordings} recordings: expected --out FOLDER, a folder that exists, for a .{} of each",
                    form.ending()
                ));
            }
        };
        Ok(Self { form, place, written: BTreeSet::new() })
    }

    /// Writes the document of a recording.
    ///
    /// # Errors
    /// The file system's, and where another recording of the batch has the same name.
    pub fn write(&mut self, file: &str, heard: &Heard, records: &[Record]) -> io::Result<()> {
        let text = self.form.text(heard, records);
        let path = match &self.place {
            Place::Standard => return io::stdout().lock().write_all(text.as_bytes()),
            Place::File(path) => path.clone(),
            Place::Folder(folder) => {
                let name = Path::new(file).file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
                folder.join(format!("{name}.{}", self.form.ending()))
            }
        };
        if !self.written.insert(path.clone()) {
            let taken = format!("{}: another recording of this name has been written", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, taken));
        }
        Complete::write(&path, Kind::Text, text.as_bytes())
    }
}

/// Whom a record is about.
fn party(r: &Record) -> String {
    match (&r.channel.role, r.channel.index) {
        (Some(role), _) => role.to_string(),
        (None, Some(c)) => format!("channel {c}"),
        (None, None) => "mix".to_owned(),
    }
}

/// The label with its confidence; why there is none.
fn label(r: &Record) -> String {
    let Some(s) = &r.scored else { return "features only".to_owned() };
    match (&s.emotion.label, s.emotion.confidence) {
        (Some(label), Some(c)) => format!("{label} {c:.2}"),
        _ => "no label".to_owned(),
    }
}
